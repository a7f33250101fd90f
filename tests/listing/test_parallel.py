"""A listing by real threads: its keys, its requests, and how it ends."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s3_xfer.errors import RunAborted
from s3_xfer.listing.pages import Page
from s3_xfer.listing.parallel import Listing, Read
from s3_xfer.listing.segments import ListedPage, Split
from s3_xfer.planning.ranges import EVERYTHING, KeyRange
from tests.listing.model import KEYS, Bucket, Order, directories, utf16
from tests.patience import PATIENCE_S

MANY = [f"data/{number:06}.bin" for number in range(6000)]


class Meeting(Bucket):
    """A bucket that counts concurrent requests; each waits a moment for others to join."""

    most_at_once = 0
    _present = 0
    _changed = threading.Condition()

    def __call__(self, after: str, token: str | None = None) -> Page:
        """Return a page, after a moment in which other readers can send requests too."""
        with self._changed:
            self._present += 1
            self.most_at_once = max(self.most_at_once, self._present)
            self._changed.notify_all()
            self._changed.wait(0.001)
        page = super().__call__(after, token)
        with self._changed:
            self._present -= 1
        return page


def listing(read: Read, *, threads: int = 8, pages_before_split: int = 1) -> Listing:
    """Return a listing whose consumer is always starved."""
    reading = Listing(read, prefix="", ranges=EVERYTHING, threads=threads, is_starved=lambda: True)
    reading._segments.pages_before_split = pages_before_split
    return reading


def keys_of(reading: Listing) -> list[str]:
    """Return all keys, after all threads have ended."""
    keys = [item.key for page in reading.iter_pages() for item in page.objects]
    assert reading.join(PATIENCE_S)
    return keys


@given(keys=st.sets(KEYS, max_size=300), page_size=st.integers(1, 9))
@settings(max_examples=50, deadline=None)
def test_threads_find_every_key_once(keys: set[str], page_size: int) -> None:
    """Eight threads that split as early as they can lose no key and list none twice."""
    reading = listing(Meeting(keys, page_size=page_size))

    assert Counter(keys_of(reading)) == Counter(keys)
    assert reading.unlisted() == ()


@pytest.mark.parametrize("order", [utf16, directories])
@given(data=st.data())
@settings(deadline=None)
def test_service_with_another_order_is_listed_in_full_or_refused(
    order: Order, data: st.DataObject
) -> None:
    """Keys in another order than S3's are not lost silently."""
    parts = st.sampled_from(["a", "b", "/", "-", "/", "0", "\ue000", "\U0001f600"])
    keys = data.draw(st.sets(st.text(parts, min_size=1, max_size=5), max_size=150))
    reading = listing(Meeting(keys, page_size=data.draw(st.integers(1, 9)), order=order))

    listed: list[str] = []
    with suppress(RunAborted):
        listed = keys_of(reading)

    assert Counter(listed) == Counter(keys) or reading.unlisted() == EVERYTHING


def split_at(boundary: str, bucket: Bucket) -> tuple[Listing, ListedPage]:
    """Return a listing that was split there after its first page, and its segment's last page."""
    reading = listing(bucket)
    segments = reading._segments
    segment = segments.next_waiting()
    assert segment is not None
    page = bucket("")
    listed = segments.take(segment, page)
    segments.apply_split(Split(segment, boundary), bucket(boundary))
    while not listed.is_last:
        page = bucket("", page.token)
        listed = segments.take(segment, page)
    return reading, listed


@pytest.mark.parametrize("last", ["\U0001f601", "\uff5e"])
def test_key_that_both_neighbours_of_a_boundary_miss_ends_the_listing(last: str) -> None:
    """By UTF-16, U+1F600 comes before the boundary U+FF01, by UTF-8 behind it."""
    bucket = Bucket(["a", "\U0001f600", last], page_size=1, order=utf16)
    reading, listed = split_at("\uff01", bucket)

    assert (listed.objects, listed.beyond) == ([], "\U0001f600")
    with pytest.raises(RunAborted, match="order"):
        reading._confirm_order(listed.segment, "\U0001f600")
    assert reading.unlisted() == EVERYTHING


