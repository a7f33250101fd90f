"""Resuming a copy that is complete."""

from __future__ import annotations

from pathlib import Path

from s3_xfer import RunState
from tests.journal.steps import fill, resume
from tests.world import World


def test_a_copy_that_is_complete_is_told_as_complete(world: World, tmp_path: Path) -> None:
    """Nothing is sent, all counts are those of the whole copy, and no more will be found."""
    fill(world, 7, size=3)
    world.copy(journal=str(tmp_path / "j.db"))
    world.server.forget_requests()

    last = resume(world, tmp_path / "j.db")

    seen = last.metrics
    assert last.state is RunState.COMPLETED
    assert (seen.listing_complete, last.resumable) == (True, False)
    assert seen.total_files_found == seen.files_copied_successfully == 7
    assert seen.total_bytes_found == seen.bytes_copied_earlier == 21
    assert world.server.requests == []
    assert any("nothing is left to do" in note for note in last.notes)
