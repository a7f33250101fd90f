"""The connections that all runs of this process may have open together.

The limit of open files (``ulimit -n``) is one per process, so its runs share it. A request needs a
permit for the connection it goes through, from before it is sent until it is answered. While there
are fewer permits than requests, the next one goes to the run that has the fewest: a run alone may
have all, and when another one begins, it gets those of requests that end, until both have as many.
A connection that waits for its next request needs no permit, and is closed when its place is
needed.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from s3_xfer.pipeline.stop import StopFlag

with contextlib.suppress(ImportError):
    import resource  # not on Windows

CONNECTIONS_MIN = 16
_FILES_OF_OTHERS = 192  # of the open files allowed: reports, journals, the rest of the program
_SPARE_FILES = 64  # at least, where the program has more open than that
_ALWAYS_PERMITTED = 2  # of each run, whatever others have: none stands still
_STOP_POLL_S = 0.5


class IdleConnections(Protocol):
    """A place where connections wait for their next request. Thread-safe."""

    def close_idle(self, count: int) -> int:
        """Close at most ``count`` of them; return how many were closed."""


def connections_allowed(already_open: int) -> int:
    """Return how many connections the limit of open files leaves room for.

    ``already_open`` of the files that are open now are such connections.
    """
    if "resource" not in globals():
        return _FILES_OF_OTHERS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return 1_000_000
    of_others = max(_FILES_OF_OTHERS, _open_files() - already_open + _SPARE_FILES)
    return max(CONNECTIONS_MIN, soft - of_others)


def _open_files() -> int:
    """Return how many files this process has open; zero where the system does not tell."""
    with contextlib.suppress(OSError):
        return len(os.listdir("/dev/fd"))
    return 0


class ConnectionBudget:
    """Gives permits to shares, at most :attr:`limit` at once. Thread-safe.

    ``allowed`` returns the limit, given how many connections are open; it is asked at every
    :meth:`share`.
    """

    def __init__(self, allowed: Callable[[int], int] = connections_allowed) -> None:
        self._allowed = allowed
        self.limit: int = CONNECTIONS_MIN
        self._permits = 0  # given out
        self._open = 0  # connections, idle ones included
        self._waiting: dict[ConnectionShare, None] = {}
        self._pools: weakref.WeakSet[IdleConnections] = weakref.WeakSet()
        self._lock = threading.RLock()  # a collected answer closes its connection, anywhere

    def share(self) -> ConnectionShare:
        """Return a share, for a run that begins."""
        with self._lock:
            self.limit = self._allowed(self._open)
        return ConnectionShare(self)

    def add_pool(self, pool: IdleConnections) -> None:
        """Let ``pool`` be asked to close connections; it is not kept alive."""
        with self._lock:
            self._pools.add(pool)

    def opening(self) -> None:
        """Count a connection that is about to be opened, with a permit; idle ones make room."""
        with self._lock:
            self._open += 1
            excess = self._open - self.limit
            pools = list(self._pools) if excess > 0 else ()
        for pool in pools:
            if excess > 0:
                excess -= pool.close_idle(excess)

    def room(self) -> int:
        """Return how many connections can be opened before one that is idle makes room."""
        with self._lock:
            return max(0, self.limit - self._open)

    def closed(self) -> None:
        """State that a connection is closed, or could not be opened."""
        with self._lock:
            self._open -= 1

    def acquire(self, share: ConnectionShare, stop: StopFlag) -> None:
        """Take a permit, waiting for it; in a stopped run, whose requests clean up, without."""
        permitted = threading.Event()
        waiter = _Waiter(permitted.set, is_permitted_by_wake=True)
        with self._lock:
            if self._take_if_free(share):
                return
            self._wait(share, waiter)
        while not permitted.wait(_STOP_POLL_S):
            if stop.is_set() and self._leave_queue(share, waiter):
                self.acquire_anyway(share)
                return

    def try_acquire(self, share: ConnectionShare, on_room: Callable[[], None]) -> bool:
        """Take a permit and return True, or call ``on_room`` when another try is worth it."""
        with self._lock:
            if self._take_if_free(share):
                return True
            waiter = _Waiter(on_room)
            if waiter not in share.waiters:
                self._wait(share, waiter)
            return False

    def acquire_anyway(self, share: ConnectionShare) -> None:
        """Take a permit, whether or not there is one."""
        with self._lock:
            self._take(share)

    def release(self, share: ConnectionShare) -> None:
        """Give a permit back, and wake who waits for it."""
        with self._lock:
            self._permits -= 1
            share.permits -= 1
            wake = self._next_waiter()
        while wake:
            wake()
            with self._lock:
                wake = self._next_waiter()

    def _take_if_free(self, share: ConnectionShare) -> bool:
        if share.permits >= _ALWAYS_PERMITTED:
            if self._permits >= self.limit:
                return False
            if any(other.permits < share.permits for other in tuple(self._waiting)):
                return False
        self._take(share)
        return True

    def _wait(self, share: ConnectionShare, waiter: _Waiter) -> None:
        share.waiters.append(waiter)
        self._waiting[share] = None

    def _take(self, share: ConnectionShare) -> None:
        self._permits += 1
        share.permits += 1

    def _next_waiter(self) -> Callable[[], None] | None:
        """Return how to wake the next one, if there is a permit for it."""
        if not self._waiting or self._permits >= self.limit:
            return None
        share = min(tuple(self._waiting), key=lambda each: each.permits)
        waiter = share.waiters.popleft()
        if not share.waiters:
            del self._waiting[share]
        if waiter.is_permitted_by_wake:
            self._take(share)
        return waiter.wake

    def _leave_queue(self, share: ConnectionShare, waiter: _Waiter) -> bool:
        """Return whether ``waiter`` waited still, and does no more."""
        with self._lock:
            if waiter not in share.waiters:
                return False
            share.waiters.remove(waiter)
            if not share.waiters:
                del self._waiting[share]
            return True


@dataclass(frozen=True, slots=True)
class _Waiter:
    wake: Callable[[], None]
    is_permitted_by_wake: bool = False  # a thread that wakes has its permit; a function asks again


class ConnectionShare:
    """The permits of one run. Thread-safe."""

    def __init__(self, budget: ConnectionBudget) -> None:
        self.budget: ConnectionBudget = budget
        self.permits: int = 0  # this and the next change under the budget's lock
        self.waiters: deque[_Waiter] = deque()

    def acquire(self, stop: StopFlag) -> None:
        """See :meth:`ConnectionBudget.acquire`."""
        self.budget.acquire(self, stop)

    def try_acquire(self, on_room: Callable[[], None]) -> bool:
        """See :meth:`ConnectionBudget.try_acquire`; ``on_room`` must neither wait nor raise."""
        return self.budget.try_acquire(self, on_room)

    def acquire_anyway(self) -> None:
        """See :meth:`ConnectionBudget.acquire_anyway`."""
        self.budget.acquire_anyway(self)

    def release(self) -> None:
        """See :meth:`ConnectionBudget.release`."""
        self.budget.release(self)


_of_process: ConnectionBudget


def process_budget() -> ConnectionBudget:
    """Return the one budget of this process."""
    return _of_process


def _begin_anew() -> None:
    """Count from zero: in a forked child the connections are the parent's."""
    global _of_process  # noqa: PLW0603 - one per process
    _of_process = ConnectionBudget()


_begin_anew()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
