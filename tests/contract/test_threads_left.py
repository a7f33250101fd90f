"""A run that has ended leaves nothing behind that goes on without it."""

from __future__ import annotations

import threading
import time

from s3_xfer import RunState
from tests.world import SRC, World


def test_a_deadline_ends_with_its_run(world: World) -> None:
    """No thread waits for the deadline of a run that came in time."""
    world.server.put(SRC, "in/x", size=1)
    assert world.copy().state is RunState.COMPLETED  # what a first run starts for good is there
    before = {thread for thread in threading.enumerate() if thread.is_alive()}

    assert world.copy(deadline="1h").state is RunState.COMPLETED

    until_s = time.monotonic() + 60
    while timers := [
        thread
        for thread in set(threading.enumerate()) - before
        if isinstance(thread, threading.Timer) or thread.name.startswith("s3-xfer")
    ]:
        assert time.monotonic() < until_s, timers
        time.sleep(0.01)
