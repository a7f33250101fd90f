"""When so much fails that going on is pointless.

Two limits: a number of failures over the whole run, and a share of what was tried lately. The
share is one of the last thousand and not of the whole run: when a right is taken away after nine
million objects, the share of the run tells after hundreds of thousands of failures, that of the
last thousand after some dozens. Before a hundred were tried no share says anything.

Refuses to know what was tried, and to stop anything itself.
"""

from __future__ import annotations

import threading
from collections import deque

WINDOW = 1000
TRIED_MIN = 100


class FailureLimit:
    """Counts against both limits; None is no limit. Thread-safe."""

    def __init__(self, failures_max: int | None, error_rate_max_percent: float | None) -> None:
        self._failures_max = failures_max
        self._rate_max_percent = error_rate_max_percent
        self._lock = threading.Lock()
        self._failures = 0
        self._lately: deque[bool] = deque(maxlen=WINDOW)
        self._failed_lately = 0

    @classmethod
    def of(
        cls, failures_max: int | None, error_rate_max_percent: float | None
    ) -> FailureLimit | None:
        """Return a limit, or None if there is nothing to count for."""
        if failures_max is None and error_rate_max_percent is None:
            return None
        return cls(failures_max, error_rate_max_percent)

    def note(self, *, failed: bool) -> str | None:
        """Count one more that was tried; return which limit is exceeded now, if one is."""
        with self._lock:
            self._failures += failed
            self._remember(failed=failed)
            return self._exceeded()

    def _remember(self, *, failed: bool) -> None:
        if len(self._lately) == WINDOW:
            self._failed_lately -= self._lately[0]
        self._lately.append(failed)
        self._failed_lately += failed

    def _exceeded(self) -> str | None:
        if self._failures_max is not None and self._failures > self._failures_max:
            return f"{self._failures:,} failed, more than the {self._failures_max:,} allowed"
        tried = len(self._lately)
        if self._rate_max_percent is None or tried < TRIED_MIN:
            return None
        percent = 100 * self._failed_lately / tried
        if percent <= self._rate_max_percent:
            return None
        limit = f"{self._rate_max_percent:g}"
        return f"{percent:.3g} % of the last {tried:,} failed, more than the {limit} % allowed"
