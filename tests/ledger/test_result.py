"""The end of a run as an exception, and as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from s3_xfer.cli.wording import COMMAND_LINE
from s3_xfer.errors import CopyFailed, ErrorClass, RunAborted, RunCancelled
from s3_xfer.ledger.prices import Bill
from s3_xfer.ledger.result import CopyResult, RunState
from s3_xfer.model import OpenUpload
from tests.render import samples

ABORTED = RunAborted("the credentials have expired", error_class=ErrorClass.CREDENTIALS_EXPIRED)
JOURNAL: dict[str, Any] = {"journal": "copy.db"}
FAILED = samples.result(
    metrics=samples.ended(errors_encountered=("the first line", "the second line"))
)


def raised_by(result: CopyResult) -> Exception:
    """Return what ``result`` raises."""
    with pytest.raises((RunAborted, RunCancelled, CopyFailed)) as raised:
        result.raise_for_failures()
    return raised.value


def test_a_complete_run_raises_nothing() -> None:
    """What was skipped on request is no failure."""
    samples.clean().raise_for_failures()
    samples.clean(metrics=samples.ended(files_failed=0, files_skipped=9)).raise_for_failures()


def test_failures_are_raised_with_the_first_of_them() -> None:
    """The error says how many of how many failed, and has the words and the class of the first."""
    error = raised_by(FAILED)

    assert isinstance(error, CopyFailed)
    assert error.problem == "3 objects of 50,000 failed; the first: the first line"
    assert error.error_class is ErrorClass.ACCESS_DENIED


def test_failures_without_details_are_raised_too() -> None:
    """A result that keeps no failure has counted them all the same."""
    error = raised_by(samples.result(metrics=samples.ended(errors_encountered=("x",)), failures=()))

    assert isinstance(error, CopyFailed)
    assert error.error_class is None


@pytest.mark.parametrize("cancelled_by", [None, "Ctrl-C"])
def test_the_error_that_ended_a_run_is_raised_before_all_else(cancelled_by: str | None) -> None:
    """It is the cause of what failed and of the stop, so it is raised itself."""
    result = samples.result(aborted_by=ABORTED, cancelled_by=cancelled_by)

    assert raised_by(result) is ABORTED


def test_a_stopped_run_says_by_what_and_after_how_many_objects() -> None:
    """A stop is raised even if objects have failed before it."""
    error = raised_by(samples.result(cancelled_by="SIGTERM"))

    assert isinstance(error, RunCancelled)
    assert error.problem == "the run was stopped (SIGTERM) after 49,977 objects"


@pytest.mark.parametrize("change", [{"cancelled_by": "Ctrl-C"}, {}], ids=["stopped", "failed"])
def test_the_remedy_names_the_journal_only_if_it_can_be_resumed(change: dict[str, Any]) -> None:
    """A journal with something left is resumed; else a report is copied, if there is one."""
    metrics = FAILED.metrics
    resumable = samples.result(metrics=metrics, resumable=True, **JOURNAL, **change)
    complete = samples.result(metrics=metrics, resumable=False, **JOURNAL, **change)
    reported = samples.result(metrics=metrics, report_path=Path("r.jsonl"), **change)
    without = samples.result(metrics=metrics, report_path=None, **change)

    errors = [raised_by(each) for each in (resumable, complete, reported, without)]

    assert [COMMAND_LINE.say(error.remedy) for error in errors] == [  # type: ignore[attr-defined]
        "go on from its journal: s3-xfer resume copy.db",
        "run it again; --skip-identical leaves out what has arrived",
        "run it again with --from-report r.jsonl",
        "run it again; --skip-identical leaves out what has arrived",
    ]


def test_json_has_the_end_beside_the_numbers() -> None:
    """Each fact stands under its own name, money to a millionth of a dollar."""
    left, kept = OpenUpload("dst", "left", "1"), OpenUpload("dst", "kept", "2")
    result = samples.result(
        uploads_left_behind=(left,),
        uploads_kept=(kept,),
        notes=("a note",),
        aborted_by=ABORTED,
        cancelled_by="Ctrl-C",
        report_path=Path("r.jsonl"),
        planned_requests={"CopyObject": 3},
        why_managed="no awscrt",
        bill=Bill(0.00000456, "ours"),
        planned_bill=Bill(2.5, "theirs"),
        resumable=True,
        **JOURNAL,
    )

    shown = result.to_dict()

    assert shown.items() >= result.metrics.to_dict().items()
    assert {name: shown[name] for name in shown.keys() - result.metrics.to_dict().keys()} == {
        "state": "COPY_FAILED",
        "aborted_by": "the credentials have expired",
        "cancelled_by": "Ctrl-C",
        "uploads_left_behind": [{"bucket": "dst", "key": "left", "upload_id": "1"}],
        "journal": "copy.db",
        "resumable": True,
        "uploads_kept": [{"bucket": "dst", "key": "kept", "upload_id": "2"}],
        "notes": ["a note"],
        "report": "r.jsonl",
        "planned_requests": {"CopyObject": 3},
        "why_managed": "no awscrt",
        "estimated_request_cost_usd": 0.000005,
        "planned_request_cost_usd": 2.5,
        "price_list": "ours",
        "sizes": result.history.breakdown.to_dict()["sizes"],
        "storage_classes": {},
        "delete_plan": None,
        "diagnosis": None,
        "diagnoses": [],
    }


def test_json_of_a_plain_end_has_nothing_instead_of_what_there_was_not() -> None:
    """Neither a text nor a number is invented."""
    shown = CopyResult(state=RunState.COMPLETED, metrics=samples.ended()).to_dict()

    absent = ("aborted_by", "cancelled_by", "journal", "report", "price_list", "diagnosis")
    costs = ("estimated_request_cost_usd", "planned_request_cost_usd")
    assert {shown[name] for name in (*absent, *costs)} == {None}
