"""Every grant that a copy needs, given and withheld, with the real program on a real S3."""

from __future__ import annotations

import pytest

from tests.ceph.world import CephWorld
from tests.e2e.program import COPY, PREFIX, QUICK, Program
from tests.world import DESTINATION_ACCOUNT, DST, LARGE, READ, SOURCE_ACCOUNT, SRC

# Only the destination's credentials, for everything: the usual cross-account copy.
ALONE = ("copy", *PREFIX, "--dest-profile", "us", *QUICK)
LIST, GET, GET_TAGS = READ


def test_two_accounts_copy_with_the_grants_of_the_documents(
    rgw: CephWorld, program: Program
) -> None:
    """With the read grants and nothing else, objects of both kinds arrive with all they have."""
    small = rgw.stage.put(SRC, "in/small", size=1000, metadata={"a": "b"}, tags={"c": "d"})
    large = rgw.stage.put(SRC, "in/large", size=LARGE, metadata={"e": "f"}, tags={"g": "h"})

    owners = ("--source-bucket-owner", SOURCE_ACCOUNT, "--dest-bucket-owner", DESTINATION_ACCOUNT)

    done = program.run(*ALONE, *owners)

    assert done.code == 0, done.said
    arrived = rgw.arrived()
    assert set(arrived) == {"out/small", "out/large"}
    for put in (small, large):
        copy = arrived[put.key.replace("in/", "out/")]
        assert (copy.size, copy.metadata, copy.tags) == (put.size, put.metadata, put.tags)
    assert rgw.stage.uploads(DST) == []


def test_each_side_with_its_own_credentials(rgw: CephWorld, program: Program) -> None:
    """The source's profile lists and looks; the destination's copies."""
    rgw.stage.put(SRC, "in/x", size=LARGE)

    assert program.run(*COPY, *QUICK).code == 0
    assert set(rgw.arrived()) == {"out/x"}


WITHHELD = {
    "nothing granted": (READ, 1000, "s3://src-bucket/in/ cannot be listed: AccessDenied"),
    "listing": ((LIST,), 1000, "s3://src-bucket/in/ cannot be listed: AccessDenied"),
    "reading": ((GET,), 1000, "may not read s3://src-bucket/in/x: AccessDenied"),
    "reading, large": ((GET,), LARGE, "may not read s3://src-bucket/in/x: AccessDenied"),
    "tags, large": ((GET_TAGS,), LARGE, "the tags of s3://src-bucket/in/x cannot be read"),
}


@pytest.mark.parametrize(("withheld", "size", "says"), WITHHELD.values(), ids=WITHHELD)
def test_each_grant_of_the_source_is_needed(
    rgw: CephWorld, program: Program, withheld: tuple[str, ...], size: int, says: str
) -> None:
    """Without it: exit code 3, the place and the code in the message, nothing written."""
    rgw.stage.put(SRC, "in/x", size=size)
    rgw.stage.revoke(SRC, DESTINATION_ACCOUNT)
    left = [action for action in READ if action not in withheld]
    if left:
        rgw.stage.grant(SRC, to=DESTINATION_ACCOUNT, actions=left)

    done = program.run(*ALONE)

    assert done.code == 3, done.said
    assert says in done.err
    assert "docs/runbook.md#access-denied" in done.err
    rgw.assert_untouched()


def test_grant_below_another_prefix_is_none(rgw: CephWorld, program: Program) -> None:
    """A policy for one prefix opens that prefix, and no other."""
    rgw.stage.put(SRC, "in/x", size=1)
    rgw.stage.put(SRC, "elsewhere/x", size=1)
    rgw.stage.revoke(SRC, DESTINATION_ACCOUNT)
    rgw.stage.grant(SRC, to=DESTINATION_ACCOUNT, actions=READ, prefix="in/")

    refused = program.run("copy", "s3://src-bucket/elsewhere/", PREFIX[1], *ALONE[3:])

    assert refused.code == 3, refused.said
    assert program.run(*ALONE).code == 0
    assert set(rgw.arrived()) == {"out/x"}


@pytest.mark.parametrize("size", [1000, LARGE], ids=["small", "large"])
def test_right_to_write_is_needed(rgw: CephWorld, program: Program, size: int) -> None:
    """A destination that denies writing is found out before anything is written."""
    rgw.stage.put(SRC, "in/x", size=size)
    rgw.stage.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"])

    done = program.run(*ALONE)

    assert done.code == 3, done.said
    assert "s3://dst-bucket/out/ cannot be written: AccessDenied" in done.err
    rgw.assert_untouched()


def test_source_alone_may_not_write_the_destination(rgw: CephWorld, program: Program) -> None:
    """Credentials of the source account push nothing into a bucket that did not let them."""
    rgw.stage.put(SRC, "in/x", size=1)

    done = program.run("copy", *PREFIX, "--dest-profile", "them", *QUICK)

    assert done.code == 3, done.said
    assert "cannot be written: AccessDenied" in done.err
    rgw.assert_untouched()


def test_object_that_is_denied_alone_fails_alone(rgw: CephWorld, program: Program) -> None:
    """A denial of some keys fails those, with S3's words; the others arrive."""
    rgw.stage.put(SRC, "in/open", size=1)
    rgw.stage.put(SRC, "in/secret/x", size=1)
    rgw.stage.deny(SRC, DESTINATION_ACCOUNT, ["s3:GetObject"], prefix="in/secret/")

    done = program.run(*ALONE)

    assert done.code == 1, done.said
    assert "s3://src-bucket/in/secret/x" in done.out
    assert "AccessDenied: 1 object failed" in done.out
    assert set(rgw.arrived()) == {"out/open"}


@pytest.mark.parametrize("side", ["source", "dest"])
def test_bucket_of_another_account_than_expected_is_refused(
    rgw: CephWorld, program: Program, side: str
) -> None:
    """S3 itself checks the owner that the command line names, on either side."""
    rgw.stage.put(SRC, "in/x", size=1)
    owners = {"source": SOURCE_ACCOUNT, "dest": DESTINATION_ACCOUNT}

    owners[side] = "333333333333"
    named = [word for name, owner in owners.items() for word in (f"--{name}-bucket-owner", owner)]

    done = program.run(*ALONE, *named)

    assert done.code == 3, done.said
    rgw.assert_untouched()
