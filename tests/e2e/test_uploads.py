"""``s3-xfer uploads``: lists, asks, aborts, and says what it could not do."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from pathlib import Path

import pytest

from s3_xfer.ledger.journal.store import Store
from tests.e2e.program import US, Program
from tests.e2e.shop import Shop
from tests.fault_server import Fault
from tests.fault_server.odd_listings import rewritten
from tests.journal.test_parts import stopped_in_parts
from tests.uploads.test_janitor import THEIRS, leave
from tests.world import DST, World

UPLOADS = ("uploads", "s3://dst-bucket/in/", "--dest-profile", US)
OLD, YOUNG = timedelta(days=3), timedelta(hours=3)


def some(world: World) -> None:
    """Leave an old and a young one of ours, and an old one of somebody else."""
    leave(world, "in/old", "id-old", age=OLD, parts=3)
    leave(world, "in/young", "id-young", age=YOUNG, parts=1)
    leave(world, "in/theirs", "id-theirs", age=OLD, arn=THEIRS, parts=2)
    leave(world, "elsewhere", "id-elsewhere", age=OLD)


def left(world: World) -> list[str]:
    """Return the keys whose uploads are still there."""
    return sorted(upload.key for upload in world.server.uploads(DST))


def test_lines_for_logs_a_table_for_people_json_for_machines(
    world: World, program: Program
) -> None:
    """The same facts each time; nothing is aborted."""
    began_s = time.monotonic()
    some(world)

    lines = program.run(*UPLOADS)
    listed = program.run(*UPLOADS, "--json").json()["uploads"]
    unmeasured = program.run(*UPLOADS, "--no-sizes")
    with program.terminal(*UPLOADS) as screen:
        text = screen.until("3 uploads, 60 B")
        code = screen.end()

    assert (lines.code, len(lines.out.splitlines()), code) == (0, 3, 0)
    assert "size=30 parts=3 class=STANDARD ours=yes" in lines.out
    assert "ours=no initiator=arn:aws:iam::222222222222:user/somebody-else" in lines.out
    assert [(one["key"], one["size"], one["ours"]) for one in listed] == [
        ("in/old", 30, True),
        ("in/theirs", 20, False),
        ("in/young", 10, True),
    ]
    assert 3 * 86400 <= listed[0]["age_seconds"] < 3 * 86400 + time.monotonic() - began_s + 2
    assert "size=? parts=?" in unmeasured.out
    assert "3 d 0 h" in text
    assert len(left(world)) == 4


def test_old_ones_of_ours_are_aborted_without_a_question(world: World, program: Program) -> None:
    """Those of others, younger ones and those elsewhere stay."""
    some(world)

    done = program.run(*UPLOADS, "--abort-older-than", "2d")
    again = program.run(*UPLOADS, "--abort-older-than", "2d")

    assert done.code == 0, done.said
    assert done.out == "aborted 1 upload, 30 B\n"
    assert left(world) == ["elsewhere", "in/theirs", "in/young"]
    assert (again.code, again.out) == (0, "aborted 0 uploads, 0 B\n")


@pytest.mark.parametrize("place", ["file", "S3"])
def test_what_a_journal_has_open_is_spared(
    world: World, program: Program, tmp_path: Path, place: str
) -> None:
    """The copy goes on with its parts; all others of ours are aborted as ever."""
    journal = str(tmp_path / "j.db") if place == "file" else f"s3://{DST}/journals/j"
    made = stopped_in_parts(world, journal)
    leave(world, "out/other", "id-other", age=OLD, parts=1)
    before = world.sent("UploadPartCopy")
    everything = ("uploads", f"s3://{DST}/out/", "--dest-profile", US, "--abort-older-than", "0s")

    spared = program.run(*everything, "--journal", journal)
    after = left(world)
    resumed = program.run("resume", journal, "--dest-profile", US)

    assert (spared.code, spared.out) == (0, "aborted 1 upload, 10 B\n"), spared.said
    assert f"spared 1 that the journal {journal} will resume" in spared.err
    assert after == ["out/large"]
    assert resumed.code == 0, resumed.said
    assert world.sent("UploadPartCopy") - before == 10 - made


def test_with_a_journal_that_cannot_be_read_nothing_is_aborted(
    world: World, program: Program, tmp_path: Path
) -> None:
    """A wrong name must not cost the parts that it was to spare; nor may a run that is at work."""
    stopped_in_parts(world, tmp_path / "j.db")
    some(world)
    before = left(world)
    args = (*UPLOADS, "--abort-older-than", "2d", "--journal")

    missing = program.run(*args, str(tmp_path / "other.db"))
    at_work = Store(tmp_path / "j.db", name="j.db")
    try:
        busy = program.run(*args, str(tmp_path / "j.db"))
    finally:
        at_work.close()

    assert "there is no journal" in missing.err
    assert "is in use" in busy.err
    assert (missing.code, busy.code) == (3, 3)
    assert left(world) == before


def test_those_of_others_take_a_yes(world: World, program: Program) -> None:
    """The question names how many, how large and whose; no leaves everything as it is."""
    some(world)
    args = (*UPLOADS, "--abort-older-than", "2d", "--all")
    asked = "Abort 2 uploads, 50 B, 1 of them not begun by these credentials?"

    with program.terminal(*args, columns=120) as screen:
        screen.answer(asked, "n")
        refused = screen.end()
        assert "nothing was aborted" in screen.text
    after_no = left(world)
    with program.terminal(*args, columns=120) as screen:
        screen.answer(asked, "y")
        agreed = screen.end()

    assert (refused, len(after_no), agreed) == (0, 4, 0)
    assert left(world) == ["elsewhere", "in/young"]


def test_scripts_say_yes(world: World, program: Program) -> None:
    """--json tells the end of each."""
    some(world)

    done = program.run(*UPLOADS, "--abort-older-than", "1h", "--all", "--yes", "--json")

    assert done.code == 0, done.said
    assert {
        one["key"]: (one["aborted"], one["proven"]) for one in done.json()["uploads"]
    } == dict.fromkeys(("in/old", "in/young", "in/theirs"), (True, True))
    assert left(world) == ["elsewhere"]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--abort-older-than", "2d", "--all"), "Give --yes"),
        (("--all", "--yes"), "--abort-older-than"),
        (("--journal", "j.db"), "--journal says what to spare: give --abort-older-than"),
    ],
)
def test_what_is_not_clear_is_refused(
    world: World, program: Program, args: tuple[str, ...], says: str
) -> None:
    """Before anything is sent."""
    some(world)

    done = program.run(*UPLOADS, *args)

    assert done.code == 2, done.said
    assert says in done.err
    assert world.server.requests == []


def test_what_stays_is_named(world: World, program: Program) -> None:
    """Exit code 1, with S3's words."""
    some(world)
    world.server.inject(Fault.error("AbortMultipartUpload", 403, "AccessDenied"))

    done = program.run(*UPLOADS, "--abort-older-than", "2d")

    assert done.code == 1, done.said
    assert "not aborted: s3://dst-bucket/in/old (upload id-old) -> AccessDenied" in done.err
    assert "1 could not be aborted" in done.out


