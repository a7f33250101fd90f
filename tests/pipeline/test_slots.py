"""The bound on what is in flight without a thread."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_xfer.pipeline.slots import (
    INITIAL_SIZE,
    INITIAL_SLOTS,
    INITIAL_SLOTS_MAX,
    QUEUE_MAX,
    SLOTS_MIN,
    Slots,
)
from s3_xfer.pipeline.stop import StopFlag
from tests.patience import PATIENCE_S


def started(slots: Slots[int], items: int) -> int:
    """Queue ``items`` and return how many get a slot."""
    count = 0
    for item in range(items):
        assert slots.enqueue(item)
        count += slots.next() is not None
    return count


@given(limit=st.integers(1, 500), successes=st.integers(0, 600), failures=st.integers(0, 50))
def test_slots_grow_with_successes_up_to_the_limit(
    limit: int, successes: int, failures: int
) -> None:
    """One more for each success while an item waits, never more than the window."""
    slots: Slots[int] = Slots(limit, StopFlag(), monotonic=lambda: 0.0)
    assert slots.enqueue(0)

    def take_all() -> int:
        count = 0
        while slots.next() is not None:
            assert slots.enqueue(0)  # there is always one in the queue
            count += 1
        return count

    taken = take_all()
    for success in [True] * successes + [False] * failures:
        slots.free(success=success)
        taken += take_all() - 1
    assert taken == min(limit, INITIAL_SLOTS + successes, INITIAL_SIZE)


@pytest.mark.parametrize(
    ("answer_s", "limit", "at_first"),
    [
        (0.0, 1000, INITIAL_SLOTS),  # nothing was asked
        (0.039, 1000, INITIAL_SLOTS),
        (0.04, 1000, 100),
        (0.1, 1000, 250),
        (0.2, 1000, INITIAL_SLOTS_MAX),
        (60.0, 1000, INITIAL_SLOTS_MAX),
        (0.1, 20, 20),
    ],
)
def test_slow_answers_need_more_slots_at_first(answer_s: float, limit: int, at_first: int) -> None:
    """There is no time for doublings that take as long as an answer each."""
    slots: Slots[int] = Slots(limit, StopFlag())
    slots.expect(answer_s)
    assert slots.open_at_first == at_first
    assert started(slots, QUEUE_MAX) == min(at_first, QUEUE_MAX)


def test_what_is_expected_changes_nothing_once_it_has_begun() -> None:
    """By then the answers themselves tell."""
    slots: Slots[int] = Slots(1000, StopFlag())
    assert started(slots, 1) == 1
    slots.expect(0.1)
    assert slots.open_at_first == INITIAL_SLOTS


def test_first_come_first_served() -> None:
    """The item that was queued first gets the next slot."""
    slots: Slots[str] = Slots(1, StopFlag())
    for name in "abc":
        assert slots.enqueue(name)
    assert slots.next() == "a"
    assert slots.next() is None
    slots.free(success=True)
    assert slots.next() == "b"
    assert slots.has_waiting


def test_waiting_for_a_full_queue_ends_when_it_is_shorter() -> None:
    """A thread that fills the queue waits until there is room in it, and no longer."""
    slots: Slots[int] = Slots(1, StopFlag())
    assert started(slots, QUEUE_MAX) == 1
    assert slots.enqueue(QUEUE_MAX)
    enqueued = threading.Event()

    def enqueue() -> None:
        assert slots.enqueue(-1)
        enqueued.set()

    threading.Thread(target=enqueue, daemon=True).start()
    assert not enqueued.wait(0.3)
    for _ in range(QUEUE_MAX // 2):
        slots.free(success=True)
        slots.next()
    assert enqueued.wait(PATIENCE_S)


def test_waiting_ends_with_the_run() -> None:
    """A stopped run does not wait for room in the queue."""
    stop = StopFlag()
    slots: Slots[int] = Slots(1, stop)
    assert started(slots, QUEUE_MAX + 1) == 1
    threading.Timer(0.05, lambda: stop.set("enough")).start()
    assert not slots.enqueue(0)


def test_slots_are_empty_when_all_are_free_and_nothing_is_queued() -> None:
    """The end of a run waits for that."""
    slots: Slots[int] = Slots(1, StopFlag())
    assert slots.wait_until_empty(0)
    assert started(slots, 2) == 1
    assert not slots.wait_until_empty(0.01)
    slots.free(success=False)
    assert not slots.wait_until_empty(0.01)
    assert slots.next() is not None
    threading.Timer(0.05, lambda: slots.free(success=True)).start()
    waiting = threading.Thread(target=slots.wait_until_empty, args=[10 * PATIENCE_S], daemon=True)
    waiting.start()
    waiting.join(PATIENCE_S)
    assert not waiting.is_alive()
    assert slots.wait_until_empty(0)


def test_deferred_item_takes_no_slot_but_has_not_ended() -> None:
    """It can resume at once, beyond the limit."""
    slots: Slots[int] = Slots(1, StopFlag())
    assert started(slots, 1) == 1
    assert slots.defer()
    assert started(slots, 1) == 1
    slots.free(success=True)
    assert not slots.wait_until_empty(0.01)
    slots.resume()
    slots.free(success=True)
    assert slots.wait_until_empty(0)


def test_deferred_item_is_no_success() -> None:
    """Its slot is free for another item, and no further one opens."""
    slots: Slots[int] = Slots(1000, StopFlag())
    assert started(slots, INITIAL_SLOTS + 3) == INITIAL_SLOTS
    assert slots.defer()
    assert [slots.next() is None for _ in range(2)] == [False, True]


def test_too_many_deferred_items_keep_their_slots() -> None:
    """Eight for each slot are deferred; one more waits in its slot."""
    slots: Slots[int] = Slots(2, StopFlag())
    for _ in range(16):
        assert started(slots, 1) == 1
        assert slots.defer()
    assert started(slots, 2) == 2
    assert not slots.defer()
    assert started(slots, 1) == 0
    slots.requeue_front(0)
    assert slots.defer()


def test_requeued_items_are_the_next() -> None:
    """In the order in which they were requeued, and never beyond the slots that are open."""
    slots: Slots[int] = Slots(2, StopFlag())
    assert started(slots, 2) == 2
    assert slots.defer()
    assert slots.defer()
    for new in (3, 4):
        assert slots.enqueue(new)
    slots.requeue_front(1)
    slots.requeue_front(2)
    assert [slots.next() for _ in range(3)] == [1, 2, None]
    slots.free(success=True)
    assert slots.has_waiting
    assert slots.next() == 3
    assert not slots.wait_until_empty(0.01)


def test_slot_of_a_throttled_item_is_given_to_none_until_one_is_needed() -> None:
    """Slots that no item waits for stay closed, and a few stay open."""
    slots: Slots[int] = Slots(1000, StopFlag())
    assert started(slots, INITIAL_SLOTS) == INITIAL_SLOTS
    for _ in range(INITIAL_SLOTS // 2):
        slots.close_one()
        slots.defer()
    assert started(slots, 1) == 0
    slots.free(success=True)  # an item has waited for it: one more opens
    assert [slots.next() is None for _ in range(3)] == [False, True, True]
    for _ in range(INITIAL_SLOTS):
        slots.close_one()
    for _ in range(INITIAL_SLOTS // 2):
        slots.free(success=False)
    assert started(slots, INITIAL_SLOTS) == SLOTS_MIN


def test_stopped_run_has_a_slot_for_every_item() -> None:
    """Queued items are then only accounted for, not sent."""
    stop = StopFlag()
    slots: Slots[int] = Slots(1, stop)
    assert started(slots, 3) == 1
    stop.set("enough")
    assert slots.next() is not None
    assert slots.next() is not None
    assert slots.next() is None
