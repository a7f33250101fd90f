"""Stop a run at a given moment.

A timer thread does it, because the threads of the run may be blocked on an answer at that moment.
The thread is a daemon, so it does not keep the process alive. Cancel the timer when the run ends.
"""

from __future__ import annotations

import threading
from datetime import datetime

from s3_xfer.pipeline.stop import StopFlag

BY_DEADLINE = "deadline"  # the stop reason, which the result repeats


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
