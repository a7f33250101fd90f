"""Sizes at the limits of S3: one part, 10,000 parts, and more; and services with other limits."""

from __future__ import annotations

import pytest

from s3_xfer import ErrorClass
from s3_xfer.options import PART_MAX_BYTES, PARTS_MAX
from s3_xfer.units import MIB
from tests.fault_server import Fault
from tests.world import SRC, World

MOST_BYTES = PARTS_MAX * PART_MAX_BYTES


@pytest.mark.parametrize(
    ("size", "part_bytes", "ranges"),
    [
        (5 * MIB, 5 * MIB, [None]),
        (5 * MIB, 8 * MIB, [None]),
        (8 * MIB, 8 * MIB, [None]),
        (8 * MIB + 1, 8 * MIB, ["bytes=0-8388607", "bytes=8388608-8388608"]),
    ],
)
def test_part_that_is_the_whole_object_has_no_range(
    world: World, size: int, part_bytes: int, ranges: list[str | None]
) -> None:
    """S3 takes ranges of sources above 5 MiB only."""
    world.server.put(SRC, "in/x", size=size)

    result = world.copy(multipart_threshold_bytes=5 * MIB, part_size_bytes=part_bytes)

    sent = [
        headers.get("x-amz-copy-source-range") for headers in world.headers_of("UploadPartCopy")
    ]
    assert result.metrics.errors_encountered == ()
    assert sorted(sent, key=str) == ranges
    assert world.arrived()["out/x"].size == size


def test_object_of_too_many_parts_is_refused_before_anything_is_sent(world: World) -> None:
    """One byte more than 10,000 parts of 5 GiB; the others are copied."""
    world.server.put(SRC, "in/a", size=1)
    world.server.put(SRC, "in/b", size=MOST_BYTES + 1)

    result = world.copy()

    assert result.metrics.errors_by_class == {ErrorClass.SIZE_REFUSED.value: 1}
    assert "53,687,091,200,001 bytes" in result.metrics.errors_encountered[0]
    assert list(world.arrived()) == ["out/a"]
    assert world.sent("CreateMultipartUpload") == world.sent("UploadPartCopy") == 0


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"),
        ("InvalidRequest", "... maximum allowable size for a copy source: 5368709120"),
    ],
)
@pytest.mark.parametrize(
    ("operation", "size"), [("CopyObject", 1000), ("UploadPartCopy", 40 * MIB)]
)
def test_refused_size_names_the_options_that_change_it(
    world: World, operation: str, size: int, code: str, message: str
) -> None:
    """Ceph and others have smaller limits than AWS, and other codes."""
    world.server.put(SRC, "in/x", size=size)
    world.server.inject(
        Fault.error(operation, 400, code, message, key=lambda key: "preflight" not in key)
    )

    (failed,) = world.copy().failures

    assert failed.error.error_class is ErrorClass.SIZE_REFUSED
    assert "multipart_threshold_bytes=" in failed.error.remedy
    assert "part_size_bytes=" in failed.error.remedy
    assert world.sent(operation) <= 5  # once each: no attempt can succeed


def test_parts_that_are_too_small_are_not_tried_twice(world: World) -> None:
    """The same parts would be refused again."""
    world.server.put(SRC, "in/x", size=40 * MIB)
    world.server.inject(Fault.error("CompleteMultipartUpload", 400, "EntityTooSmall"))

    (failed,) = world.copy().failures

    assert failed.error.error_class is ErrorClass.SIZE_REFUSED
    assert world.sent("CompleteMultipartUpload") == 1
