"""The forecast of requests."""

from __future__ import annotations

import pytest

from s3_xfer.listing.parallel import Listing
from s3_xfer.model import CopyTask, S3Object, Skipped, SkipReason
from s3_xfer.options import CopyOptions, Identical, TagPolicy
from s3_xfer.planning.cost import RequestEstimate
from s3_xfer.sources.prefix import PrefixSource
from s3_xfer.units import MIB


def listed(size_bytes: int) -> S3Object:
    """Return an object as a listing shows it."""
    return S3Object(bucket="src", key="in/x", size=size_bytes, etag='"0"')


def test_threshold_decides_between_one_request_and_parts() -> None:
    """Below the threshold one CopyObject, from it on an upload."""
    estimate = RequestEstimate(
        CopyOptions(multipart_threshold_bytes=8 * MIB, part_size_bytes=8 * MIB)
    )

    assert estimate.requests_of(listed(8 * MIB - 1)) == {"CopyObject": 1}
    assert estimate.requests_of(listed(8 * MIB)) == {
        "HeadObject": 1,
        "GetObjectTagging": 1,
        "CreateMultipartUpload": 1,
        "UploadPartCopy": 1,
        "CompleteMultipartUpload": 1,
    }


def test_skipping_tags_saves_their_request() -> None:
    """Tags are only asked for where they are copied."""
    estimate = RequestEstimate(CopyOptions(multipart_threshold_bytes=8 * MIB, tags=TagPolicy.SKIP))

    assert "GetObjectTagging" not in estimate.requests_of(listed(9 * MIB))


def test_looking_for_existing_objects_costs_a_head() -> None:
    """Large objects are looked for always, small ones where the service is not AWS."""
    options = CopyOptions(multipart_threshold_bytes=8 * MIB)
    on_aws = RequestEstimate(options, overwrite=False)
    elsewhere = RequestEstimate(options, overwrite=False, looks_first=True)

    assert on_aws.requests_of(listed(1)) == {"CopyObject": 1}
    assert elsewhere.requests_of(listed(1))["HeadObject"] == 1
    assert on_aws.requests_of(listed(9 * MIB))["HeadObject"] == 2


def test_an_object_without_an_etag_costs_a_head() -> None:
    """What a report names is looked up before it is copied."""
    named = S3Object(bucket="src", key="in/x", size=1)

    assert RequestEstimate(CopyOptions()).requests_of(named) == {"CopyObject": 1, "HeadObject": 1}


def test_total_includes_the_listing() -> None:
    """The source says how many requests its listing takes."""
    estimate = RequestEstimate(CopyOptions())
    for _ in range(1001):
        estimate.add(Skipped(CopyTask(listed(1), "dst", "x"), SkipReason.DRY_RUN))

    assert estimate.total(listing_requests=2) == {"ListObjectsV2": 2, "CopyObject": 1001}
    assert estimate.total(listing_requests=0) == {"CopyObject": 1001}


def test_looking_for_identical_objects_costs_a_head() -> None:
    """An object that may be identical is looked at before it is copied; others are not."""
    threshold, large = 8 * MIB, listed(9 * MIB)
    skip = RequestEstimate(
        CopyOptions(identical=Identical.SKIP, multipart_threshold_bytes=threshold)
    )
    copy = RequestEstimate(
        CopyOptions(identical=Identical.COPY, multipart_threshold_bytes=threshold)
    )

    assert skip.requests_of(listed(1)) == {"HeadObject": 1, "CopyObject": 1}
    assert copy.requests_of(listed(1)) == {"CopyObject": 1}
    assert skip.requests_of(large)["HeadObject"] == 2
    assert copy.requests_of(large)["HeadObject"] == 1


@pytest.mark.parametrize(
    ("reason", "size", "looks_first", "expected"),
    [
        (SkipReason.EXISTS, 1, False, {"CopyObject": 1}),
        (SkipReason.EXISTS, 1, True, {"HeadObject": 1}),
        (SkipReason.EXISTS, 9 * MIB, False, {"HeadObject": 1}),
        (SkipReason.IDENTICAL, 1, False, {"HeadObject": 1}),
        (SkipReason.IDENTICAL, 9 * MIB, False, {"HeadObject": 1, "GetObjectTagging": 1}),
        (SkipReason.APPEARED_LATER, 1, False, {}),
        (SkipReason.DRY_RUN, 1, True, {"CopyObject": 1, "HeadObject": 1}),
    ],
)
def test_what_a_copy_would_skip_takes_requests_too(
    reason: SkipReason, size: int, looks_first: bool, expected: dict[str, int]
) -> None:
    """As many as it takes a real run to find out."""
    identical = Identical.SKIP if reason is SkipReason.IDENTICAL else Identical.COPY
    options = CopyOptions(identical=identical, multipart_threshold_bytes=8 * MIB)
    estimate = RequestEstimate(
        options, overwrite=identical is Identical.SKIP, looks_first=looks_first
    )

    estimate.add(Skipped(CopyTask(listed(size), "dst", "x"), reason))

    assert estimate.total(listing_requests=0) == expected


@pytest.mark.parametrize(("objects", "pages"), [(0, 0), (1, 1), (1000, 1), (1001, 2)])
def test_a_page_that_is_not_full_is_a_listing_request_too(objects: int, pages: int) -> None:
    """One object costs one page, a thousand cost one, and none costs none."""

    def never(_: object) -> Listing:
        raise AssertionError("an estimate lists nothing")

    assert PrefixSource(never).listing_requests(objects) == pages
