"""How much should be under way: as much as makes the whole faster, and no more.

What is right depends on the latency: a server next door is kept busy by a hundred requests, one
behind fifty milliseconds by a thousand, and more than that only wait in line and cost memory. So
the window is found by trying: it is doubled, and stays doubled if more work ended per second than
before. A trial that did not pay is taken back, and repeated after a while, for things change; each
failure doubles the while, for a trial opens connections, and these take memory.

Refuses to judge by latency, which is also a matter of the size of the objects.
"""

from __future__ import annotations

import time
from collections.abc import Callable

FREE = 96  # grown to without a trial
WORTH = 1.08  # times the successes per second of half as many
AGAIN_S, AGAIN_MAX_S = 2.0, 60.0
_HOPELESS, _CLEAR = 1.0, 1.3  # at first sight; what lies between needs a closer look
_CLOSE_LOOK_ROUNDS = 3
_ROUND_S = 0.05  # a shorter one says nothing


class Window:
    """Finds :attr:`size`, at most ``limit``. Not thread-safe: its owner holds a lock."""

    def __init__(self, limit: int, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.size = min(FREE, limit)
        self._limit = limit
        self._monotonic = monotonic
        self._before: tuple[int, float] | None = None  # size and rate, while a trial lasts
        self._not_again_until_s = float("-inf")
        self._pause_s = AGAIN_S
        self._begin()

    def succeeded(self, *, is_reached: bool) -> None:
        """Count one success; ``is_reached`` if as many as allowed were under way."""
        self._successes += 1
        self._was_reached |= is_reached
        if self._successes >= self._look_at:
            self._look(self._monotonic())

    def _begin(self, *, settle: bool = True) -> None:
        """Begin to count; ``settle`` leaves out the round in which the change takes effect."""
        self._settles = settle
        self._since_s = self._monotonic()
        self._successes, self._look_at, self._rounds = 0, self.size, 0
        self._was_reached = False

    def _look(self, now_s: float) -> None:
        elapsed_s = now_s - self._since_s
        self._look_at = self._successes + self.size
        if elapsed_s < _ROUND_S * (self._rounds + 1):
            return
        self._rounds += 1
        if self._settles:
            self._begin(settle=False)
        else:
            self._decide(self._successes / elapsed_s, now_s)

    def _decide(self, rate_per_s: float, now_s: float) -> None:
        if self._before:
            self._end_trial(rate_per_s / self._before[1], now_s)
        elif self._rounds >= _CLOSE_LOOK_ROUNDS:
            self._begin(settle=False)
        if self._may_try(now_s):
            self._before = (self.size, rate_per_s)
            self.size = min(self._limit, 2 * self.size)
            self._begin()

    def _end_trial(self, gain: float, now_s: float) -> None:
        """Keep what is worth it, take back what is not, or go on measuring."""
        assert self._before  # noqa: S101 - there is a trial
        if _HOPELESS <= gain < _CLEAR and self._rounds < _CLOSE_LOOK_ROUNDS:
            return
        if gain < WORTH:
            self.size = self._before[0]
            self._not_again_until_s = now_s + self._pause_s
            self._pause_s = min(2 * self._pause_s, AGAIN_MAX_S)
            self._begin()
        self._before = None

    def _may_try(self, now_s: float) -> bool:
        return (
            self._before is None
            and self._was_reached
            and self.size < self._limit
            and now_s >= self._not_again_until_s
        )
