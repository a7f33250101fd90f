"""The forecast of requests."""

from __future__ import annotations

from s3_xfer.options import CopyOptions, TagPolicy
from s3_xfer.planning.cost import RequestEstimate, estimate_requests
from s3_xfer.units import MIB


def test_threshold_decides_between_one_request_and_parts() -> None:
    """Below the threshold one CopyObject, from it on an upload."""
    options = CopyOptions(multipart_threshold_bytes=8 * MIB, part_size_bytes=8 * MIB)

    assert estimate_requests(8 * MIB - 1, options) == {"CopyObject": 1}
    assert estimate_requests(8 * MIB, options) == {
        "HeadObject": 1,
        "GetObjectTagging": 1,
        "CreateMultipartUpload": 1,
        "UploadPartCopy": 1,
        "CompleteMultipartUpload": 1,
    }


def test_skipping_tags_saves_their_request() -> None:
    """Tags are only asked for where they are copied."""
    options = CopyOptions(multipart_threshold_bytes=8 * MIB, tags=TagPolicy.SKIP)

    assert "GetObjectTagging" not in estimate_requests(9 * MIB, options)


def test_looking_for_existing_objects_costs_a_head() -> None:
    """Large objects are looked for always, small ones where the service is not AWS."""
    options = CopyOptions(multipart_threshold_bytes=8 * MIB)

    assert estimate_requests(1, options, overwrite=False) == {"CopyObject": 1}
    assert estimate_requests(1, options, overwrite=False, looks_first=True)["HeadObject"] == 1
    assert estimate_requests(9 * MIB, options, overwrite=False)["HeadObject"] == 2


def test_total_includes_the_listing() -> None:
    """A thousand keys cost one listing request."""
    estimate = RequestEstimate(CopyOptions())
    for _ in range(1001):
        estimate.add(1)

    assert estimate.total() == {"ListObjectsV2": 2, "CopyObject": 1001}
