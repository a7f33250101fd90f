"""What each source yields, and what it says is left when it is closed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from s3_xfer.errors import ErrorClass, ObjectError
from s3_xfer.listing.pages import Page
from s3_xfer.listing.parallel import Listing
from s3_xfer.model import ObjectId, S3Location, S3Object
from s3_xfer.planning.mapping import plan_keys
from s3_xfer.planning.ranges import EVERYTHING, KeyRange
from s3_xfer.sources.paired import PairedSource, pair_up
from s3_xfer.sources.prefix import PrefixSource

KEYS = plan_keys(
    S3Location(bucket="src", key="in/"), S3Location(bucket="dst", key="out/"), recursive=True
)


def objects(*keys: str) -> list[S3Object]:
    """Return objects of the source."""
    return [S3Object(bucket="src", key=key, size=1) for key in keys]


def open_listing(ranges: Sequence[KeyRange]) -> Listing:
    """Return a listing of three pages with an object each."""

    def read(after: str, token: str | None = None) -> Page:
        number = int(token or 0)
        return Page(objects(f"in/{number}"), str(number + 1) if number < 2 else None)

    return Listing(read, prefix="in/", ranges=ranges, threads=1, is_starved=lambda: False)


def keys_of(batches: Iterator[object]) -> list[str]:
    """Return the keys of the objects in ``batches``, in order."""
    return [found.key for batch in batches for found in batch.items]  # type: ignore[attr-defined]


def test_a_prefix_yields_its_pages_and_has_nothing_left() -> None:
    """Each page says which range of keys it covers."""
    source = PrefixSource(open_listing)
    assert source.remaining() == EVERYTHING

    batches = list(source.batches())

    assert keys_of(iter(batches)) == ["in/0", "in/1", "in/2"]
    assert all(batch.keys is not None for batch in batches)
    assert source.remaining() == ()


def test_a_prefix_that_is_closed_before_it_is_read_sends_no_request() -> None:
    """Everything is left then."""

    def refuse(_: Sequence[KeyRange]) -> Listing:
        raise AssertionError("a closed source was listed")

    source = PrefixSource(refuse)
    source.close()

    assert list(source.batches()) == []
    assert source.remaining() == EVERYTHING


def test_a_page_that_was_not_taken_is_left() -> None:
    """A page counts as delivered when the next one is asked for."""
    source = PrefixSource(open_listing)
    batches = source.batches()
    next(batches)
    next(batches)
    source.close()

    assert source.remaining() == (KeyRange("in/0"),)


def test_named_objects_come_first_and_to_their_end_when_the_source_is_closed() -> None:
    """They are on this machine, so a stopped run still reads them; it lists nothing."""
    pages = [objects("in/a", "in/b"), objects("in/c")]
    source = PrefixSource(open_listing, [KeyRange("in/m")], named=lambda: pages)
    was_local = source.is_local

    source.close()
    batches = list(source.batches())

    assert keys_of(iter(batches)) == ["in/a", "in/b", "in/c"]
    assert all(batch.keys is None for batch in batches)
    assert (was_local, source.is_local) == (True, False)
    assert source.remaining() == (KeyRange("in/m"),)
    assert [found.key for found in source.named()] == ["in/a", "in/b", "in/c"]


def test_named_objects_are_followed_by_the_listing() -> None:
    """A report may name objects and ranges."""
    source = PrefixSource(open_listing, [KeyRange("")], named=lambda: [objects("in/a")])

    assert keys_of(source.batches()) == ["in/a", "in/0", "in/1", "in/2"]
    assert source.remaining() == ()


def test_a_single_object_is_all_there_is() -> None:
    """It belongs to no range of keys, and takes no listing."""
    (found,) = objects("in/x")
    source = PrefixSource(open_listing, (), named=lambda: [[found]])

    assert [list(batch.items) for batch in source.batches()] == [[found]]
    assert (source.remaining(), source.listing_requests(1)) == ((), 0)


def test_pairs_that_came_before_an_error_are_yielded() -> None:
    """The error follows them, and the source is not exhausted."""

    def cut_off() -> Iterator[S3Object]:
        yield from objects("in/a", "in/b")
        raise ObjectError.of(ErrorClass.INTERRUPTED, "stopped")

    source = PairedSource(pair_up(cut_off(), [], KEYS))
    batches = source.batches()

    assert [pair.source.key for pair in next(batches).items if pair.source] == ["in/a", "in/b"]
    with pytest.raises(ObjectError):
        next(batches)
    assert source.remaining() == EVERYTHING


def test_a_version_is_part_of_what_an_object_is_known_by() -> None:
    """The current version has none."""
    current, old = (
        S3Object(bucket="src", key="in/x", size=1),
        S3Object(bucket="src", key="in/x", size=1, version_id="v1"),
    )

    assert current.id == ObjectId("in/x")
    assert old.id == ObjectId("in/x", "v1") != current.id
