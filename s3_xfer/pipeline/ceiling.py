"""A ceiling on requests per second that somebody has set, whatever the server would take.

A run shares buckets, quotas and accounts with others. All its requests, of every kind and from
every thread, take places in one queue, evenly spaced; after a pause a tenth of a second's worth
may go at once, so that a low ceiling is not missed for want of a busy clock. It knows nothing of
the server: what S3 itself asks for is the :class:`~s3_xfer.pipeline.pacing.Pacer`'s business.

Refuses to keep a stopped run waiting.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from s3_xfer.pipeline.stop import StopFlag

_CATCH_UP_S = 0.1
_TOO_SHORT_S = 0.001  # to sleep for


class Ceiling:
    """At most ``per_s`` requests a second. Thread-safe."""

    def __init__(
        self, per_s: float, stop: StopFlag, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval_s = 1 / per_s
        self._stop = stop
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._next_s = float("-inf")

    def wait(self) -> None:
        """Return when the next request may be sent, or the run is stopped."""
        delay_s = self.reserve()
        if delay_s > _TOO_SHORT_S:
            self._stop.wait(delay_s)

    def reserve(self) -> float:
        """Take the next place in the queue and return how many seconds it is away."""
        with self._lock:
            now_s = self._monotonic()
            self._next_s = max(self._next_s, now_s - _CATCH_UP_S)
            delay_s = max(0.0, self._next_s - now_s)
            self._next_s += self._interval_s
            return delay_s
