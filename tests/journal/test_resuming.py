"""A copy that was stopped goes on from its journal, and nothing is copied twice."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from s3_xfer import JournalUse, RunState, SkipReason
from tests.fault_server import Fault
from tests.journal.steps import fill, resume, stopped_after
from tests.world import SRC, World

CONTINUE = JournalUse.CONTINUE


def test_a_stopped_copy_goes_on(world: World, tmp_path: Path) -> None:
    """The second run copies what the first did not, and reports on both."""
    journal = tmp_path / "j.db"
    fill(world, 1500)
    first = stopped_after(world, "CopyObject", 1200, journal, concurrency=16)
    world.server.forget_requests()

    last = resume(world, journal)

    copied = first.metrics.files_copied_successfully
    assert first.resumable
    assert 0 < copied < 1500
    assert last.state is RunState.COMPLETED
    assert not last.resumable
    assert len(world.arrived()) == 1500
    assert last.metrics.files_copied_earlier == copied
    assert last.metrics.total_files_found == last.metrics.files_copied_successfully == 1500
    assert last.metrics.total_bytes_transferred == last.metrics.total_bytes_found == 1500
    assert world.sent("CopyObject") == 1500 - copied


@pytest.mark.long
def test_it_can_be_stopped_again_and_again(world: World, tmp_path: Path) -> None:
    """Every run goes on where the one before has ended."""
    journal = tmp_path / "j.db"
    fill(world, 1200)
    stopped_after(world, "CopyObject", 300, journal, concurrency=16)
    sent = world.sent("CopyObject")
    for _ in range(2):
        slow = world.server.inject(Fault.slow("CopyObject", delay_s=0.05))
        world.server.forget_requests()
        run = world.operation(journal=str(journal), journal_use=CONTINUE).start()
        world.server.wait_for("CopyObject", count=200)
        run.cancel("test")
        run.result()
        slow.remove()
        sent += world.sent("CopyObject")
    world.server.forget_requests()

    last = resume(world, journal)

    assert sent + world.sent("CopyObject") == 1200
    assert last.metrics.files_copied_successfully == 1200
    assert len(world.arrived()) == 1200


def test_the_journal_does_not_grow_with_the_number_of_objects(world: World, tmp_path: Path) -> None:
    """A complete copy leaves a few rows, however many objects it had."""
    journal = tmp_path / "j.db"
    fill(world, 2100)

    world.copy(journal=str(journal), concurrency=32)

    with sqlite3.connect(journal) as database:
        count = {
            table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("finished", "pending", "uploads", "pending_creates")
        }
    database.close()
    assert count == {"finished": 0, "pending": 0, "uploads": 0, "pending_creates": 0}
    assert journal.stat().st_size < 200_000


def test_what_failed_is_tried_again(world: World, tmp_path: Path) -> None:
    """Failures of complete pages are rows of the journal; each counts once in the end."""
    journal = tmp_path / "j.db"
    fill(world, 50)
    denied = world.server.inject(
        Fault.error("CopyObject", 403, "AccessDenied", key=lambda key: key.endswith("7"))
    )
    first = world.copy(journal=str(journal))
    again = resume(world, journal)
    denied.remove()
    world.server.forget_requests()

    last = resume(world, journal)

    assert (first.metrics.files_failed, again.metrics.files_failed) == (5, 5)
    assert again.metrics.total_files_found == 50
    assert world.sent("CopyObject") == 5
    assert last.state is RunState.COMPLETED
    assert last.metrics.files_copied_successfully == last.metrics.total_files_found == 50


def test_nothing_is_left_to_do(world: World, tmp_path: Path) -> None:
    """Resuming a complete copy sends nothing and says so."""
    journal = tmp_path / "j.db"
    fill(world, 5)
    world.copy(journal=str(journal))
    world.server.forget_requests()

    again = resume(world, journal)

    assert again.state is RunState.COMPLETED
    assert again.metrics.files_copied_successfully == 5
    assert any("nothing is left to do" in note for note in again.notes)
    assert world.server.requests == []


def test_objects_that_were_skipped_stay_so(world: World, tmp_path: Path) -> None:
    """What exists at the destination is counted once, with its reason."""
    journal = tmp_path / "j.db"
    fill(world, 1200)  # more than can be looked at before the stop
    for number in range(0, 1200, 10):
        world.server.put("dst-bucket", f"out/{number:04}", size=7)
    first = stopped_after(world, "CopyObject", 100, journal, overwrite=False)

    last = resume(world, journal)

    skipped = last.metrics.skips_by_reason[SkipReason.EXISTS.value]
    assert 0 < first.metrics.files_skipped == last.metrics.files_skipped_earlier <= 120
    assert last.metrics.files_skipped == skipped == 120
    assert last.metrics.files_copied_successfully == 1080


def test_a_copy_from_a_report_goes_on_too(world: World, tmp_path: Path) -> None:
    """The report is read once; afterwards the journal has its lines."""
    journal, report = tmp_path / "j.db", tmp_path / "r.jsonl"
    fill(world, 300)
    denied = world.server.inject(Fault.error("CopyObject", 403, "AccessDenied"))
    world.copy(report_path=report)
    denied.remove()
    stopped_after(world, "CopyObject", 100, journal, from_report_path=report)
    sent = world.sent("CopyObject")
    report.unlink()
    world.server.forget_requests()

    last = resume(world, journal)

    assert sent + world.sent("CopyObject") == 300
    assert last.state is RunState.COMPLETED
    assert last.metrics.total_files_found == 300
    assert len(world.arrived()) == 300


@pytest.mark.parametrize("size", [1, 40 * 1024**2])
def test_a_single_object_goes_on_too(world: World, tmp_path: Path, size: int) -> None:
    """One object is a copy like any other."""
    journal = tmp_path / "j.db"
    world.server.put(SRC, "in/x", size=size)
    denied = world.server.inject(
        Fault.error(("CopyObject", "CompleteMultipartUpload"), 403, "AccessDenied")
    )
    first = world.copy("in/x", "out/x", recursive=False, journal=str(journal))
    denied.remove()

    last = resume(world, journal)

    assert first.metrics.files_failed == 1
    assert last.metrics.files_copied_successfully == last.metrics.total_files_found == 1
    assert set(world.arrived()) == {"out/x"}
    assert world.server.uploads("dst-bucket") == []


def test_a_report_of_a_stopped_resume_is_complete(world: World, tmp_path: Path) -> None:
    """Who does not resume can run from the report instead: it has what the journal has."""
    journal, report = tmp_path / "j.db", tmp_path / "r.jsonl"
    fill(world, 1500)
    world.server.inject(
        Fault.error("CopyObject", 403, "AccessDenied", key=lambda key: key.endswith("7"), times=150)
    )
    world.copy(journal=str(journal))
    late = world.server.inject(Fault.slow("CopyObject", delay_s=0.05))
    world.server.forget_requests()
    run = world.operation(journal=str(journal), journal_use=CONTINUE, report_path=report).start()
    world.server.wait_for("CopyObject", count=20)
    run.cancel("test")
    run.result()
    late.remove()

    last = world.copy(from_report_path=report)

    assert last.state is RunState.COMPLETED
    assert len(world.arrived()) == 1500


def test_a_service_without_an_order_of_keys_is_refused(world: World, tmp_path: Path) -> None:
    """A journal of stretches of keys would lose objects there."""
    fill(world, 5)

    def reverse(_: object) -> None:
        bucket = world.server._world.buckets[SRC]
        bucket.keys.reverse()

    world.server.inject(Fault.call("ListObjectsV2", reverse, times=1))
    result = world.copy(journal=str(tmp_path / "j.db"))

    assert result.aborted_by
    assert "does not list keys in the order" in result.aborted_by.problem
    assert result.resumable
