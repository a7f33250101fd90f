"""No key is lost or listed twice, for any splits of a listing and any order of answers."""

from __future__ import annotations

import dataclasses
from collections import Counter, deque
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s3_xfer.errors import RunAborted
from s3_xfer.listing.boundaries import boundary, next_character
from s3_xfer.listing.pages import Page
from s3_xfer.listing.segments import ListedPage, Segment, Segments, Split
from s3_xfer.planning.ranges import EVERYTHING, KeyRange, merged
from tests.listing.model import KEYS, Bucket


@dataclasses.dataclass
class Answer:
    """A page that is on its way to the reader that requested it."""

    job: Segment | Split
    page: Page


class Readers:
    """Readers of one listing; the test decides when each step happens."""

    def __init__(self, bucket: Bucket, ranges: tuple[KeyRange, ...] = EVERYTHING) -> None:
        self.bucket = bucket
        self.segments = Segments("", ranges)
        self.segments.pages_before_split = 1
        self.in_flight: list[Answer] = []
        self.arrived: deque[ListedPage] = deque()
        self.listed_keys: list[str] = []

    def begin(self) -> bool:
        """Let one more reader request a page, if there is work."""
        job = self.segments.next_waiting() or self.segments.next_split()
        if job:
            after = job.boundary if isinstance(job, Split) else job.read
            self.in_flight.append(Answer(job, self.bucket(after)))
        return job is not None

    def receive(self, number: int) -> None:
        """Let one answer arrive, and its reader ask for the next page."""
        answer = self.in_flight.pop(number)
        if isinstance(answer.job, Split):
            listed = self.segments.apply_split(answer.job, answer.page)
        else:
            listed = self.segments.take(answer.job, answer.page)
        if listed:
            self.arrived.append(listed)
        if listed and not listed.is_last:
            self.in_flight.append(Answer(listed.segment, self.bucket("", answer.page.token)))

    def mark_listed(self) -> None:
        """Account for the first page that has arrived."""
        page = self.arrived.popleft()
        self.listed_keys += [item.key for item in page.objects]
        self.segments.mark_listed(page)

    def unlisted(self) -> set[str]:
        """Return the keys in the ranges that are still to be listed."""
        return {key for key in self.bucket.keys if within(key, self.segments.unlisted())}


def backwards(key: str) -> int:
    """Sort single characters from the last to the first."""
    return -ord(key) if key else -0x110000


def within(key: str, ranges: tuple[KeyRange, ...]) -> bool:
    """Return whether a key lies in one of ``ranges``."""
    return any(part.after < key and (part.until is None or key <= part.until) for part in ranges)


def ranges_between(bounds: list[tuple[str, str | None]]) -> tuple[KeyRange, ...]:
    """Return the ranges with these bounds that are not empty."""
    return tuple(
        KeyRange(after, until) for after, until in bounds if until is None or after < until
    )


@given(keys=st.sets(KEYS, max_size=60), page_size=st.integers(1, 4), data=st.data())
@settings(max_examples=300, deadline=None)
def test_every_key_is_listed_exactly_once(
    keys: set[str], page_size: int, data: st.DataObject
) -> None:
    """At each moment a key was either listed or lies in an unlisted range, never both."""
    readers = Readers(Bucket(keys, page_size=page_size))
    readers.begin()
    while readers.in_flight or readers.arrived:
        step = data.draw(st.integers(0, 3))
        if step == 0:
            readers.begin()
        if readers.in_flight and step <= 2:
            readers.receive(data.draw(st.integers(0, len(readers.in_flight) - 1)))
        elif readers.arrived:
            readers.mark_listed()
        assert readers.unlisted() == keys - set(readers.listed_keys)

    assert Counter(readers.listed_keys) == Counter(keys)
    assert readers.segments.unlisted() == ()


@given(
    stable=st.sets(KEYS, max_size=40),
    fleeting=st.lists(KEYS, min_size=1, max_size=30),
    data=st.data(),
)
@settings(deadline=None)
def test_objects_that_come_and_go_do_not_hide_others(
    stable: set[str], fleeting: list[str], data: st.DataObject
) -> None:
    """Objects that exist all the time are listed once, the others at most once."""
    bucket = Bucket(stable, page_size=3)
    readers = Readers(bucket)
    readers.begin()
    while readers.in_flight:
        readers.begin()
        changed = data.draw(st.sampled_from(fleeting))
        bucket.keys = (bucket.keys ^ {changed}) | stable
        readers.receive(data.draw(st.integers(0, len(readers.in_flight) - 1)))
    while readers.arrived:
        readers.mark_listed()

    counts = Counter(readers.listed_keys)
    assert stable <= set(counts)
    assert set(counts.values()) <= {1}


@given(
    keys=st.sets(KEYS, max_size=40),
    bounds=st.lists(st.tuples(KEYS, st.none() | KEYS), min_size=1, max_size=4),
)
@settings(deadline=None)
def test_only_the_given_ranges_are_listed(
    keys: set[str], bounds: list[tuple[str, str | None]]
) -> None:
    """Their keys are listed once, also where the ranges overlap."""
    ranges = ranges_between(bounds)
    readers = Readers(Bucket(keys, page_size=2), ranges)
    while readers.begin() or readers.in_flight:
        if readers.in_flight:
            readers.receive(0)
    while readers.arrived:
        readers.mark_listed()

    assert Counter(readers.listed_keys) == Counter(key for key in keys if within(key, ranges))


