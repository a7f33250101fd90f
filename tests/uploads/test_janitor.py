"""UnfinishedUpload uploads over HTTP: all pages, whose they are, how large, and that they go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from s3_xfer import CopyOptions, ErrorClass, PreflightError, S3Location
from s3_xfer.uploads import AbortResult, Janitor, UnfinishedUpload
from tests.fault_server import Fault
from tests.fault_server.state import Part, StoredObject, Upload
from tests.world import DESTINATION_ACCOUNT, DESTINATION_KEY, DST, SOURCE_ACCOUNT, SRC, World

OURS = f"arn:aws:iam::{DESTINATION_ACCOUNT}:user/tester"
THEIRS = f"arn:aws:iam::{DESTINATION_ACCOUNT}:user/somebody-else"


def leave(
    world: World,
    key: str,
    upload_id: str,
    *,
    arn: str = OURS,
    age: timedelta = timedelta(days=3),
    parts: int = 0,
) -> None:
    """Leave an upload behind, past all checks."""
    now = datetime.now(UTC).replace(microsecond=0)
    template = StoredObject(key=key, size=0, etag="", last_modified=now, owner=DESTINATION_ACCOUNT)
    upload = Upload(
        upload_id=upload_id,
        key=key,
        initiator=DESTINATION_ACCOUNT,
        initiator_arn=arn,
        initiated=now - age,
        template=template,
        parts={
            number: Part(number=number, size=10, etag='"e"', last_modified=now)
            for number in range(1, parts + 1)
        },
    )
    world.server._world.buckets[DST].uploads[upload_id] = upload


def janitor(world: World, key: str = "", *, retries: int = 3, **account: Any) -> Janitor:
    """Return who looks after the destination bucket."""
    location = S3Location(bucket=DST, key=key, account=world.account(DESTINATION_KEY, **account))
    return Janitor(location, CopyOptions(retry_delay_s=0.01, retries=retries))


def find(world: World, key: str = "") -> list[UnfinishedUpload]:
    """Return what is unfinished below ``key``, with sizes."""
    return list(janitor(world, key).find(sizes=True))


def abort(world: World, **settings: Any) -> list[AbortResult]:
    """Abort everything."""
    one = janitor(world, **settings)
    return list(one.abort(one.find(sizes=False)))


def test_every_page_is_read_also_within_a_key(world: World) -> None:
    """Uploads to one key go over a page's end: both markers are needed."""
    names = [("in/a", f"a{number:04}") for number in range(1500)]
    names += [("in/b b+ü\x01", f"b{number:04}") for number in range(700)]
    for key, upload_id in names:
        leave(world, key, upload_id)

    found = list(janitor(world).find(sizes=False))

    assert [(one.upload.key, one.upload.upload_id) for one in found] == names
    assert world.server.count("ListMultipartUploads") == 3
    assert world.server.count("ListParts") == 0


def test_sizes_are_those_of_all_parts(world: World) -> None:
    """Over the end of a page of parts."""
    leave(world, "in/large", "u1", parts=2300)
    leave(world, "in/none", "u2")

    large, none = find(world)

    assert (large.parts, large.size_bytes) == (2300, 23000)
    assert (none.parts, none.size_bytes) == (0, 0)


@pytest.mark.parametrize(
    ("key", "seen"),
    [
        ("", ["data/x", "data/x/y", "data/xy", "other"]),
        ("data/", ["data/x", "data/x/y", "data/xy"]),
        ("data", ["data/x", "data/x/y", "data/xy"]),
        ("data/x", ["data/x", "data/x/y"]),
        ("dat", []),
    ],
)
def test_a_place_is_a_directory_or_a_key(world: World, key: str, seen: list[str]) -> None:
    """``data`` never means ``database``, as everywhere in this program."""
    for number, name in enumerate(["data/x", "data/x/y", "data/xy", "other"]):
        leave(world, name, f"u{number}")

    assert [one.upload.key for one in find(world, key)] == seen


def test_ours_are_those_of_the_same_principal(world: World) -> None:
    """Any session of a role is the role; another user of the same account is not we."""
    role = f"arn:aws:iam::{DESTINATION_ACCOUNT}:role/copier"
    session = f"arn:aws:sts::{DESTINATION_ACCOUNT}:assumed-role/copier/another-session"
    leave(world, "a", "u1", arn=OURS)
    leave(world, "b", "u2", arn=THEIRS)
    leave(world, "c", "u3", arn=session)

    as_user = find(world)
    as_role = list(janitor(world, role_arn=role).find(sizes=False))

    assert [one.is_ours for one in as_user] == [True, False, False]
    assert [one.is_ours for one in as_role] == [False, False, True]
    assert [one.initiator for one in as_user] == [OURS, THEIRS, session]


