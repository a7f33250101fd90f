"""A report that does not fit the copy is refused before anything is copied."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from s3_xfer import ReportError
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


def written(path: Path, *lines: dict[str, Any]) -> Path:
    """Write a report of these lines, and return its path."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


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
    report = written(tmp_path / "r.jsonl", FAILED, line)

    with pytest.raises(ReportError, match=f"line 2 of .* {says}"):
        world.copy(from_report_path=report)

    world.assert_untouched()


@pytest.mark.parametrize("status", ["failed", "not_attempted", "missing", "different"])
def test_what_did_not_arrive_is_copied(world: World, tmp_path: Path, status: str) -> None:
    """Reports of copies and of checks are input alike; an empty object is an object too."""
    world.server.put(SRC, "in/x", size=0)
    report = written(tmp_path / "r.jsonl", FAILED | {"status": status, "size": 0})

    assert world.copy(from_report_path=report).metrics.files_copied_successfully == 1
    assert set(world.arrived()) == {"out/x"}


@pytest.mark.parametrize("status", ["copied", "skipped", "extra", "not_compared"])
def test_what_needs_no_copy_is_left_alone(world: World, tmp_path: Path, status: str) -> None:
    """Lines of other ends are known and not copied."""
    world.server.put(SRC, "in/x", size=1)
    world.server.put(SRC, "in/y", size=1)
    other = FAILED | {"source_key": "in/y", "destination_key": "out/y"}
    report = written(tmp_path / "r.jsonl", FAILED | {"status": status}, other)

    world.copy(from_report_path=report)

    assert set(world.arrived()) == {"out/y"}


def test_ranges_that_overlap_are_listed_once(world: World, tmp_path: Path) -> None:
    """Reports that were joined may name a range twice; its objects are found once."""
    for name in "abcd":
        world.server.put(SRC, f"in/{name}", size=1)
    report = written(tmp_path / "r.jsonl", REST, REST | {"until": "in/c"}, REST)

    result = world.copy(from_report_path=report)

    assert result.metrics.total_files_found == 3
    assert set(world.arrived()) == {"out/b", "out/c", "out/d"}
