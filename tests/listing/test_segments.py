"""No key is lost or found twice, however a listing is cut, and in whatever order answers arrive."""

from __future__ import annotations

import dataclasses
from collections import Counter, deque
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s3_xfer.errors import RunAborted
from s3_xfer.listing.boundaries import boundary, following
from s3_xfer.listing.pages import Page
from s3_xfer.listing.segments import Cut, Listed, Segment, Segments
from s3_xfer.planning.ranges import EVERYTHING, KeyRange, merged
from tests.listing.model import KEYS, Bucket


@dataclasses.dataclass
class Answer:
    """A page that is on its way to whoever asked for it."""

    job: Segment | Cut
    page: Page


class Readers:
    """Readers of one listing whose every step waits to be called for."""

    def __init__(self, bucket: Bucket, ranges: tuple[KeyRange, ...] = EVERYTHING) -> None:
        self.bucket = bucket
        self.segments = Segments("", ranges, pages_before_cut=1)
        self.under_way: list[Answer] = []
        self.arrived: deque[Listed] = deque()
        self.handed_over: list[str] = []

    def begin(self) -> bool:
        """Send one more reader off, if there is work."""
        job = self.segments.next_waiting() or self.segments.next_cut()
        if job:
            place = job.boundary if isinstance(job, Cut) else job.read
            self.under_way.append(Answer(job, self.bucket(place)))
        return job is not None

    def receive(self, number: int) -> None:
        """Let one answer arrive, and its reader ask for the next page."""
        answer = self.under_way.pop(number)
        if isinstance(answer.job, Cut):
            listed = self.segments.settle(answer.job, answer.page)
        else:
            listed = self.segments.take(answer.job, answer.page)
        if listed:
            self.arrived.append(listed)
        if listed and not listed.is_last:
            self.under_way.append(Answer(listed.segment, self.bucket("", answer.page.token)))

    def hand_over(self) -> None:
        """Account for the first page that has arrived."""
        listed = self.arrived.popleft()
        self.handed_over += [found.key for found in listed.objects]
        self.segments.hand_over(listed)

    def left(self) -> set[str]:
        """Return the keys in the ranges that are still to be listed."""
        return {key for key in self.bucket.keys if within(key, self.segments.unlisted())}


def backwards(key: str) -> int:
    """Sort single characters from the last to the first."""
    return -ord(key) if key else -0x110000


def within(key: str, ranges: tuple[KeyRange, ...]) -> bool:
    """Return whether a key lies in one of ``ranges``."""
    return any(each.after < key and (each.until is None or key <= each.until) for each in ranges)


@given(keys=st.sets(KEYS, max_size=60), page_size=st.integers(1, 4), data=st.data())
@settings(max_examples=300, deadline=None)
def test_every_key_is_listed_exactly_once(
    keys: set[str], page_size: int, data: st.DataObject
) -> None:
    """At each moment a key was handed over, or lies in what is left; never both, never neither."""
    readers = Readers(Bucket(keys, page_size=page_size))
    readers.begin()
    while readers.under_way or readers.arrived:
        step = data.draw(st.integers(0, 3))
        if step == 0:
            readers.begin()
        if readers.under_way and step <= 2:
            readers.receive(data.draw(st.integers(0, len(readers.under_way) - 1)))
        elif readers.arrived:
            readers.hand_over()
        assert readers.left() == keys - set(readers.handed_over)

    assert Counter(readers.handed_over) == Counter(keys)
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
    """What is there all the time is listed once; what is not, at most once."""
    bucket = Bucket(stable, page_size=3)
    readers = Readers(bucket)
    readers.begin()
    while readers.under_way:
        readers.begin()
        changed = data.draw(st.sampled_from(fleeting))
        bucket.keys = (bucket.keys ^ {changed}) | stable
        readers.receive(data.draw(st.integers(0, len(readers.under_way) - 1)))
    while readers.arrived:
        readers.hand_over()

    found = Counter(readers.handed_over)
    assert stable <= set(found)
    assert set(found.values()) <= {1}


@given(
    keys=st.sets(KEYS, max_size=40),
    bounds=st.lists(st.tuples(KEYS, st.none() | KEYS), min_size=1, max_size=4),
)
@settings(deadline=None)
def test_only_the_given_ranges_are_listed(
    keys: set[str], bounds: list[tuple[str, str | None]]
) -> None:
    """What a report says is left is listed once, also where its ranges overlap."""
    ranges = tuple(KeyRange(*each) for each in bounds if each[1] is None or each[0] < each[1])
    readers = Readers(Bucket(keys, page_size=2), ranges)
    while readers.begin() or readers.under_way:
        if readers.under_way:
            readers.receive(0)
    while readers.arrived:
        readers.hand_over()

    assert Counter(readers.handed_over) == Counter(key for key in keys if within(key, ranges))


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
    """Whatever was seen, a boundary is valid UTF-8, no longer than a key, and inside."""
    if until is not None and after >= until:
        after, until = until, after
    found = boundary(prefix="", first=first, after=after, until=until, alphabet=sorted(alphabet))

    if found is not None:
        assert after < found
        assert until is None or found < until
        assert len(found.encode()) <= 1024


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
    assert following(character) == next_one


@given(bounds=st.lists(st.tuples(KEYS, st.none() | KEYS), max_size=6), key=KEYS)
@settings(deadline=None)
def test_joined_ranges_hold_the_same_keys(bounds: list[tuple[str, str | None]], key: str) -> None:
    """Joining changes how many ranges there are, not what is in them."""
    ranges = tuple(KeyRange(*each) for each in bounds if each[1] is None or each[0] < each[1])
    joined = merged(ranges)

    assert within(key, joined) == within(key, ranges)
    assert all(one.until is not None and one.until < two.after for one, two in pairwise(joined))


def test_cut_of_a_segment_that_was_read_meanwhile_is_dropped() -> None:
    """What it would bring is new since then, and whoever examines the end must find it unmoved."""
    segments = Segments("", EVERYTHING)
    segment = segments.next_waiting()
    assert segment is not None
    segments.take(segment, Bucket("ab")(""))

    assert segments.settle(Cut(segment, "m"), Bucket("abz")("m")) is None
    assert segment.until is None


def test_disorder_before_any_cut_ends_the_cutting() -> None:
    """A service without order is listed from beginning to end, and a stop lists all again."""
    segments = Segments("", EVERYTHING, pages_before_cut=1)
    segment = segments.next_waiting()
    assert segment is not None
    bucket = Bucket("ab", page_size=2, order=backwards)

    listed = segments.take(segment, bucket(""))
    segments.hand_over(dataclasses.replace(listed, is_last=False))

    assert [found.key for found in listed.objects] == ["b", "a"]
    assert segments.next_cut() is None
    assert segments.unlisted() == EVERYTHING


def test_disorder_after_a_cut_ends_the_listing() -> None:
    """What was found cannot be trusted then, and all is to be listed again."""
    readers = Readers(Bucket([f"{number:02}" for number in range(100)], page_size=10))
    readers.begin()
    readers.receive(0)
    assert readers.begin()
    readers.receive(1)
    readers.bucket = Bucket(["b", "a"], order=backwards)
    readers.under_way[0].page = readers.bucket("")

    with pytest.raises(RunAborted, match="order"):
        readers.receive(0)

    assert readers.segments.unlisted() == EVERYTHING
