"""The harness itself: what it refuses, what it calls found, what it prints."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import server
from benchmarks.copiers import COPIERS, S3_XFER, Output
from benchmarks.limits import Changed
from benchmarks.server import Stats
from benchmarks.tables import share, spread, table, whole

RUN = Path(__file__).parents[2] / "benchmarks" / "run.py"
NEEDS_COMPILER = pytest.mark.skipif(
    server.compiler() is None, reason="the counting server is C, and there is no C compiler"
)
STATS = Stats(
    by_operation={"CopyObject": 10},
    by_class={"A": 10},
    requests=10,
    refused=0,
    throttled=0,
    copy_window_s=1.0,
    singles_done_s=1.0,
    parts_window_s=0.0,
    most_done_s=1.0,
    backed_off_s=0.0,
    round_trips_to_copy=0,
    copies_by_second=(10,),
    throttled_by_second=(),
    objects=10,
    present=0,
    copies_done=10,
    unique_copied=10,
    copies_mismatched=0,
    uploads_open=0,
    connections=1,
    handshakes=(0, 0),
    unknown=(),
)
METRICS = {
    "total_files_found": 10,
    "files_copied_successfully": 10,
    "files_failed": 0,
    "requests": {"CopyObject": 10},
    "estimated_request_cost_usd": 0.00005,
}


def output(*, exit_code: int = 0, **changed: object) -> Output:
    """Return the output of an s3-xfer that copied ten objects."""
    return Output(exit_code=exit_code, stdout=json.dumps(METRICS | changed))


def test_metrics_that_are_the_servers_are_believed() -> None:
    """Nothing is wrong with a run in which both sides counted the same."""
    assert S3_XFER.problems(output(), STATS) == []


@pytest.mark.parametrize(
    ("claim", "stats", "problem"),
    [
        (output(files_copied_successfully=9), STATS, "--json has files_copied_successfully 9"),
        (output(requests={"CopyObject": 9}), STATS, "--json has requests"),
        (output(estimated_request_cost_usd=0.0), STATS, "estimated_request_cost_usd 0.0"),
        (output(exit_code=1), STATS, "exit code 1 with 0 objects lost"),
        (
            output(),
            replace(STATS, unique_copied=9, copies_done=9),
            "exit code 0 with 1 objects lost",
        ),
        (output(), replace(STATS, unique_copied=9), "1 objects copied twice"),
    ],
)
def test_a_copier_that_contradicts_the_server_has_no_numbers(
    claim: Output, stats: Stats, problem: str
) -> None:
    """Metrics, bill and exit code must be what the server counted."""
    assert problem in "\n".join(S3_XFER.problems(claim, stats))


@pytest.mark.parametrize(
    ("copies", "throttled", "found"),
    [
        ((500, 500, 95, 95, 95), (), 0.5),
        ((500, 500, 40, 95, 95, 95), (), 1.5),  # too slow at first
        ((500, 500, 95, 95, 95, 95), (0, 0, 50), 1.5),  # too fast at first
        ((500, 500, 95, 40, 95, 40, 95), (), None),  # never twice in a row
        ((500, 500, 95, 95), (), None),  # the last second may be half a one
    ],
)
def test_a_limit_is_found_when_two_seconds_in_a_row_keep_to_it(
    copies: tuple[int, ...], throttled: tuple[int, ...], found: float | None
) -> None:
    """Close to the new limit, and hardly anything refused; a lucky second does not count."""
    stats = replace(STATS, copies_by_second=copies, throttled_by_second=throttled)
    assert Changed(at_s=1.5, writes_per_s_max=100).found_after_s(stats) == found


def test_what_a_limit_leaves_is_that_of_the_usual_second() -> None:
    """Neither the second of the change nor the last one, which may be half a one, counts."""
    stats = replace(STATS, copies_by_second=(500, 500, 40, 80, 60, 7))
    assert Changed(at_s=1.5, writes_per_s_max=100).useful_share(stats) == 0.6
    assert Changed(at_s=4.5, writes_per_s_max=100).useful_share(stats) is None


def test_tables_are_markdown_with_medians_and_extremes() -> None:
    """Texts stand left, numbers right."""
    assert table(("copier", "n"), [("a", "1")]) == "| copier | n |\n| --- | ---: |\n| a | 1 |"
    assert spread([3, 1, 2], whole) == "2 (1\N{EN DASH}3)"
    assert (spread([3], whole), spread([], whole)) == ("3", "-")
    assert [share(value) for value in (1.0, 0.0998, 0.0123)] == ["100%", "10%", "1.2%"]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the harness as a person does."""
    return subprocess.run(
        [sys.executable, RUN, *words], capture_output=True, text=True, check=False
    )


@pytest.mark.long
def test_a_copier_that_is_not_known_is_an_error() -> None:
    """A typing mistake is told with the names that there are."""
    done = run("speed", "--copiers", "s5cdm")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no copier s5cdm; there are " in done.stderr
    assert all(copier.name in done.stderr for copier in COPIERS)


@pytest.mark.long
@NEEDS_COMPILER
def test_one_question_prints_a_section_for_the_document() -> None:
    """Heading, command, conditions and tables come out as Markdown."""
    done = run("speed", "--copiers", "client.copy", "--objects", "100", "--pairs", "2")
    assert done.returncode == 0, done.stderr
    heading, _, command, *_ = done.stdout.splitlines()
    assert heading == "## How fast, and at what cost?"
    options = "--copiers client.copy --objects 100 --pairs 2"
    assert command.startswith(f"`python benchmarks/run.py speed {options}`: Python 3.")
    rows = [line for line in done.stdout.splitlines() if line.startswith("| client.copy | ")]
    assert [row.split(" | ")[1:3] for row in rows[:4]] == [  # a slow one gets a tenth
        ["0 ms", "10"],
        ["50 ms", "10"],
        ["25 to 75 ms", "10"],
        ["50 ms, TLS", "10"],
    ]
    assert "CopyObject 10, ListObjectsV2 1, HeadObject 10" in done.stdout
    assert "5.90" in done.stdout  # 10 copies, 10 HEADs and a page, for a million objects
