"""What becomes of runs that are under way when the interpreter exits.

They are cancelled and end as every stopped run does, with a complete report and journal. Without
this Python would wait for their workers, that is for the whole copy, and then end the process
while the run's own thread, a daemon, is about to write the result.

``concurrent.futures`` joins its workers in a function that :mod:`threading` calls before the
functions of :mod:`atexit`; functions that are registered later are called earlier. CPython has this
from 3.9 on; public it is not, so an interpreter without it falls back on :mod:`atexit`. It does
nothing for a process that is killed, or that ends with ``os._exit``. Python 3.12 starts no thread
once its exit has begun, so there a run that still needs one then ends with an error.
"""

from __future__ import annotations

import atexit
import concurrent.futures.thread as pools
import logging
import os
import threading
import time
from typing import Protocol

_POLL_S = 0.1
_OUR_THREADS = "s3-xfer"  # how the names of a run's threads begin

_log = logging.getLogger("s3_xfer")


class ActiveRun(Protocol):
    """A run that may be under way. Every method may be called from any thread."""

    @property
    def end_timeout_s(self) -> float:
        """How long it may take to end once it is cancelled."""

    def is_awaited(self) -> bool:
        """Return whether a thread uses it that the interpreter waits for anyway."""

    def cancel(self, reason: str = "cancelled") -> None:
        """Stop it."""

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for its end; return whether it came."""

    def leave_to_parent(self) -> None:
        """Refuse to be used in this process, a forked child."""


_active: dict[int, ActiveRun] = {}


def watch(run: ActiveRun) -> None:
    """End ``run`` at the exit of the interpreter, unless it has ended before."""
    _active[id(run)] = run


def forget(run: ActiveRun) -> None:
    """State that ``run`` has ended."""
    _active.pop(id(run), None)


def end_all() -> None:
    """Cancel all runs and wait for their ends, each as long as it may take.

    A run that a thread waits for goes on to its end: Python waits for such a thread as well.
    """
    while any(run.is_awaited() for run in list(_active.values())):
        time.sleep(_POLL_S)
    runs = list(_active.values())
    for run in runs:
        run.cancel("the interpreter exits")
    until_s = time.monotonic() + max((run.end_timeout_s for run in runs), default=0)
    for run in runs:
        if not run.wait(max(0.0, until_s - time.monotonic())):
            _log.warning("the interpreter exited while a run was under way")
    _leave_stuck_threads()


def _leave_stuck_threads() -> None:
    """Keep Python from joining threads of our pools: their requests are given up by now.

    A thread that waits for a dead connection would delay the exit by the read timeout.
    """
    queues = getattr(pools, "_threads_queues", {})
    for thread in list(queues):
        if thread.daemon and thread.name.startswith(_OUR_THREADS):
            queues.pop(thread, None)


def _forget_all() -> None:
    """Leave the runs to the parent of this forked child: their threads are there."""
    for run in _active.values():
        run.leave_to_parent()
    _active.clear()


_register = getattr(threading, "_register_atexit", atexit.register)
_register(end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
