"""How many requests may be in flight, found by trial."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from s3_xfer.pipeline.slots import (
    INITIAL_SIZE,
    INITIAL_SIZE_MAX,
    LONG_RUN_S,
    TRIAL_PAUSE_S,
    Window,
)

LIMIT = 1000


class Service:
    """Answers ``rate_per_s(requests in flight)`` requests a second."""

    def __init__(
        self,
        rate_per_s: Callable[[int], float],
        *,
        limit: int = LIMIT,
        limit_at_first: int | None = None,
    ) -> None:
        self.now_s = 0.0
        self.rate_per_s = rate_per_s
        self.window = Window(limit, limit_at_first=limit_at_first, monotonic=lambda: self.now_s)

    def work(self, for_s: float, *, is_reached: bool = True) -> int:
        """Answer for ``for_s`` seconds, and return the largest window of that time."""
        until_s, highest = self.now_s + for_s, 0
        while self.now_s < until_s:
            self.now_s += 1 / self.rate_per_s(self.window.size)
            self.window.succeeded(is_reached=is_reached)
            highest = max(highest, self.window.size)
        return highest


def behind(latency_s: float, *, most_per_s: float = 1e9) -> Callable[[int], float]:
    """Return a service that answers each request after ``latency_s``, up to a rate."""
    return lambda in_flight: min(in_flight / latency_s, most_per_s)


def test_distant_service_gets_the_limit_within_a_second() -> None:
    """At 50 ms every doubling gains, so the limit is the right size."""
    service = Service(behind(0.05))
    service.work(1.0)
    assert service.window.size == LIMIT


@pytest.mark.parametrize(
    ("latency_s", "size"),
    [(0.0, INITIAL_SIZE), (0.015, 150), (0.1, INITIAL_SIZE_MAX), (60.0, INITIAL_SIZE_MAX)],
)
def test_first_answer_tells_how_many_keep_the_process_busy(latency_s: float, size: int) -> None:
    """Of a small job nothing is left when trials have found it."""
    window = Window(LIMIT)
    window.first_answer(latency_s)
    assert window.size == size


def test_busy_service_is_not_made_to_queue() -> None:
    """Where more requests in flight do not succeed faster, the window stays as it was."""
    service = Service(behind(0.001, most_per_s=10_000))
    service.work(1.0)
    assert service.window.size == INITIAL_SIZE


def test_trial_that_makes_it_slower_is_ended_sooner() -> None:
    """A trial that changes little is measured for longer: it might gain."""

    def tried_s(slower_by: float) -> float:
        service = Service(
            lambda in_flight: 10_000 / (slower_by if in_flight > INITIAL_SIZE else 1.0)
        )
        tried_s = 0.0
        while not tried_s or service.window.size > INITIAL_SIZE:
            service.work(0.01)
            tried_s += 0.01 * (service.window.size > INITIAL_SIZE)
        return tried_s

    assert 0 < tried_s(1.1) < 0.7 * tried_s(1 / 1.02)


def test_window_follows_a_service_that_became_distant() -> None:
    """A trial without gain is repeated."""
    service = Service(behind(0.001, most_per_s=10_000))
    service.work(1.0)
    service.rate_per_s = behind(0.05)
    service.work(TRIAL_PAUSE_S + 1.0)
    assert service.window.size == LIMIT


def test_trial_during_a_busy_start_is_repeated_soon() -> None:
    """While the listing is read, requests succeed no faster however many there are."""
    service = Service(behind(0.05, most_per_s=5_000))
    service.work(1.0)
    assert service.window.size < LIMIT
    service.rate_per_s = behind(0.05)
    service.work(1.0)
    assert service.window.size == LIMIT


def test_costly_ones_are_tried_once_a_run_is_long() -> None:
    """A short run ends before they are worth what they cost."""
    service = Service(behind(0.05), limit_at_first=640)
    assert service.work(LONG_RUN_S - 0.01) == 640
    service.work(1.0)
    assert service.window.size == LIMIT


def test_nothing_is_tried_while_no_item_waits_for_a_slot() -> None:
    """A run that waits for its listing says nothing about the service."""
    service = Service(behind(0.05))
    assert service.work(1.0, is_reached=False) == INITIAL_SIZE


@pytest.mark.parametrize("limit", [1, 31, INITIAL_SIZE, INITIAL_SIZE + 1])
def test_limit_is_never_exceeded(limit: int) -> None:
    """However much it would gain."""
    assert Service(behind(0.05), limit=limit).work(2.0) == limit


def test_gain_is_what_counts_not_the_rate() -> None:
    """Two doublings gain, a third does not: the second is kept."""
    service = Service(behind(0.01, most_per_s=INITIAL_SIZE * 4 / 0.01), limit=8 * INITIAL_SIZE)
    service.work(2.0)
    assert service.window.size == 4 * INITIAL_SIZE
