"""A bounded, closable queue: batches go in, single items come out.

Batches keep locking cheap for the producer. Single items keep every worker busy to the end.
:class:`queue.Queue` cannot be closed before Python 3.13.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Channel(Generic[T]):
    """Connects producers with workers; holds ``capacity`` batches. All methods are thread-safe.

    No item is lost: each one is either taken or returned by :meth:`abort`.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._batches: deque[deque[T]] = deque()
        self._lock = threading.Lock()  # acquired directly: Condition.__enter__ adds a call
        self._changed = threading.Condition(self._lock)
        self._closed = False
        self._aborted = False
        self._waiting_takers = 0

    @property
    def is_starved(self) -> bool:
        """Whether a worker is waiting for an item at this moment."""
        return self._waiting_takers > 0

    @property
    def left(self) -> int | None:
        """How many items are still to be taken; None while more may be put."""
        with self._lock:
            return sum(map(len, self._batches)) if self._closed else None

    def put(self, batch: Sequence[T]) -> bool:
        """Add ``batch``, waiting for room. Return False, taking nothing, once aborted."""
        if not batch:
            return not self._aborted
        with self._changed:
            while len(self._batches) >= self._capacity and not self._aborted:
                self._changed.wait()
            if self._aborted:
                return False
            self._batches.append(deque(batch))
            self._changed.notify_all()
            return True

    def take(self) -> T | None:
        """Return the next item, waiting for one; None when there will be no more."""
        with self._lock:
            while not self._batches:
                if self._closed or self._aborted:
                    return None
                self._waiting_takers += 1
                self._changed.wait()
                self._waiting_takers -= 1
            batch = self._batches[0]
            item = batch.popleft()
            if not batch:
                self._batches.popleft()
                self._changed.notify_all()
            return item

    def close(self) -> None:
        """State that nothing more will be put. Items already inside can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def abort(self) -> list[T]:
        """End at once: wake all waiting threads, and return the items that were not taken."""
        with self._changed:
            self._aborted = True
            remaining = [item for batch in self._batches for item in batch]
            self._batches.clear()
            self._changed.notify_all()
            return remaining
