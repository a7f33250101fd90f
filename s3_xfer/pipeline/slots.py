"""A bound on what is under way, for work that does not hold a thread while it is.

Work stands in line until there is a place; whoever frees a place takes the next one from the line
and starts it, so that no thread has to wake up for it. Only a long line makes the threads wait that
lengthen it, and they come back in bursts: waking one for every single place costs more than the
request it sends. There are few places at first, one more with every success, so that they double
each round trip: a server that takes little says so after dozens of requests instead of hundreds.
How far they grow is found by trying (:mod:`.window`). When a throttle slows the run down, most of
them close, and open again as they are needed: after a moment in which server or network stood still
a handful of requests arrives at once, and not all that the pace would have sent meanwhile.

What waits to be repeated is parked beside the places, not in them: otherwise a throttled run would
stand still until the repetitions are due. Then it stands in front of the line.

Refuses to keep a stopped run waiting.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.pipeline.window import Window

START = 32
FEWEST = 8  # that a throttle leaves
AHEAD = 256  # in line, at most
_PARKED_PER_PLACE = 8
_POLL_S = 0.1

T = TypeVar("T")


class Slots(Generic[T]):
    """At most ``limit`` places. All methods are thread-safe."""

    def __init__(
        self, limit: int, stop: StopFlag, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._window = Window(limit, monotonic=monotonic)
        self._is_full = False  # somebody had to wait
        self._open = min(START, limit)
        self._taken = self._parked = self._waiting = 0
        self._line: deque[T] = deque()
        self._again: deque[T] = deque()  # in front of the line
        self._stop = stop
        self._lock = threading.Lock()  # entered itself: a condition's way in is twice as long
        self._changed = threading.Condition(self._lock)

    @property
    def has_line(self) -> bool:
        """Whether something is in line at this moment."""
        return bool(self._again or self._line)

    def line_up(self, item: T) -> bool:
        """Put ``item`` in line, waiting while that is long. Return False if the run is stopped."""
        with self._lock:
            while len(self._line) >= AHEAD:
                if self._stop.is_set():
                    return False
                self._wait(_POLL_S)
            self._line.append(item)
            return True

    def next(self) -> T | None:
        """Give the first in line a place, and return it; None if there is none of either.

        In a stopped run, which sends nothing more, there is room for all.
        """
        with self._lock:
            line = self._again or self._line
            if not line:
                return None
            if self._taken >= self._open and not self._stop.is_set():
                self._is_full = True
                return None
            self._taken += 1
            item = line.popleft()
            if self._waiting and len(self._line) <= AHEAD // 4:
                self._changed.notify()
            return item

    def free(self, *, success: bool) -> None:
        """Give a place back; after a ``success`` there may be one more."""
        with self._lock:
            self._taken -= 1
            if success:
                self._grow()
            if self._waiting and not self._taken:
                self._changed.notify_all()

    def shrink(self) -> None:
        """Leave half as many places as are taken: the server refuses what comes at once."""
        with self._lock:
            self._open = min(self._open, max(FEWEST, self._taken // 2))

    def _grow(self) -> None:
        self._window.succeeded(is_reached=self._is_full)
        if self._is_full:
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

    def line_up_again(self, item: T) -> None:
        """Put what was parked in front of the line."""
        with self._lock:
            self._parked -= 1
            self._again.append(item)

    def unpark(self) -> None:
        """Take a place again, at once: for a moment there may be more than the limit."""
        with self._lock:
            self._parked -= 1
            self._taken += 1

    def wait_until_empty(self, timeout_s: float) -> bool:
        """Wait until nothing is in line, under way or parked; return False after ``timeout_s``."""
        until_s = time.monotonic() + timeout_s
        with self._lock:
            while self._line or self._again or self._taken or self._parked:
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    return False
                self._wait(left_s)
            return True

    def _wait(self, timeout_s: float) -> None:
        self._waiting += 1
        self._changed.wait(timeout_s)
        self._waiting -= 1
