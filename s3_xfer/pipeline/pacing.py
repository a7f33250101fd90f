"""Slow down together when a server asks for it.

Free until the first throttle; from then on all threads share one rate of requests. It follows the
curve of TCP CUBIC (RFC 9438) over the seconds since the last throttle: a step below what the
server accepted then, back there within two seconds, a rest, and ever faster upwards until the
next throttle; when it has grown far beyond what the threads send it lets go. So most of the time
is spent close to the limit, and a limit that rose tenfold is found in ten seconds.

A server that refuses the same share at every rate is not asking for less. What is refused while
the rate is below what was accepted before is taken for such noise, and more than chance makes of
it is needed for the next step down.

Rate, not concurrency: at a few milliseconds per request even three threads exceed a low limit.
Refuses to keep a stopped run waiting.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from s3_xfer.pipeline.ceiling import Ceiling
from s3_xfer.pipeline.stop import StopFlag

CUT = 0.12  # of what was accepted, at once after a throttle
REGAIN_S = 2.0  # until it is accepted again
FLOOR_PER_S = 1.0
LET_GO = 4.0  # times what is really sent
_DEAF_S = 0.5  # a cut answers all refusals of what was under way
_WINDOW_S, _WINDOW_SENT, _WINDOW_MAX_S = 0.25, 20, 2.0  # what a measurement needs
_LOOK_EVERY = 64  # requests of a run that is not paced
_YOUNG_S = 0.05  # an unfinished one is not believed before
_BUSY = 0.5  # of what the pace allows
_NOISE_MAX = 0.15  # refused more than that is refused for the rate
_NOISE_WEIGHT = 0.5  # of a new sample
_CATCH_UP_S = 0.02  # a thread that overslept may hurry this much
_TOO_SHORT_S = 0.003  # to sleep for


class Pacer:
    """Paces the requests to one bucket, below the run's ``ceiling`` if it has one. Thread-safe.

    Requests that are not paced wait at the ceiling alone.
    """

    def __init__(
        self,
        stop: StopFlag,
        *,
        ceiling: Ceiling | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ceiling = ceiling
        self._stop = stop
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._peak_per_s: float | None = None  # accepted at the last cut; None: not paced
        self._cut_s = float("-inf")
        self._next_s = 0.0
        self._noise = 0.0  # the share that is refused whatever the rate
        self._window_start_s: float | None = None
        self._sent = self._accepted = self._refused = 0  # in this window
        self._sent_per_s = self._accepted_per_s = 0.0  # in the one before

    @property
    def is_free(self) -> bool:
        """Whether nobody has to wait, now and for want of a pace."""
        return self._peak_per_s is None and self.ceiling is None

    @property
    def rate_per_s(self) -> float | None:
        """The shared rate; None while there is no need for one."""
        with self._lock:
            return self._rate(self._monotonic())

    def wait(self) -> None:
        """Return when the next request may be sent, or the run is stopped."""
        if self._peak_per_s is not None:
            delay_s = self.reserve()
            if delay_s > _TOO_SHORT_S:
                self._stop.wait(delay_s)
        if self.ceiling:
            self.ceiling.wait()
        self.sent()

    def sent(self) -> None:
        """Count one request that goes out now. Without the lock: one too few does no harm."""
        if self._window_start_s is None:
            self._window_start_s = self._monotonic()
        self._sent += 1
        if self._peak_per_s is None and self._sent % _LOOK_EVERY == 0:
            self._roll_window()

    def accepted(self) -> None:
        """Count one request that the server took, whatever it thought of it. Without the lock."""
        self._accepted += 1

    def throttled(self) -> None:
        """State that the server asked for fewer requests."""
        with self._lock:
            now_s = self._monotonic()
            self._refused += 1
            if now_s - self._cut_s >= _DEAF_S and self._is_the_rate():
                self._cut(now_s)

    def _is_the_rate(self) -> bool:
        """Return whether more was refused lately than chance explains."""
        expected = self._noise * (self._accepted + self._refused)
        return self._refused > 1 + expected + 3 * math.sqrt(expected)

    def _cut(self, now_s: float) -> None:
        rate_per_s = self._rate(now_s)
        accepted_per_s = self._accepted_lately(now_s) / (1 - self._noise)
        if rate_per_s is not None:
            accepted_per_s = min(accepted_per_s, rate_per_s)
        self._peak_per_s = max(FLOOR_PER_S, accepted_per_s)
        self._cut_s = self._next_s = now_s
        self._open_window(now_s)

    def _rate(self, now_s: float) -> float | None:
        if self._peak_per_s is None:
            return None
        distance = (now_s - self._cut_s - REGAIN_S) / REGAIN_S
        return max(FLOOR_PER_S, self._peak_per_s * (1 + CUT * distance**3))

    def reserve(self) -> float:
        """Take the next place in the queue and return how long it is away."""
        with self._lock:
            now_s = self._monotonic()
            rate_per_s = self._rate(now_s)
            if self._window_is_over(now_s):
                self._close_window(now_s)
                if rate_per_s and rate_per_s > LET_GO * self._sent_per_s + FLOOR_PER_S:
                    self._peak_per_s = rate_per_s = None
            if rate_per_s is None:
                return 0.0
            self._next_s = max(self._next_s, now_s - _CATCH_UP_S)
            delay_s = max(0.0, self._next_s - now_s)
            self._next_s += 1 / rate_per_s
            return delay_s

    # ------------------------------------------------------------------------- measuring

    def _accepted_lately(self, now_s: float) -> float:
        """Return what the server accepts per second, by the latest count that can be believed.

        What little came through while little was sent says nothing about the server.
        """
        span_s = now_s - (self._window_start_s or now_s)
        if span_s < _YOUNG_S and self._accepted_per_s:
            return self._accepted_per_s
        accepted_per_s = self._accepted / max(span_s, _YOUNG_S)
        if self._is_busy(now_s, span_s):
            return accepted_per_s
        return max(accepted_per_s, self._accepted_per_s)

    def _is_busy(self, now_s: float, span_s: float) -> bool:
        rate_per_s = self._rate(now_s)
        return rate_per_s is None or self._sent >= _BUSY * rate_per_s * span_s

    def _window_is_over(self, now_s: float) -> bool:
        span_s = now_s - (self._window_start_s or now_s)
        return span_s >= _WINDOW_MAX_S or (span_s >= _WINDOW_S and self._sent >= _WINDOW_SENT)

    def _close_window(self, now_s: float) -> None:
        start_s = self._window_start_s or now_s
        span_s = max(now_s - start_s, _YOUNG_S)
        answered = self._accepted + self._refused
        self._sent_per_s = self._sent / span_s
        if self._is_busy(now_s, span_s):
            self._accepted_per_s = self._accepted / span_s
        below_peak = self._cut_s + _DEAF_S <= start_s and now_s <= self._cut_s + REGAIN_S
        if below_peak and answered:
            share = min(self._refused / answered, _NOISE_MAX)
            self._noise += _NOISE_WEIGHT * (share - self._noise)
        self._open_window(now_s)

    def _roll_window(self) -> None:
        """Forget what is long past, in a run that is not paced."""
        with self._lock:
            now_s = self._monotonic()
            if self._window_is_over(now_s):
                self._close_window(now_s)

    def _open_window(self, now_s: float) -> None:
        self._window_start_s = now_s
        self._sent = self._accepted = self._refused = 0
