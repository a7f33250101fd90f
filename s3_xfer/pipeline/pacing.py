"""Slow all threads down together when the server asks for it, and only then.

Requests are not paced until the first throttle. From then on all threads share one rate, as long as
:class:`AcceptedRate` knows of one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from s3_xfer.pipeline.accepted_rate import AcceptedRate
from s3_xfer.pipeline.limits import RateLimiter
from s3_xfer.pipeline.stop import StopFlag

_UNPACED_CHECK_EVERY = 64  # requests
_CATCH_UP_S = 0.02  # max catch-up after a late wake-up
_SLEEP_MIN_S = 0.003


class Pacer:
    """Paces requests to one bucket, also by the run's ``limiter`` if it has one. Thread-safe."""

    def __init__(
        self,
        stop: StopFlag,
        *,
        limiter: RateLimiter | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limiter = limiter
        self._stop = stop
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._rate = AcceptedRate()
        self._next_s = 0.0

    @property
    def has_limiter(self) -> bool:
        """Whether :meth:`wait` waits for a limiter, too."""
        return self._limiter is not None

    @property
    def is_paced(self) -> bool:
        """Whether fewer requests are sent than could be, because the server asked for it."""
        return self._rate.is_limited

    def expect_end(self, left: Callable[[], int | None]) -> None:
        """Near the end of a run try no higher rate.

        ``left`` returns how many requests are still to come, or None while more may come.
        """
        self._rate.left = left

    def wait(self) -> None:
        """Return when the next request may be sent, or at once when the run is stopped."""
        if self._rate.is_limited:
            with self._lock:
                delay_s = self._delay_s()
                self._move_next(1)
            if delay_s > _SLEEP_MIN_S:
                self._stop.wait(delay_s)
        if self._limiter:
            self._limiter.wait()
        self._count_sent()

    def turn_in_s(self) -> float:
        """Take the turn to send one request and return 0, or return in how many seconds it comes.

        Waits for nothing, and knows no limiter. A turn that was taken is used, or given back by
        :meth:`return_turn`.
        """
        if self._rate.is_limited:
            with self._lock:
                delay_s = self._delay_s()
                if delay_s and not self._stop.is_set():
                    return delay_s
                self._move_next(1)
        self._count_sent()
        return 0.0

    def return_turn(self) -> None:
        """Give the turn back that :meth:`turn_in_s` took: there was nothing to send."""
        self._rate.count_sent(-1)
        if self._rate.is_limited:
            with self._lock:
                self._move_next(-1)

    def accepted(self, sent_at_s: float) -> None:
        """Count one request, sent at ``sent_at_s``, that was not throttled. Takes no lock."""
        if self._rate.counts(sent_at_s):
            self._rate.count_accepted(self._monotonic)

    def throttled(self, sent_at_s: float) -> bool:
        """Count one request, sent at ``sent_at_s``, that was throttled.

        Returns whether it is one of too many, after which one request less is to be in flight.
        """
        with self._lock:
            is_counted = self._rate.counts(sent_at_s)
            return is_counted and self._rate.count_refused(sent_at_s, self._monotonic())

    def _count_sent(self) -> None:
        """Count one request that is sent now. Takes no lock, except now and then."""
        sent = self._rate.count_sent()
        if not self._rate.is_limited and sent % _UNPACED_CHECK_EVERY == 0:
            with self._lock:
                self._rate.update(self._monotonic())

    def _delay_s(self) -> float:
        """Return in how many seconds the next turn comes."""
        now_s = self._monotonic()
        self._rate.update(now_s)
        if not self._rate.is_limited:
            return 0.0
        self._next_s = max(self._next_s, now_s - _CATCH_UP_S)
        return max(0.0, self._next_s - now_s)

    def _move_next(self, turns: int) -> None:
        rate_per_s = self._rate.per_s(self._monotonic())
        if rate_per_s is not None:
            self._next_s += turns / rate_per_s
