"""A journal is not finished with while an upload of its copy may be open."""

from __future__ import annotations

from pathlib import Path

import pytest

from s3_xfer import JournalError, RunState
from tests.fault_server import Fault
from tests.journal.steps import resume
from tests.world import DST, LARGE, SRC, World


def test_a_copy_is_not_called_complete_while_an_upload_may_be_open(
    world: World, tmp_path: Path
) -> None:
    """All objects have arrived; the journal still asks for a resume, which aborts the upload."""
    journal = str(tmp_path / "j.db")
    world.server.put(SRC, "in/large", size=LARGE)
    world.server.inject(Fault.lost_response("CreateMultipartUpload", times=1, key="out/large"))
    denied = world.server.inject(Fault.error("ListMultipartUploads", 403, "AccessDenied"))
    first = world.copy(journal=journal)

    with pytest.raises(JournalError, match="is not finished") as refused:
        world.copy(journal=journal)
    denied.remove()
    last = resume(world, journal)

    assert first.state is last.state is RunState.COMPLETED
    assert refused.value.remedy.startswith("go on from it: s3-xfer resume")
    assert world.server.uploads(DST) == []
    with pytest.raises(JournalError, match="belongs to a copy that is complete"):
        world.copy(journal=journal)


@pytest.mark.parametrize("recursive", [True, False])
def test_a_resume_that_has_only_uploads_to_abort_copies_nothing(
    world: World, tmp_path: Path, recursive: bool
) -> None:
    """The object has arrived, so neither a listing nor a look at it brings it again."""
    journal = str(tmp_path / "j.db")
    world.server.put(SRC, "in/large", size=LARGE)
    world.server.inject(Fault.lost_response("CreateMultipartUpload", times=1, key="out/large"))
    denied = world.server.inject(Fault.error("ListMultipartUploads", 403, "AccessDenied"))
    keys = ("in/", "out/") if recursive else ("in/large", "out/large")
    world.copy(*keys, recursive=recursive, journal=journal)
    denied.remove()
    world.server.forget_requests()

    last = resume(world, journal)

    assert last.state is RunState.COMPLETED
    assert world.sent("CompleteMultipartUpload") == 0
    assert last.metrics.total_files_found == last.metrics.files_copied_earlier == 1
    assert world.server.uploads(DST) == []
