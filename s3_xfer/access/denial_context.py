"""What is known about one denial: evidence, causes, and what S3's own words already settle."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from s3_xfer.access.documents import PolicyTarget
from s3_xfer.errors import AccessAction, ErrorInfo
from s3_xfer.text import printable

# "User: ARN is not authorized to perform: ACTION on resource: ARN because REASON", which AWS says
# within an account and an organisation, and for keys.
_REASON = re.compile(
    r"not authorized to perform: (\w+:\w+).*? (because .+|with an explicit deny.*)"
)
_IDENTITY_POLICIES = (PolicyTarget.COPIER, PolicyTarget.READER)
_RESOURCE_POLICIES = tuple(target for target in PolicyTarget if target not in _IDENTITY_POLICIES)
_ANY_DENIAL = (
    "a denial elsewhere: organisation (SCP, RCP), permissions boundary, session policy, "
    "VPC endpoint policy"
)


@dataclass(slots=True)
class DenialContext:
    """One denial under diagnosis.

    ``principal`` says in words who was denied; ``by_reader`` whether the source's own credentials
    were. ``targets`` are the documents where a statement may be missing.
    """

    action: AccessAction
    principal: str
    by_reader: bool
    evidence: list[str] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)
    certain: bool = False
    grants_help: bool = True
    kms_keys: tuple[str, ...] = ()
    targets: tuple[PolicyTarget, ...] = tuple(PolicyTarget)

    def set_cause(self, cause: str, *, grants_help: bool = False) -> None:
        """Make ``cause`` the certain one; only a request or S3's own words may call this."""
        self.causes.insert(0, cause)
        self.certain = True
        self.grants_help = grants_help

    def read_answer(self, info: ErrorInfo) -> None:
        """Use the reason that AWS's longer message gives, if there is one."""
        if info.message:
            self.evidence.append(f"S3 said {printable(info.code)}: {printable(info.message)}")
        reason = _REASON.search(info.message)
        if reason:
            self._use_reason(*reason.groups())

    def _use_reason(self, action: str, reason: str) -> None:
        if action.startswith("kms:"):
            reads = action == "kms:Decrypt" and self.action.side == "source"
            self.action = AccessAction.DECRYPT if reads else AccessAction.ENCRYPT
        if "explicit deny" in reason:
            self.set_cause(f"{action} is denied explicitly: {printable(reason)}")
        elif "no identity-based policy" in reason:
            self.targets = _IDENTITY_POLICIES
            cause = f"the identity policy of {self.principal} does not allow {action}"
            self.set_cause(cause, grants_help=True)
        elif "no resource-based policy" in reason:
            self.targets = _RESOURCE_POLICIES
            self.set_cause(f"the {self._resource} does not allow {action}", grants_help=True)

    def add_usual_causes(self) -> None:
        """Add what it usually is, after the causes that requests suggest."""
        if not self.causes:
            action, resource = self.action.action, self._resource
            identity = f"the identity policy of {self.principal} does not allow {action}"
            if self.action.side == "destination":
                self.causes += [identity, f"the {resource} denies it"]
            elif self.by_reader:
                self.causes.append(identity)
            else:
                self.causes += [f"the {resource} does not allow {action} to {self.principal}"]
                self.causes.append(identity)
        self.causes.append(_ANY_DENIAL)

    @property
    def _resource(self) -> str:
        is_key = self.action in (AccessAction.DECRYPT, AccessAction.ENCRYPT)
        return f"{self.action.side} {'key' if is_key else 'bucket'}'s policy"
