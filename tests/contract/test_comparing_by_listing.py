"""Copies that compare: the destination is listed beside the source, instead of a HEAD for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s3_xfer import Identical, RunMode, RunState
from s3_xfer.sources.counterparts import DENIED, UNORDERED
from tests.fault_server import Fault
from tests.fault_server.odd_listings import in_small_pages, paged
from tests.world import DST, LARGE, SRC, World

SKIP: dict[str, Any] = {"identical": Identical.SKIP}
KEEP: dict[str, Any] = {"overwrite": False}
MANY = 12_500
KEYS = st.text(st.sampled_from("a/0Zé~\U0001f600￮"), min_size=1, max_size=3)


def put_both(world: World, *keys: str, size: int = 10) -> None:
    """Put the same objects at both sides."""
    for key in keys:
        found = world.server.put(SRC, f"in/{key}", size=size)
        world.server.put(DST, f"out/{key}", size=size, etag=found.etag)


@pytest.fixture(scope="module")
def unchanged() -> Iterator[World]:
    """A world with many objects at both sides, some of them elsewhere; it is only read."""
    with World() as stage:
        put_both(stage, *(f"{number:05}" for number in range(MANY)))
        for number in range(50):
            stage.server.put(DST, f"out/{number:05}/extra", size=1)
        yield stage


@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize("mode", [RunMode.COPY, RunMode.DRY_RUN])
def test_an_unchanged_object_costs_two_thousandths_of_a_request(
    unchanged: World, threads: int, mode: RunMode
) -> None:
    """One page of each side for a thousand objects, however many threads list."""
    unchanged.server.forget_requests()

    result = unchanged.copy(**SKIP, listing_threads=threads, mode=mode)

    assert result.metrics.skips_by_reason == {"identical at the destination": MANY}
    assert unchanged.sent("HeadObject") == mode_heads(mode)
    pages = unchanged.sent("ListObjectsV2")
    assert pages <= MANY * 0.002 + 2 + 3 * threads, "some for where a listing was split"
    if mode is RunMode.DRY_RUN:
        assert result.planned_requests == {"ListObjectsV2": 26}


def mode_heads(mode: RunMode) -> int:
    """Return how many HEADs the preflight of a run sends."""
    return 1 if mode is RunMode.DRY_RUN else 0


def test_what_services_without_conditions_have_is_left_alone_without_a_head(
    unchanged: World,
) -> None:
    """With --no-overwrite the listing shows it; what it does not show is looked at."""
    unchanged.server.forget_requests()

    result = unchanged.copy(**KEEP)

    assert result.metrics.skips_by_reason == {"already exists at the destination": MANY}
    assert unchanged.sent("HeadObject", bucket=DST) == 0
    assert unchanged.sent("CopyObject") == 0


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    source=st.sets(KEYS, min_size=1, max_size=12),
    destination=st.sets(KEYS, max_size=12),
    page_keys=st.integers(1, 4),
)
def test_pages_of_any_length_are_merged(
    unchanged: World, source: set[str], destination: set[str], page_keys: int
) -> None:
    """Whatever either side has, and wherever pages end: only what is there is left alone."""
    server = unchanged.server
    for key in source:
        server.put(SRC, f"from/{key}", size=10, etag="ab" * 16)
    for key in destination:
        server.put(DST, f"to/{key}", size=10, etag="ab" * 16)
    small_pages = [server.inject(in_small_pages(page_keys, bucket=side)) for side in (SRC, DST)]
    try:
        result = unchanged.copy("from/", "to/", **SKIP)
    finally:
        for fault in small_pages:
            fault.remove()
        arrived = {key.removeprefix("to/") for key in server.objects(DST) if key.startswith("to/")}
        for key in source:
            server.delete(SRC, f"from/{key}")
        for key in arrived:
            server.delete(DST, f"to/{key}")

    assert result.state is RunState.COMPLETED
    assert arrived == source | destination
    assert result.metrics.files_skipped == len(source & destination)
    new = len(source - destination)
    assert result.metrics.copies_by_reason == ({"not at the destination": new} if new else {})


CRC = {"x-amz-checksum-crc64nvme": "Zm9vYmFyCg==", "x-amz-checksum-type": "FULL_OBJECT"}
PARTS = "ab" * 16 + "-3"


@pytest.mark.parametrize(
    ("source", "copy", "reason", "heads"),
    [
        pytest.param({}, None, "not at the destination", 0, id="new"),
        pytest.param({}, {"size": 9}, "different at the destination", 0, id="another size"),
        pytest.param({}, {"etag": "cd" * 16}, "different at the destination", 1, id="MD5s"),
        pytest.param({"etag": PARTS}, {}, "could not be compared", 1, id="no checksum"),
        pytest.param({"headers": CRC, "etag": PARTS}, {"headers": CRC}, None, 2, id="checksum"),
        pytest.param({}, {}, None, 0, id="the same"),
        pytest.param({"size": 0, "etag": "x"}, {"size": 0, "etag": "y"}, None, 0, id="empty"),
        pytest.param({"size": LARGE}, {"size": LARGE}, None, 1, id="large, for its tags"),
    ],
)
@pytest.mark.parametrize("mode", [RunMode.COPY, RunMode.DRY_RUN])
def test_only_what_the_listings_leave_open_is_asked_for(
    world: World,
    *,
    mode: RunMode,
    source: dict[str, Any],
    copy: dict[str, Any] | None,
    reason: str | None,
    heads: int,
) -> None:
    """A dry run finds the same, and foretells the requests of the copy."""
    world.server.put(SRC, "in/x", **{"size": 10, "etag": "ab" * 16, **source})
    if copy is not None:
        world.server.put(DST, "out/x", **{"size": 10, "etag": "ab" * 16, **copy})

    result = world.copy(**SKIP, mode=mode)

    assert result.metrics.copies_by_reason == ({reason: 1} if reason else {})
    assert world.sent("HeadObject") == heads + mode_heads(mode)


@pytest.mark.parametrize("how", [SKIP, KEEP], ids=["skip identical", "no overwrite"])
@pytest.mark.parametrize("at", [0, 1], ids=["from the beginning", "midway"])
def test_where_the_destination_may_not_be_listed_each_object_is_asked_for(
    world: World, how: dict[str, Any], at: int
) -> None:
    """As it was before; a note says so, once."""
    put_both(world, *"abcdefgh")
    world.server.inject(in_small_pages(2, bucket=SRC))
    world.server.inject(in_small_pages(2, bucket=DST))
    world.server.inject(Fault.error("ListObjectsV2", 403, "AccessDenied", bucket=DST, after=at))

    result = world.copy(**how)

    assert result.metrics.files_skipped == 8
    assert world.sent("HeadObject", bucket=DST) >= 4
    assert result.notes.count(DENIED) == 1


def test_a_destination_in_another_order_is_asked_object_by_object(world: World) -> None:
    """Nothing is guessed from its listing."""
    put_both(world, *"abcdefgh")
    pages = [["out/h", "out/g", "out/f", "out/e"], ["out/d", "out/c", "out/b", "out/a"], None]
    world.server.inject(paged(world.server, DST, lambda number: pages[number]))

    result = world.copy(**SKIP)

    assert result.metrics.files_skipped == 8
    assert world.sent("HeadObject", bucket=DST) == 8
    assert UNORDERED in result.notes


@pytest.mark.parametrize(
    "fault",
    [
        lambda **where: Fault.error("ListObjectsV2", 500, "InternalError", **where),
        lambda **where: Fault.error("ListObjectsV2", 404, "NoSuchBucket", **where),
        lambda **where: Fault.reset("ListObjectsV2", **where),
        lambda **where: Fault.empty_200("ListObjectsV2", **where),
        lambda **where: Fault.truncated("ListObjectsV2", **where),
    ],
    ids=["500", "404", "reset", "empty", "truncated"],
)
@pytest.mark.parametrize("at", [0, 2], ids=["at once", "midway"])
def test_destination_that_cannot_be_listed_ends_the_run(
    world: World, fault: Callable[..., Fault], at: int
) -> None:
    """As an error of the source's listing does, and it says whose listing it was."""
    put_both(world, *"abcdefgh")
    world.server.inject(in_small_pages(2, bucket=SRC))
    world.server.inject(in_small_pages(2, bucket=DST))
    world.server.inject(fault(bucket=DST, after=at))

    result = world.copy(**SKIP, retries=1)

    assert result.aborted_by
    assert "listing the destination" in result.aborted_by.problem
    assert not result.metrics.listing_complete
