"""Ranges of keys: joined into the fewest, and what lies between them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_xfer.planning.ranges import EVERYTHING, KeyRange, gaps, merged

BOUNDS = st.text("abc", max_size=2)
RANGES = st.lists(
    st.builds(KeyRange, BOUNDS, st.none() | BOUNDS).filter(
        lambda keys: keys.until is None or keys.after < keys.until
    ),
    max_size=6,
)
KEYS = [one + two + three for one in " abc" for two in " abc" for three in " abc"]


def covered(ranges: tuple[KeyRange, ...] | list[KeyRange]) -> set[str]:
    """Return which of some keys are in one of ``ranges``."""
    keys = {key.replace(" ", "") for key in KEYS} - {""}
    return {
        key
        for key in keys
        for each in ranges
        if each.after < key and (each.until is None or key <= each.until)
    }


@given(RANGES)
def test_joined_ranges_hold_the_same_keys(ranges: list[KeyRange]) -> None:
    """No key is lost and none is added, in whatever order the ranges come."""
    assert covered(merged(ranges)) == covered(ranges)


@given(RANGES)
def test_joined_ranges_are_in_order_and_apart(ranges: list[KeyRange]) -> None:
    """Ranges that overlap or touch are one, so each ends before the next one begins."""
    joined = merged(ranges)

    for one, following in pairwise(joined):
        assert one.until is not None
        assert one.until < following.after


@given(RANGES)
def test_gaps_hold_all_other_keys(ranges: list[KeyRange]) -> None:
    """Every key is in a range or in a gap, and never in both."""
    between = gaps(ranges)

    assert covered(between) | covered(ranges) == covered(EVERYTHING)
    assert not covered(between) & covered(ranges)
    assert all(each.until is None or each.after < each.until for each in between)


@pytest.mark.parametrize(
    ("ranges", "joined"),
    [
        ([KeyRange("", "a"), KeyRange("a", "b")], (KeyRange("", "b"),)),
        ([KeyRange("b", "c"), KeyRange("", "a")], (KeyRange("", "a"), KeyRange("b", "c"))),
        ([KeyRange("a"), KeyRange("b", "c")], (KeyRange("a"),)),
        ([KeyRange("a", "c"), KeyRange("b")], (KeyRange("a"),)),
        ([KeyRange("a", "d"), KeyRange("b", "c")], (KeyRange("a", "d"),)),
        ([], ()),
    ],
)
def test_what_overlaps_or_touches_is_joined(
    ranges: list[KeyRange], joined: tuple[KeyRange, ...]
) -> None:
    """A range without an end takes in all that begins behind its own beginning."""
    assert merged(ranges) == joined


def test_nothing_is_left_of_everything() -> None:
    """The gaps of everything are none, those of nothing are everything."""
    assert gaps(EVERYTHING) == ()
    assert gaps(()) == EVERYTHING
