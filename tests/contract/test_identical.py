"""Runs that leave alone what is at the destination already: what proves it, and what does not."""

from __future__ import annotations

import dataclasses

import pytest

from s3_xfer import Identical, RunState
from tests.check.test_checking import check, counts
from tests.fault_server import Fault
from tests.fault_server.actions import Rewrite
from tests.fault_server.odd_listings import rewritten
from tests.world import DESTINATION_ACCOUNT, DST, LARGE, SRC, World

IDENTICAL = {"identical at the destination": 1}
CRC = {"x-amz-checksum-crc64nvme": "Zm9vYmFyCg==", "x-amz-checksum-type": "FULL_OBJECT"}
OTHER_CRC = {**CRC, "x-amz-checksum-crc64nvme": "Zm9vYmF6Cg=="}
TWO_CRCS = {**CRC, "x-amz-checksum-crc32": "AAAAAA=="}
OTHER_CRC32 = {**CRC, "x-amz-checksum-crc32": "AAAAAQ=="}
COMPOSED = {"x-amz-checksum-sha256": "Zm9vYmFyCg==-5", "x-amz-checksum-type": "COMPOSITE"}


def test_what_an_earlier_run_has_copied_is_left_alone(world: World) -> None:
    """Small objects are recognised by size and ETag; only what is new is copied."""
    for number in range(5):
        world.server.put(SRC, f"in/{number}", size=1000)
    world.copy()
    world.server.put(SRC, "in/5", size=1000)
    world.server.put(SRC, "in/0", size=1000)  # the same size, another content
    world.server.forget_requests()

    again = world.copy(identical=Identical.SKIP)

    assert again.state is RunState.COMPLETED
    assert again.metrics.skips_by_reason == {"identical at the destination": 4}
    assert (again.metrics.files_copied_successfully, world.sent("CopyObject")) == (2, 2)
    assert world.sent("HeadObject", bucket=DST) == 1  # of what may have a checksum
    assert world.sent("HeadObject", bucket=SRC) == 0


def test_without_the_option_everything_is_copied_again(world: World) -> None:
    """Overwriting is the default, and takes no look."""
    world.server.put(SRC, "in/x", size=1000)
    world.copy()

    assert world.copy().metrics.files_copied_successfully == 1
    assert world.sent("HeadObject") == 0


@pytest.mark.parametrize("size", [1000, LARGE], ids=["small", "large"])
@pytest.mark.parametrize(
    ("at_source", "at_destination", "skipped"),
    [
        pytest.param(CRC, CRC, True, id="same checksum"),
        pytest.param(CRC, OTHER_CRC, False, id="another checksum"),
        pytest.param(CRC, {}, False, id="no checksum at the destination"),
        pytest.param({}, CRC, False, id="no checksum at the source"),
        pytest.param(COMPOSED, COMPOSED, False, id="checksums of parts"),
        pytest.param(TWO_CRCS, TWO_CRCS, True, id="the same two checksums"),
        pytest.param(TWO_CRCS, OTHER_CRC32, False, id="one of two checksums differs"),
    ],
)
def test_where_etags_differ_a_checksum_over_everything_decides(
    world: World,
    size: int,
    at_source: dict[str, str],
    at_destination: dict[str, str],
    skipped: bool,
) -> None:
    """Parts and KMS change ETags, not contents; without a proof the object is copied."""
    world.server.put(SRC, "in/x", size=size, headers=at_source)
    world.server.put(DST, "out/x", size=size, headers=at_destination)

    result = world.copy(identical=Identical.SKIP)

    assert result.state is RunState.COMPLETED
    assert result.metrics.skips_by_reason == (IDENTICAL if skipped else {})
    assert result.metrics.files_copied_successfully == (0 if skipped else 1)


def test_another_size_is_never_identical(world: World) -> None:
    """Whatever ETag and checksum say."""
    etag = "0123456789abcdef0123456789abcdef"
    world.server.put(SRC, "in/x", size=10, etag=etag, headers=CRC)
    world.server.put(DST, "out/x", size=11, etag=etag, headers=CRC)

    assert world.copy(identical=Identical.SKIP).metrics.files_copied_successfully == 1
    assert world.arrived()["out/x"].size == 10


