"""A bound on what is under way, for work that does not hold a thread while it is.

Starts low and grows by one with every success, so that it doubles each round trip: a server that
takes little says so after dozens of requests instead of hundreds. A full house is refilled in
bursts: waking a thread for every single place costs more than the request it sends.

Refuses to keep a stopped run waiting.
"""

from __future__ import annotations

import threading

from s3_xfer.pipeline.stop import StopFlag

START = 32
_BURST = 8  # an eighth of the places is freed before anybody is woken
_POLL_S = 0.1


class Slots:
    """At most ``limit`` places. All methods are thread-safe."""

    def __init__(self, limit: int, stop: StopFlag) -> None:
        self._limit = limit
        self._open = min(START, limit)
        self._taken = 0
        self._stop = stop
        self._changed = threading.Condition(threading.Lock())

    def take(self) -> bool:
        """Take a place, waiting for one. Return False, taking none, once the run is stopped."""
        with self._changed:
            while self._taken >= self._open:
                if self._stop.is_set():
                    return False
                self._changed.wait(_POLL_S)
            self._taken += 1
            return True

    def free(self, *, success: bool) -> None:
        """Give a place back; after a ``success`` there may be one more."""
        with self._changed:
            self._taken -= 1
            if success and self._open < self._limit:
                self._open += 1
            if self._taken <= self._open - max(1, self._open // _BURST):
                self._changed.notify_all()

    def wait_until_empty(self, timeout_s: float) -> bool:
        """Wait until no place is taken, at most ``timeout_s``; return whether none is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._taken == 0, timeout_s)
