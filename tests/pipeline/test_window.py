"""How much should be under way, found by trying."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from s3_xfer.pipeline.window import AGAIN_S, FREE, Window

LIMIT = 1000


class Service:
    """Answers as many per second as ``rate_per_s`` says of what is under way."""

    def __init__(self, rate_per_s: Callable[[int], float], *, limit: int = LIMIT) -> None:
        self.now_s = 0.0
        self.rate_per_s = rate_per_s
        self.window = Window(limit, monotonic=lambda: self.now_s)

    def work(self, for_s: float, *, is_reached: bool = True) -> int:
        """Be used for so long, and return the largest window of that time."""
        until_s, highest = self.now_s + for_s, 0
        while self.now_s < until_s:
            self.now_s += 1 / self.rate_per_s(self.window.size)
            self.window.succeeded(is_reached=is_reached)
            highest = max(highest, self.window.size)
        return highest


def behind(latency_s: float, *, most_per_s: float = 1e9) -> Callable[[int], float]:
    """Return a service that answers each request after ``latency_s``, up to a rate."""
    return lambda under_way: min(under_way / latency_s, most_per_s)


def test_distant_service_gets_the_limit_within_a_second() -> None:
    """At 50 ms every doubling pays, so nothing less than the limit is right."""
    service = Service(behind(0.05))
    service.work(1.0)
    assert service.window.size == LIMIT


def test_busy_service_is_not_made_to_queue() -> None:
    """Where more requests end no more of them per second, the window stays as it was."""
    service = Service(behind(0.001, most_per_s=10_000))
    service.work(1.0)
    assert service.window.size == FREE


def test_trial_that_makes_it_slower_is_ended_sooner() -> None:
    """One that leaves everything as it was is looked at for longer: it might be worth it."""

    def tried_s(slower_by: float) -> float:
        service = Service(lambda under_way: 10_000 / (slower_by if under_way > FREE else 1.0))
        tried_s = 0.0
        while service.now_s < AGAIN_S:
            service.work(0.01)
            tried_s += 0.01 * (service.window.size > FREE)
        return tried_s

    assert 0 < tried_s(1.1) < 0.7 * tried_s(1 / 1.02)


def test_window_follows_a_service_that_became_distant() -> None:
    """A trial that did not pay is repeated."""
    service = Service(behind(0.001, most_per_s=10_000))
    service.work(1.0)
    service.rate_per_s = behind(0.05)
    service.work(AGAIN_S + 1.0)
    assert service.window.size == LIMIT


def test_nothing_is_tried_while_nobody_waits_for_a_place() -> None:
    """A run that waits for its listing says nothing about the service."""
    service = Service(behind(0.05))
    assert service.work(1.0, is_reached=False) == FREE


@pytest.mark.parametrize("limit", [1, 31, FREE, FREE + 1])
def test_limit_is_never_exceeded(limit: int) -> None:
    """Whatever it would be worth."""
    assert Service(behind(0.05), limit=limit).work(2.0) == limit


def test_gain_is_what_counts_not_the_rate() -> None:
    """Three doublings that pay, and one that does not: the third is kept."""
    service = Service(behind(0.01, most_per_s=FREE * 4 / 0.01), limit=8 * FREE)
    service.work(2.0)
    assert service.window.size == 4 * FREE