@pytest.mark.parametrize("side", ["destination", "source"])
def test_where_one_may_not_look_the_copy_is_made(world: World, side: str) -> None:
    """A denied HEAD proves nothing, and is no failure either."""
    world.server.put(SRC, "in/x", size=10, headers=CRC)
    world.server.put(DST, "out/x", size=10, headers=CRC)
    bucket, account = (DST, DESTINATION_ACCOUNT) if side == "destination" else (SRC, "111111111111")
    world.server.deny(bucket, account, ["s3:GetObject"])

    result = world.copy(identical=Identical.SKIP)

    assert result.metrics.files_copied_successfully == 1


def test_tags_that_came_too_late_are_set_again(world: World) -> None:
    """An object whose content arrived without its many tags gets them, though it is not copied."""
    tags = {f"{'long' * 20}-{number}": "value" * 45 for number in range(9)}
    world.server.put(SRC, "in/x", size=LARGE, tags=tags, headers=CRC)
    world.server.put(DST, "out/x", size=LARGE, headers=CRC)

    result = world.copy(identical=Identical.SKIP)

    assert result.metrics.skips_by_reason == IDENTICAL
    assert world.arrived()["out/x"].tags == tags
    assert world.sent("CreateMultipartUpload") == 0


def test_not_overwriting_leaves_everything_alone_that_exists(world: World) -> None:
    """Then what is there stays, identical or not, and nobody asks."""
    world.server.put(SRC, "in/x", size=10)
    world.server.put(DST, "out/x", size=10)

    result = world.copy(identical=Identical.SKIP, overwrite=False)

    assert result.metrics.skips_by_reason == {"already exists at the destination": 1}


@pytest.mark.parametrize("etag", ['""', "-", "0", "null", "0" * 20])
@pytest.mark.parametrize("size", [1000, LARGE], ids=["small", "large"])
def test_etag_that_all_objects_could_have_proves_nothing(
    world: World, etag: str, size: int
) -> None:
    """Both sides have it: the object is not left alone, and a check knows the size only."""
    world.server.put(SRC, "in/x", size=size, etag=etag)
    world.server.put(DST, "out/x", size=size, etag=etag)

    compared = check(world)
    result = world.copy(identical=Identical.SKIP)

    assert counts(compared) == {"same_size": 1}
    assert result.metrics.skips_by_reason == {}


UNQUOTED_LISTING = rewritten(lambda text: text.replace("&quot;", ""))
UNQUOTED_HEAD = Fault.of(
    "HeadObject",
    Rewrite(
        lambda _, answer: dataclasses.replace(
            answer, headers={**answer.headers, "etag": answer.headers["etag"].strip('"')}
        )
    ),
    {"bucket": DST},
)


@pytest.mark.parametrize("fault", [UNQUOTED_LISTING, UNQUOTED_HEAD], ids=["listing", "HEAD"])
@pytest.mark.parametrize("etag", [f"{'ab' * 16}", f"{'ab' * 16}-3"], ids=["MD5", "parts"])
def test_etag_without_its_quotes_is_the_same(world: World, fault: Fault, etag: str) -> None:
    """Some services leave them out in listings, others in answers to HEAD."""
    world.server.put(SRC, "in/x", size=1000, etag=etag)
    world.server.put(DST, "out/x", size=1000, etag=etag)
    world.server.inject(fault)

    result = world.copy(identical=Identical.SKIP)

    assert result.metrics.skips_by_reason == IDENTICAL


def test_etag_without_its_quotes_on_one_side_is_the_same_for_a_check(world: World) -> None:
    """The listings of both sides may differ in that."""
    world.server.put(SRC, "in/x", size=1000, etag="ab" * 16)
    world.server.put(DST, "out/x", size=1000, etag="ab" * 16)
    world.server.inject(rewritten(lambda text: text.replace("&quot;", ""), bucket=DST))

    assert counts(check(world)) == {"same": 1}


def test_two_empty_objects_are_identical(world: World) -> None:
    """Whatever their ETags say."""
    world.server.put(SRC, "in/x", size=0, etag="-")
    world.server.put(DST, "out/x", size=0, etag="0")

    assert world.copy(identical=Identical.SKIP).metrics.skips_by_reason == IDENTICAL
