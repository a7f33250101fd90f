"""The exceptions of this package, each with what is wrong, what to do next, and its class.

What a denial means is a value that :mod:`s3_xfer.access.diagnosis` fills. Every string of it is
safe to print, except the JSON of a statement, which is pasted.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from s3_xfer.errors.base import S3XferError, check_fields, checked_call
from s3_xfer.errors.error_class import ErrorClass
from s3_xfer.wording import LIBRARY, Wording


class AccessAction(enum.Enum):
    """What a copy does that can be denied: the side that must allow it, and the right it takes."""

    side: str
    action: str

    def __new__(cls, value: str, side: str, action: str) -> AccessAction:
        """Attach side and action to the member."""
        member = object.__new__(cls)
        member._value_, member.side, member.action = value, side, action
        return member

    LIST = "list the source", "source", "s3:ListBucket"
    HEAD = "look at a source object", "source", "s3:GetObject"
    READ_TAGS = "read the tags", "source", "s3:GetObjectTagging"
    COPY_TAGS = "read the tags for a copy", "source", "s3:GetObjectTagging"
    READ = "read the source for a copy", "source", "s3:GetObject"
    DECRYPT = "decrypt the source", "source", "kms:Decrypt"
    WRITE = "write to the destination", "destination", "s3:PutObject"
    WRITE_ACL = "set the ACL", "destination", "s3:PutObjectAcl"
    WRITE_TAGS = "write the tags", "destination", "s3:PutObjectTagging"
    ENCRYPT = "encrypt the copy", "destination", "kms:GenerateDataKey"
    ABORT = "abort an upload", "destination", "s3:AbortMultipartUpload"
    LOOK = "look at what exists", "destination", "s3:GetObject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A statement that may be missing, and where it belongs."""

    where: str
    """The policy that it belongs to."""
    statement: str
    """The statement as JSON, ready to paste."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What a denial means, as far as requests could show.

    ``evidence`` is what was tried and what came of it; ``causes`` are in the order of their
    likelihood; ``certain`` says that the first one is proven.
    """

    denied: str
    """What was denied, to whom."""
    side: str
    """``source`` or ``destination``; empty where nothing tells."""
    action: str
    """The right that is missing, such as ``s3:PutObject``."""
    causes: tuple[str, ...]
    """What may be the cause, the likeliest first."""
    certain: bool = False
    """Whether the first cause is proven."""
    evidence: tuple[str, ...]
    """What was tried, and what came of it."""
    missing: tuple[Missing, ...] = ()
    """Statements that may be missing."""
    runbook: str = ErrorClass.ACCESS_DENIED.runbook
    """Where the runbook explains it."""

    def __post_init__(self) -> None:
        check_fields(self)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self, wording: Wording = LIBRARY) -> Iterator[str]:
        """Return it as a person reads it, in the words of a front end."""
        yield f"Diagnosis: {self.denied}"
        yield from (f"  seen: {wording.say(observation)}" for observation in self.evidence)
        for number, cause in enumerate(self.causes, start=1):
            label = "cause" if self.certain and number == 1 else f"likely cause {number}"
            yield f"  {label}: {wording.say(cause)}"
        for missing in self.missing:
            yield f"  needed in the {missing.where}:"
            yield from (f"    {line}" for line in missing.statement.splitlines())

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {**asdict(self), "side": self.side or None, "action": self.action or None}


class PreflightError(S3XferError):
    """Buckets, keys or permissions are not as the copy needs them. Nothing was written.

    ``action`` says what was tried, where that is known; ``info`` is S3's answer; ``diagnosis``
    is what a denial means, once that was looked into.
    """

    @checked_call
    def __init__(
        self,
        problem: str,
        *,
        remedy: str = "",
        error_class: ErrorClass | None = None,
        action: AccessAction | None = None,
        info: ErrorInfo | None = None,
    ) -> None:
        super().__init__(problem, remedy=remedy, error_class=error_class)
        self.action = action
        self.info = info
        self.diagnosis: Diagnosis | None = None

    def text(self, wording: Wording) -> str:
        """Return the message with the diagnosis below it."""
        lines = self.diagnosis.lines(wording) if self.diagnosis else ()
        return "\n".join([super().text(wording), *lines])


class ReportError(S3XferError):
    """A report file cannot be read as input, or cannot be written."""

    _usual_class = ErrorClass.REPORT_UNUSABLE


class ListError(S3XferError):
    """A list of keys, or an inventory, cannot be used as input."""

    _usual_class = ErrorClass.LIST_UNUSABLE


class PlanError(S3XferError):
    """A plan is damaged, of another version, or cannot be read or written."""

    _usual_class = ErrorClass.PLAN_UNUSABLE


class JournalError(S3XferError):
    """A journal is damaged, in use, of another copy, or cannot be read or written."""

    _usual_class = ErrorClass.JOURNAL_UNUSABLE


class RunAborted(S3XferError):  # noqa: N818 - an end, reported as such
    """The run ended early: an error made every further copy pointless."""


def malformed(problem: str) -> RunAborted:
    """Return the end of a run whose S3 service gave an answer that cannot be trusted."""
    return RunAborted(problem, error_class=ErrorClass.MALFORMED)


def unsupported(problem: str, *, remedy: str = "") -> RunAborted:
    """Return the end of a run whose S3 service lacks what cannot be done without."""
    return RunAborted(problem, remedy=remedy, error_class=ErrorClass.NOT_SUPPORTED)


class RunCancelled(S3XferError):  # noqa: N818 - an end, reported as such
    """The run ended early because it was asked to."""


class CopyFailed(S3XferError):  # noqa: N818 - the mission's word for this end
    """The run finished, but some objects were not copied. The message names the first of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorInfo:
    """What is known about one foreign error, in our terms."""

    error_class: ErrorClass
    """What it is, in our terms."""
    code: str
    """S3's code, or the name of the exception's class."""
    message: str
    """What S3, or the exception, says."""
    http_status: int | None = None
    """The status of the answer; None if there was none."""
    request_id: str | None = None
    """The id by which AWS's support finds the request."""
    attempts: int = 1
    """How often the request was sent; 0 if it never was."""

    def __post_init__(self) -> None:
        check_fields(self)


class ObjectError(S3XferError):
    """One object was not copied. ``info`` is the last error seen."""

    @checked_call
    def __init__(self, info: ErrorInfo) -> None:
        super().__init__(info.error_class.description, error_class=info.error_class)
        self.info = info

    @classmethod
    def of(cls, error_class: ErrorClass, message: str, *, attempts: int = 0) -> ObjectError:
        """Return an error that this package found by itself, without an answer from S3."""
        return cls(
            ErrorInfo(
                error_class=error_class, code=error_class.value, message=message, attempts=attempts
            )
        )
