"""What is known about one denial: evidence, causes, and where a statement may be missing.

A request without a proper answer proves nothing, and is not taken for a denial: NoAnswerError.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from s3_xfer.access.documents import PolicyTarget, Principal
from s3_xfer.access.probe import answer
from s3_xfer.access.stated_denial import StatedDenial, stated_denial
from s3_xfer.errors import AccessAction, ErrorClass, ErrorInfo
from s3_xfer.text import printable
from s3_xfer.wording import message

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

    ``step`` is what was tried, ``permission`` the right that it lacked, on ``side``. ``principal``
    says in words who was denied, ``copier`` who copies, if that is known; ``by_reader`` is whether
    the source's own credentials were denied. ``owners`` are the accounts of both buckets, as far as
    they were given. ``targets`` are the documents that may lack a statement, ``key_arns`` the keys
    that it is about.
    """

    step: AccessAction
    principal: str
    by_reader: bool
    copier: Principal | None = None
    owners: dict[str, str | None] = field(default_factory=dict)
    is_unprotected: bool = False  # the requests went over http
    copied: int = 0  # objects of the same run
    side: str = ""
    permission: str = ""
    stated: StatedDenial | None = None
    evidence: list[str] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)
    certain: bool = False
    key_arns: tuple[str, ...] = ()
    targets: tuple[PolicyTarget, ...] = ()

    def __post_init__(self) -> None:
        self.take_step(self.step)

    def take_step(self, step: AccessAction) -> None:
        """Make ``step`` what was denied."""
        self.step, self.side, self.permission = step, step.side, step.action
        self.targets = self.usual_targets()

    def take_permission(self, permission: str, side: str) -> None:
        """Make ``permission`` on ``side`` what was denied; the step is the one that takes it."""
        if (self.step.action, self.step.side) != (permission, side):
            steps = [each for each in AccessAction if each.side == side]
            exact = [each for each in steps if each.action == permission]
            is_key = permission.startswith("kms:")
            alike = [each for each in steps if each.action.startswith("kms:") is is_key]
            self.step = (exact or alike)[-1 if side == "source" and not is_key else 0]
        self.permission, self.side = permission, side
        self.targets = self.usual_targets()

    def usual_targets(self) -> tuple[PolicyTarget, ...]:
        """Return the documents of which any may lack the permission, as far as is known."""
        is_key = self.permission.startswith("kms:")
        if self.side == "source":
            if self.by_reader:
                return (PolicyTarget.READER,)
            resource = PolicyTarget.SOURCE_KEY if is_key else PolicyTarget.SOURCE_BUCKET
        else:
            resource = PolicyTarget.DESTINATION_KEY if is_key else PolicyTarget.DESTINATION_BUCKET
        return (PolicyTarget.COPIER,) if self.is_own_account else (resource, PolicyTarget.COPIER)

    @property
    def resource_account(self) -> str:
        """The account of the bucket or key, empty if it is not known."""
        if self.permission.startswith("kms:") and self.key_arns:
            return self.key_arns[0].split(":")[4]
        return self.owners.get(self.side) or ""

    @property
    def is_own_account(self) -> bool:
        """Whether the bucket or key is known to belong to the copier's account."""
        account = self.copier.account if self.copier else ""  # Ceph names none in its ARNs
        return bool(account) and account == self.resource_account

    def set_cause(self, cause: str, *targets: PolicyTarget) -> None:
        """Make ``cause`` the certain one; only a request or S3's own words may call this.

        ``targets`` are the documents that lack a statement; none where no grant can help.
        """
        self.causes = [cause, *self.causes]
        self.certain = True
        self.targets = targets

    def suspect(self, *causes: str, grants_help: bool = True) -> None:
        """Add causes that are likely, in order."""
        self.causes += causes
        if not grants_help:
            self.targets = ()

    def note_answer(self, info: ErrorInfo) -> StatedDenial | None:
        """Keep an answer as evidence; return, and keep, what AWS says in it about the denial."""
        if info.message:
            self.evidence.append(f"S3 said {printable(info.code)}: {printable(info.message)}")
        stated = stated_denial(info)
        self.stated = stated or self.stated
        return stated

    # ------------------------------------------------------------------------- trials

    def is_allowed(self, label: str, request: Request, arguments: Arguments) -> bool:
        """Send a request, and record how it ended; return whether it was allowed."""
        info = denied(request, arguments)
        answered = printable(info.code) if info else "allowed"
        self.evidence.append(message("{label}: {answered}", label=label, answered=answered))
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


def denied(request: Request, arguments: Arguments) -> ErrorInfo | None:
    """Return why a request was refused, None if it was not.

    Raises:
        NoAnswerError: what came back says nothing about rights.
    """
    info = answer(request, arguments)
    if info and info.error_class in NO_ANSWER:
        raise NoAnswerError(printable(f"{info.code} {info.message}".strip()))
    return info
