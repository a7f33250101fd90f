"""Summaries of runs that went on from a journal, were stopped, or used an engine of a kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from s3_xfer.errors import RunAborted
from s3_xfer.ledger.result import CopyResult, RunState
from s3_xfer.model import AccountContext, OpenUpload
from s3_xfer.render.copy_summary import summarize
from s3_xfer.render.failures import abort_command
from s3_xfer.render.summary import Row, Tone, as_text
from s3_xfer.units import MIB
from tests.render import samples


def _rows(result: CopyResult) -> dict[str, Row]:
    return {row.label: row for row in summarize(result, samples.CONTEXT).rows}


def _copied(**changed: Any) -> str:
    numbers = {
        "files_copied_successfully": 1000,
        "total_bytes_transferred": 900 * MIB,
        "duration_s": 10.0,
    } | changed
    return _rows(samples.clean(metrics=samples.metrics(**numbers)))["copied"].detail


def test_the_speed_is_that_of_this_run_alone() -> None:
    """What earlier runs have copied is named, and is not part of the speed."""
    assert _copied() == "100 objects/s, 90.0 MiB/s"
    assert _copied(files_copied_earlier=900, bytes_copied_earlier=800 * MIB) == (
        "900 objects by earlier runs, then 10 objects/s, 10.0 MiB/s"
    )


def test_a_run_that_copied_nothing_itself_has_no_speed() -> None:
    """Nothing was left to do, or no time passed: only what earlier runs did is said."""
    earlier = {"files_copied_earlier": 1000, "bytes_copied_earlier": 900 * MIB}

    assert _copied(**earlier) == "1,000 objects by earlier runs"
    assert _copied(duration_s=0.0) == ""


def test_a_journal_with_something_left_is_offered_for_a_resume() -> None:
    """Resuming replaces the re-run, and the name of the journal is a word for a shell."""
    left = samples.result(journal="my copy.db", resumable=True, report_path=Path("r.jsonl"))
    done = samples.result(journal="my copy.db", resumable=False, report_path=Path("r.jsonl"))

    resumed, repeated = (summarize(each, samples.CONTEXT) for each in (left, done))

    assert resumed.rerun == "s3-xfer resume 'my copy.db'"
    assert resumed.rerun_title == "To resume this copy:"
    assert repeated.rerun == samples.CONTEXT.rerun
    assert repeated.rerun_title == "To copy only what is missing:"
    assert _rows(left)["journal"].value == "my copy.db"


def test_uploads_that_stay_open_for_a_resume_are_a_note() -> None:
    """The note says how many there are; without any there is no such note."""
    kept = (OpenUpload("dst", "a", "1"), OpenUpload("dst", "b", "2"))

    (note,) = summarize(samples.result(uploads_kept=kept), samples.CONTEXT).notes

    assert note.startswith("2 multipart uploads left open for the resume")
    assert summarize(samples.result(), samples.CONTEXT).notes == ()


@pytest.mark.parametrize(
    ("engines", "why", "value", "detail"),
    [
        ({"crt": 5}, "", "crt", ""),
        ({"crt": 5, "managed": 2}, "", "crt", "crt 5, managed 2"),
        ({"managed": 2}, "no awscrt", "managed", "no awscrt"),
    ],
)
def test_the_engine_is_named_with_the_reason(
    engines: dict[str, int], why: str, value: str, detail: str
) -> None:
    """The row names one engine, also that of an earlier run, and why there was no CRT engine."""
    metrics = samples.ended(copied_by_engine=engines)

    row = _rows(samples.result(metrics=metrics, why_managed=why))["engine"]

    assert (row.value, row.detail.replace("\u00a0", " ")) == (value, detail)


def test_an_empty_report_leaves_nothing_to_copy() -> None:
    """A run that found nothing says so, in place of a count of zero objects."""
    metrics = replace(samples.clean().metrics, total_files_found=0, files_copied_successfully=0)

    assert summarize(samples.clean(metrics=metrics), samples.CONTEXT).headline == (
        "Nothing was left to copy"
    )


def test_a_message_of_the_greatest_length_is_complete() -> None:
    """Three hundred characters are shown as they are; of more the rest is dots."""
    for length, shown in ((300, "x" * 300), (301, "x" * 300 + "...")):
        failed = samples.failed("k", message="x" * length)
        group = summarize(samples.result(failures=(failed,)), samples.CONTEXT).failures[0]
        ((_, said),) = group.examples
        assert said.startswith(f"AccessDenied: {shown} (")


def test_the_most_frequent_class_of_errors_comes_first() -> None:
    """Classes are in the order of their counts, and those of one count in that of their names."""
    counts = {"AccessDenied": 1, "Throttled": 7, "Timeout": 1}
    metrics = samples.ended(files_failed=9, errors_by_class=counts)

    summary = summarize(samples.result(metrics=metrics), samples.CONTEXT)

    assert [group.error_class.value for group in summary.failures] == [
        "Throttled",
        "AccessDenied",
        "Timeout",
    ]
    assert _rows(samples.result(metrics=metrics))["failed"].detail.replace("\u00a0", " ") == (
        "Throttled 7, AccessDenied 1, Timeout 1"
    )


def test_failures_that_nobody_kept_are_not_called_more() -> None:
    """Without an example there is nothing that there could be more of."""
    text = as_text(summarize(samples.result(failures=()), samples.CONTEXT))

    assert "AccessDenied: 2 objects failed" in text
    assert " more" not in text


def test_a_remedy_with_control_characters_is_safe_to_print() -> None:
    """What comes from outside is spelled out in the next step, too."""
    aborted = RunAborted("no", remedy="look at \x1b[2J")

    summary = summarize(samples.result(aborted_by=aborted), samples.CONTEXT)

    assert summary.next_step == "look at \\x1b[2J"


def test_an_abort_command_names_the_account() -> None:
    """The command has profile, region and endpoint, each after its own option."""
    account = AccountContext(profile="to", region="eu-west-1", endpoint_url="http://localhost:1")

    command = abort_command(OpenUpload("dst", "k", "I"), account)

    assert command.endswith(
        "--upload-id I --profile to --region eu-west-1 --endpoint-url http://localhost:1"
    )


def test_a_stopped_run_that_lost_nothing_is_not_all_good() -> None:
    """A stop is never green: perhaps not everything was found."""
    stopped = samples.clean(state=RunState.COPY_FAILED, cancelled_by="Ctrl-C")

    assert summarize(stopped, samples.CONTEXT).tone is Tone.MIXED
