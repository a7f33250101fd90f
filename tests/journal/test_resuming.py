"""A copy that was stopped goes on from its journal, and nothing is copied twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from s3_xfer import CopyResult, JournalError, JournalUse, RunState, S3CopyOperation
from s3_xfer.testing.fault_server import Fault
from tests.world import DESTINATION_KEY, DST, LARGE, SOURCE_KEY, SRC, World, check_accounts


def fill(world: World, count: int, size: int = 1) -> None:
    """Store objects at the source."""
    for number in range(count):
        world.server.put(SRC, f"in/{number:04}", size=size)


def resume(world: World, journal: Path, **changes: Any) -> CopyResult:
    """Go on from a journal to the end, as the library's users do."""
    result = S3CopyOperation.resume(
        journal,
        source=world.account(SOURCE_KEY),
        destination=world.account(DESTINATION_KEY),
        **changes,
    ).run()
    check_accounts(result)
    return result


def stop_after(world: World, copies: int, journal: Path, **changes: Any) -> CopyResult:
    """Begin a copy, and cancel it when so many copies have been asked for."""
    slow = world.server.inject(Fault.slow(("CopyObject", "UploadPartCopy"), delay_s=0.01))
    run = world.operation(journal=str(journal), **changes).start()
    assert world.server.wait_for("CopyObject", count=copies, timeout_s=50)
    run.cancel("test")
    result = run.result()
    slow.remove()
    check_accounts(result)
    return result


def test_a_stopped_copy_goes_on(world: World, tmp_path: Path) -> None:
    """The second run copies what the first did not, and reports on both."""
    journal = tmp_path / "j.db"
    fill(world, 2500)
    first = stop_after(world, 1200, journal, concurrency=32)
    world.server.forget_requests()

    last = resume(world, journal)

    copied = first.metrics.files_copied_successfully
    assert first.resumable
    assert 0 < copied < 2500
    assert last.state is RunState.COMPLETED
    assert not last.resumable
    assert len(world.arrived()) == 2500
    assert last.metrics.files_copied_earlier == copied
    assert last.metrics.total_files_found == last.metrics.files_copied_successfully == 2500
    assert world.sent("CopyObject") == 2500 - copied


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
