"""A run that is stopped while a page or a report is still being read leaves all of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from s3_xfer import CopyResult, RunState
from tests.fault_server import Fault
from tests.reports import lines_of, write_report
from tests.world import DST, SRC, World, check_accounts

PATIENCE_S = 60


def failed(key: str) -> dict[str, Any]:
    """Return the line of an object that an earlier run did not copy."""
    return {
        "status": "failed",
        "source_bucket": SRC,
        "source_key": f"in/{key}",
        "destination_bucket": DST,
        "destination_key": f"out/{key}",
        "size": 1,
    }


def rest(after: str, until: str | None) -> dict[str, Any]:
    """Return the line of a range that was not listed."""
    place = {"source_bucket": SRC, "prefix": "in/"}
    return {"status": "not_listed", **place, "start_after": after, "until": until}


def written(path: Path, *told: dict[str, Any]) -> Path:
    """Write a report of these lines."""
    write_report(path, *told)
    return path


def stopped_at_page(world: World, number: int, *, found: int = 0, **settings: Any) -> CopyResult:
    """Stop a run that waits in vain for this request of a page, the preflight's counted.

    So many objects are ``found`` by then.
    """
    stuck = world.server.inject(Fault.slow("ListObjectsV2", delay_s=3600, after=number - 1))
    run = world.operation(stop_grace_s=0.2, listing_threads=1, **settings).start()
    world.server.wait_for("ListObjectsV2", count=number)
    while run.snapshot().total_files_found < found:
        assert not run.wait(0.01)
    run.cancel("test")
    result = run.result()
    stuck.remove()
    check_accounts(result)
    return result


def test_a_listing_that_was_cut_off_is_not_called_complete(world: World, tmp_path: Path) -> None:
    """Nobody knows what the page would have brought, so the report names its range."""
    for number in range(1001):
        world.server.put(SRC, f"in/{number:04}", size=1)
    report = tmp_path / "r.jsonl"

    result = stopped_at_page(world, 2, found=1000, report_path=report)

    assert not result.metrics.listing_complete
    assert result.cancelled_by == "test"
    assert lines_of(report)[-1] == rest("in/0999", None)


def test_the_end_of_a_range_is_passed_on(world: World, tmp_path: Path) -> None:
    """A range that was not listed stays as short as it was, so that nothing is copied twice."""
    for name in "abcd":
        world.server.put(SRC, f"in/{name}", size=1)
    before = written(tmp_path / "r.jsonl", rest("in/a", "in/c"))
    after = tmp_path / "r-2.jsonl"

    stopped_at_page(world, 2, from_report_path=before, report_path=after)
    last = world.copy(from_report_path=after)

    assert lines_of(after) == [rest("in/a", "in/c")]
    assert last.state is RunState.COMPLETED
    assert set(world.arrived()) == {"out/b", "out/c"}


def test_a_report_is_read_to_its_end_by_a_run_that_is_stopped(world: World, tmp_path: Path) -> None:
    """Even without a grace period no line is lost: all of them are in the next report."""
    count = 20_000
    world.server.put(SRC, "in/00000", size=1)
    before = written(tmp_path / "r.jsonl", *(failed(f"{number:05}") for number in range(count)))
    after = tmp_path / "r-2.jsonl"
    world.server.inject(Fault.slow(("HeadObject", "CopyObject"), delay_s=PATIENCE_S, after=1))
    run = world.operation(from_report_path=before, report_path=after, stop_grace_s=0).start()
    while not run.snapshot().total_files_found:
        assert not run.wait(0.01)

    run.cancel("test")
    result = run.result()

    check_accounts(result)
    assert result.metrics.total_files_found == count
    assert {line["source_key"] for line in lines_of(after)} == {
        f"in/{number:05}" for number in range(count)
    }


@pytest.mark.parametrize("now", [0, 1, 99])
def test_bytes_of_a_report_are_those_of_today(world: World, tmp_path: Path, now: int) -> None:
    """An object that grew or shrank since the report counts with the size that was copied."""
    world.server.put(SRC, "in/x", size=now)
    before = written(tmp_path / "r.jsonl", failed("x") | {"size": 50})

    seen = world.copy(from_report_path=before).metrics

    assert seen.total_bytes_found == seen.total_bytes_transferred == now
