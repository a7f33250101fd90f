"""Do something later, without a thread that sleeps for it.

One thread, started on first use, for all repetitions of a run. Refuses to wait on: once the run is
stopped everything is due at once, so that whoever asked can account for it.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable

from s3_xfer.pipeline.stop import StopFlag

_POLL_S = 0.1


class Later:
    """Calls functions when they are due, in its own thread. All methods are thread-safe.

    The functions must not raise: ``on_crash`` is told if one does.
    """

    def __init__(self, stop: StopFlag, *, on_crash: Callable[[BaseException], None]) -> None:
        self._stop = stop
        self._on_crash = on_crash
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None
        self._closed = False

    def call(self, delay_s: float, function: Callable[[], None]) -> None:
        """Call ``function`` in ``delay_s`` seconds, or as soon as the run is stopped."""
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + delay_s, next(self._numbers), function))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="s3-xfer-later", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """End the thread; what is not due yet is dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _run(self) -> None:
        while (function := self._next()) is not None:
            try:
                function()
            except BaseException as error:  # noqa: BLE001 - told, and it ends the run
                self._on_crash(error)

    def _next(self) -> Callable[[], None] | None:
        """Return the next function when it is due; None at the end."""
        with self._changed:
            while not self._closed:
                wait_s = self._due[0][0] - time.monotonic() if self._due else None
                if wait_s is not None and (wait_s <= 0 or self._stop.is_set()):
                    return heapq.heappop(self._due)[2]
                self._changed.wait(_POLL_S if wait_s is None else min(wait_s, _POLL_S))
            return None