@pytest.mark.parametrize(
    ("now", "then"), [("abcd", "abd"), ("abd", "abcd"), ("ab", "abd"), ("abd", "ab")]
)
def test_objects_that_came_or_went_at_a_boundary_do_no_harm(now: str, then: str) -> None:
    """Pages of neighbours that see different keys there are read again, and agree."""
    bucket = Changing(now, then)
    reading, listed = split_at("b!", bucket)

    assert listed.beyond is not None
    reading._confirm_order(listed.segment, listed.beyond)


class Changing(Bucket):
    """A bucket that holds other keys from its third request on."""

    def __init__(self, now: str, then: str) -> None:
        super().__init__(now, page_size=1)
        self._then = set(then)

    def __call__(self, after: str, token: str | None = None) -> Page:
        """Return a page."""
        if self.requests == 2:
            self.keys = self._then
        return super().__call__(after, token)


def test_service_that_ignores_start_after_is_listed_serially() -> None:
    """Pages that begin before the boundary are recognised."""
    bucket = Meeting(MANY, page_size=60, knows_start_after=False)

    assert keys_of(listing(bucket)) == MANY
    assert bucket.requests == 101


def test_small_listing_is_never_split() -> None:
    """Up to ten pages it costs one request for each page, even if the consumer is starved."""
    bucket = Bucket(MANY, page_size=600)

    assert sorted(keys_of(listing(bucket, pages_before_split=10))) == MANY
    assert bucket.requests == 10


def test_listing_without_starved_consumer_is_never_split() -> None:
    """There is one reader, and keys come in order."""
    bucket = Bucket(MANY, page_size=100)
    reading = Listing(bucket, prefix="", ranges=EVERYTHING, threads=8, is_starved=lambda: False)

    assert keys_of(reading) == MANY
    assert bucket.requests == 60


@pytest.mark.parametrize("is_starved", [True, False])
@pytest.mark.parametrize("threads", [1, 8])
def test_all_given_ranges_are_read(threads: int, *, is_starved: bool) -> None:
    """Many ranges are read by one reader or by several."""
    ranges = [KeyRange(MANY[start], MANY[start + 50]) for start in range(0, 5000, 100)]
    reading = Listing(
        Meeting(MANY, page_size=20),
        prefix="data/",
        ranges=ranges,
        threads=threads,
        is_starved=lambda: is_starved,
    )

    assert Counter(keys_of(reading)) == Counter(
        key for start in range(0, 5000, 100) for key in MANY[start + 1 : start + 51]
    )


def test_one_thread_lists_in_order() -> None:
    """``threads=1`` is the listing as S3 gives it."""
    bucket = Bucket(MANY, page_size=100)

    assert keys_of(listing(bucket, threads=1)) == MANY
    assert bucket.requests == 60


SHAPES = {
    "numbers": MANY,
    "one long beginning": ["x" * 900 + f"/{number}" for number in range(6000)],
    "dates": [
        f"logs/2024/{month:02}/{day:02}/{number:02}.gz"
        for month in range(1, 13)
        for day in range(1, 29)
        for number in range(18)
    ],
    "hashes": [f"{number * 2654435761 % 2**32:08x}" for number in range(6000)],
    "control characters": [f"\x01\x02{number:04}\x7f" for number in range(6000)],
    "beyond the BMP": [f"\U0001f600{chr(0x4E00 + number)}" for number in range(6000)],
    "one directory and crumbs": [*MANY, "a", "b", "z", "zz"],
}


