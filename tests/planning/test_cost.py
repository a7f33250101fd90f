"""What a copy will send: the requests that depend on an option."""

from __future__ import annotations

from pathlib import Path

from s3_xfer.options import CopyOptions, Identical
from s3_xfer.planning.cost import RequestEstimate, estimate_requests
from s3_xfer.units import MIB

LARGE = 9 * MIB
THRESHOLD = 8 * MIB


def test_looking_for_identical_objects_costs_a_head() -> None:
    """An object that may be identical is looked at before it is copied; others are not."""
    skip = CopyOptions(identical=Identical.SKIP, multipart_threshold_bytes=THRESHOLD)
    copy = CopyOptions(identical=Identical.COPY, multipart_threshold_bytes=THRESHOLD)

    assert estimate_requests(1, skip) == {"HeadObject": 1, "CopyObject": 1}
    assert estimate_requests(1, copy) == {"CopyObject": 1}
    assert estimate_requests(LARGE, skip)["HeadObject"] == 2
    assert estimate_requests(LARGE, copy)["HeadObject"] == 1


def test_an_object_of_a_report_is_looked_up_and_nothing_is_listed() -> None:
    """A report's ETag is not taken over, and its keys need no listing."""
    options = CopyOptions(from_report_path=Path("r.jsonl"), multipart_threshold_bytes=THRESHOLD)
    estimate = RequestEstimate(options)
    for _ in range(3):
        estimate.add(1)

    assert estimate.total() == {"HeadObject": 3, "CopyObject": 3}
    assert estimate_requests(LARGE, options)["HeadObject"] == 2


def test_a_page_that_is_not_full_is_a_listing_request_too() -> None:
    """One object costs one page, a thousand cost one, and none costs none."""
    pages = {}
    for count in (0, 1, 1000):
        estimate = RequestEstimate(CopyOptions())
        for _ in range(count):
            estimate.add(1)
        pages[count] = estimate.total()["ListObjectsV2"]

    assert pages == {0: 0, 1: 1, 1000: 1}
