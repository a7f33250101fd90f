"""A bound on what is under way, for work that does not hold a thread while it is.

Starts low and grows by one with every success, so that it doubles each round trip: a server that
takes little says so after dozens of requests instead of hundreds. How far it grows is found by
trying (:mod:`.window`). A full house is refilled in
bursts: waking a thread for every single place costs more than the request it sends. What waits to
be repeated is parked beside the places, not in them: otherwise a throttled run would stand still
until the repetitions are due.

Refuses to keep a stopped run waiting.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.pipeline.window import Window

START = 32
_BURST = 8  # an eighth of the places is freed before anybody is woken
_PARKED_PER_PLACE = 8
_POLL_S = 0.1


class Slots:
    """At most ``limit`` places. All methods are thread-safe."""

    def __init__(
        self, limit: int, stop: StopFlag, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._window = Window(limit, monotonic=monotonic)
        self._is_full = False  # somebody had to wait
        self._open = min(START, limit)
        self._taken = self._parked = self._waiting = 0
        self._stop = stop
        self._lock = threading.Lock()  # entered itself: a condition's way in is twice as long
        self._changed = threading.Condition(self._lock)

    def take(self) -> bool:
        """Take a place, waiting for one. Return False, taking none, once the run is stopped."""
        with self._lock:
            while self._taken >= self._open:
                self._is_full = True
                if self._stop.is_set():
                    return False
                self._waiting += 1
                self._changed.wait(_POLL_S)
                self._waiting -= 1
            self._taken += 1
            return True

    def free(self, *, success: bool) -> None:
        """Give a place back; after a ``success`` there may be one more."""
        with self._lock:
            self._taken -= 1
            if success:
                self._grow()
            if self._waiting and self._taken <= self._open - max(1, self._open // _BURST):
                self._changed.notify_all()

    def _grow(self) -> None:
        self._window.succeeded(is_reached=self._is_full)
        self._is_full = False
        self._open = min(self._open + 1, self._window.size)

    def park(self) -> bool:
        """Give a place back for a while; return False, keeping it, if too many are parked."""
        with self._lock:
            if self._parked >= _PARKED_PER_PLACE * self._limit:
                return False
            self._parked += 1
        self.free(success=False)
        return True

    def unpark(self) -> None:
        """Take a place again, at once: for a moment there may be more than the limit."""
        with self._lock:
            self._parked -= 1
            self._taken += 1

    def wait_until_empty(self, timeout_s: float) -> bool:
        """Wait until nothing is under way or parked; return False after ``timeout_s``."""
        with self._lock:
            self._waiting += 1
            is_empty = self._changed.wait_for(lambda: self._taken + self._parked == 0, timeout_s)
            self._waiting -= 1
            return is_empty
