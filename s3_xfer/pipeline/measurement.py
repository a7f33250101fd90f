"""How many requests were sent, accepted and refused during a short time."""

from __future__ import annotations

import math

LENGTH_S, SENT_MIN, LENGTH_MAX_S = 0.25, 20, 2.0  # what a measurement needs to be complete


class Measurement:
    """Counts since ``start_s``, which is None until the first answer that is to be counted.

    Threads increase the counters without a lock: a lost count does no harm.
    """

    __slots__ = ("accepted", "first_refused_sent_s", "refused", "sent", "start_s")

    def __init__(self) -> None:
        self.first_refused_sent_s = 0.0  # when the first refused request was sent
        self.restart(None)

    def restart(self, start_s: float | None) -> None:
        """Count from zero, from ``start_s`` on."""
        self.start_s = start_s
        self.sent = self.accepted = self.refused = 0

    def length_s(self, now_s: float) -> float:
        """Return for how long requests have been counted."""
        return now_s - (self.start_s or now_s)

    def is_complete(self, now_s: float) -> bool:
        """Return whether it lasted long enough, for as much as was sent."""
        length_s = self.length_s(now_s)
        return length_s >= LENGTH_MAX_S or (length_s >= LENGTH_S and self.sent >= SENT_MIN)

    @property
    def answered(self) -> int:
        """The number of answers."""
        return self.accepted + self.refused

    def exceeds(self, ratio: float) -> bool:
        """Return whether more was refused than a random share of ``ratio`` explains."""
        expected = ratio * self.answered
        return self.refused > 1 + expected + 3 * math.sqrt(expected)