def test_a_missing_bucket_is_refused(world: World, program: Program) -> None:
    """As everywhere."""
    done = program.run("uploads", "s3://no-such-bucket", "--dest-profile", US)

    assert done.code == 3, done.said
    assert "docs/runbook.md#bucket-missing" in done.err


def test_uploads_on_moto(shop: Shop) -> None:
    """Another server's answers: listed, measured, aborted."""
    for key in ("in/a b", "in/c+d", "other"):
        upload = shop.destination.create_multipart_upload(Bucket=DST, Key=key)
        shop.destination.upload_part(
            Bucket=DST, Key=key, UploadId=upload["UploadId"], PartNumber=1, Body=b"12345"
        )
    everything = ("--abort-older-than", "0s", "--all", "--yes")

    listed = shop.program.run(*UPLOADS, "--json").json()["uploads"]
    done = shop.program.run(*UPLOADS, *everything)

    assert [(one["key"], one["size"]) for one in listed] == [("in/a b", 5), ("in/c+d", 5)]
    assert done.code == 0, done.said
    rest = shop.destination.list_multipart_uploads(Bucket=DST)["Uploads"]
    assert [upload["Key"] for upload in rest] == ["other"]


@pytest.mark.parametrize("date", [None, "", "0000-00-00T00:00:00Z", "yesterday"])
def test_upload_without_a_date_is_listed_and_never_aborted(
    world: World, program: Program, date: str | None
) -> None:
    """Its age is not known; the others are aborted."""
    leave(world, "a", "u1")
    leave(world, "b", "u2")
    told = "" if date is None else f"<Initiated>{date}</Initiated>"
    world.server.inject(
        rewritten(
            lambda text: re.sub("<Initiated>[^<]*</Initiated>", told, text, count=1),
            operation="ListMultipartUploads",
        )
    )

    shown = program.run("uploads", "--dest-profile", US, f"s3://{DST}/")
    done = program.run("uploads", "--dest-profile", US, "--abort-older-than", "1h", f"s3://{DST}/")

    assert (shown.code, done.code) == (0, 0)
    assert shown.out.startswith("initiated=? age=? ")
    assert [upload.upload_id for upload in world.server.uploads(DST)] == ["u1"]


def test_listing_that_cannot_be_believed_ends_the_command(world: World, program: Program) -> None:
    """Exit code 4, and nothing is aborted."""
    leave(world, "a", "u1")
    world.server.inject(
        rewritten(lambda text: text.replace(">false<", ">true<"), operation="ListMultipartUploads")
    )

    done = program.run("uploads", "--dest-profile", US, "--abort-older-than", "1h", f"s3://{DST}/")

    assert done.code == 4
    assert "no marker to ask for more" in done.err
    assert len(world.server.uploads(DST)) == 1
