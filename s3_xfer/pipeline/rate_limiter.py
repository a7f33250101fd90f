"""The limit on requests per second that the user has set.

A run shares buckets, quotas and accounts with other programs. All its requests, of every kind and
from every thread, are spaced evenly. After a pause up to a tenth of a second's worth may be sent at
once, so that timer inaccuracy does not keep a run below a low limit.

The limit is fixed. Slowing down when S3 asks for it is the task of
:class:`~s3_xfer.pipeline.pacing.Pacer`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from s3_xfer.pipeline.stop import StopFlag

_CATCH_UP_S = 0.1
_SLEEP_MIN_S = 0.001


class RateLimiter:
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
        """Return when the next request may be sent, or at once when the run is stopped."""
        delay_s = self.reserve()
        if delay_s > _SLEEP_MIN_S:
            self._stop.wait(delay_s)

    def reserve(self) -> float:
        """Reserve the next send time and return how many seconds it is away."""
        with self._lock:
            now_s = self._monotonic()
            self._next_s = max(self._next_s, now_s - _CATCH_UP_S)
            delay_s = max(0.0, self._next_s - now_s)
            self._next_s += self._interval_s
            return delay_s
