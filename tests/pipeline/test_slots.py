"""The bound on what is under way without a thread."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from s3_xfer.pipeline.slots import AHEAD, FEWEST, START, Slots
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.pipeline.window import FREE
from tests.patience import PATIENCE_S


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
    """One more for each success that somebody waited for, never more than the window."""
    slots: Slots[int] = Slots(limit, StopFlag(), monotonic=lambda: 0.0)
    assert slots.line_up(0)

    def take_all() -> int:
        count = 0
        while slots.next() is not None:
            assert slots.line_up(0)  # there is always one in line
            count += 1
        return count

    taken = take_all()
    for success in [True] * successes + [False] * failures:
        slots.free(success=success)
        taken += take_all() - 1
    assert taken == min(limit, START + successes, FREE)


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
    assert came.wait(PATIENCE_S)


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


def test_what_was_parked_is_the_next() -> None:
    """In the order in which it was due, and never beyond the places that there are."""
    slots: Slots[int] = Slots(2, StopFlag())
    assert begun(slots, 2) == 2
    assert slots.park()
    assert slots.park()
    for new in (3, 4):
        assert slots.line_up(new)
    slots.line_up_again(1)
    slots.line_up_again(2)
    assert [slots.next() for _ in range(3)] == [1, 2, None]
    slots.free(success=True)
    assert slots.has_line
    assert slots.next() == 3
    assert not slots.wait_until_empty(0.01)


def test_throttle_closes_most_places_and_need_opens_them() -> None:
    """Places that nobody misses stay closed."""
    slots: Slots[int] = Slots(1000, StopFlag())
    assert begun(slots, START) == START
    slots.shrink()
    for _ in range(START):
        slots.free(success=True)
    assert begun(slots, START) == START // 2
    slots.shrink()
    slots.shrink()
    for _ in range(START // 2 - FEWEST):
        slots.free(success=False)
    assert slots.next() is None
    slots.free(success=True)  # for which somebody has waited: one more
    assert [slots.next() is None for _ in range(3)] == [False, False, True]


def test_stopped_run_has_room_for_all() -> None:
    """Whatever is in line only has to be accounted for."""
    stop = StopFlag()
    slots: Slots[int] = Slots(1, stop)
    assert begun(slots, 3) == 1
    stop.set("enough")
    assert slots.next() is not None
    assert slots.next() is not None
    assert slots.next() is None
