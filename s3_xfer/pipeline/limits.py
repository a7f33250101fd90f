"""The limits that a user sets on the requests per second and on the failures of a run."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from s3_xfer.pipeline.stop import StopFlag

_CATCH_UP_S = 0.1  # so that timer inaccuracy does not keep a run below a low limit
_SLEEP_MIN_S = 0.001

WINDOW = 1000
TRIED_MIN = 100


class RateLimiter:
    """At most ``per_s`` requests a second, of every kind, evenly spaced. Thread-safe.

    After a pause up to a tenth of a second's worth may be sent at once.
    """

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

    def turn_in_s(self) -> float:
        """Take the turn to send one request and return 0, or return in how many seconds it comes.

        A turn that was taken is used, or given back by :meth:`return_turn`.
        """
        with self._lock:
            now_s = self._monotonic()
            self._next_s = max(self._next_s, now_s - _CATCH_UP_S)
            delay_s = max(0.0, self._next_s - now_s)
            if delay_s == 0.0:
                self._next_s += self._interval_s
            return delay_s

    def return_turn(self) -> None:
        """Give the turn back that :meth:`turn_in_s` took: there was nothing to send."""
        with self._lock:
            self._next_s -= self._interval_s


class SharedRateLimiter(RateLimiter):
    """The same for one of several runs that send at most as many as ``shared`` allows together.

    Each run has one request at a time in the common queue, so none keeps the others out.
    """

    def __init__(self, per_s: float, stop: StopFlag, *, shared: RateLimiter) -> None:
        super().__init__(per_s, stop)
        self._shared = shared
        self._turn = threading.Lock()

    def wait(self) -> None:
        """Return when the next request may be sent, or at once when the run is stopped."""
        with self._turn:
            if self._stop.is_set():
                return
            delay_s = max(self.reserve(), self._shared.reserve())
            if delay_s > _SLEEP_MIN_S:
                self._stop.wait(delay_s)


class FailureLimit:
    """Counts failures over the whole run, and their share of the last :data:`WINDOW` tried objects.

    The share of a whole long run would rise too late. It is not used before :data:`TRIED_MIN`
    objects were tried. None is no limit. Thread-safe; the caller ends the run.
    """

    def __init__(self, failures_max: int | None, error_rate_max_percent: float | None) -> None:
        self._failures_max = failures_max
        self._rate_max_percent = error_rate_max_percent
        self._lock = threading.Lock()
        self._failures = 0
        self._recent: deque[bool] = deque(maxlen=WINDOW)
        self._recent_failures = 0

    @classmethod
    def of(
        cls, failures_max: int | None, error_rate_max_percent: float | None
    ) -> FailureLimit | None:
        """Return a failure limit, or None if neither limit is set."""
        if failures_max is None and error_rate_max_percent is None:
            return None
        return cls(failures_max, error_rate_max_percent)

    def note(self, *, failed: bool) -> str | None:
        """Count one object that was tried; return which limit is exceeded now, if one is."""
        with self._lock:
            self._failures += failed
            if len(self._recent) == WINDOW:
                self._recent_failures -= self._recent[0]
            self._recent.append(failed)
            self._recent_failures += failed
            return self._exceeded()

    def _exceeded(self) -> str | None:
        if self._failures_max is not None and self._failures > self._failures_max:
            return f"{self._failures:,} failed, more than the {self._failures_max:,} allowed"
        tried = len(self._recent)
        if self._rate_max_percent is None or tried < TRIED_MIN:
            return None
        percent = 100 * self._recent_failures / tried
        if percent <= self._rate_max_percent:
            return None
        limit = f"{self._rate_max_percent:g}"
        return f"{percent:.3g} % of the last {tried:,} failed, more than the {limit} % allowed"
