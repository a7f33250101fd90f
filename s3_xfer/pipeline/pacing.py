"""Slow down together when a server asks for it.

Free until the first throttle; from then on all threads share one rate of requests. It follows the
curve of TCP CUBIC (RFC 9438) over the seconds since the last throttle: a step below what the
server accepted then, back there within two seconds, a rest, and ever faster upwards, in the end
doubling within a second, until the next throttle; when it has grown far beyond what the threads
send it lets go. So most of the time is spent close to the limit, and a limit that rose tenfold is
found in six seconds. The answers to what was sent before a step say nothing about it.

A server that refuses the same share at every rate is not asking for less. So a small share that is
refused is taken for such noise as soon as one step down did not end it, and then more than chance
makes of it is needed for the next.

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
_REST = 1.3  # times REGAIN_S beyond that, before it grows exponentially
_GROWTH = 8.0  # times as fast, in each further REGAIN_S
_WINDOW_S, _WINDOW_SENT, _WINDOW_MAX_S = 0.25, 20, 2.0  # what a measurement needs
_LOOK_EVERY = 64  # requests of a run that is not paced
_YOUNG_S = 0.05  # an unfinished one is not believed before
_BUSY = 0.5  # of what the pace allows
_NOISE_MAX = 0.15  # refused more than that is refused for the rate
_FIRST_S = 0.2  # a window that begins so soon after a cut shows what came of it
_CLEAR_MIN = 20  # answers, before it is clear that too many of them are refusals
_ANSWERS_MIN = 40  # before a share of them is believed
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
        self._noise = 0.0  # the share that is refused whatever the rate, as far as is known
        self._window_start_s: float | None = None
        self._first_refused_s = 0.0  # when the first refusal of this window was sent
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
        self._sent += 1
        if self._peak_per_s is None and self._sent % _LOOK_EVERY == 0:
            self._roll_window()

    def accepted(self, sent_at_s: float) -> None:
        """Count one request that the server took, whatever it thought of it. Without the lock."""
        if sent_at_s > self._cut_s:
            if self._window_start_s is None:
                self._open_window(self._monotonic())
            self._accepted += 1

    def throttled(self, sent_at_s: float) -> bool:
        """State that the server asked for fewer requests, in answer to one of ``sent_at_s``.

        Returns whether that made the pace slower, at once.
        """
        with self._lock:
            if sent_at_s <= self._cut_s:
                return False
            now_s = self._monotonic()
            if self._window_start_s is None:
                self._open_window(now_s)
            if not self._refused:
                self._first_refused_s = sent_at_s
            self._refused += 1
            is_clear = self._is_clear(now_s)
            if is_clear:
                self._cut(now_s)
            return is_clear

    def _cut(self, now_s: float) -> None:
        """Step down from what was accepted; or from the rate that grew until it was too much."""
        accepted_per_s, rate_per_s = self._accepted_lately(now_s), self._rate(now_s)
        if rate_per_s is not None:
            if now_s > self._cut_s + (1 + _REST) * REGAIN_S and self._is_busy(now_s):
                accepted_per_s = max(accepted_per_s, self._rate(self._first_refused_s) or 0.0)
            accepted_per_s = min(accepted_per_s, rate_per_s)
        self._peak_per_s = max(FLOOR_PER_S, accepted_per_s)
        self._cut_s = now_s
        self._open_window(None)

    def _rate(self, now_s: float) -> float | None:
        if self._peak_per_s is None:
            return None
        distance = (now_s - self._cut_s - REGAIN_S) / REGAIN_S
        growth = _GROWTH ** max(0.0, distance - _REST)
        curve = 1 + CUT * min(distance, _REST) ** 3
        return float(max(FLOOR_PER_S, self._peak_per_s * curve * growth))

    def reserve(self) -> float:
        """Take the next place in the queue and return how long it is away."""
        with self._lock:
            now_s = self._monotonic()
            is_measured = self._window_is_over(now_s)
            if is_measured:
                self._close_window(now_s)
            rate_per_s = self._rate(now_s)  # after the window: that may have been too much
            if is_measured and rate_per_s and self._is_out_of_reach(rate_per_s):
                self._peak_per_s = rate_per_s = None
            if rate_per_s is None:
                return 0.0
            self._next_s = max(self._next_s, now_s - _CATCH_UP_S)
            delay_s = max(0.0, self._next_s - now_s)
            self._next_s += 1 / rate_per_s
            return delay_s

    def _is_out_of_reach(self, rate_per_s: float) -> bool:
        """Return whether the pace has grown beyond what is sent; not when only that fell."""
        return rate_per_s > LET_GO * max(self._sent_per_s, self._peak_per_s or 0.0) + FLOOR_PER_S

    # ------------------------------------------------------------------------- measuring

    def _accepted_lately(self, now_s: float) -> float:
        """Return what the server accepts per second, by the latest count that can be believed.

        What little came through while little was sent says nothing about the server.
        """
        span_s = self._span_s(now_s)
        if span_s < _YOUNG_S and self._accepted_per_s:
            return self._accepted_per_s
        accepted_per_s = self._accepted / max(span_s, _YOUNG_S)
        if self._is_busy(now_s):
            return accepted_per_s
        return max(accepted_per_s, self._accepted_per_s)

    def _is_busy(self, now_s: float) -> bool:
        rate_per_s = self._rate(now_s)
        return rate_per_s is None or self._sent >= _BUSY * rate_per_s * self._span_s(now_s)

    def _span_s(self, now_s: float) -> float:
        return now_s - (self._window_start_s or now_s)

    def _window_is_over(self, now_s: float) -> bool:
        span_s = self._span_s(now_s)
        return span_s >= _WINDOW_MAX_S or (span_s >= _WINDOW_S and self._sent >= _WINDOW_SENT)

    def _close_window(self, now_s: float) -> None:
        """Learn from a window, and begin another one."""
        span_s = max(self._span_s(now_s), _YOUNG_S)
        self._sent_per_s = self._sent / span_s
        if self._is_busy(now_s):
            self._accepted_per_s = self._accepted / span_s
        is_too_much = self._is_more_than(self._noise)
        if self._answered >= _ANSWERS_MIN:
            self._learn_noise(is_too_much=is_too_much)
        if is_too_much:
            self._cut(now_s)
        else:
            self._open_window(now_s)

    def _is_clear(self, now_s: float) -> bool:
        """Return whether it is clear before the end of the window that less should be sent."""
        if self._peak_per_s is not None and now_s > self._cut_s + REGAIN_S:
            return self._is_more_than(self._noise)
        young = self._peak_per_s is not None and self._span_s(now_s) < _YOUNG_S
        return not young and self._answered >= _CLEAR_MIN and self._is_more_than(_NOISE_MAX)

    def _learn_noise(self, *, is_too_much: bool) -> None:
        """Take for noise what a step down does not end, and for less what is refused less often."""
        shows_the_step = (
            self._peak_per_s is not None
            and self._window_start_s is not None
            and self._window_start_s < self._cut_s + _FIRST_S
        )
        if is_too_much:
            self._noise = max(self._noise, self._share)  # until the step shows otherwise
        elif shows_the_step:
            self._noise = self._share
        else:
            self._noise = min(self._noise, (self._noise + self._share) / 2)

    @property
    def _share(self) -> float:
        return min(self._refused / max(1, self._answered), _NOISE_MAX)

    def _is_more_than(self, share: float) -> bool:
        """Return whether more was refused in this window than a noise of ``share`` explains."""
        expected = share * self._answered
        return self._refused > 1 + expected + 3 * math.sqrt(expected)

    @property
    def _answered(self) -> int:
        return self._accepted + self._refused

    def _roll_window(self) -> None:
        """Forget what is long past, in a run that is not paced."""
        with self._lock:
            now_s = self._monotonic()
            if self._window_is_over(now_s):
                self._close_window(now_s)

    def _open_window(self, start_s: float | None) -> None:
        """Count from zero, from ``start_s`` on or from the next answer that says something."""
        self._window_start_s = start_s
        self._sent = self._accepted = self._refused = 0
