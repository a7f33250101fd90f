"""Slow down together when a server asks for it.

Free until the first throttle; from then on all threads share one rate of requests. A throttle (one
a second counts) sets it a little below what the server accepted lately, each quiet second raises
it again, faster the longer it is quiet, and when it has grown far beyond what the threads send it
lets go. Rate, not concurrency: at a few milliseconds per request even three threads exceed a low
limit.

Refuses to keep a stopped run waiting.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from s3_xfer.pipeline.stop import StopFlag

CUT = 0.85  # of what was accepted
GROWTH = 1.04  # per quiet second, and at least MIN_STEP_PER_S more
FAST_GROWTH = 1.2  # once it has been quiet for QUIET_S
QUIET_S = 8.0
MIN_STEP_PER_S = 1.0
FLOOR_PER_S = 1.0
LET_GO = 4.0  # times what is really sent
_WINDOW_S = 1.0


class Pacer:
    """Paces the requests to one bucket. Thread-safe."""

    def __init__(self, stop: StopFlag, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._stop = stop
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._rate_per_s: float | None = None
        self._next_s = 0.0
        self._window_start_s = monotonic()
        self._sent = self._refused = 0  # in this window
        self._sent_per_s = self._accepted_per_s = 0.0  # in the one before
        self._cut_s = float("-inf")

    @property
    def rate_per_s(self) -> float | None:
        """The shared rate; None while there is no need for one."""
        return self._rate_per_s

    def wait(self) -> None:
        """Return when the next request may be sent, or the run is stopped."""
        if self._rate_per_s is None:  # without the lock: a count that is off by one does no harm
            self._sent += 1
            return
        delay_s = self._reserve()
        if delay_s > 0:
            self._stop.wait(delay_s)

    def throttled(self) -> None:
        """State that the server asked for fewer requests."""
        with self._lock:
            now_s = self._monotonic()
            self._measure(now_s)
            self._refused += 1
            if now_s - self._cut_s < _WINDOW_S:
                return
            span_s = max(now_s - self._window_start_s, _WINDOW_S / 10)
            accepted_per_s = max(self._accepted_per_s, (self._sent - self._refused) / span_s)
            ceiling_per_s = float("inf") if self._rate_per_s is None else self._rate_per_s
            self._rate_per_s = max(FLOOR_PER_S, CUT * min(accepted_per_s, ceiling_per_s))
            self._cut_s = now_s

    def _reserve(self) -> float:
        """Take the next place in the queue and return how long it is away."""
        with self._lock:
            now_s = self._monotonic()
            self._measure(now_s)
            self._sent += 1
            if self._rate_per_s is None:
                return 0.0
            self._next_s = max(self._next_s, now_s)
            delay_s = self._next_s - now_s
            self._next_s += 1 / self._rate_per_s
            return delay_s

    def _measure(self, now_s: float) -> None:
        """Close the window once a second: what was sent, and may the rate grow?"""
        span_s = now_s - self._window_start_s
        if span_s < _WINDOW_S:
            return
        self._sent_per_s = self._sent / span_s
        self._accepted_per_s = (self._sent - self._refused) / span_s
        self._window_start_s, self._sent, self._refused = now_s, 0, 0
        quiet_s = now_s - self._cut_s
        if self._rate_per_s is None or quiet_s < _WINDOW_S:
            return
        growth = GROWTH if quiet_s < QUIET_S else FAST_GROWTH
        self._rate_per_s = max(self._rate_per_s * growth, self._rate_per_s + MIN_STEP_PER_S)
        if self._rate_per_s > LET_GO * self._sent_per_s + MIN_STEP_PER_S:
            self._rate_per_s = None
