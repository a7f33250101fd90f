"""From the threads of a run to one reader, as it happens: bounded, and never at a standstill.

A reader that falls behind by more than the capacity slows the writers down, each item by a
hundredth of a second at most; what does not fit then is left out and counted. So memory is bounded,
and a run with a slow reader, or one that has left, goes on with a hundred objects a second or more.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, Self, TypeVar

CAPACITY = 10_000
EARLY = 1_000  # kept for a reader that is still to come
WAIT_MAX_S = 0.01

T = TypeVar("T")


class Stream(Generic[T]):
    """Items in the order in which they came. Iterate over it in one thread.

    ``missed`` is how many were left out because the reader was too slow. With ``waits`` nothing is
    left out: writers wait as long as it takes.
    """

    def __init__(self, *, waits: bool = False) -> None:
        self.missed: int = 0
        self._waits = waits
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._has_reader = False
        self._is_closed = False
        self._is_given_up = False

    @property
    def is_given_up(self) -> bool:
        """Whether nothing is kept: no reader came in time, or it has left."""
        return self._is_given_up

    def open(self) -> bool:
        """Become the reader; return whether that is still possible."""
        with self._changed:
            if self._is_given_up or self._has_reader:
                return False
            self._has_reader = True
            return True

    def put(self, item: T) -> None:
        """Add an item, unless it is left out."""
        with self._changed:
            if self._is_given_up:
                return
            if not self._has_reader and len(self._items) >= EARLY:
                self._give_up()
                return
            while len(self._items) >= CAPACITY and not self._is_given_up:
                has_room = self._changed.wait_for(
                    self._has_room, None if self._waits else WAIT_MAX_S
                )
                if not has_room:
                    self.missed += 1
                    return
            self._items.append(item)
            self._changed.notify()

    def close(self) -> None:
        """State that nothing more will come."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def leave(self) -> None:
        """Read no more; writers wait no more."""
        with self._changed:
            self._give_up()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        with self._changed:
            while not self._items:
                if self._is_closed or self._is_given_up:
                    raise StopIteration
                self._changed.wait()
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def _has_room(self) -> bool:
        return len(self._items) < CAPACITY or self._is_given_up

    def _give_up(self) -> None:
        self._is_given_up = True
        self._items.clear()
        self._changed.notify_all()