def test_nothing_is_ours_where_nobody_knows_who_we_are(world: World) -> None:
    """Services without STS: all are shown, none is taken for ours."""
    leave(world, "a", "u1", arn=OURS)
    world.server.inject(Fault.error("GetCallerIdentity", 501, "NotImplemented"))

    one = janitor(world)

    assert [found.is_ours for found in one.find(sizes=False)] == [False]
    assert "NotImplemented" in one.identity.unknown_because


def test_what_may_not_be_measured_is_listed_all_the_same(world: World) -> None:
    """Without its size."""
    leave(world, "a", "u1", parts=2)
    world.server.inject(Fault.error("ListParts", 403, "AccessDenied"))

    (found,) = find(world)

    assert (found.parts, found.size_bytes) == (None, None)


def test_what_may_not_be_listed_is_refused(world: World) -> None:
    """With the right that is missing."""
    world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:ListBucketMultipartUploads"])

    with pytest.raises(PreflightError, match="cannot be listed") as refused:
        find(world)

    assert "s3:ListBucketMultipartUploads" in refused.value.remedy


def test_aborted_uploads_are_proven_gone(world: World) -> None:
    """Each is asked for again, and S3 says that there is none."""
    for number in range(30):
        leave(world, f"in/{number}", f"u{number}", parts=2)

    ended = abort(world)

    assert [(one.error, one.is_proven) for one in ended] == [(None, True)] * 30
    assert world.server.uploads(DST) == []
    assert world.server.count("ListParts") == 30


def test_an_abort_is_repeated_while_parts_arrive(world: World) -> None:
    """A part that was under way brings the upload back: the API reference says to try again."""
    leave(world, "in/x", "u1", parts=1)
    revived = world.server.inject(
        Fault.call(
            "AbortMultipartUpload", lambda _: leave(world, "in/x", "u1"), when="after", times=2
        )
    )

    (end,) = abort(world)

    assert (end.error, end.is_proven, revived.hits) == (None, True, 2)
    assert world.server.uploads(DST) == []


def test_an_upload_that_stays_is_told(world: World) -> None:
    """After some aborts: somebody keeps sending."""
    leave(world, "in/x", "u1", parts=1)
    world.server.inject(
        Fault.call("AbortMultipartUpload", lambda _: leave(world, "in/x", "u1"), when="after")
    )

    (end,) = abort(world)

    assert end.error is not None
    assert end.error.error_class is ErrorClass.CONFLICT
    assert world.server.count("AbortMultipartUpload") == 4


@pytest.mark.parametrize("fault", ["reset", "slow down", "lost answer"])
def test_passing_errors_are_repeated(world: World, fault: str) -> None:
    """And an upload that is gone when the answer was lost is gone."""
    leave(world, "in/x", "u1")
    faults = {
        "reset": Fault.reset("AbortMultipartUpload", times=1),
        "slow down": Fault.error("AbortMultipartUpload", 503, "SlowDown", times=2),
        "lost answer": Fault.lost_response("AbortMultipartUpload", times=1),
    }
    world.server.inject(faults[fault])

    (end,) = abort(world)

    assert (end.error, end.is_proven) == (None, True)
    assert world.server.uploads(DST) == []


def test_a_refused_abort_is_told_and_the_others_go_on(world: World) -> None:
    """With S3's own words."""
    for name in ("a", "b", "c"):
        leave(world, name, f"u-{name}")
    world.server.inject(Fault.error("AbortMultipartUpload", 403, "AccessDenied", key="b"))

    ended = abort(world)

    errors = [one.error.info.code if one.error else None for one in ended]
    assert errors == [None, "AccessDenied", None]
    assert [upload.key for upload in world.server.uploads(DST)] == ["b"]


def test_an_abort_that_cannot_be_looked_after_is_not_called_proven(world: World) -> None:
    """204 to the abort, 403 to the look."""
    leave(world, "a", "u1")
    world.server.inject(Fault.error("ListParts", 403, "AccessDenied"))

    (end,) = abort(world)

    assert (end.error, end.is_proven) == (None, False)


def test_the_owner_is_asked_for_everywhere(world: World) -> None:
    """A bucket that belongs to somebody else is not tidied up."""
    leave(world, "a", "u1")

    with pytest.raises(PreflightError):
        list(janitor(world, bucket_owner=SOURCE_ACCOUNT).find(sizes=False))

    assert len(world.server.uploads(DST)) == 1
    assert SRC != DST
