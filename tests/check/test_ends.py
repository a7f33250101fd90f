"""What a check tells while it lasts, writes into its report, and ends early for."""

from __future__ import annotations

from pathlib import Path

import pytest

from s3_xfer import CompareField, ErrorClass, RunState
from tests.check.test_checking import (
    MD5,
    OTHER_MD5,
    OTHER_PARTS,
    PARTS,
    check,
    counts,
    operation,
)
from tests.fault_server import Fault
from tests.reports import lines_of
from tests.world import DST, SRC, World


def pair(world: World, name: str, source: str, copy: str, *, count: int) -> None:
    """Put so many objects of 1 byte with these ETags at both sides."""
    for number in range(count):
        world.server.put(SRC, f"in/{name}-{number}", size=1, etag=source)
        world.server.put(DST, f"out/{name}-{number}", size=1, etag=copy)


@pytest.fixture
def damaged(world: World) -> World:
    """Both sides: 1 the same, 2 of the same size, 3 different, 4 missing, 5 extra, 6 refused."""
    pair(world, "same", MD5, MD5, count=1)
    pair(world, "size", PARTS, OTHER_PARTS, count=2)
    pair(world, "different", MD5, OTHER_MD5, count=3)
    pair(world, "refused", MD5, OTHER_MD5, count=6)
    for number in range(4):
        world.server.put(SRC, f"in/missing-{number}", size=1)
    for number in range(5):
        world.server.put(DST, f"out/extra-{number}", size=1)
    world.server.inject(
        Fault.error("HeadObject", 403, "AccessDenied", key=lambda key: "refused" in key)
    )
    return world


def test_a_snapshot_tells_a_check_in_the_words_of_a_copy(damaged: World) -> None:
    """Copied is the same, skipped the same size, failed what differs or was not compared."""
    run = operation(damaged).start()
    run.result()

    seen = run.snapshot()

    assert (seen.total_files_found, seen.listing_complete) == (16, True)
    assert (seen.files_copied_successfully, seen.files_skipped) == (1, 2)
    assert seen.files_failed == 3 + 4 + 5 + 6
    assert {failed.error.error_class for failed in run.recent_failures()} == {
        ErrorClass.ACCESS_DENIED
    }
    assert len(run.recent_failures()) == 6


def test_the_report_has_what_differs_and_what_was_not_compared(
    damaged: World, tmp_path: Path
) -> None:
    """What is the same, or may be, has no line."""
    report = tmp_path / "c.jsonl"

    result = check(damaged, report_path=report)

    told = [line["status"] for line in lines_of(report)]
    expected = {"different": 3, "missing": 4, "extra": 5, "not_compared": 6}
    assert {status: told.count(status) for status in set(told)} == expected
    assert counts(result) == expected | {"same": 1, "same_size": 2}
    assert result.to_dict()["objects"] == counts(result)


def test_what_would_hit_every_object_ends_the_check(world: World, tmp_path: Path) -> None:
    """Credentials that S3 does not know get no answer, so no further one is asked."""
    pair(world, "x", MD5, MD5, count=50)
    world.server.inject(Fault.error("GetObjectTagging", 403, "InvalidAccessKeyId"))
    report = tmp_path / "c.jsonl"
    asks = {"compare": frozenset({CompareField.TAGS}), "concurrency": 1}
    run = operation(world, report_path=report, **asks).start()

    result = run.result()

    assert run.state is RunState.COPY_FAILED
    assert result.aborted_by is not None
    assert not result.complete
    assert sum(result.totals.counts.values()) < 50
    assert not report.exists()
