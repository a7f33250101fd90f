"""Slowing down together, against a simulated server and a manual clock."""

from __future__ import annotations

import heapq
import threading
import time

import pytest

from s3_xfer.pipeline.pacing import Pacer
from s3_xfer.pipeline.stop import StopFlag


class Simulation:
    """Threads in a closed loop against a server that takes ``limit_per_s`` requests.

    Time is simulated: a thread that waits is scheduled later, nothing sleeps.
    """

    def __init__(self, threads: int, limit_per_s: float) -> None:
        self.now_s = 0.0
        self.limit_per_s = limit_per_s
        self.accepted = self.refused = 0
        self._tokens = max(10.0, limit_per_s / 10)
        self._filled_s = 0.0
        self._waited_s = 0.0
        self.pacer = Pacer(self._stop(), monotonic=lambda: self.now_s)
        self._threads = [(0.0, number) for number in range(threads)]

    def _stop(self) -> StopFlag:
        simulation = self

        class Waits(StopFlag):
            def wait(self, timeout_s: float) -> bool:
                simulation._waited_s = timeout_s
                return False

        return Waits()

    def run(self, until_s: float) -> None:
        """Let the threads send requests of 20 ms until ``until_s``."""
        waiting: list[tuple[float, int]] = []
        while self._threads and self._threads[0][0] < until_s:
            self.now_s, number = heapq.heappop(self._threads)
            if (self.now_s, number) in waiting:
                waiting.remove((self.now_s, number))
                self._send(number)
                continue
            self._waited_s = 0.0
            self.pacer.wait()
            if self._waited_s:
                waiting.append((self.now_s + self._waited_s, number))
                heapq.heappush(self._threads, waiting[-1])
            else:
                self._send(number)

    def _send(self, number: int) -> None:
        refill = (self.now_s - self._filled_s) * self.limit_per_s
        self._tokens = min(max(10.0, self.limit_per_s / 10), self._tokens + refill)
        self._filled_s = self.now_s
        done_s = self.now_s + 0.02
        if self._tokens >= 1:
            self._tokens -= 1
            self.accepted += 1
        else:
            self.refused += 1
            self.pacer.throttled()
            done_s += 1.0  # the policy's own wait
        heapq.heappush(self._threads, (done_s, number))


@pytest.mark.parametrize(("limit_per_s", "waste"), [(100, 0.1), (300, 0.03), (3000, 0.03)])
def test_paced_run_uses_most_of_the_limit_and_wastes_little(
    limit_per_s: float, waste: float
) -> None:
    """After a few seconds at least 80 % of the limit is used, and little is refused."""
    simulation = Simulation(threads=256, limit_per_s=limit_per_s)
    simulation.run(20)
    simulation.accepted = simulation.refused = 0

    simulation.run(60)

    sent = simulation.accepted + simulation.refused
    assert simulation.accepted >= 0.8 * limit_per_s * 40
    assert simulation.refused <= waste * sent


def test_free_until_the_first_throttle() -> None:
    """A run that is never throttled is never paced."""
    simulation = Simulation(threads=64, limit_per_s=1e9)

    simulation.run(10)

    assert simulation.pacer.rate_per_s is None
    assert simulation.refused == 0


def test_pace_is_let_go_when_the_limit_is_gone() -> None:
    """Once the server takes everything, the rate grows until it no longer matters."""
    simulation = Simulation(threads=16, limit_per_s=100)
    simulation.run(10)
    assert simulation.pacer.rate_per_s is not None
    simulation.limit_per_s = 1e9

    simulation.run(120)

    assert simulation.pacer.rate_per_s is None


def test_stopped_run_does_not_wait_for_its_turn() -> None:
    """The wait for a place in the queue ends with the run."""
    stop = StopFlag()
    pacer = Pacer(stop)
    for _ in range(3):
        pacer.wait()
    pacer.throttled()
    for _ in range(20):
        threading.Thread(target=pacer.wait, daemon=True).start()
    stop.set("test")
    started_s = time.monotonic()

    pacer.wait()

    assert time.monotonic() - started_s < 1