@pytest.mark.parametrize("keys", SHAPES.values(), ids=SHAPES)
def test_splitting_is_cheap_for_all_shapes_of_keys(keys: list[str]) -> None:
    """Splitting costs at most one page more for every three; two readers or more meet."""
    bucket = Meeting(keys, page_size=60)

    assert Counter(keys_of(listing(bucket, pages_before_split=10))) == Counter(keys)
    assert bucket.most_at_once >= 2
    assert bucket.requests <= len(keys) / 60 * 4 / 3 + 10


def test_error_of_one_reader_ends_the_listing() -> None:
    """It is raised where the pages are taken, and all threads end."""
    bucket = Bucket(MANY, page_size=60)

    def read(after: str, token: str | None = None) -> Page:
        if bucket.requests == 40:
            raise ConnectionError("gone")
        return bucket(after, token)

    reading = listing(read)
    with pytest.raises(ConnectionError, match="gone"):
        keys_of(reading)

    assert reading.join(PATIENCE_S)
    assert reading.unlisted() != ()


def test_page_that_came_before_an_error_is_not_lost() -> None:
    """A late consumer gets all pages that were read, then the error."""
    bucket = Bucket(MANY, page_size=60)
    failed = threading.Event()

    def read(after: str, token: str | None = None) -> Page:
        if bucket.requests == 2:
            failed.set()
            raise ConnectionError("gone")
        return bucket(after, token)

    reading = listing(read, threads=1)
    pages = reading.iter_pages()
    taken = [item.key for item in next(pages).objects]
    assert failed.wait(PATIENCE_S)
    assert reading.join(PATIENCE_S)
    taken += [item.key for item in next(pages).objects]

    with pytest.raises(ConnectionError, match="gone"):
        next(pages)
    assert taken == MANY[:120]
    assert reading.unlisted() == (KeyRange(taken[-1]),)


def test_closed_listing_knows_what_is_unlisted() -> None:
    """The taken keys and those in the unlisted ranges are all keys."""
    bucket = Bucket(MANY, page_size=60)
    reading = listing(bucket)
    taken = []
    for page in reading.iter_pages():
        taken += [item.key for item in page.objects]
        if len(taken) > 3000:
            break
    reading.close()

    assert reading.join(PATIENCE_S)
    unlisted = reading.unlisted()
    rest = Listing(bucket, prefix="", ranges=unlisted, threads=8, is_starved=lambda: True)
    again = keys_of(rest)
    page_size = 60
    assert set(taken) | set(again) == set(MANY)
    assert len(taken) + len(again) <= len(MANY) + page_size  # the page it stopped at, once more


def test_closed_listing_yields_nothing_more() -> None:
    """Pages that were read ahead are not yielded either: they count as unlisted."""
    requested = threading.Event()
    bucket = Bucket(MANY, page_size=60)

    def read(after: str, token: str | None = None) -> Page:
        if bucket.requests == 2:
            requested.set()  # so the page before waits to be taken
        return bucket(after, token)

    reading = listing(read, threads=1)
    pages = reading.iter_pages()
    taken = [item.key for item in next(pages).objects]
    assert requested.wait(PATIENCE_S)
    reading.close()

    assert list(pages) == []
    assert reading.join(PATIENCE_S)
    assert reading.unlisted() == (KeyRange(taken[-1]),)


def test_closing_wakes_a_consumer_that_waits_for_a_page() -> None:
    """It does not wait for an answer that never comes."""
    requested, never = threading.Event(), threading.Event()

    def read(after: str, token: str | None = None) -> Page:
        requested.set()
        never.wait(PATIENCE_S)
        return Page([])

    reading = listing(read)

    def close() -> None:
        requested.wait(PATIENCE_S)
        reading.close()

    closer = threading.Thread(target=close)
    closer.start()

    assert list(reading.iter_pages()) == []
    assert not reading.join(0)
    assert reading.unlisted() == (KeyRange(),)
    never.set()
    closer.join()
    assert reading.join(PATIENCE_S)
