"""A large object goes on with its missing parts, or starts anew where that would be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from s3_xfer import CopyOptions, OpenUpload, RunState
from s3_xfer.planning.part_size import part_size
from s3_xfer.units import GIB, MIB
from tests.e2e.program import COPY, PROFILES, QUICK, Program, end_of
from tests.fault_server import Fault, refusals
from tests.fault_server.refusals import Refusal
from tests.journal.steps import resume, stopped_after
from tests.patience import PATIENCE_S
from tests.world import DESTINATION_KEY, DST, SRC, World, session

LARGE = 77 * MIB  # ten parts
HUGE = 10 * GIB


def stopped_in_parts(world: World, journal: Path | str) -> int:
    """Stop a copy of one large object in the middle; return how many parts it had."""
    world.server.put(SRC, "in/large", size=LARGE, metadata={"a": "b"}, tags={"c": "d"})
    stopped_after(world, "UploadPartCopy", 5, journal, delay_s=0.2, concurrency=2)
    (upload,) = world.server.uploads(DST)
    return len(upload.parts)


def test_only_missing_parts_are_copied(world: World, tmp_path: Path) -> None:
    """Metadata, tags and content are those of the source; each part was copied once."""
    made = stopped_in_parts(world, tmp_path / "j.db")
    world.server.forget_requests()

    last = resume(world, tmp_path / "j.db")

    copy = world.arrived()["out/large"]
    assert 0 < made < 10
    assert world.sent("UploadPartCopy") == 10 - made
    assert world.sent("CreateMultipartUpload") == 0
    assert last.metrics.total_bytes_transferred == copy.size == LARGE
    assert (copy.metadata, copy.tags) == ({"a": "b"}, {"c": "d"})
    assert world.server.uploads(DST) == []


def test_an_upload_goes_on_in_parts_of_the_size_it_began_with(world: World, tmp_path: Path) -> None:
    """Even if this run, or a newer version, would choose another: no part is copied twice."""
    begun, other = CopyOptions(concurrency=4), CopyOptions(concurrency=8)
    assert (part_size(HUGE, begun), part_size(HUGE, other)) == (160 * MIB, 128 * MIB)
    world.server.put(SRC, "in/huge", size=HUGE)
    stopped_after(
        world,
        "UploadPartCopy",
        8,
        tmp_path / "j.db",
        delay_s=0.1,
        concurrency=4,
        part_size_bytes=None,
    )
    (upload,) = world.server.uploads(DST)
    made = len(upload.parts)
    world.server.forget_requests()

    last = resume(world, tmp_path / "j.db", concurrency=8)

    assert 0 < made < 64
    assert world.sent("UploadPartCopy") == 64 - made
    assert world.sent("CreateMultipartUpload") == 0
    assert last.metrics.total_bytes_transferred == world.arrived()["out/huge"].size == HUGE
    assert world.server.uploads(DST) == []


def test_the_summary_names_what_stays_open(world: World, tmp_path: Path) -> None:
    """A stopped run with a journal keeps its uploads, and says which."""
    world.server.put(SRC, "in/large", size=LARGE)
    first = stopped_after(world, "UploadPartCopy", 5, tmp_path / "j.db", delay_s=0.2, concurrency=2)

    (upload,) = world.server.uploads(DST)
    assert first.uploads_kept == (OpenUpload(DST, "out/large", upload.upload_id),)
    assert first.uploads_left_behind == ()


def test_parts_of_an_object_that_changed_are_thrown_away(world: World, tmp_path: Path) -> None:
    """Another content means another upload."""
    stopped_in_parts(world, tmp_path / "j.db")
    world.server.put(SRC, "in/large", size=33 * MIB)
    world.server.forget_requests()

    last = resume(world, tmp_path / "j.db")

    assert last.state is RunState.COMPLETED
    assert world.arrived()["out/large"].size == 33 * MIB
    assert world.sent("UploadPartCopy") == 5
    assert world.server.uploads(DST) == []


def test_an_upload_with_other_metadata_is_thrown_away(world: World, tmp_path: Path) -> None:
    """The same content under new metadata or tags: the copy has the new ones."""
    stopped_in_parts(world, tmp_path / "j.db")
    before = world.server.objects(SRC)["in/large"]
    world.server.put(SRC, "in/large", size=LARGE, etag=before.etag, tags={"c": "new"})

    resume(world, tmp_path / "j.db")

    copy = world.arrived()["out/large"]
    assert (copy.metadata, copy.tags) == ({}, {"c": "new"})
    assert world.server.uploads(DST) == []


def test_an_object_that_vanished_leaves_no_upload(world: World, tmp_path: Path) -> None:
    """What is not listed any more is not copied, and its parts go."""
    stopped_in_parts(world, tmp_path / "j.db")
    world.server.delete(SRC, "in/large")
    world.server.put(SRC, "in/other", size=1)

    last = resume(world, tmp_path / "j.db")

    assert last.state is RunState.COMPLETED
    assert set(world.arrived()) == {"out/other"}
    assert world.server.uploads(DST) == []


@pytest.mark.parametrize("before", ["ListParts", "UploadPartCopy", "CompleteMultipartUpload"])
@pytest.mark.parametrize("code", ["NoSuchUpload", "NoSuchKey", ""])
def test_an_upload_that_somebody_aborted_starts_anew(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, code: str
) -> None:
    """A lifecycle rule may be faster, at any time; Ceph's 404 then names the key, if anything."""
    monkeypatch.setattr(refusals, "no_such_upload", lambda _: Refusal(404, code, "gone"))
    stopped_in_parts(world, tmp_path / "j.db")
    (upload,) = world.server.uploads(DST)
    client = session(DESTINATION_KEY).client("s3", endpoint_url=world.server.url)

    def remove(_: object) -> None:
        client.abort_multipart_upload(Bucket=DST, Key="out/large", UploadId=upload.upload_id)

    world.server.inject(Fault.call(before, remove, key="out/large", times=1))
    world.server.forget_requests()

    last = resume(world, tmp_path / "j.db")

    assert last.state is RunState.COMPLETED, last.metrics.errors_encountered
    assert world.arrived()["out/large"].size == LARGE
    assert world.sent("CreateMultipartUpload") == 1
    assert (world.server.uploads(DST), last.uploads_left_behind) == ([], ())


