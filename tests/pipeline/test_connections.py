"""Which run gets the next connection, and how many there are."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Callable

import pytest

from s3_xfer.pipeline.connections import ConnectionBudget, ConnectionShare, connections_allowed
from s3_xfer.pipeline.stop import StopFlag
from tests.patience import PATIENCE_S


class Sender:
    """Sends as many requests as it may, as the CRT engine does; each until it is answered."""

    def __init__(self, share: ConnectionShare, wanted: int) -> None:
        self.share = share
        self.wanted = wanted

    def dispatch(self) -> None:
        """Send what may be sent."""
        while self.wanted and self.share.try_acquire(self.dispatch):
            self.wanted -= 1

    def answered(self, count: int = 1) -> None:
        """Get an answer, and send the next one."""
        for _ in range(count):
            self.share.release()
            self.dispatch()


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until ``condition`` holds."""
    until_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until_s
        time.sleep(0.001)


def budget_of(limit: int) -> ConnectionBudget:
    """Return a budget of ``limit``, however many files are open."""
    return ConnectionBudget(lambda _: limit)


def test_one_run_has_all_until_others_begin() -> None:
    """Permits go to the run with the fewest as requests end, and back when it needs them no more.

    Two are there for every run, so that none stands still.
    """
    budget = budget_of(60)
    first, second, third = (Sender(budget.share(), wanted=1000) for _ in range(3))
    first.dispatch()
    assert first.share.permits == 60
    second.dispatch()
    assert second.share.permits == 2
    first.answered(40)
    assert (first.share.permits, second.share.permits) == (30, 30)
    third.dispatch()
    for _ in range(30):
        first.answered()
        second.answered()
    assert [each.share.permits for each in (first, second, third)] == [20, 20, 20]
    third.wanted = second.wanted = 0
    third.answered(20)
    second.answered(20)
    assert first.share.permits == 60


def test_a_run_that_needs_few_leaves_the_rest() -> None:
    """What counts is what is asked for, not how many runs there are."""
    budget = budget_of(60)
    small, large = Sender(budget.share(), wanted=5), Sender(budget.share(), wanted=1000)
    large.dispatch()
    small.dispatch()
    large.answered(100)
    assert (small.share.permits, large.share.permits) == (5, 55)
    small.answered(5)
    assert (small.share.permits, large.share.permits) == (0, 60)


def test_threads_get_a_permit_before_the_run_sends_more() -> None:
    """A thread that waits is not overtaken by the engine that has all the others."""
    budget, stop = budget_of(20), StopFlag()
    sender = Sender(budget.share(), wanted=1000)
    sender.dispatch()
    threads = [threading.Thread(target=sender.share.acquire, args=[stop]) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(sender.share.waiters) == 4)
    sender.answered(4)
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    assert sender.share.permits == 20


def test_a_stopped_run_does_not_wait() -> None:
    """What it still sends cleans up."""
    budget, stop = budget_of(16), StopFlag()
    share = budget.share()
    for _ in range(16):
        share.acquire(stop)
    thread = threading.Thread(target=share.acquire, args=[stop])
    thread.start()
    wait_until(lambda: bool(share.waiters))
    stop.set("test")
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert share.permits == 17
    assert not share.waiters


class Pool:
    """Has some idle connections."""

    def __init__(self, idle: int) -> None:
        self.idle = idle

    def close_idle(self, count: int) -> int:
        """Close some."""
        closed = min(count, self.idle)
        self.idle -= closed
        return closed


def test_idle_connections_make_room() -> None:
    """As many are closed as are opened beyond the limit, of whatever pool has them."""
    budget = budget_of(10)
    budget.share()
    pools = [Pool(3), Pool(3)]
    for pool in pools:
        budget.add_pool(pool)
    for _ in range(10):
        budget.opening()
    assert sum(pool.idle for pool in pools) == 6
    assert budget.room() == 0
    budget.opening()
    assert sum(pool.idle for pool in pools) == 5
    assert budget.room() == 0
    for _ in range(4):
        budget.closed()
    assert budget.room() == 3


@pytest.mark.parametrize(
    ("soft", "allowed"),
    [(1024, 1024 - 192), (100, 16), (resource.RLIM_INFINITY, 1_000_000)],
)
def test_connections_stay_below_the_limit_of_open_files(
    monkeypatch: pytest.MonkeyPatch, soft: int, allowed: int
) -> None:
    """``ulimit -n`` is respected with room to spare, also where it is tiny or absent."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, soft))
    assert connections_allowed(0) == allowed
