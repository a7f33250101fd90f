"""How many requests may be in flight: as many as make the run faster, and no more.

A server next door is kept busy by a hundred requests, one that is fifty milliseconds away by a
thousand. Latency tells nothing, because it also depends on the size of the objects. So the window
is found by trial: it is doubled, and stays doubled if more requests succeed per second than before.
A trial without gain is reverted and repeated after a pause, because conditions change. Each failed
trial doubles the pause: a trial opens connections, which take memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable

INITIAL_SIZE = 96  # reached without a trial
GAIN_MIN = 1.08  # ratio of successes per second that keeps a doubled window
TRIAL_PAUSE_S, TRIAL_PAUSE_MAX_S = 2.0, 60.0
_GAIN_REJECTED, _GAIN_ACCEPTED = 1.0, 1.3  # below/above these one round decides
_ROUNDS_MAX = 3  # between them
_ROUND_MIN_S = 0.05  # a shorter round is too noisy to measure


class Window:
    """Finds :attr:`size`, at most ``limit``. Not thread-safe: the caller holds a lock."""

    def __init__(self, limit: int, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.size = min(INITIAL_SIZE, limit)
        self._limit = limit
        self._monotonic = monotonic
        self._before: tuple[int, float] | None = None  # size and rate, while a trial lasts
        self._next_trial_s = float("-inf")
        self._pause_s = TRIAL_PAUSE_S
        self._start_measuring()

    def succeeded(self, *, is_reached: bool) -> None:
        """Count one success; ``is_reached`` if the window was full before."""
        self._successes += 1
        self._was_reached |= is_reached
        if self._successes >= self._round_ends_at:
            self._end_round(self._monotonic())

    def _start_measuring(self, *, skip_round: bool = True) -> None:
        """Count from zero; ``skip_round`` ignores the round in which a change takes effect."""
        self._skips_round = skip_round
        self._since_s = self._monotonic()
        self._successes, self._round_ends_at, self._rounds = 0, self.size, 0
        self._was_reached = False

    def _end_round(self, now_s: float) -> None:
        elapsed_s = now_s - self._since_s
        self._round_ends_at = self._successes + self.size
        if elapsed_s < _ROUND_MIN_S * (self._rounds + 1):
            return
        self._rounds += 1
        if self._skips_round:
            self._start_measuring(skip_round=False)
        else:
            self._decide(self._successes / elapsed_s, now_s)

    def _decide(self, rate_per_s: float, now_s: float) -> None:
        if self._before:
            size, rate_before_per_s = self._before
            self._end_trial(size, rate_per_s / rate_before_per_s, now_s)
        elif self._rounds >= _ROUNDS_MAX:
            self._start_measuring(skip_round=False)
        may_try = self._before is None and self._was_reached and now_s >= self._next_trial_s
        if may_try and self.size < self._limit:
            self._before = (self.size, rate_per_s)
            self.size = min(self._limit, 2 * self.size)
            self._start_measuring()

    def _end_trial(self, size_before: int, gain: float, now_s: float) -> None:
        """Keep a trial that gained enough, revert one that did not, or go on measuring."""
        if _GAIN_REJECTED <= gain < _GAIN_ACCEPTED and self._rounds < _ROUNDS_MAX:
            return
        if gain < GAIN_MIN:
            self.size = size_before
            self._next_trial_s = now_s + self._pause_s
            self._pause_s = min(2 * self._pause_s, TRIAL_PAUSE_MAX_S)
            self._start_measuring()
        self._before = None
