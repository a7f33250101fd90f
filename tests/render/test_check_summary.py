"""A check in words: its numbers, its examples, its tone, and what to do next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from s3_xfer.comparison import CompareField, CompareResult, CompareStatus
from s3_xfer.errors import ErrorClass, ObjectError, RunAborted
from s3_xfer.ledger.comparison import CheckResult, Comparison
from s3_xfer.model import CopyTask, S3Object
from s3_xfer.render.check import check_line, summarize_check
from s3_xfer.render.check_frame import check_frame
from s3_xfer.render.progress import Phase
from s3_xfer.render.summary import Summary, Tone
from tests.render import samples

SAME, SAME_SIZE = CompareStatus.SAME, CompareStatus.SAME_SIZE
MISSING, DIFFERENT = CompareStatus.MISSING, CompareStatus.DIFFERENT
EXTRA, NOT_COMPARED = CompareStatus.EXTRA, CompareStatus.NOT_COMPARED
ERROR = ObjectError.of(ErrorClass.ACCESS_DENIED, "no")


def verdict(status: CompareStatus, key: str = "k", **changed: Any) -> CompareResult:
    """Return the verdict on one object of 10 bytes, whose copy has 3."""
    source = S3Object(bucket="src", key=key, size=10)
    return CompareResult(
        status=status,
        task=None if status is EXTRA else CopyTask(source, "dst", key),
        destination=S3Object(bucket="dst", key=key, size=3),
        error=ERROR if status is NOT_COMPARED else None,
        **changed,
    )


def ended(*verdicts: CompareResult, **changed: Any) -> CheckResult:
    """Return the end of a check with these verdicts."""
    comparison = Comparison()
    for each in verdicts:
        comparison.add(each)
    return CheckResult(metrics=samples.ended(), totals=comparison.totals(), **changed)


def summary(*verdicts: CompareResult, **changed: Any) -> Summary:
    """Return the summary of a check with these verdicts."""
    return summarize_check(ended(*verdicts, **changed), samples.CONTEXT)


@pytest.mark.parametrize(
    ("status", "tone", "headline"),
    [
        (SAME, Tone.GOOD, "No difference: 1 object proven the same"),
        (SAME_SIZE, Tone.MIXED, "No difference found; of 1 object only the size"),
        (DIFFERENT, Tone.BAD, "Differences found: 1 different"),
        (MISSING, Tone.BAD, "Differences found: 1 missing"),
        (EXTRA, Tone.BAD, "Differences found: 1 extra"),
        (NOT_COMPARED, Tone.BAD, "No difference found, but 1 object could not be compared"),
    ],
)
def test_every_verdict_has_its_tone_and_its_headline(
    status: CompareStatus, tone: Tone, headline: str
) -> None:
    """Only what was proven is green."""
    told = summary(verdict(status))

    assert told.tone is tone
    assert told.headline.startswith(headline)


def test_every_verdict_has_its_row() -> None:
    """Count, bytes and meaning stand side by side; what did not happen has no row."""
    verdicts = [
        verdict(SAME, proof="etag"),
        *[verdict(SAME_SIZE)] * 2,
        *[verdict(DIFFERENT, reasons=("content",))] * 3,
        *[verdict(MISSING)] * 4,
        *[verdict(EXTRA)] * 5,
        *[verdict(NOT_COMPARED)] * 6,
    ]

    rows = summary(*verdicts).rows

    assert [(row.label, row.value, row.size, row.detail) for row in rows][:6] == [
        ("same", "1", "10 B", "etag"),
        ("same size", "2", "20 B", "content not comparable"),
        ("different", "3", "30 B", "content"),
        ("missing", "4", "40 B", "not at the destination"),
        ("extra", "5", "15 B", "at the destination only"),
        ("not compared", "6", "60 B", "a request failed"),
    ]
    assert [row.label for row in summary(verdict(MISSING)).rows][:3] == [
        "same",
        "missing",
        "duration",
    ]


def test_examples_say_what_was_found_of_which_object() -> None:
    """Each kind has its words; sizes stand where nothing but the size differs."""
    told = summary(
        verdict(MISSING, "a"),
        verdict(DIFFERENT, "b", reasons=("size",)),
        verdict(DIFFERENT, "c", reasons=("metadata", "tags"), detail="colour"),
        verdict(EXTRA, "d"),
        verdict(NOT_COMPARED, "e"),
    )

    assert told.diagnosis == (
        "missing: s3://src/a",
        "different in size: s3://src/b (10 B, the copy 3 B)",
        "different in metadata, tags: s3://src/c (colour)",
        "extra: s3://dst/d",
        "not compared: s3://src/e (AccessDenied: no)",
    )


@pytest.mark.parametrize(("count", "last"), [(5, "missing: s3://src/4"), (6, "  and 1 more")])
def test_five_examples_are_shown_and_the_rest_counted(count: int, last: str) -> None:
    """What is not shown is a number, also if it is a single object."""
    told = summary(*(verdict(MISSING, str(number)) for number in range(count)))

    assert told.diagnosis[-1] == last


def test_a_repair_is_offered_only_from_a_report_and_only_if_a_copy_repairs_it() -> None:
    """Extra objects are not repaired by a copy, and without a report there is no input."""
    report = {"report_path": Path("c.jsonl")}

    assert summary(verdict(MISSING), **report).rerun == samples.CONTEXT.rerun
    assert summary(verdict(DIFFERENT), **report).rerun == samples.CONTEXT.rerun
    assert summary(verdict(MISSING)).rerun is None
    assert summary(verdict(EXTRA), **report).rerun is None


def test_checksums_are_recommended_only_where_they_were_not_compared() -> None:
    """The note names the option that may prove more."""
    compared = {"compare": frozenset({CompareField.CHECKSUMS})}

    assert any("--checksums" in note for note in summary(verdict(SAME_SIZE)).notes)
    assert summary(verdict(SAME_SIZE), **compared).notes == ()
    assert summary(verdict(SAME)).notes == ()


def test_a_check_that_ended_early_says_so_first() -> None:
    """An error comes before a stop, and both before what was found."""
    aborted = RunAborted("no order", remedy="use another service")

    broken = summary(verdict(MISSING), aborted_by=aborted, cancelled_by="Ctrl-C")
    stopped = summary(verdict(SAME), cancelled_by="Ctrl-C")

    assert (broken.headline, broken.next_step) == ("Ended early: no order", "use another service")
    assert stopped.headline.startswith("Stopped (Ctrl-C): ")
    assert (broken.tone, stopped.tone) == (Tone.BAD, Tone.BAD)


def test_a_log_line_has_every_number_under_its_own_name() -> None:
    """A line has objects, bytes, speed, verdicts and repetitions; a plus marks what still grows."""
    metrics = samples.metrics(
        total_files_found=11,
        total_bytes_found=12,
        files_copied_successfully=13,
        files_skipped=14,
        files_failed=15,
        retries=16,
    )

    assert check_line(Phase.COPYING, metrics, samples.RATES) == (
        "2026-01-02T03:05:28Z asking objects=11 bytes=12B rate=612/s same=13 same_size=14 "
        "differ=15 retries=16"
    )
    growing = check_line(Phase.LISTING, samples.metrics(listing_complete=False), samples.RATES)
    assert " comparing objects=50000+ bytes=5.0GiB+ " in growing


def test_the_display_of_a_check_is_one_line_that_fits() -> None:
    """It shows objects, speed, differences and time, cut at the width of the terminal."""
    metrics = samples.metrics(files_failed=3)

    wide = check_frame(Phase.LISTING, metrics, samples.RATES, width=120)
    narrow = check_frame(Phase.LISTING, metrics, samples.RATES, width=20)

    assert wide.plain == (
        "⠋ comparing… 50,000 objects, 5.0 GiB · 612/s · 3 differ · elapsed 1 m 23 s"
    )
    assert len(narrow.plain) <= 20
    preflight = check_frame(Phase.PREFLIGHT, metrics, samples.RATES, width=80)
    assert preflight.plain.startswith("⠋ checking access…")
