"""Exit codes are API: scripts and schedulers branch on them, so they are defined in one table.

An end without a code of its own is ``INTERNAL``, never ``OK``.
"""

from __future__ import annotations

import enum

from s3_xfer.errors import (
    CopyFailed,
    JournalError,
    PreflightError,
    ReportError,
    RunAborted,
    RunCancelled,
    ValidationError,
)
from s3_xfer.ledger.comparison import CheckResult
from s3_xfer.ledger.result import CopyResult, RunState
from s3_xfer.pipeline.stop import BY_DEADLINE

BY_SIGTERM = "SIGTERM"  # the reason given to the run, which its result repeats
BY_CTRL_C = "Ctrl-C"


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
    USAGE = 2, "the command line is wrong"
    REFUSED = 3, "refused before anything was written (input, access, report, journal)"
    ABORTED = 4, "an error ended the run early"
    DIFFERENT = 5, "check found differences"
    INTERNAL = 70, "an error of this program"
    DEADLINE = 124, "stopped by --deadline"
    INTERRUPTED = 130, "stopped by Ctrl-C"
    OUTPUT_CLOSED = 141, "stdout was closed before everything was printed"
    TERMINATED = 143, "stopped by SIGTERM"


_BY_ERROR: tuple[tuple[type[BaseException], ExitCode], ...] = (
    (ValidationError, ExitCode.REFUSED),
    (PreflightError, ExitCode.REFUSED),
    (ReportError, ExitCode.REFUSED),
    (JournalError, ExitCode.REFUSED),
    (RunAborted, ExitCode.ABORTED),
    (RunCancelled, ExitCode.INTERRUPTED),
    (KeyboardInterrupt, ExitCode.INTERRUPTED),
    (CopyFailed, ExitCode.FAILED_OBJECTS),
    (BrokenPipeError, ExitCode.OUTPUT_CLOSED),
)

_BY_REASON = {BY_SIGTERM: ExitCode.TERMINATED, BY_DEADLINE: ExitCode.DEADLINE}


def exit_code(end: CopyResult | BaseException) -> ExitCode:
    """Return the code for the result of a run, or for the exception raised instead of one."""
    if isinstance(end, CopyResult):
        return _of_result(end)
    return next((code for kind, code in _BY_ERROR if isinstance(end, kind)), ExitCode.INTERNAL)


def _of_result(result: CopyResult) -> ExitCode:
    if result.aborted_by:
        return ExitCode.ABORTED
    if result.cancelled_by:
        return _BY_REASON.get(result.cancelled_by, ExitCode.INTERRUPTED)
    complete = result.state is RunState.COMPLETED
    missing = result.metrics.files_failed + result.metrics.files_not_attempted
    return ExitCode.OK if complete and not missing else ExitCode.FAILED_OBJECTS


def exit_code_of_check(result: CheckResult) -> ExitCode:
    """Return the code for the end of a check; what is not proven different is no difference."""
    if result.aborted_by:
        return ExitCode.ABORTED
    if result.cancelled_by:
        return _BY_REASON.get(result.cancelled_by, ExitCode.INTERRUPTED)
    if result.totals.differences:
        return ExitCode.DIFFERENT
    return ExitCode.OK if result.no_difference else ExitCode.FAILED_OBJECTS
