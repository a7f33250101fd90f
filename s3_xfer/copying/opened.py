"""What was opened to send requests, once for each configuration: credentials, connections.

A run closes it at its end. Several runs can share one, which lasts as long as all of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from contextlib import ExitStack
from typing import Any, TypeVar

T = TypeVar("T")


class Opened:
    """Keeps what was made for a key. Thread-safe."""

    def __init__(self) -> None:
        self._entries: dict[Hashable, _Entry] = {}
        self._lock = threading.Lock()
        self._closing = ExitStack()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what ``make`` returned for ``key``; who comes meanwhile waits for it.

        Where it raises, it is called again for the next one.
        """
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
        with entry.lock:
            if not entry.is_made:
                entry.value, entry.is_made = make(), True
            value: T = entry.value
            return value

    def on_close(self, close: Callable[[], object]) -> None:
        """Call ``close``, which must not raise, at the end."""
        self._closing.callback(close)

    def close(self) -> None:
        """Close everything."""
        self._closing.close()


class _Entry:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.is_made = False
        self.value: Any = None
