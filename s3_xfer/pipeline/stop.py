"""One flag that stops a run: for signals, ``cancel()``, the deadline and fatal errors.

Every wait of the run ends when it is set. It cannot be reset: a stopped run stays stopped.
"""

from __future__ import annotations

import threading
from datetime import datetime

BY_DEADLINE = "deadline"  # the stop reason, which the result repeats


class StopFlag:
    """Set once, with a reason; the first reason is kept. All methods are thread-safe."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._reason: str | None = None

    @property
    def reason(self) -> str | None:
        """Why the run was stopped; None if it was not."""
        return self._reason

    def set(self, reason: str) -> bool:
        """Stop, and return whether this call was the first to do so."""
        with self._lock:
            first = self._reason is None
            if first:
                self._reason = reason
        self._event.set()
        return first

    def is_set(self) -> bool:
        """Return whether the run was stopped."""
        return self._event.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Wait until stopped, at most ``timeout_s`` seconds; return whether it was."""
        return self._event.wait(timeout_s)


def start_deadline_timer(
    stop: StopFlag, ends_at: datetime | None, now: datetime
) -> threading.Timer | None:
    """Return a running timer that stops the run at ``ends_at``; None if there is no deadline."""
    if ends_at is None:
        return None
    wait_s = min((ends_at - now).total_seconds(), threading.TIMEOUT_MAX)
    timer = threading.Timer(wait_s, stop.set, [BY_DEADLINE])
    timer.name, timer.daemon = "s3-xfer-deadline", True
    timer.start()
    return timer
