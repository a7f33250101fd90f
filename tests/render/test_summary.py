"""The summary of a run: complete, aligned, safe to print, with the next step."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from s3_xfer.errors import Diagnosis, ErrorClass, RunAborted
from s3_xfer.ledger.prices import Bill
from s3_xfer.ledger.result import CopyResult, RunState
from s3_xfer.model import AccountContext, OpenUpload, SkipReason
from s3_xfer.render.context import Context
from s3_xfer.render.copy_summary import summarize
from s3_xfer.render.summary import Line, Tone, as_text, failure_text, styled, summary_lines
from tests.render import samples

WITH_FAILURES = """\
Copied 49,977 of 50,000 objects, 3 failed, 20 skipped
  s3://src/data/ -> s3://dst/data/

  copied      49,977   5.0 GiB  602 objects/s, 61.7 MiB/s
  skipped         20   1.0 MiB  already exists at the destination
  failed           3  12.0 KiB  AccessDenied 2, Throttled 1
  duration  1 m 23 s
  requests    50,055            CopyObject 50,005, ListObjectsV2 50
  bill       $250.28            estimated: requests only, at AWS list prices of
                                1999 (here)
  retries          5            S3 asked for fewer requests: 2 times
  report      r.jsonl
"""


def _text(result: CopyResult, context: Context = samples.CONTEXT, *, width: int = 80) -> str:
    return as_text(summarize(result, context), width=width)


def test_a_clean_run_needs_few_lines() -> None:
    """When everything was copied, the summary is the counts and nothing else."""
    assert _text(samples.clean()) == (
        "Copied all 50,000 objects\n"
        "  s3://src/data/ -> s3://dst/data/\n"
        "\n"
        "  copied      50,000  5.0 GiB  602 objects/s, 61.7 MiB/s\n"
        "  skipped          0\n"
        "  failed           0\n"
        "  duration  1 m 23 s\n"
        "  requests    50,055           CopyObject 50,005, ListObjectsV2 50\n"
        "  bill       $250.28           estimated: requests only, at AWS list prices of\n"
        "                               1999 (here)"
    )


def test_long_details_hang_under_themselves_at_60_columns() -> None:
    """A detail that does not fit continues in its own column."""
    assert _text(samples.clean(bill=None), width=60).splitlines()[-2:] == [
        "  requests    50,055           CopyObject 50,005,",
        "                               ListObjectsV2 50",
    ]


def test_a_dry_run_shows_what_the_copy_would_cost() -> None:
    """The bill of a dry run is that of the copy, not that of counting."""
    planned = Bill(0.004, "p.toml\x1b[2J")
    context = replace(samples.CONTEXT, dry_run=True)
    text = _text(samples.clean(planned_bill=planned), context)
    assert [line.split(maxsplit=2)[:2] for line in text.splitlines() if "estimated" in line] == [
        ["would", "cost"]
    ]
    assert "<$0.01" in text
    assert "at p.toml\\x1b[2J" in text


def test_failures_are_explained_once_per_class() -> None:
    """Meaning and next step stand once per class, then the first objects with S3's messages."""
    text = _text(samples.result(report_path=Path("r.jsonl")))
    meaning = ErrorClass.ACCESS_DENIED.description
    assert text.count(meaning) == 1
    group = text[text.index("AccessDenied: 2 objects failed") :].splitlines()
    error = "      AccessDenied: Access Denied (HTTP 403, 1 attempt, request id TX1)"
    assert group[1] == f"  {meaning}."
    assert group[2].startswith("  Next: ")
    assert "  See docs/runbook.md#access-denied (s3-xfer runbook access-denied)" in group
    assert [line for line in group if "s3://src/data/" in line][:2] == [
        "    s3://src/data/a",
        "    s3://src/data/b",
    ]
    assert group[group.index("    s3://src/data/a") + 1] == error


def test_counts_add_up_to_every_object() -> None:
    """Copied, skipped and failed stand with sizes and reasons, numbers aligned right."""
    text = _text(samples.result(report_path=Path("r.jsonl")))
    assert text.split("\n\n")[:2] == WITH_FAILURES.replace("  r.jsonl", " r.jsonl").strip().split(
        "\n\n"
    )


def test_most_failures_of_a_class_are_only_counted() -> None:
    """Three examples per class are shown, the rest is a number."""
    failures = tuple(samples.failed(f"data/{number}") for number in range(100))
    metrics = samples.ended(files_failed=1234, errors_by_class={"AccessDenied": 1234})
    text = _text(samples.result(metrics=metrics, failures=failures))
    assert text.count("s3://src/data/") == 1 + 3 + text.count("copy s3://src/data/")
    assert "    and 1,231 more" in text


