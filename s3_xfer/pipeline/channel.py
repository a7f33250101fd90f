"""A bounded, closable queue: batches go in, single items come out.

Batches keep the producer's side cheap; single items keep every worker busy to the end, also when
there are fewer batches than workers. Exists because :class:`queue.Queue` cannot be closed before
Python 3.13, and a producer that blocks on a full queue whose consumers are gone hangs for ever.

Refuses to hold more than ``capacity`` batches, and to lose an item: whatever was put is either
taken or handed back by :meth:`Channel.abort`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Channel(Generic[T]):
    """Connects one or more producers with any number of workers. All methods are thread-safe."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._batches: deque[deque[T]] = deque()
        self._lock = threading.Lock()  # entered itself: a condition's way in is twice as long
        self._changed = threading.Condition(self._lock)
        self._closed = False
        self._aborted = False
        self._waiting = 0

    @property
    def is_starving(self) -> bool:
        """Whether somebody waits for an item at this moment."""
        return self._waiting > 0

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
                self._waiting += 1
                self._changed.wait()
                self._waiting -= 1
            batch = self._batches[0]
            item = batch.popleft()
            if not batch:
                self._batches.popleft()
                self._changed.notify_all()
            return item

    def close(self) -> None:
        """State that nothing more will be put. What is inside is still handed out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def abort(self) -> list[T]:
        """End at once: wake everybody, and return what nobody had taken."""
        with self._changed:
            self._aborted = True
            left = [item for batch in self._batches for item in batch]
            self._batches.clear()
            self._changed.notify_all()
            return left
