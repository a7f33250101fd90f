"""A bound on what is in flight, for work that holds no thread while it waits for an answer.

The thread that frees a slot starts the next queued item, so no thread has to be woken for it. A
long queue blocks the threads that fill it, and they are woken in bursts: waking one for every free
slot costs more than the request that it sends.

There are few slots at first, and one more with every success, so a server with a low limit shows it
after dozens of requests instead of hundreds. How far they grow is found by trial (:mod:`.window`).
A throttle closes most slots, and they open again as they are needed, so that after a moment in
which the server stood still only a few requests are sent at once.

An item that waits for its retry is deferred: it gives its slot back, or a throttled run would stand
still until then. When the retry is due, it goes to the front of the queue.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.pipeline.window import Window

INITIAL_SLOTS = 32
SLOTS_MIN = 8  # left open by a throttle
QUEUE_MAX = 256
_DEFERRED_PER_SLOT = 8
_POLL_S = 0.1

T = TypeVar("T")


class Slots(Generic[T]):
    """At most ``limit`` slots and the queue for them. All methods are thread-safe.

    A stopped run waits for no slot: see :meth:`enqueue` and :meth:`next`.
    """

    def __init__(
        self, limit: int, stop: StopFlag, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._window = Window(limit, monotonic=monotonic)
        self._is_full = False  # an item had to wait for a slot
        self._open = min(INITIAL_SLOTS, limit)
        self._taken = self._deferred = self._blocked_threads = 0
        self._queue: deque[T] = deque()
        self._front: deque[T] = deque()  # requeued items, before those of the queue
        self._stop = stop
        self._lock = threading.Lock()  # acquired directly: Condition.__enter__ adds a call
        self._changed = threading.Condition(self._lock)

    @property
    def has_waiting(self) -> bool:
        """Whether an item waits for a slot at this moment."""
        return bool(self._front or self._queue)

    def enqueue(self, item: T) -> bool:
        """Queue ``item``, waiting while the queue is full. Return False if the run is stopped."""
        with self._lock:
            while len(self._queue) >= QUEUE_MAX:
                if self._stop.is_set():
                    return False
                self._wait(_POLL_S)
            self._queue.append(item)
            return True

    def next(self) -> T | None:
        """Give a slot to the first waiting item and return it; None if there is none of either.

        In a stopped run, which sends nothing more, every waiting item gets a slot.
        """
        with self._lock:
            queue = self._front or self._queue
            if not queue:
                return None
            if self._taken >= self._open and not self._stop.is_set():
                self._is_full = True
                return None
            self._taken += 1
            item = queue.popleft()
            if self._blocked_threads and len(self._queue) <= QUEUE_MAX // 4:
                self._changed.notify()
            return item

    def free(self, *, success: bool) -> None:
        """Give a slot back; after a ``success`` one more may open."""
        with self._lock:
            self._taken -= 1
            if success:
                self._window.succeeded(is_reached=self._is_full)
                if self._is_full:
                    self._is_full = False
                    self._open = min(self._open + 1, self._window.size)
            if self._blocked_threads and not self._taken:
                self._changed.notify_all()

    def shrink(self) -> None:
        """After a throttle leave half as many slots open as are taken."""
        with self._lock:
            self._open = min(self._open, max(SLOTS_MIN, self._taken // 2))

    def defer(self) -> bool:
        """Give a slot back until a retry is due.

        Returns False, keeping the slot, if too many items are deferred. Each deferred item comes
        back by :meth:`requeue_front` or :meth:`resume`.
        """
        with self._lock:
            if self._deferred >= _DEFERRED_PER_SLOT * self._limit:
                return False
            self._deferred += 1
        self.free(success=False)
        return True

    def requeue_front(self, item: T) -> None:
        """Put a deferred item at the front of the queue, behind those requeued before."""
        with self._lock:
            self._deferred -= 1
            self._front.append(item)

    def resume(self) -> None:
        """Give a deferred item a slot at once: for a moment more than the limit may be taken."""
        with self._lock:
            self._deferred -= 1
            self._taken += 1

    def wait_until_empty(self, timeout_s: float) -> bool:
        """Wait until nothing is queued, in flight or deferred; return False after ``timeout_s``."""
        deadline_s = time.monotonic() + timeout_s
        with self._lock:
            while self._queue or self._front or self._taken or self._deferred:
                remaining_s = deadline_s - time.monotonic()
                if remaining_s <= 0:
                    return False
                self._wait(remaining_s)
            return True

    def _wait(self, timeout_s: float) -> None:
        self._blocked_threads += 1
        self._changed.wait(timeout_s)
        self._blocked_threads -= 1