def test_verbose_shows_all_kept_failures_with_their_tracebacks() -> None:
    """With --verbose nothing that is kept is left out, and tracebacks are safe to print."""
    failures = tuple(samples.failed(f"data/{number}") for number in range(100))
    metrics = samples.ended(files_failed=100, errors_by_class={"AccessDenied": 100})
    context = replace(samples.CONTEXT, verbose=True)
    text = _text(samples.result(metrics=metrics, failures=failures), context)
    assert text.count("request id TX1") == 100
    assert text.count("in \\x1b[31mred") == 100


def test_the_re_run_is_offered_only_when_something_is_missing() -> None:
    """The command to copy what is missing stands at the end, and not after a clean run."""
    assert _text(samples.result(report_path=Path("r.jsonl"))).endswith(
        f"To copy only what is missing:\n  {samples.CONTEXT.rerun}"
    )
    assert "To " not in _text(samples.clean(report_path=Path("r.jsonl")))


def test_the_re_run_is_offered_after_a_run_that_was_stopped_before_it_found_anything() -> None:
    """Nothing is missing of what was found; the rest stands in the report, if there is one."""
    stopped = samples.clean(cancelled_by="Ctrl-C", report_path=Path("r.jsonl"))

    assert _text(stopped).endswith(f"To copy only what is missing:\n  {samples.CONTEXT.rerun}")
    assert "To " not in _text(samples.clean(cancelled_by="Ctrl-C"))


@pytest.mark.parametrize("width", [60, 120])
def test_commands_and_object_names_are_never_wrapped(width: int) -> None:
    """What is there to be copied stays on one line, at every width."""
    context = replace(samples.CONTEXT, rerun="s3-xfer copy " + "x" * 200 + " --flag")
    lines = _text(samples.result(failures=(samples.failed("k" * 300),)), context, width=width)
    assert f"  {context.rerun}" in lines.splitlines()
    assert f"    s3://src/{'k' * 300}" in lines.splitlines()


@pytest.mark.parametrize("width", [60, 120])
def test_hostile_keys_and_messages_stay_on_their_line(width: int) -> None:
    """Newlines, escapes and bidi overrides in keys, messages and notes are spelled out."""
    evil = samples.failed(samples.HOSTILE_KEY, message="\x1b]0;owned\x07\nCopied all", code="\x1bX")
    result = samples.result(failures=(evil,), notes=("note\nCopied all\x1b[1m",))
    text = _text(result, width=width)
    assert "    s3://src/data/\\x1b[2Jevil\\nfailed=0 \\u202egnp.exe" in text.splitlines()
    assert all(character.isprintable() for character in text.replace("\n", ""))
    assert not any(line.startswith("Copied all") for line in text.splitlines())


def test_an_aborted_run_begins_with_reason_and_next_step() -> None:
    """The reason of an early end is the headline, the remedy its second line."""
    expired = ErrorClass.CREDENTIALS_EXPIRED
    result = samples.result(aborted_by=RunAborted("they expired", error_class=expired))
    lines = _text(result, width=120).splitlines()
    assert lines[:2] == ["Ended early: they expired", f"Next: {expired.remedy}."]


def test_a_stopped_run_shows_that_the_total_is_incomplete() -> None:
    """A run stopped while listing states that the total is only what was found so far."""
    metrics = samples.ended(listing_complete=False, files_not_attempted=7)
    text = _text(samples.result(metrics=metrics, cancelled_by="Ctrl-C"), width=120)
    assert text.startswith(
        "Stopped (Ctrl-C): copied 49,977 of 50,000 objects found so far, 3 failed, 20 skipped\n"
    )
    assert "found, but not tried before the run ended" in text
    assert "there may be more objects than found" in text


def test_a_dry_run_shows_what_would_happen() -> None:
    """It has 'would copy', states that nothing was written, and offers no re-run."""
    metrics = samples.metrics(
        files_copied_successfully=0,
        total_bytes_transferred=0,
        files_failed=0,
        errors_by_class={},
        files_skipped=50_000,
        bytes_skipped=6 * 1024**3,
        planned_bytes=5 * 1024**3,
        skips_by_reason={SkipReason.DRY_RUN.value: 49_990, SkipReason.APPEARED_LATER.value: 10},
    )
    result = CopyResult(state=RunState.COMPLETED, metrics=metrics)
    text = _text(result, replace(samples.CONTEXT, dry_run=True))
    assert text.startswith("Dry run: would copy 49,990 objects, nothing was written\n")
    assert "  would copy    49,990  5.0 GiB\n" in text
    assert "  would skip        10  1.0 GiB  appeared after the run began\n" in text
    assert "s3-xfer copy" not in text


