"""A report that does not fit the copy is refused before anything is copied."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from s3_xfer import ReportError
from s3_xfer.planning.ranges import KeyRange
from s3_xfer.sources.report import ReportFile
from tests.reports import write_report
from tests.world import DST, SRC, World

FAILED = {
    "status": "failed",
    "source_bucket": SRC,
    "source_key": "in/x",
    "destination_bucket": DST,
    "destination_key": "out/x",
    "size": 1,
}
REST = {
    "status": "not_listed",
    "source_bucket": SRC,
    "prefix": "in/",
    "start_after": "in/a",
    "until": None,
}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (FAILED | {"source_bucket": "another-bucket"}, "is not under s3://src-bucket/in/"),
        (FAILED | {"source_key": "elsewhere/x"}, "is not under s3://src-bucket/in/"),
        (FAILED | {"destination_bucket": "another-bucket"}, "was not going to s3://dst-bucket/"),
        (FAILED | {"destination_key": "out/y"}, "was not going to s3://dst-bucket/out/"),
        (FAILED | {"size": -1}, "lacks a bucket, a key or a size"),
        (FAILED | {"size": True}, "lacks a bucket, a key or a size"),
        (FAILED | {"size": "1"}, "lacks a bucket, a key or a size"),
        (FAILED | {"source_key": None}, "lacks a bucket, a key or a size"),
        (REST | {"source_bucket": "another-bucket"}, "is not about s3://src-bucket/in/"),
        (REST | {"prefix": "elsewhere/"}, "is not about s3://src-bucket/in/"),
        (REST | {"start_after": None}, "lacks start_after"),
        (REST | {"until": 7}, "has an until that is no key"),
        (FAILED | {"status": "lost"}, "has the unknown status 'lost'"),
    ],
)
def test_a_line_of_another_copy_is_refused_with_its_number(
    world: World, tmp_path: Path, line: dict[str, Any], says: str
) -> None:
    """A single line that does not fit keeps all the others from being copied."""
    world.server.put(SRC, "in/x", size=1)
    report = write_report(tmp_path / "r.jsonl", FAILED, line)

    with pytest.raises(ReportError, match=f"line 2 of .* {says}"):
        world.copy(from_report_path=report)

    world.assert_untouched()


@pytest.mark.parametrize("status", ["failed", "not_attempted", "missing", "different"])
def test_what_did_not_arrive_is_copied(world: World, tmp_path: Path, status: str) -> None:
    """Reports of copies and of checks are input alike; an empty object is an object too."""
    world.server.put(SRC, "in/x", size=0)
    report = write_report(tmp_path / "r.jsonl", FAILED | {"status": status, "size": 0})

    assert world.copy(from_report_path=report).metrics.files_copied_successfully == 1
    assert set(world.arrived()) == {"out/x"}


@pytest.mark.parametrize("status", ["copied", "skipped", "extra", "not_compared"])
def test_what_needs_no_copy_is_left_alone(world: World, tmp_path: Path, status: str) -> None:
    """Lines of other ends are known and not copied."""
    world.server.put(SRC, "in/x", size=1)
    world.server.put(SRC, "in/y", size=1)
    other = FAILED | {"source_key": "in/y", "destination_key": "out/y"}
    report = write_report(tmp_path / "r.jsonl", FAILED | {"status": status}, other)

    world.copy(from_report_path=report)

    assert set(world.arrived()) == {"out/y"}


def test_ranges_that_overlap_are_listed_once(world: World, tmp_path: Path) -> None:
    """Reports that were joined may name a range twice; its objects are found once."""
    for name in "abcd":
        world.server.put(SRC, f"in/{name}", size=1)
    report = write_report(tmp_path / "r.jsonl", REST, REST | {"until": "in/c"}, REST)

    result = world.copy(from_report_path=report)

    assert result.metrics.total_files_found == 3
    assert set(world.arrived()) == {"out/b", "out/c", "out/d"}


END = json.dumps({"status": "end", "counts": {"failed": 2}})
TWO = f"{json.dumps(FAILED)}\n{json.dumps(FAILED)}\n"
DEEP = "[" * 200_000


ONE = json.dumps(FAILED) + "\n"
DAMAGED = {
    "empty": ("", "is empty"),
    "blank": ("\n \n", "is empty"),
    "no end": (TWO, "lacks its last line, with counts: it was cut off, or an older s3-xfer"),
    "goes on": (f"{TWO}{END}\n{ONE}", "lacks its last line"),
    "cut": (f"{TWO}{END[:-9]}", "line 3 .* is not a line of a report"),
    "one lost": (f"{ONE}{END}\n", "line 2 .* counts other lines than come before it"),
    "one more": (f"{TWO}{ONE}{END}\n", "line 4 .* counts other lines"),
    "all lost": (END, "line 1 .* counts other lines"),
    "no counts": (f'{TWO}{{"status": "end"}}', "line 3 .* counts other lines"),
    "no numbers": (f'{TWO}{{"status": "end", "counts": [2]}}', "line 3 .* counts other lines"),
    "deep": (DEEP, "line 1 .* is not a line of a report"),
    "deep inside": (f'{{"status": "failed", "x": {DEEP}', "line 1 .* is not a line of a report"),
    "deep and closed": (
        f'{{"status": "failed", "x": {DEEP}{"]" * len(DEEP)}}}',
        "line 1 .* is not a line of a report",
    ),
    "long number": (f'{{"status": "failed", "size": {"9" * 5000}}}', "line 1 .* is not a line"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_report_that_lost_lines_or_is_none_is_refused(
    world: World, tmp_path: Path, name: str
) -> None:
    """Cut off, put together from pieces, empty, of an older version, or no JSON."""
    text, says = DAMAGED[name]
    world.server.put(SRC, "in/x", size=1)
    report = tmp_path / "r.jsonl"
    report.write_text(text)

    with pytest.raises(ReportError, match=says):
        world.copy(from_report_path=report)

    world.assert_untouched()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (FAILED | {"size": 2**63}, "lacks a bucket, a key or a size"),
        (FAILED | {"size": 10**400}, "lacks a bucket, a key or a size"),
        (FAILED | {"size": 1e400}, "lacks a bucket, a key or a size"),
        (FAILED | {"source_key": "in/\ud800"}, "lacks a bucket, a key or a size"),
        (FAILED | {"destination_key": "out/\udfff"}, "lacks a bucket, a key or a size"),
        (FAILED | {"source_version_id": "\udcff"}, "has a source_version_id that is no text"),
        (REST | {"start_after": "in/\ud800"}, "lacks start_after"),
        (REST | {"until": "in/\ud800"}, "has an until that is no key"),
        (REST | {"until": "in/A"}, "has an until that is no key"),
        (FAILED | {"status": "\ud800"}, "has the unknown status"),
    ],
)
def test_values_that_nothing_can_have_are_refused_with_their_line(
    world: World, tmp_path: Path, line: dict[str, Any], says: str
) -> None:
    """Sizes beyond what a number holds, and halves of characters, are errors of the report."""
    report = write_report(tmp_path / "r.jsonl", FAILED, line)

    with pytest.raises(ReportError, match=f"line 2 of .* {says}"):
        world.copy(from_report_path=report, journal=str(tmp_path / "j.db"))

    world.assert_untouched()


@pytest.mark.parametrize("journal", [True, False])
def test_an_object_that_is_named_more_than_once_is_copied_once(
    world: World, tmp_path: Path, journal: bool
) -> None:
    """Twice in one report, again in one that was joined to it, and in a range to be listed."""
    world.server.put(SRC, "in/x", size=1)
    world.server.put(SRC, "in/0", size=1)
    first = FAILED | {"source_key": "in/0", "destination_key": "out/0"}
    one = write_report(tmp_path / "1.jsonl", FAILED, first, FAILED | {"size": 7})
    two = write_report(tmp_path / "2.jsonl", FAILED | {"status": "not_attempted"}, REST)
    both = tmp_path / "both.jsonl"
    both.write_text(one.read_text() + two.read_text())
    options: dict[str, Any] = {"journal": str(tmp_path / "j.db")} if journal else {}

    result = world.copy(from_report_path=both, **options)

    assert result.metrics.total_files_found == 2
    assert world.sent("CopyObject") == 2
    assert set(world.arrived()) == {"out/0", "out/x"}


def test_every_cut_of_a_report_is_noticed(world: World, tmp_path: Path) -> None:
    """At each of its bytes; only the line break at the very end may be missing."""
    whole = write_report(tmp_path / "whole.jsonl", FAILED, REST).read_bytes()
    world.server.put(SRC, "in/x", size=1)
    report = tmp_path / "r.jsonl"
    keys = world.operation().key_maps()

    for length in range(len(whole) - 1):
        report.write_bytes(whole[:length])
        with pytest.raises(ReportError):
            ReportFile(report, keys)

    report.write_bytes(whole[:-1])
    assert ReportFile(report, keys).unlisted == (KeyRange("in/a"),)
