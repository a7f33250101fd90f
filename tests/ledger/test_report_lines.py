"""The lines of a report that the run or the check before did not end in order, or ended oddly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from s3_xfer.comparison import CompareResult, CompareStatus
from s3_xfer.errors import ErrorClass, ObjectError, ReportError
from s3_xfer.ledger.report import ReportWriter
from s3_xfer.model import CopyTask, Failed, NotAttempted, S3Object
from s3_xfer.options import ReportScope
from tests.reports import lines_of

SOURCE = S3Object(bucket="src", key="in/k", size=7, etag='"of the source"')
COPY = S3Object(bucket="dst", key="out/k", size=8, etag='"of the copy"')
TASK = CopyTask(SOURCE, "dst", "out/k")


def test_what_a_killed_run_left_is_not_in_the_next_report(tmp_path: Path) -> None:
    """A report begins empty, although a ``.partial`` file of the same name is still there."""
    (tmp_path / "r.jsonl.partial").write_text('{"status": "failed", "source_key": "of a kill"}\n')
    writer = ReportWriter(tmp_path / "r.jsonl", ReportScope.NOT_COPIED)
    writer.record(NotAttempted(TASK))

    (line,) = lines_of(writer.finish())

    assert (line["status"], line["source_key"]) == ("not_attempted", "in/k")


def test_a_report_that_another_run_writes_is_left_as_it_is(tmp_path: Path) -> None:
    """A second writer is refused before it has removed a line of the first one."""
    first = ReportWriter(tmp_path / "r.jsonl", ReportScope.NOT_COPIED)
    first.record(NotAttempted(TASK))

    with pytest.raises(ReportError, match="another run is writing it"):
        ReportWriter(tmp_path / "r.jsonl", ReportScope.NOT_COPIED)

    assert [line["source_key"] for line in lines_of(first.finish())] == ["in/k"]


def test_a_report_that_is_left_stays_partial_and_can_be_begun_anew(tmp_path: Path) -> None:
    """``leave`` releases the file, so that the next run may write a report of this name."""
    first = ReportWriter(tmp_path / "r.jsonl", ReportScope.NOT_COPIED)
    first.record(NotAttempted(TASK))
    first.leave()
    kept = (tmp_path / "r.jsonl.partial").read_text()

    second = ReportWriter(tmp_path / "r.jsonl", ReportScope.NOT_COPIED)

    assert json.loads(kept)["status"] == "not_attempted"  # and no last line with counts
    assert lines_of(second.finish()) == []


def test_an_unexpected_error_stands_in_the_report_with_its_traceback(tmp_path: Path) -> None:
    """A traceback is in the line of its object, and in no other line."""
    error = ObjectError.of(ErrorClass.UNEXPECTED, "a defect")
    writer = ReportWriter(tmp_path / "r.jsonl", ReportScope.NOT_COPIED)
    writer.record(Failed(TASK, error, traceback="Traceback: here"))
    writer.record(Failed(TASK, error))

    first, second = lines_of(writer.finish())

    assert first["traceback"] == "Traceback: here"
    assert "traceback" not in second


def test_a_difference_is_told_with_both_objects(tmp_path: Path) -> None:
    """A line has size and ETag of both objects, the reasons, and which names differ."""
    writer = ReportWriter(tmp_path / "c.jsonl", ReportScope.ALL)
    writer.compared(
        CompareResult(
            status=CompareStatus.DIFFERENT,
            task=TASK,
            destination=COPY,
            reasons=("size", "tags"),
            detail="colour",
        )
    )
    writer.compared(CompareResult(status=CompareStatus.EXTRA, destination=COPY))

    different, extra = lines_of(writer.finish())

    assert different == {
        "status": "different",
        "source_bucket": "src",
        "source_key": "in/k",
        "destination_bucket": "dst",
        "destination_key": "out/k",
        "size": 7,
        "etag": '"of the source"',
        "copy_size": 8,
        "copy_etag": '"of the copy"',
        "reasons": ["size", "tags"],
        "detail": "colour",
    }
    assert extra == {
        "status": "extra",
        "destination_bucket": "dst",
        "destination_key": "out/k",
        "size": 8,
        "etag": '"of the copy"',
    }
