"""Stop a run at a given moment.

A timer of its own, because whoever works may be waiting for an answer just then. Refuses to
outlive the process, and says nothing to a run that has ended: cancel it.
"""

from __future__ import annotations

import threading
from datetime import datetime

from s3_xfer.pipeline.stop import StopFlag

BY_DEADLINE = "deadline"  # the reason that the run is given, and its result repeats


def set_alarm(stop: StopFlag, ends_at: datetime | None, now: datetime) -> threading.Timer | None:
    """Return a running timer that stops the run at ``ends_at``; None without such a moment."""
    if ends_at is None:
        return None
    wait_s = min((ends_at - now).total_seconds(), threading.TIMEOUT_MAX)
    timer = threading.Timer(wait_s, stop.set, [BY_DEADLINE])
    timer.name, timer.daemon = "s3-xfer-deadline", True
    timer.start()
    return timer
