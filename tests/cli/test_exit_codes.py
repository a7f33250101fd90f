"""From the end of a run, or an exception, to the exit code."""

from __future__ import annotations

import pytest
from click import UsageError

from s3_xfer.cli.exit_codes import ExitCode, exit_code
from s3_xfer.errors import (
    CopyFailed,
    PreflightError,
    ReportError,
    RunAborted,
    RunCancelled,
    ValidationError,
)
from s3_xfer.ledger.result import CopyResult, RunState
from tests.render import samples

BROKEN = RunAborted("x")


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (samples.clean(), 0),
        (samples.result(), 1),
        (samples.clean(cancelled_by="Ctrl-C"), 130),
        (samples.clean(cancelled_by="SIGTERM"), 143),
        (samples.clean(cancelled_by="SIGHUP"), 129),
        (samples.clean(cancelled_by="deadline"), 124),
        (samples.result(aborted_by=BROKEN), 4),
        (samples.result(aborted_by=BROKEN, cancelled_by="Ctrl-C"), 4),
        (
            CopyResult(
                state=RunState.COMPLETED,
                metrics=samples.ended(files_failed=0, files_not_attempted=1),
            ),
            1,
        ),
        (ValidationError("x"), 3),
        (PreflightError("x"), 3),
        (ReportError("x"), 3),
        (BROKEN, 4),
        (RunCancelled("x"), 130),
        (CopyFailed("x"), 1),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 70),
        (UsageError("x"), 70),
        (ZeroDivisionError(), 70),
    ],
)
def test_every_end_has_its_code(end: CopyResult | BaseException, code: int) -> None:
    """Only a complete run is 0; what has no code of its own is an internal error."""
    assert exit_code(end) == code


def test_codes_are_stable() -> None:
    """The numbers are API: scripts branch on them."""
    assert {code.name: int(code) for code in ExitCode} == {
        "OK": 0,
        "FAILED_OBJECTS": 1,
        "USAGE": 2,
        "REFUSED": 3,
        "ABORTED": 4,
        "DIFFERENT": 5,
        "UNPROVEN": 6,
        "TOO_MANY_DELETES": 7,
        "INTERNAL": 70,
        "PERMANENT": 78,
        "DEADLINE": 124,
        "HANGUP": 129,
        "INTERRUPTED": 130,
        "TERMINATED": 143,
    }
