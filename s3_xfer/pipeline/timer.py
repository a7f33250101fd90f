"""Call functions after a delay, without one sleeping thread for each.

In a stopped run all pending calls become due at once, so that the stop does not wait for them.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable

from s3_xfer.pipeline.stop import StopFlag

_POLL_S = 0.1


class TimerThread:
    """Calls functions when they are due, in one thread, started on first use. Thread-safe.

    If a function raises, ``on_crash`` gets the exception and the thread goes on.
    """

    def __init__(self, stop: StopFlag, *, on_crash: Callable[[BaseException], None]) -> None:
        self._stop = stop
        self._on_crash = on_crash
        self._changed = threading.Condition()
        self._calls: list[tuple[float, int, Callable[[], None]]] = []  # a heap: due at, number
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None
        self._closed = False

    def call_later(self, delay_s: float, function: Callable[[], None]) -> None:
        """Call ``function`` in ``delay_s`` seconds, or as soon as the run is stopped."""
        with self._changed:
            heapq.heappush(self._calls, (time.monotonic() + delay_s, next(self._numbers), function))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="s3-xfer-timer", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """End the thread. Calls that are not due yet are dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _run(self) -> None:
        while (function := self._next()) is not None:
            try:
                function()
            except BaseException as error:  # noqa: BLE001 - reported, and it ends the run
                self._on_crash(error)

    def _next(self) -> Callable[[], None] | None:
        """Wait for the next function to become due and return it; None after :meth:`close`."""
        with self._changed:
            while not self._closed:
                wait_s = self._calls[0][0] - time.monotonic() if self._calls else None
                if wait_s is not None and (wait_s <= 0 or self._stop.is_set()):
                    return heapq.heappop(self._calls)[2]
                self._changed.wait(_POLL_S if wait_s is None else min(wait_s, _POLL_S))
            return None
