"""The exceptions of this package, each with what is wrong, what to do next, and its class."""

from __future__ import annotations

from dataclasses import dataclass

from s3_xfer.errors.denial import AccessAction, Diagnosis
from s3_xfer.errors.error_class import ErrorClass


class S3XferError(Exception):
    """Base of all errors of this package.

    ``problem`` says what is wrong, ``remedy`` what to do next, ``error_class`` what it is.
    ``str()`` joins them into the message for a person.
    """

    _usual_class: ErrorClass | None = None

    def __init__(
        self, problem: str, *, remedy: str = "", error_class: ErrorClass | None = None
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.error_class = error_class or self._usual_class
        self.remedy = remedy or (self.error_class.remedy if self.error_class else "")

    def __str__(self) -> str:
        parts = [self.problem]
        if self.remedy:
            parts.append(f"Next: {self.remedy}.")
        if self.error_class:
            parts.append(self.error_class.see)
        return "\n".join(parts)


class ValidationError(S3XferError):
    """The inputs are wrong in themselves. Raised before any request is sent."""

    _usual_class = ErrorClass.INVALID_INPUT


class PreflightError(S3XferError):
    """Buckets, keys or permissions are not as the copy needs them. Nothing was written.

    ``action`` says what was tried, where that is known; ``info`` is S3's answer; ``diagnosis``
    is what a denial means, once that was looked into.
    """

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

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.diagnosis}" if self.diagnosis else super().__str__()


class ReportError(S3XferError):
    """A report file cannot be read as input, or cannot be written."""

    _usual_class = ErrorClass.REPORT_UNUSABLE


class JournalError(S3XferError):
    """A journal is damaged, in use, of another copy, or cannot be read or written."""

    _usual_class = ErrorClass.JOURNAL_UNUSABLE


class RunAborted(S3XferError):  # noqa: N818 - an end, reported as such
    """The run ended early: an error made every further copy pointless."""


class RunCancelled(S3XferError):  # noqa: N818 - an end, reported as such
    """The run ended early because it was asked to."""


class CopyFailed(S3XferError):  # noqa: N818 - the mission's word for this end
    """The run finished, but some objects were not copied. The message names the first of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorInfo:
    """What is known about one foreign error, in our terms."""

    error_class: ErrorClass
    code: str  # S3's code, or the name of the exception's class
    message: str
    http_status: int | None = None
    request_id: str | None = None
    attempts: int = 1  # how often the request was sent; 0 if it never was


class ObjectError(S3XferError):
    """One object was not copied. ``info`` is the last error seen."""

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
