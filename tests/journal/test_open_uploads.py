"""A journal is not finished with while an upload of its copy may be open."""

from __future__ import annotations

from pathlib import Path

import pytest

from s3_xfer import JournalError, JournalUse, Preflight, RunState
from tests.fault_server import Fault
from tests.journal.steps import resume, stopped_after
from tests.world import DESTINATION_ACCOUNT, DST, LARGE, SRC, World


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
    assert refused.value.remedy.startswith("go on from it: S3CopyOperation.resume(")
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


def test_a_retried_task_does_not_forget_uploads(world: World, tmp_path: Path) -> None:
    """All objects have arrived and an upload may be open: that is gone on with, not begun anew."""
    journal = str(tmp_path / "j.db")
    world.server.put(SRC, "in/large", size=LARGE)
    world.server.inject(Fault.lost_response("CreateMultipartUpload", times=1, key="out/large"))
    denied = world.server.inject(Fault.error("ListMultipartUploads", 403, "AccessDenied"))
    world.copy(journal=journal, journal_use=JournalUse.CONTINUE)
    denied.remove()

    last = world.copy(journal=journal, journal_use=JournalUse.CONTINUE)

    assert last.metrics.files_copied_earlier == 1
    assert world.server.uploads(DST) == []


def test_an_upload_of_unknown_id_that_stays_is_named_and_kept(world: World, tmp_path: Path) -> None:
    """S3 shows it and refuses its abort: the run names it, and the journal goes on to know it."""
    journal = str(tmp_path / "j.db")
    world.server.put(SRC, "in/large", size=LARGE)
    world.server.inject(Fault.lost_response("CreateMultipartUpload", times=1, key="out/large"))
    refused = world.server.inject(Fault.error("AbortMultipartUpload", 403, "AccessDenied"))
    first = world.copy(journal=journal, preflight=Preflight.SKIP)
    refused.remove()

    last = resume(world, journal)

    assert [upload.key for upload in first.uploads_left_behind] == ["out/large"]
    assert last.uploads_left_behind == ()
    assert world.server.uploads(DST) == []


def test_an_upload_of_an_earlier_run_that_stays_is_named(world: World, tmp_path: Path) -> None:
    """A resume that may not abort it does not end as if nothing was left."""
    journal = str(tmp_path / "j.db")
    world.server.put(SRC, "in/large", size=LARGE)
    stopped_after(world, "UploadPartCopy", 2, journal)
    world.server.delete(SRC, "in/large")
    world.server.put(SRC, "in/small", size=1)
    world.server.inject(Fault.error("AbortMultipartUpload", 403, "AccessDenied", key="out/large"))

    last = resume(world, journal)

    assert [upload.key for upload in last.uploads_left_behind] == ["out/large"]


def test_uploads_that_are_opened_together_share_a_save(world: World) -> None:
    """A journal in S3 is saved before each is opened, and not once for each."""
    world.server.create_bucket("journals", owner=DESTINATION_ACCOUNT)
    count = 24
    for number in range(count):
        world.server.put(SRC, f"in/{number}", size=LARGE)
    world.server.inject(Fault.slow("PutObject", delay_s=0.2, bucket="journals"))

    result = world.copy(journal="s3://journals/j.db", concurrency=12)

    opened = [r.time_s for r in world.server.requests if r.operation == "CreateMultipartUpload"]
    saved = [r.time_s for r in world.server.requests if r.operation == "PutObject"]
    assert result.state is RunState.COMPLETED
    assert len(opened) == count + 1
    assert any(time_s < opened[0] for time_s in saved)
    assert len(saved) < count / 2 + 5  # with those of the run itself


def test_the_upload_of_a_diagnosis_is_in_the_journal(world: World, tmp_path: Path) -> None:
    """It is opened to find out what was denied; whoever is killed meanwhile leaves it recorded."""
    journal = str(tmp_path / "j.db")
    world.server.put(SRC, "in/x", size=1)
    world.server.inject(Fault.error("CopyObject", 403, "AccessDenied"))
    seen: list[bytes] = []
    world.server.inject(
        Fault.call(
            "CreateMultipartUpload",
            lambda _: seen.append(contents_of(journal)),
            key="out/x",
        )
    )

    result = world.copy(journal=journal)

    assert result.diagnosis
    assert len(seen) >= 1
    assert all(b"out/x" in contents for contents in seen)
    assert world.server.uploads(DST) == []


def contents_of(journal: str) -> bytes:
    """Return what is in the files of a journal, also of one that a run has open."""
    return b"".join(part.read_bytes() for part in Path(journal).parent.glob("j.db*"))
