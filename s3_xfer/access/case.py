"""What is known about one denial: evidence, causes, and what S3's own words already settle."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from s3_xfer.access.documents import Place
from s3_xfer.errors import ErrorFacts
from s3_xfer.findings import Step
from s3_xfer.text import printable

# "User: ARN is not authorized to perform: ACTION on resource: ARN because REASON", which AWS says
# within an account and an organisation, and for keys.
_SAYS_WHY = re.compile(
    r"not authorized to perform: (\w+:\w+).*? (because .+|with an explicit deny.*)"
)
_IDENTITY_POLICIES = (Place.COPIER, Place.READER)
_ANY_DENIAL = (
    "a denial elsewhere: organisation (SCP, RCP), permissions boundary, session policy, "
    "VPC endpoint policy"
)


@dataclass(slots=True)
class Case:
    """One denial under investigation. ``own`` says that the source's own credentials met it."""

    step: Step
    who: str
    own: bool
    evidence: list[str] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)
    certain: bool = False
    grants_help: bool = True
    keys: tuple[str, ...] = ()  # KMS keys that matter
    places: tuple[Place, ...] = tuple(Place)  # where the statement may be missing

    def proven(self, cause: str, *, grants_help: bool = False) -> None:
        """Take ``cause`` for certain; only a request or S3's own words may call this."""
        self.causes.insert(0, cause)
        self.certain = True
        self.grants_help = grants_help

    def believe(self, facts: ErrorFacts) -> None:
        """Take the reason that AWS's longer message gives, if there is one."""
        if facts.message:
            self.evidence.append(f"S3 said {printable(facts.code)}: {printable(facts.message)}")
        said = _SAYS_WHY.search(facts.message)
        if said:
            self._take(*said.groups())

    def _take(self, action: str, reason: str) -> None:
        if action.startswith("kms:"):
            reads = action == "kms:Decrypt" and self.step.side == "source"
            self.step = Step.DECRYPT if reads else Step.ENCRYPT
        if "explicit deny" in reason:
            self.proven(f"{action} is denied explicitly: {printable(reason)}")
        elif "no identity-based policy" in reason:
            self.places = _IDENTITY_POLICIES
            cause = f"the identity policy of {self.who} does not allow {action}"
            self.proven(cause, grants_help=True)
        elif "no resource-based policy" in reason:
            self.places = tuple(place for place in Place if place not in _IDENTITY_POLICIES)
            self.proven(f"the {self._resource} does not allow {action}", grants_help=True)

    def add_usual_causes(self) -> None:
        """Add, after what was found out, what it usually is."""
        if not self.causes:
            own = f"the identity policy of {self.who} does not allow {self.step.action}"
            theirs = f"the {self._resource} does not allow {self.step.action} to {self.who}"
            if self.step.side == "destination":
                self.causes += [own, f"the {self._resource} denies it"]
            else:
                self.causes += [own] if self.own else [theirs, own]
        self.causes.append(_ANY_DENIAL)

    @property
    def _resource(self) -> str:
        kind = "key" if self.step in (Step.DECRYPT, Step.ENCRYPT) else "bucket"
        return f"{self.step.side} {kind}'s policy"
