"""Slowing down together, against a simulated server and a manual clock."""

from __future__ import annotations

import heapq
import itertools
import random
import threading
import time
from collections.abc import Callable

import pytest

from s3_xfer.pipeline.pacing import Pacer
from s3_xfer.pipeline.slots import INITIAL_SLOTS
from s3_xfer.pipeline.stop import StopFlag
from tests.patience import PATIENCE_S

BURST_S = 0.1  # what the server's token bucket holds
RETRY_S = 1.0


class Simulation:
    """Senders in a closed loop against a server that takes ``limit_per_s`` requests.

    Time is simulated: a wait is an event in the future, nothing sleeps. Each of ``lanes`` sends
    without waiting for answers, as long as fewer than ``in_flight`` are missing (with one for each
    lane, a lane waits for its own). An answer takes ``latency_s``. A refused request is repeated a
    second after its answer. ``error_ratio`` is the share that is refused at any rate.
    """

    def __init__(
        self,
        *,
        limit_per_s: float,
        lanes: int = 4,
        in_flight: int = 512,
        latency_s: float = 0.02,
        error_ratio: float = 0.0,
    ) -> None:
        self.now_s = 0.0
        self.limit_per_s = limit_per_s
        self.accepted = self.refused = 0
        self._error_ratio = random.Random(1), error_ratio
        self._latency_s = latency_s
        self._tokens = limit_per_s * BURST_S
        self._filled_s = 0.0
        self._free = min(INITIAL_SLOTS, in_flight)
        self._still_closed = in_flight - self._free
        self._idle: list[None] = []
        self._numbers = itertools.count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self.pacer = Pacer(StopFlag(), monotonic=lambda: self.now_s)
        for _ in range(lanes):
            self._at(0, self._lane)

    def _at(self, time_s: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._due, (time_s, next(self._numbers), event))

    def run(self, until_s: float) -> None:
        """Let time pass until ``until_s``, and count from zero."""
        self.accepted = self.refused = 0
        while self._due and self._due[0][0] < until_s:
            self.now_s, _, event = heapq.heappop(self._due)
            event()

    def _lane(self) -> None:
        """Take a slot, wait for the pace, send, and begin again."""
        if self._free <= 0:
            self._idle.append(None)
            return
        self._free -= 1
        self._paced(lambda: self._send(then=self._lane))

    def _paced(self, send: Callable[[], None]) -> None:
        delay_s = 0.0 if self.pacer.unthrottled else self.pacer.reserve()
        self._at(self.now_s + delay_s, send)

    def _send(self, then: Callable[[], None]) -> None:
        self.pacer.sent()
        refill = (self.now_s - self._filled_s) * self.limit_per_s
        self._tokens = min(max(1.0, self.limit_per_s * BURST_S), self._tokens + refill)
        self._filled_s = self.now_s
        rng, error_ratio = self._error_ratio
        if self._tokens >= 1 and rng.random() >= error_ratio:
            self._tokens -= 1
            self.accepted += 1
            sent_at_s = self.now_s
            self._at(self.now_s + self._latency_s, lambda: self._answered(sent_at_s))
        else:
            self.refused += 1
            sent_at_s = self.now_s
            self._at(self.now_s + self._latency_s, lambda: self._throttled(sent_at_s))
        self._at(self.now_s + 0.00005, then)

    def _answered(self, sent_at_s: float) -> None:
        self.pacer.accepted(sent_at_s)
        opened = min(1, self._still_closed)
        self._still_closed -= opened
        self._free += 1 + opened
        self._wake()

    def _wake(self) -> None:
        while self._idle and self._free > 0:
            self._idle.pop()
            self._lane()

    def _throttled(self, sent_at_s: float) -> None:
        self.pacer.throttled(sent_at_s)
        self._free += 1  # deferred
        self._wake()
        repeat = lambda: self._send(then=lambda: None)  # noqa: E731
        self._at(self.now_s + RETRY_S, lambda: self._resumed(repeat))

    def _resumed(self, repeat: Callable[[], None]) -> None:
        self._free -= 1
        self._paced(repeat)

    @property
    def wasted(self) -> float:
        """The share of requests that was refused."""
        return self.refused / (self.accepted + self.refused)


LIMITS = pytest.mark.parametrize(("limit_per_s", "waste"), [(30, 0.06), (300, 0.02), (3500, 0.02)])


