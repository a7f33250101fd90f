"""A run that is stopped during its checks leaves everything to the next, and says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from s3_xfer import CopyResult, JournalUse, RunState
from tests.fault_server import Fault
from tests.journal.steps import fill, resume, stopped_after
from tests.reports import lines_of, write_report
from tests.world import DST, SRC, World, check_accounts


def stopped_in_checks(
    world: World, operation: str, *, fault: Fault | None = None, **settings: Any
) -> CopyResult:
    """Return the end of a run that is stopped while its checks wait for ``operation``."""
    slow = world.server.inject(fault or Fault.slow(operation, delay_s=0.3))
    world.server.forget_requests()
    run = world.operation(**settings).start()
    world.server.wait_for(operation)
    run.cancel("test")
    result = run.result()
    slow.remove()
    check_accounts(result)
    assert (result.cancelled_by, world.arrived()) == ("test", {})
    return result


@pytest.mark.parametrize("operation", ["ListObjectsV2", "HeadBucket", "UploadPartCopy"])
def test_a_run_stopped_in_its_checks_reports_that_nothing_was_listed(
    world: World, tmp_path: Path, operation: str
) -> None:
    """What another run left there is replaced, and a re-run with the report copies all."""
    world.server.put(SRC, "in/x", size=1)
    world.server.put(SRC, "in/y", size=1)
    report = tmp_path / "r.jsonl"
    report.write_text('{"status": "copied"}\n')

    stopped = stopped_in_checks(world, operation, report_path=report)

    (line,) = lines_of(report)
    assert line == {
        "status": "not_listed",
        "source_bucket": SRC,
        "prefix": "in/",
        "start_after": "",
        "until": None,
    }
    assert stopped.report_path == report
    assert world.copy(from_report_path=report).metrics.files_copied_successfully == 2


def test_a_re_run_stopped_in_its_checks_passes_its_report_on(world: World, tmp_path: Path) -> None:
    """What was left before is left still: objects, and the keys that were not listed."""
    before, after = tmp_path / "r.jsonl", tmp_path / "r-2.jsonl"
    for name in "abc":
        world.server.put(SRC, f"in/{name}", size=1)
    place = {"source_bucket": SRC, "prefix": "in/", "start_after": "in/b"}
    task = {"source_bucket": SRC, "source_key": "in/a", "size": 1}
    to = {"destination_bucket": DST, "destination_key": "out/a"}
    write_report(before, {"status": "failed", **task, **to}, {"status": "not_listed", **place})

    stopped = stopped_in_checks(world, "UploadPartCopy", from_report_path=before, report_path=after)
    world.copy(from_report_path=after)

    assert stopped.metrics.files_not_attempted == 1
    assert set(world.arrived()) == {"out/a", "out/c"}


def test_a_resumed_run_stopped_in_its_checks_reports_what_is_left(
    world: World, tmp_path: Path
) -> None:
    """The journal and the report agree."""
    fill(world, 30)
    stopped_after(world, "CopyObject", 10, tmp_path / "j.db", listing_threads=1)
    done = set(world.arrived())
    for key in done:
        world.server.delete(DST, key)
    report = tmp_path / "r.jsonl"

    stopped_in_checks(
        world,
        "UploadPartCopy",
        journal=str(tmp_path / "j.db"),
        journal_use=JournalUse.RESUME,
        report_path=report,
    )
    world.copy(from_report_path=report)

    assert len(done) < 30
    assert set(world.arrived()) | done == {f"out/{number:04}" for number in range(30)}
    assert resume(world, tmp_path / "j.db").state is RunState.COMPLETED


def test_a_single_object_is_reported_once_it_was_seen(world: World, tmp_path: Path) -> None:
    """Before that its size is not known, and the run says that it has no report."""
    world.server.put(SRC, "in/x", size=1)
    early, late = tmp_path / "early.jsonl", tmp_path / "late.jsonl"
    one: dict[str, Any] = {"source_key": "in/x", "destination_key": "out/x", "recursive": False}

    unseen = stopped_in_checks(
        world,
        "HeadObject",
        fault=Fault.error("HeadObject", 503, "SlowDown"),
        retry_delay_s=60,
        report_path=early,
        **one,
    )
    seen = stopped_in_checks(world, "UploadPartCopy", report_path=late, **one)

    assert (unseen.report_path, early.exists()) == (None, False)
    assert any("no report was written" in note for note in unseen.notes)
    assert (seen.report_path, seen.metrics.files_not_attempted) == (late, 1)
    assert [line["status"] for line in lines_of(late)] == ["not_attempted"]
