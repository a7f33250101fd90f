"""Stay with a run until it ends: tell the task's log how it goes, and pass on Airflow's stop.

How Airflow stops a task differs. 2.x calls ``on_kill`` in the main thread and then raises there;
3.x calls ``on_kill`` from a signal handler, goes on, and kills the process 5 seconds later; a
timeout raises, and calls ``on_kill`` afterwards. So ``on_kill`` only sets an attribute, the loop
looks at it several times a second, and whatever is raised in the loop stops the run first.
Refuses to let a stopped task end as a success.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from airflow_plugin._compat import Logger
from airflow_plugin.failing import S3CopyStoppedError
from s3_xfer import CopyRun, RateMeter, RunState, progress_text

POLL_S = 0.1
_ENDING_S = 30.0  # beyond every grace; only a dead disk takes longer


def follow(run: CopyRun, log: Logger, *, killed: Callable[[], bool], log_interval_s: float) -> None:
    """Wait for the end of ``run`` and log its progress. Call it in the main thread.

    Raises:
        S3CopyStoppedError: ``killed`` said so; the run has ended, and nothing is under way.
        BaseException: whatever Airflow raises to end the task; the same holds.
    """
    story = _Story(run, log, log_interval_s)
    try:
        while not run.wait(POLL_S):
            _raise_if(killed, "Airflow stopped the task")
            story.go_on()
    except BaseException as error:
        run.cancel(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
        log.warning("stopping the copy: nothing new starts, uploads are aborted or journaled")
        run.wait(_ENDING_S)
        story.end()
        raise
    story.end()
    _raise_if(killed, "Airflow stopped the task when all was done")


def _raise_if(killed: Callable[[], bool], problem: str) -> None:
    if killed():
        raise S3CopyStoppedError(problem)


class _Story:
    """Tells a line of progress every so often, and each note once."""

    def __init__(
        self,
        run: CopyRun,
        log: Logger,
        interval_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run = run
        self._log = log
        self._interval_s = interval_s
        self._clock = clock
        self._next_s = clock() + min(interval_s, 1.0)  # a first sign of life comes soon
        self._meter = RateMeter()
        self._notes = 0

    def go_on(self) -> None:
        """Say what is new."""
        for note in self._run.notes[self._notes :]:
            self._notes += 1
            self._log.info("note: %s", note)
        metrics = self._run.snapshot()
        rates = self._meter.observe(metrics)
        if self._clock() >= self._next_s:
            self._next_s = self._clock() + self._interval_s
            self._log.info(progress_text(self._run.state, metrics, rates))

    def end(self) -> None:
        """Say the last line, unless nothing was copied."""
        self._interval_s = 0
        if self._run.state is not RunState.VALIDATION_FAILED:
            self._next_s = 0
        self.go_on()
