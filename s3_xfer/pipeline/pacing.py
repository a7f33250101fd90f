"""Slow all threads down together when the server asks for it.

Requests are not paced until the first throttle. From then on all threads share one rate. At a
throttle it steps down below what the server accepted, and then follows the curve of TCP CUBIC (RFC
9438): back after two seconds, a plateau, and growth that ends in doubling within a second.
So a limit that rose tenfold is found in six seconds. When the rate has grown far beyond what the
threads send, pacing is released. Answers to requests that were sent before a step down are not
counted: they say nothing about the new rate.

Some servers refuse the same share of requests at every rate. A small share that one step down did
not end is therefore the baseline; the next step down needs significantly more refusals than that.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from s3_xfer.pipeline.limits import RateLimiter
from s3_xfer.pipeline.stop import StopFlag

_DECREASE_RATIO = 0.12  # of what was accepted, at once after a throttle
_RECOVERY_S = 2.0  # until the rate is back at what was accepted
_RATE_MIN_PER_S = 1.0
_PLATEAU = 1.3  # times _RECOVERY_S beyond that, before the rate grows exponentially
_GROWTH_FACTOR = 8.0  # in each further _RECOVERY_S
_GROWTH_BEGINS_S = (1 + _PLATEAU) * _RECOVERY_S  # after a decrease
_RELEASE_FACTOR = 4.0  # times what is really sent
_UNPACED_RESTART_EVERY = 64  # requests
_LENGTH_TOO_SHORT_S = 0.05  # a shorter measurement is not used
_BUSY_RATIO = 0.5  # of what the pace allows
_BASELINE_ERROR_RATIO_MAX = 0.15  # more refusals than that are caused by the rate
_AFTER_DECREASE_S = 0.2  # a measurement that begins so soon after a step down shows its effect
_SIGNIFICANT_ANSWERS_MIN = 20  # before a measurement may be ended early
_BASELINE_ANSWERS_MIN = 40  # before the baseline is updated
_CATCH_UP_S = 0.02  # max catch-up after a late wake-up
_SLEEP_MIN_S = 0.003
_LENGTH_S, _SENT_MIN, _LENGTH_MAX_S = 0.25, 20, 2.0  # what a measurement needs to be complete


class _Measurement:
    """Counts since ``start_s``, which is None until the first answer that is to be counted.

    Threads increase the counters without a lock: a lost count does no harm.
    """

    __slots__ = ("accepted", "first_refused_sent_s", "refused", "sent", "start_s")

    def __init__(self) -> None:
        self.first_refused_sent_s = 0.0  # when the first refused request was sent
        self.restart(None)

    def restart(self, start_s: float | None) -> None:
        self.start_s = start_s
        self.sent = self.accepted = self.refused = 0

    def length_s(self, now_s: float) -> float:
        return now_s - (self.start_s or now_s)

    def is_complete(self, now_s: float) -> bool:
        """Return whether it lasted long enough, for as much as was sent."""
        length_s = self.length_s(now_s)
        return length_s >= _LENGTH_MAX_S or (length_s >= _LENGTH_S and self.sent >= _SENT_MIN)

    @property
    def answered(self) -> int:
        return self.accepted + self.refused

    def exceeds(self, ratio: float) -> bool:
        """Return whether more was refused than a random share of ``ratio`` explains."""
        expected = ratio * self.answered
        return self.refused > 1 + expected + 3 * math.sqrt(expected)


class Pacer:
    """Paces requests to one bucket, also by the run's ``limiter`` if it has one. Thread-safe."""

    def __init__(
        self,
        stop: StopFlag,
        *,
        limiter: RateLimiter | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limiter = limiter
        self._stop = stop
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._peak_per_s: float | None = None  # accepted at the last step down; None: not paced
        self._decreased_at_s = float("-inf")
        self._next_s = 0.0
        self._baseline_error_ratio = 0.0  # refused at any rate, as far as is known
        self._measurement = _Measurement()
        self._sent_per_s = self._accepted_per_s = 0.0  # in the measurement before

    @property
    def unthrottled(self) -> bool:
        """Whether requests may be sent at once: there is neither a pace nor a limiter."""
        return self._peak_per_s is None and self.limiter is None

    def wait(self) -> None:
        """Return when the next request may be sent, or at once when the run is stopped."""
        if self._peak_per_s is not None:
            delay_s = self.reserve()
            if delay_s > _SLEEP_MIN_S:
                self._stop.wait(delay_s)
        if self.limiter:
            self.limiter.wait()
        self.sent()

    def sent(self) -> None:
        """Count one request that is sent now. Takes no lock."""
        measurement = self._measurement
        measurement.sent += 1
        if self._peak_per_s is None and measurement.sent % _UNPACED_RESTART_EVERY == 0:
            with self._lock:
                now_s = self._monotonic()
                if self._measurement.is_complete(now_s):
                    self._end_measurement(now_s)

    def accepted(self, sent_at_s: float) -> None:
        """Count one request, sent at ``sent_at_s``, that was not throttled. Takes no lock."""
        if sent_at_s > self._decreased_at_s:
            measurement = self._measurement
            if measurement.start_s is None:
                measurement.restart(self._monotonic())
            measurement.accepted += 1

    def throttled(self, sent_at_s: float) -> bool:
        """Count one request, sent at ``sent_at_s``, that was throttled.

        Returns whether that made the pace slower at once.
        """
        with self._lock:
            if sent_at_s <= self._decreased_at_s:
                return False
            now_s = self._monotonic()
            measurement = self._measurement
            if measurement.start_s is None:
                measurement.restart(now_s)
            if not measurement.refused:
                measurement.first_refused_sent_s = sent_at_s
            measurement.refused += 1
            if not self._is_significant(now_s):
                return False
            self._decrease(now_s)
            return True

    def reserve(self) -> float:
        """Reserve the next send time and return how many seconds it is away."""
        with self._lock:
            now_s = self._monotonic()
            is_complete = self._measurement.is_complete(now_s)
            if is_complete:
                self._end_measurement(now_s)
            rate_per_s = self._rate(now_s)  # the end of the measurement may have decreased it
            if is_complete and rate_per_s and self._should_release(rate_per_s):
                self._peak_per_s = rate_per_s = None
            if rate_per_s is None:
                return 0.0
            self._next_s = max(self._next_s, now_s - _CATCH_UP_S)
            delay_s = max(0.0, self._next_s - now_s)
            self._next_s += 1 / rate_per_s
            return delay_s

    def _rate(self, now_s: float) -> float | None:
        if self._peak_per_s is None:
            return None
        distance = (now_s - self._decreased_at_s - _RECOVERY_S) / _RECOVERY_S
        growth = _GROWTH_FACTOR ** max(0.0, distance - _PLATEAU)
        curve = 1 + _DECREASE_RATIO * min(distance, _PLATEAU) ** 3
        return float(max(_RATE_MIN_PER_S, self._peak_per_s * curve * growth))

    def _decrease(self, now_s: float) -> None:
        """Step down from what was accepted, or from the rate that grew until it was too high."""
        accepted_per_s, rate_per_s = self._accepted_recently(now_s), self._rate(now_s)
        if rate_per_s is not None:
            if now_s > self._decreased_at_s + _GROWTH_BEGINS_S and self._is_busy(now_s):
                first_refused_s = self._measurement.first_refused_sent_s
                accepted_per_s = max(accepted_per_s, self._rate(first_refused_s) or 0.0)
            accepted_per_s = min(accepted_per_s, rate_per_s)
        self._peak_per_s = max(_RATE_MIN_PER_S, accepted_per_s)
        self._decreased_at_s = now_s
        self._measurement.restart(None)

    def _should_release(self, rate_per_s: float) -> bool:
        """Return whether the rate grew far beyond what is sent; not if only the sending fell."""
        used_per_s = max(self._sent_per_s, self._peak_per_s or 0.0)
        return rate_per_s > _RELEASE_FACTOR * used_per_s + _RATE_MIN_PER_S

    def _accepted_recently(self, now_s: float) -> float:
        """Return what the server accepts per second, by the latest measurement that can be used.

        A low count while little was sent says nothing about the server.
        """
        length_s = self._measurement.length_s(now_s)
        if length_s < _LENGTH_TOO_SHORT_S and self._accepted_per_s:
            return self._accepted_per_s
        accepted_per_s = self._measurement.accepted / max(length_s, _LENGTH_TOO_SHORT_S)
        if self._is_busy(now_s):
            return accepted_per_s
        return max(accepted_per_s, self._accepted_per_s)

    def _is_busy(self, now_s: float) -> bool:
        rate_per_s = self._rate(now_s)
        if rate_per_s is None:
            return True
        measurement = self._measurement
        return measurement.sent >= _BUSY_RATIO * rate_per_s * measurement.length_s(now_s)

    def _end_measurement(self, now_s: float) -> None:
        """Use the current measurement, and begin another one."""
        measurement = self._measurement
        length_s = max(measurement.length_s(now_s), _LENGTH_TOO_SHORT_S)
        self._sent_per_s = measurement.sent / length_s
        if self._is_busy(now_s):
            self._accepted_per_s = measurement.accepted / length_s
        is_too_much = measurement.exceeds(self._baseline_error_ratio)
        if measurement.answered >= _BASELINE_ANSWERS_MIN:
            self._update_baseline(measurement, is_too_much=is_too_much)
        if is_too_much:
            self._decrease(now_s)
        else:
            measurement.restart(now_s)

    def _is_significant(self, now_s: float) -> bool:
        """Return whether the refusals call for a step down before the measurement is complete."""
        measurement = self._measurement
        if self._peak_per_s is not None and now_s > self._decreased_at_s + _RECOVERY_S:
            return measurement.exceeds(self._baseline_error_ratio)
        if self._peak_per_s is not None and measurement.length_s(now_s) < _LENGTH_TOO_SHORT_S:
            return False
        has_answers = measurement.answered >= _SIGNIFICANT_ANSWERS_MIN
        return has_answers and measurement.exceeds(_BASELINE_ERROR_RATIO_MAX)

    def _update_baseline(self, measurement: _Measurement, *, is_too_much: bool) -> None:
        """Raise the baseline to what a step down did not end; lower it when less is refused."""
        ratio = min(measurement.refused / measurement.answered, _BASELINE_ERROR_RATIO_MAX)
        follows_a_decrease = (
            self._peak_per_s is not None
            and measurement.start_s is not None
            and measurement.start_s < self._decreased_at_s + _AFTER_DECREASE_S
        )
        baseline = self._baseline_error_ratio
        if is_too_much:
            ratio = max(baseline, ratio)  # until a step down shows otherwise
        elif not follows_a_decrease:
            ratio = min(baseline, (baseline + ratio) / 2)
        self._baseline_error_ratio = ratio