@LIMITS
@pytest.mark.parametrize("latency_s", [0.005, 0.02, 0.1])
def test_paced_run_uses_the_limit_and_wastes_little(
    limit_per_s: float, waste: float, latency_s: float
) -> None:
    """After 15 seconds: 90 % of the limit or more, and less than 2 % refused.

    The allowance is larger where one refusal is 3 % of a second's requests.
    """
    simulation = Simulation(limit_per_s=limit_per_s, latency_s=latency_s)
    simulation.run(15)

    simulation.run(45)

    assert simulation.accepted >= 0.9 * limit_per_s * 30
    assert simulation.wasted < waste


@pytest.mark.parametrize(("before", "after"), [(300, 3000), (3000, 300), (1000, 50), (50, 1000)])
def test_limit_that_changes_suddenly_is_found_again(before: float, after: float) -> None:
    """A lower one within three seconds, one twenty times as high within eight."""
    simulation = Simulation(limit_per_s=before)
    simulation.run(20)
    simulation.limit_per_s = after
    found_s = 23 if after < before else 28
    simulation.run(found_s)

    simulation.run(52)

    assert simulation.accepted >= 0.85 * after * (52 - found_s)
    assert simulation.wasted < 0.05


@pytest.mark.parametrize("error_ratio", [0.01, 0.05])
def test_random_refusals_do_not_slow_a_run_down_for_long(error_ratio: float) -> None:
    """They cost their own share and a cautious moment, not the speed of the run."""
    simulation = Simulation(limit_per_s=1e9, lanes=64, in_flight=64, error_ratio=error_ratio)
    simulation.run(1)

    simulation.run(11)
    assert simulation.accepted >= 0.6 * (64 / 0.02) * 10

    simulation.run(21)
    assert simulation.accepted >= 0.6 * (64 / 0.02) * 10


@pytest.mark.parametrize("error_ratio", [0.01, 0.05])
def test_limit_of_a_server_that_also_refuses_at_random_is_found(error_ratio: float) -> None:
    """Refusals for the rate are not added to the baseline error ratio."""
    simulation = Simulation(limit_per_s=1000, error_ratio=error_ratio)
    simulation.run(20)

    simulation.run(50)

    assert simulation.accepted >= 0.7 * 1000 * 30
    assert simulation.wasted < error_ratio + 0.03


def test_run_is_unthrottled_until_the_first_throttle() -> None:
    """A run that is never throttled is never paced."""
    simulation = Simulation(lanes=64, in_flight=64, limit_per_s=1e9)

    simulation.run(10)

    assert simulation.pacer.unthrottled
    assert simulation.refused == 0


def test_pace_is_released_when_the_limit_is_gone() -> None:
    """Once the server takes everything, the rate grows until it no longer matters."""
    simulation = Simulation(lanes=16, in_flight=16, limit_per_s=100)
    simulation.run(10)
    assert not simulation.pacer.unthrottled
    simulation.limit_per_s = 1e9

    simulation.run(60)

    assert simulation.pacer.unthrottled


def test_stopped_run_does_not_wait_for_its_turn() -> None:
    """The wait for the pace ends with the run."""
    stop = StopFlag()
    pacer = Pacer(stop)
    for _ in range(3):
        pacer.wait()
    for _ in range(2):
        pacer.throttled(time.monotonic())
    while pacer.reserve() < 2 * PATIENCE_S:
        pass
    for _ in range(20):
        threading.Thread(target=pacer.wait, daemon=True).start()
    stop.set("test")
    started_s = time.monotonic()

    pacer.wait()

    assert time.monotonic() - started_s < PATIENCE_S


def rate_per_s(pacer: Pacer) -> float:
    """Return the rate at which a paced run may send, from a queue of reservations."""
    assert not pacer.unthrottled
    delays_s = [pacer.reserve() for _ in range(200)]
    return 100 / (delays_s[-1] - delays_s[-101])


def test_pace_is_kept_while_the_server_stands_still() -> None:
    """A low number of requests is then no sign that the limit is far away."""
    now_s = 0.0
    pacer = Pacer(StopFlag(), monotonic=lambda: now_s)

    def pass_time(for_s: float, per_s: float, *, refused: int) -> None:
        nonlocal now_s
        for number in range(int(for_s * per_s)):
            now_s += 1 / per_s
            pacer.reserve()
            pacer.sent()
            if number < refused and number % 4 == 0:
                pacer.throttled(now_s)
            else:
                pacer.accepted(now_s)

    pass_time(1.0, 400, refused=0)
    pass_time(1.5, 400, refused=40)
    paced_per_s = rate_per_s(pacer)
    assert paced_per_s > 200
    pass_time(1.5, 20, refused=0)
    assert rate_per_s(pacer) < 2 * paced_per_s