def test_uploads_left_behind_come_with_the_command_that_aborts_them() -> None:
    """One aws-cli line per upload, for keys with any characters."""
    result = samples.result(uploads_left_behind=(OpenUpload("dst", "a b\n?", "I.d-1"),))
    context = replace(
        samples.CONTEXT,
        destination=AccountContext(profile="to", endpoint_url="http://localhost:1"),
    )
    assert (
        "  aws s3api abort-multipart-upload --bucket dst --key $'a b\\x0a?'"
        " --upload-id I.d-1 --profile to --endpoint-url http://localhost:1"
    ) in _text(result, context).splitlines()


def test_quiet_prints_only_failures() -> None:
    """The part for --quiet is empty after a clean run, and has the failures otherwise."""
    assert failure_text(summarize(samples.clean(), samples.CONTEXT)) == ""
    failures = failure_text(summarize(samples.result(), samples.CONTEXT))
    assert failures.startswith("AccessDenied: 2 objects failed\n")
    assert "duration" not in failures


def test_terminal_and_pipe_have_the_same_text() -> None:
    """The coloured variant differs from the plain one in colours only."""
    summary = summarize(samples.result(), samples.CONTEXT)
    text = styled(summary_lines(summary, width=80))
    assert text.plain == as_text(summary, width=80)
    assert {str(span.style) for span in text.spans} >= {"red", "green", "bold red"}


@pytest.mark.parametrize(
    ("result", "tone"),
    [
        (samples.clean(), Tone.GOOD),
        (samples.result(), Tone.MIXED),
        (samples.clean(cancelled_by="SIGTERM"), Tone.MIXED),
        (samples.clean(aborted_by=RunAborted("x")), Tone.BAD),
        (
            samples.result(metrics=samples.metrics(files_copied_successfully=0)),
            Tone.BAD,
        ),
    ],
)
def test_the_tone_follows_the_result(result: CopyResult, tone: Tone) -> None:
    """Green is only for complete runs, red for runs that achieved nothing or were aborted."""
    assert summarize(result, samples.CONTEXT).tone is tone


def test_what_a_denial_means_stands_in_the_summary() -> None:
    """The diagnosis comes in its own lines, also with --quiet."""
    found = Diagnosis(
        denied="PutObject was denied",
        side="destination",
        action="s3:PutObject",
        causes=("no bucket policy",),
        evidence=("HEAD was allowed",),
    )
    summary = summarize(samples.result(diagnoses=(found,)), samples.CONTEXT)

    for text in (as_text(summary), failure_text(summary)):
        lines = text.splitlines()
        start = lines.index("Diagnosis: PutObject was denied")
        assert lines[start + 1 : start + 3] == [
            "  seen: HEAD was allowed",
            "  likely cause 1: no bucket policy",
        ]


@pytest.mark.parametrize("width", range(40, 60))
def test_an_option_is_never_broken_at_its_hyphens(width: int) -> None:
    """Prose is wrapped between words, and ``--no-overwrite`` is one word."""
    aborted = RunAborted("x", remedy="run the copy itself again, then with --no-overwrite-at-all")

    lines = _text(samples.result(aborted_by=aborted), width=width).splitlines()

    assert any("--no-overwrite-at-all" in line for line in lines)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (Line("skipped 0"), "skipped 0"),
        (Line("copied 1", "bold green"), "\x1b[1;32mcopied 1\x1b[0m"),
        (Line("failed: a"), "\x1b[1;31mfailed:\x1b[0m a"),
        (Line("error: b", "bright_black"), "\x1b[1;31merror:\x1b[0m\x1b[90m b\x1b[0m"),
    ],
)
def test_what_must_not_be_overlooked_is_red_and_nothing_else(line: Line, shown: str) -> None:
    """In a terminal; the rest of the line has its own style, or none."""
    console = Console(file=StringIO(), force_terminal=True, color_system="standard", width=80)
    with console.capture() as printed:
        console.print(styled([line]), highlight=False, end="")

    assert printed.get() == shown
