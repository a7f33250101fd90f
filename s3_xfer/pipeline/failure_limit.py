"""End a run that fails so often that going on is pointless.

There are two limits: a number of failures over the whole run, and a share of the last thousand
objects that were tried. The share is not one of the whole run: when a right is taken away after
nine million objects, the share of the whole run rises only after hundreds of thousands of failures,
that of the last thousand after some dozens. Before a hundred objects were tried the share is not
used.

This module only counts. Its caller stops the run.
"""

from __future__ import annotations

import threading
from collections import deque

WINDOW = 1000
TRIED_MIN = 100


class FailureLimit:
    """Counts failures against both limits; None is no limit. Thread-safe."""

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
            self._remember(failed=failed)
            return self._exceeded()

    def _remember(self, *, failed: bool) -> None:
        if len(self._recent) == WINDOW:
            self._recent_failures -= self._recent[0]
        self._recent.append(failed)
        self._recent_failures += failed

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
