"""Exit codes are API: scripts and schedulers branch on them, so they are defined in one table.

An end without a code of its own is ``INTERNAL``, never ``OK``.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, TypeAlias

from s3_xfer.errors import (
    CopyFailed,
    ErrorClass,
    JournalError,
    ListError,
    PlanError,
    PreflightError,
    ReportError,
    RunAborted,
    RunCancelled,
    S3XferError,
    ValidationError,
)
from s3_xfer.ledger.comparison import CheckResult
from s3_xfer.ledger.result import CopyResult, RunState
from s3_xfer.pipeline.stop import BY_DEADLINE

if TYPE_CHECKING:
    from s3_xfer.plans.result import PlanResult

BY_CTRL_C = "Ctrl-C"  # the reason given to the run, which its result repeats
BY_SIGTERM = "SIGTERM"
BY_SIGHUP = "SIGHUP"


class ExitCode(enum.IntEnum):
    """How the process ended, each with its meaning for a caller."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> ExitCode:
        """Attach the meaning; the member stays a plain integer."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    OK = 0, "everything was copied, or skipped on request"
    FAILED_OBJECTS = 1, "the run finished, some objects were not copied"
    USAGE = 2, "the command line cannot be read"
    REFUSED = 3, "refused before anything was written (a value, access, report, journal)"
    ABORTED = 4, "an error ended the run early"
    DIFFERENT = 5, "check found differences"
    UNPROVEN = 6, "doctor: no check failed, but some could not be made"
    TOO_MANY_DELETES = 7, "everything was copied, nothing was deleted: it would be too much"
    INTERNAL = 70, "an error of this program"
    PERMANENT = 78, "a shard failed for a reason that another attempt would meet as well"
    DEADLINE = 124, "stopped by --deadline"
    HANGUP = 129, "stopped by SIGHUP: the terminal or the ssh session is gone"
    INTERRUPTED = 130, "stopped by Ctrl-C"
    TERMINATED = 143, "stopped by SIGTERM"


_ErrorTypes: TypeAlias = type[BaseException] | tuple[type[BaseException], ...]
_BY_ERROR: tuple[tuple[_ErrorTypes, ExitCode], ...] = (
    (
        (ValidationError, PreflightError, ReportError, JournalError, ListError, PlanError),
        ExitCode.REFUSED,
    ),
    (RunAborted, ExitCode.ABORTED),
    ((RunCancelled, KeyboardInterrupt), ExitCode.INTERRUPTED),
    (CopyFailed, ExitCode.FAILED_OBJECTS),
)

_BY_REASON = {
    BY_SIGTERM: ExitCode.TERMINATED,
    BY_SIGHUP: ExitCode.HANGUP,
    BY_DEADLINE: ExitCode.DEADLINE,
}


def exit_code(end: CopyResult | CheckResult | PlanResult | BaseException) -> ExitCode:
    """Return the code for a result, or for the exception raised instead of one.

    In a check, what is not proven different is no difference.
    """
    if isinstance(end, BaseException):
        return next((code for kind, code in _BY_ERROR if isinstance(end, kind)), ExitCode.INTERNAL)
    if end.aborted_by:
        is_too_much = end.aborted_by.error_class is ErrorClass.TOO_MANY_DELETES
        return ExitCode.TOO_MANY_DELETES if is_too_much else ExitCode.ABORTED
    if end.cancelled_by:
        return code_of_stop(end.cancelled_by)
    if isinstance(end, CopyResult):
        return _code_of_copy(end)
    if isinstance(end, CheckResult):
        return _code_of_check(end)
    return ExitCode.OK if end.plan else ExitCode.INTERNAL


def _code_of_check(end: CheckResult) -> ExitCode:
    if end.totals.differences:
        return ExitCode.DIFFERENT
    return ExitCode.OK if end.no_difference else ExitCode.FAILED_OBJECTS


def _code_of_copy(end: CopyResult) -> ExitCode:
    missing = end.metrics.files_failed + end.metrics.files_not_attempted
    is_complete = end.state is RunState.COMPLETED and not missing
    return ExitCode.OK if is_complete else ExitCode.FAILED_OBJECTS


def shard_exit_code(end: CopyResult | S3XferError) -> ExitCode:
    """Return the code of an attempt at a shard: one code says that another is in vain."""
    if isinstance(end, S3XferError):
        return ExitCode.PERMANENT if end.is_permanent else exit_code(end)
    return ExitCode.PERMANENT if end.is_permanent_failure else exit_code(end)


def code_of_stop(reason: str | None) -> ExitCode:
    """Return the code of what was stopped for ``reason``."""
    return _BY_REASON.get(reason or "", ExitCode.INTERRUPTED)
