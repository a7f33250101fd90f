"""The bound on what is under way without a thread."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from s3_xfer.pipeline.slots import AHEAD, START, Slots
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.pipeline.window import FREE


def begun(slots: Slots[int], items: int) -> int:
    """Return how many of ``items`` that line up get a place."""
    count = 0
    for item in range(items):
        assert slots.line_up(item)
        count += slots.next() is not None
    return count


@given(limit=st.integers(1, 500), successes=st.integers(0, 600), failures=st.integers(0, 50))
def test_places_grow_with_successes_up_to_the_limit(
    limit: int, successes: int, failures: int
) -> None:
    """One more place for each success, none for a failure, never more than the window."""
    slots: Slots[int] = Slots(limit, StopFlag(), monotonic=lambda: 0.0)
    for success in [True] * successes + [False] * failures:
        assert begun(slots, 1) == 1
        slots.free(success=success)
    places = min(limit, START + successes, FREE)
    assert begun(slots, places + 1) == places


def test_first_come_first_served() -> None:
    """What lined up first gets the next place."""
    slots: Slots[str] = Slots(1, StopFlag())
    for name in "abc":
        assert slots.line_up(name)
    assert slots.next() == "a"
    assert slots.next() is None
    slots.free(success=True)
    assert slots.next() == "b"
    assert slots.has_line


def test_waiting_in_a_long_line_ends_when_it_is_shorter() -> None:
    """Whoever lengthens the line waits until there is room in it, and no longer."""
    slots: Slots[int] = Slots(1, StopFlag())
    assert begun(slots, AHEAD) == 1
    assert slots.line_up(AHEAD)
    came = threading.Event()

    def come() -> None:
        assert slots.line_up(-1)
        came.set()

    threading.Thread(target=come, daemon=True).start()
    assert not came.wait(0.3)
    for _ in range(AHEAD // 2):
        slots.free(success=True)
        slots.next()
    assert came.wait(5)


def test_waiting_ends_with_the_run() -> None:
    """A stopped run keeps nobody waiting in a long line."""
    stop = StopFlag()
    slots: Slots[int] = Slots(1, stop)
    assert begun(slots, AHEAD + 1) == 1
    threading.Timer(0.05, lambda: stop.set("enough")).start()
    assert not slots.line_up(0)


def test_house_is_empty_when_all_places_are_given_back_and_nobody_is_in_line() -> None:
    """Which is what the end of a run waits for."""
    slots: Slots[int] = Slots(1, StopFlag())
    assert slots.wait_until_empty(0)
    assert begun(slots, 2) == 1
    assert not slots.wait_until_empty(0.01)
    slots.free(success=False)
    assert not slots.wait_until_empty(0.01)
    assert slots.next() is not None
    threading.Timer(0.05, lambda: slots.free(success=True)).start()
    assert slots.wait_until_empty(5)


def test_what_is_parked_takes_no_place_but_is_not_over() -> None:
    """Until it comes back, which it may at once."""
    slots: Slots[int] = Slots(1, StopFlag())
    assert begun(slots, 1) == 1
    assert slots.park()
    assert begun(slots, 1) == 1
    slots.free(success=True)
    assert not slots.wait_until_empty(0.01)
    slots.unpark()
    slots.free(success=True)
    assert slots.wait_until_empty(0)
