"""A run that is stopped while its checks wait to repeat a request accounts for what it knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from s3_xfer import CopyResult, JournalUse, RunState
from tests.contract.test_stopped_checks import stopped_in_checks
from tests.fault_server import Fault
from tests.journal.steps import fill, resume
from tests.reports import lines_of, write_report
from tests.world import DST, SRC, World


def stopped(world: World, **settings: Any) -> CopyResult:
    """Return the end of a run that is stopped before it may look at the destination's bucket."""
    busy = Fault.error("HeadBucket", 503, "SlowDown")
    return stopped_in_checks(world, "HeadBucket", fault=busy, retry_delay_s=60, **settings)


def not_attempted(result: CopyResult) -> tuple[int, int, int]:
    """Return how many objects were found, how many of them not attempted, and their bytes."""
    seen = result.metrics
    return seen.total_files_found, seen.files_not_attempted, seen.total_bytes_found


def test_objects_of_a_report_are_not_attempted_and_passed_on(world: World, tmp_path: Path) -> None:
    """The objects count as found, and the new report names them and the rest of the listing."""
    for name in "abcd":
        world.server.put(SRC, f"in/{name}", size=3)
    before, after = tmp_path / "r.jsonl", tmp_path / "r-2.jsonl"
    failed = [
        {
            "status": "failed",
            "source_bucket": SRC,
            "source_key": f"in/{name}",
            "destination_bucket": DST,
            "destination_key": f"out/{name}",
            "size": 3,
        }
        for name in "ab"
    ]
    rest = {
        "status": "not_listed",
        "source_bucket": SRC,
        "prefix": "in/",
        "start_after": "in/b",
        "until": "in/c",
    }
    write_report(before, *failed, rest)

    result = stopped(world, from_report_path=before, report_path=after)
    last = world.copy(from_report_path=after)

    assert not_attempted(result) == (2, 2, 6)
    assert result.report_path == after
    assert lines_of(after)[-1] == rest
    assert last.state is RunState.COMPLETED
    assert set(world.arrived()) == {"out/a", "out/b", "out/c"}


def test_a_single_object_is_not_attempted_once_its_size_is_known(
    world: World, tmp_path: Path
) -> None:
    """The object was looked up, so the run knows what it leaves."""
    world.server.put(SRC, "in/x", size=3)
    report = tmp_path / "r.jsonl"
    one = {"source_key": "in/x", "destination_key": "out/x", "recursive": False}

    result = stopped(world, report_path=report, **one)

    assert not_attempted(result) == (1, 1, 3)
    assert [line["status"] for line in lines_of(report)] == ["not_attempted"]


def test_what_failed_in_earlier_runs_is_not_attempted_by_a_resume(
    world: World, tmp_path: Path
) -> None:
    """The journal keeps it for the next resume, and the report has it for a run without."""
    journal, report = tmp_path / "j.db", tmp_path / "r.jsonl"
    fill(world, 5, size=3)
    world.server.inject(
        Fault.error("CopyObject", 403, "AccessDenied", times=2, key=lambda key: key >= "out/0003")
    )
    world.copy(journal=str(journal))
    for key in list(world.arrived()):
        world.server.delete(DST, key)

    result = stopped(world, journal=str(journal), journal_use=JournalUse.RESUME, report_path=report)

    seen = result.metrics
    assert (seen.files_copied_earlier, seen.files_not_attempted) == (3, 2)
    assert (seen.total_files_found, seen.total_bytes_found) == (5, 15)
    assert {line["source_key"] for line in lines_of(report)} == {"in/0003", "in/0004"}
    assert resume(world, journal).state is RunState.COMPLETED
    assert set(world.arrived()) == {"out/0003", "out/0004"}
