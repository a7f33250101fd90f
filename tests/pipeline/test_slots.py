"""The bound on what is under way without a thread."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from s3_xfer.pipeline.slots import START, Slots
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.pipeline.window import FREE


def taken_without_waiting(slots: Slots, stop: StopFlag) -> int:
    """Return how many places are free, by taking them all."""
    stop.set("only counting")  # a full house then answers at once
    count = 0
    while slots.take():
        count += 1
    return count


@given(limit=st.integers(1, 500), successes=st.integers(0, 600), failures=st.integers(0, 50))
def test_places_grow_with_successes_up_to_the_limit(
    limit: int, successes: int, failures: int
) -> None:
    """One more place for each success, none for a failure, never more than the window."""
    stop = StopFlag()
    slots = Slots(limit, stop, monotonic=lambda: 0.0)
    for success in [True] * successes + [False] * failures:
        assert slots.take()
        slots.free(success=success)
    assert taken_without_waiting(slots, stop) == min(limit, START + successes, FREE)


def test_waiting_for_a_place_ends_with_a_place() -> None:
    """Whoever waits is woken when places are given back."""
    slots = Slots(1, StopFlag())
    assert slots.take()
    threading.Timer(0.05, lambda: slots.free(success=True)).start()
    assert slots.take()


def test_waiting_for_a_place_ends_with_the_run() -> None:
    """A stopped run keeps nobody waiting in a full house."""
    stop = StopFlag()
    slots = Slots(1, stop)
    assert slots.take()
    threading.Timer(0.05, lambda: stop.set("enough")).start()
    assert not slots.take()


def test_house_is_empty_when_all_places_are_given_back() -> None:
    """Which is what the end of a run waits for."""
    slots = Slots(4, StopFlag())
    assert slots.wait_until_empty(0)
    assert slots.take()
    assert not slots.wait_until_empty(0.01)
    slots.free(success=False)
    assert slots.wait_until_empty(0)
