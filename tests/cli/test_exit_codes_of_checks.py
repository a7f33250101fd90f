"""From the end of a check, or a journal that cannot be used, to the exit code."""

from __future__ import annotations

from typing import Any

import pytest

from s3_xfer.cli.exit_codes import exit_code
from s3_xfer.comparison import CompareResult, CompareStatus, FailOn
from s3_xfer.errors import ErrorClass, JournalError, RunAborted
from s3_xfer.ledger.comparison import CheckResult, Comparison
from tests.render import samples

SAME, MISSING = CompareStatus.SAME, CompareStatus.MISSING
BROKEN = {"aborted_by": RunAborted("x")}


@pytest.mark.parametrize(
    ("statuses", "end", "code"),
    [
        ([SAME], {}, 0),
        ([SAME, CompareStatus.SAME_SIZE], {}, 0),
        ([SAME, MISSING], {}, 5),
        ([SAME, CompareStatus.DIFFERENT], {}, 5),
        ([SAME, CompareStatus.EXTRA], {}, 5),
        ([SAME, CompareStatus.NOT_COMPARED], {}, 1),
        ([MISSING, CompareStatus.NOT_COMPARED], {}, 5),
        ([SAME], {"cancelled_by": "Ctrl-C"}, 130),
        ([MISSING], {"cancelled_by": "SIGTERM"}, 143),
        ([MISSING], {"cancelled_by": "deadline"}, 124),
        ([SAME], BROKEN, 4),
        ([MISSING], BROKEN | {"cancelled_by": "Ctrl-C"}, 4),
    ],
)
def test_every_end_of_a_check_has_its_code(
    statuses: list[CompareStatus], end: dict[str, Any], code: int
) -> None:
    """Why it ended comes before what it found, and a difference before what is not known."""
    comparison = Comparison()
    for status in statuses:
        comparison.add(CompareResult(status=status))
    result = CheckResult(metrics=samples.ended(), totals=comparison.totals(), **end)

    assert exit_code(result) == code


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ([SAME], 0),
        ([SAME, CompareStatus.SAME_SIZE], 5),
        ([MISSING, CompareStatus.SAME_SIZE], 5),
        ([CompareStatus.SAME_SIZE, CompareStatus.NOT_COMPARED], 5),
        ([SAME, CompareStatus.NOT_COMPARED], 1),
    ],
)
def test_whoever_wants_proof_has_a_difference_without_it(
    statuses: list[CompareStatus], code: int
) -> None:
    """With ``FailOn.SAME_SIZE``, what has only the same size is a difference."""
    comparison = Comparison(fail_on=FailOn.SAME_SIZE)
    for status in statuses:
        comparison.add(CompareResult(status=status))

    assert exit_code(CheckResult(metrics=samples.ended(), totals=comparison.totals())) == code


@pytest.mark.parametrize("kind", [ErrorClass.JOURNAL_UNUSABLE, ErrorClass.JOURNAL_BUSY])
def test_a_journal_that_cannot_be_used_is_a_refusal(kind: ErrorClass) -> None:
    """A refused journal means that nothing was written, so it has the code of a refusal."""
    assert exit_code(JournalError("x", error_class=kind)) == 3