@given(
    first=KEYS,
    after=KEYS,
    until=st.none() | KEYS,
    alphabet=st.sets(st.characters(codec="utf-8"), max_size=10),
)
@settings(deadline=None)
def test_boundary_lies_between_and_can_be_sent(
    first: str, after: str, until: str | None, alphabet: set[str]
) -> None:
    """For any keys a boundary is valid UTF-8, no longer than a key, and inside."""
    if until is not None and after >= until:
        after, until = until, after
    split_at = boundary(prefix="", first=first, after=after, until=until, alphabet=sorted(alphabet))

    if split_at is not None:
        assert after < split_at
        assert until is None or split_at < until
        assert len(split_at.encode()) <= 1024


@pytest.mark.parametrize(
    ("character", "next_one"),
    [
        ("a", "b"),
        ("\x01", " "),
        ("\ud7ff", "\ue000"),
        ("\ufffd", "\U00010000"),
        ("\U0010ffff", None),
        ("", None),
    ],
)
def test_following_character_is_one_that_xml_can_hold(character: str, next_one: str | None) -> None:
    """Surrogates, noncharacters and control characters are passed over."""
    assert next_character(character) == next_one


@given(bounds=st.lists(st.tuples(KEYS, st.none() | KEYS), max_size=6), key=KEYS)
@settings(deadline=None)
def test_joined_ranges_hold_the_same_keys(bounds: list[tuple[str, str | None]], key: str) -> None:
    """Joining changes how many ranges there are, not what is in them."""
    ranges = ranges_between(bounds)
    joined = merged(ranges)

    assert within(key, joined) == within(key, ranges)
    assert all(
        left.until is not None and left.until < right.after for left, right in pairwise(joined)
    )


def test_split_of_a_segment_that_was_read_meanwhile_is_dropped() -> None:
    """Its objects were created since then, and the end of the segment must not move."""
    segments = Segments("", EVERYTHING)
    segment = segments.next_waiting()
    assert segment is not None
    segments.take(segment, Bucket("ab")(""))

    assert segments.apply_split(Split(segment, "m"), Bucket("abz")("m")) is None
    assert segment.until is None


def test_disorder_before_any_split_prevents_splits() -> None:
    """A service without order is listed from beginning to end; a stopped run lists all again."""
    segments = Segments("", EVERYTHING)
    segments.pages_before_split = 1
    segment = segments.next_waiting()
    assert segment is not None
    bucket = Bucket("ab", page_size=2, order=backwards)

    listed = segments.take(segment, bucket(""))
    segments.mark_listed(dataclasses.replace(listed, is_last=False))

    assert [item.key for item in listed.objects] == ["b", "a"]
    assert segments.next_split() is None
    assert segments.unlisted() == EVERYTHING


def test_disorder_after_a_split_ends_the_listing() -> None:
    """Keys may be missing then, so everything is to be listed again."""
    readers = Readers(Bucket([f"{number:02}" for number in range(100)], page_size=10))
    readers.begin()
    readers.receive(0)
    assert readers.begin()
    readers.receive(1)
    readers.bucket = Bucket(["b", "a"], order=backwards)
    readers.in_flight[0].page = readers.bucket("")

    with pytest.raises(RunAborted, match="order"):
        readers.receive(0)

    assert readers.segments.unlisted() == EVERYTHING


def test_key_that_is_listed_twice_is_disorder() -> None:
    """A page that begins with the last key of the page before is not listed behind it."""
    segments = Segments("", EVERYTHING)
    segments.pages_before_split = 1
    segment = segments.next_waiting()
    assert segment is not None
    segments.take(segment, Page(Bucket("ab")("").objects, "b"))
    assert segments.next_split() is not None
    segment.is_being_split = False

    segments.take(segment, Page(Bucket("bc")("").objects, "c"))

    assert segments.next_split() is None
    assert segments.unlisted() == EVERYTHING


def test_more_readers_are_allowed_the_more_pages_were_read() -> None:
    """One at first, then two for every ten pages."""
    segments = Segments("", EVERYTHING)
    segment = segments.next_waiting()
    assert segment is not None
    limits = [segments.reader_limit()]
    for number in range(30):
        segments.take(segment, Page(Bucket([f"{number:02}"])("").objects, "more"))
        limits.append(segments.reader_limit())

    assert (limits[0], limits[5], limits[10], limits[15], limits[30]) == (1, 1, 2, 3, 6)


@pytest.mark.parametrize(
    ("first", "after", "until", "expected"),
    [
        ("aaaa1", "aaaa9", None, "ab"),  # how long do keys begin alike?
        ("1", "3", None, "7"),  # the middle of the digits behind it: letters are rare
        ("1", "9", None, ":"),
        ("a", "a", "f", "d"),
        ("a", "ax", "bx", "b"),
        ("aa", "ab", "b", "ae"),  # all others begin as the last one does
        ("a", "a", "a\x20", None),
    ],
)
def test_boundary_lies_in_the_middle(
    first: str, after: str, until: str | None, expected: str | None
) -> None:
    """Half of the characters that the remaining keys may have are before it."""
    alphabet = sorted("0123456789abcdefg")

    assert expected == boundary(prefix="", first=first, after=after, until=until, alphabet=alphabet)