def test_a_source_that_changes_during_the_missing_parts_fails(world: World, tmp_path: Path) -> None:
    """No object is put together from two contents; the next run takes the new one."""
    stopped_in_parts(world, tmp_path / "j.db")
    world.server.inject(
        Fault.call(
            "UploadPartCopy",
            lambda _: world.server.put(SRC, "in/large", size=LARGE),
            times=1,
            key="out/large",
            after=1,
        )
    )

    failed = resume(world, tmp_path / "j.db", concurrency=1)

    assert failed.metrics.errors_by_class == {"SourceChanged": 1}
    assert (world.arrived(), world.server.uploads(DST)) == ({}, [])
    assert resume(world, tmp_path / "j.db").state is RunState.COMPLETED


def test_an_upload_whose_answer_was_lost_is_found_and_aborted(world: World) -> None:
    """Also without a journal: only that key is looked at, and strangers' uploads stay."""
    client = session(DESTINATION_KEY).client("s3", endpoint_url=world.server.url)
    world.server.put(SRC, "in/large", size=LARGE)
    stranger = client.create_multipart_upload(Bucket=DST, Key="out/large-other")["UploadId"]
    world.server.inject(Fault.lost_response("CreateMultipartUpload", times=2, key="out/large"))

    result = world.copy()

    assert result.state is RunState.COMPLETED
    assert [upload.upload_id for upload in world.server.uploads(DST)] == [stranger]


def test_an_upload_that_is_lost_twice_is_found_by_the_next_run(
    world: World, program: Program
) -> None:
    """Its answer was lost, and the process was killed when all was copied, before it looked."""
    world.server.put(SRC, "in/large", size=LARGE)
    world.server.inject(Fault.lost_response("CreateMultipartUpload", times=1, key="out/large"))
    silence = world.server.inject(Fault.slow("ListMultipartUploads", delay_s=PATIENCE_S))
    child = program.start(*COPY, *QUICK, "--journal", "j.db")
    world.server.wait_for("ListMultipartUploads")
    child.kill()
    end_of(child)
    silence.remove()
    assert len(world.server.uploads(DST)) == 1

    last = program.run("resume", "j.db", *PROFILES, "--json")

    assert last.code == 0, last.said
    assert last.json()["files_copied_successfully"] == last.json()["total_files_found"] == 1
    assert world.sent("CompleteMultipartUpload") == 1
    assert world.server.uploads(DST) == []
    assert "nothing is left" in program.run("resume", "j.db", *PROFILES).said


def test_a_lost_upload_that_may_not_be_looked_for_is_told(world: World) -> None:
    """The copy is complete all the same."""
    world.server.put(SRC, "in/large", size=LARGE)
    world.server.inject(Fault.lost_response("CreateMultipartUpload", times=1, key="out/large"))
    world.server.inject(Fault.error("ListMultipartUploads", 403, "AccessDenied"))

    result = world.copy()

    assert result.state is RunState.COMPLETED
    assert any("whose answer was lost" in note for note in result.notes)
