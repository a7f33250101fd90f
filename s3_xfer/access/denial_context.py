"""What is known about one denial: evidence, causes, what S3's own words and requests settle.

A request without a proper answer proves nothing, and is not taken for a denial: NoAnswerError.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from s3_xfer.access.documents import PolicyTarget
from s3_xfer.access.probe import answer
from s3_xfer.errors import AccessAction, ErrorClass, ErrorInfo
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
# These say nothing about rights.
NO_ANSWER = frozenset(
    {
        ErrorClass.NETWORK,
        ErrorClass.TIMEOUT,
        ErrorClass.THROTTLED,
        ErrorClass.SERVER_ERROR,
        ErrorClass.EMPTY_RESPONSE,
        ErrorClass.INTERRUPTED,
        ErrorClass.CREDENTIALS_REFUSED,
        ErrorClass.CREDENTIALS_EXPIRED,
        ErrorClass.SOURCE_VANISHED,
        ErrorClass.BUCKET_MISSING,
        ErrorClass.NOTHING_TO_COPY,
    }
)

Request = Callable[..., Any]
Arguments = dict[str, Any]


class NoAnswerError(Exception):
    """A request that was to show something got no answer that does."""


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
        match = _REASON.search(info.message)
        if not match:
            return
        action, reason = match.groups()
        if action.startswith("kms:"):
            reads = action == "kms:Decrypt" and self.action.side == "source"
            self.action = AccessAction.DECRYPT if reads else AccessAction.ENCRYPT
        if "explicit deny" in reason:
            self.set_cause(f"{action} is denied explicitly: {printable(reason)}")
        elif "no identity-based policy" in reason:
            self.targets = _IDENTITY_POLICIES
            self.set_cause(self._not_allowed_by_identity(action), grants_help=True)
        elif "no resource-based policy" in reason:
            self.targets = _RESOURCE_POLICIES
            self.set_cause(f"the {self._resource} does not allow {action}", grants_help=True)

    def is_allowed(self, label: str, request: Request, arguments: Arguments) -> bool:
        """Send a request, and record how it ended; return whether it was allowed."""
        info = denied(request, arguments)
        self.evidence.append(f"{label}: {printable(info.code) if info else 'allowed'}")
        return info is None

    def depends_on_owner(self, request: Request, arguments: Arguments, owner: str | None) -> bool:
        """Return whether a request is denied only with the expected owner."""
        if not owner or not denied(request, {**arguments, "ExpectedBucketOwner": owner}):
            return False
        if denied(request, arguments):
            return False
        self.evidence.append(f"the same request without the expected owner {owner}: allowed")
        self.set_cause(f"{arguments['Bucket']} does not belong to account {owner}")
        return True

    def add_usual_causes(self) -> None:
        """Add what it usually is, after the causes that requests suggest."""
        if not self.causes:
            action = self.action.action
            self.causes.append(self._not_allowed_by_identity(action))
            if self.action.side == "destination":
                self.causes.append(f"the {self._resource} denies it")
            elif not self.by_reader:
                resource = f"the {self._resource} does not allow {action} to {self.principal}"
                self.causes.insert(0, resource)
        self.causes.append(_ANY_DENIAL)

    def _not_allowed_by_identity(self, action: str) -> str:
        return f"the identity policy of {self.principal} does not allow {action}"

    @property
    def _resource(self) -> str:
        is_key = self.action in (AccessAction.DECRYPT, AccessAction.ENCRYPT)
        return f"{self.action.side} {'key' if is_key else 'bucket'}'s policy"


def denied(request: Request, arguments: Arguments) -> ErrorInfo | None:
    """Return why a request was refused, None if it was not.

    Raises:
        NoAnswerError: what came back says nothing about rights.
    """
    info = answer(request, arguments)
    if info and info.error_class in NO_ANSWER:
        raise NoAnswerError(printable(f"{info.code} {info.message}".strip()))
    return info
