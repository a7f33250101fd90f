"""Watch a run until it ends: log its progress, and stop it when Airflow ends the task.

How Airflow stops a task differs. 2.x calls ``on_kill`` in the main thread and then raises there;
3.x calls ``on_kill`` from a signal handler, goes on, and kills the process 5 seconds later; a
timeout raises, and calls ``on_kill`` afterwards. So ``on_kill`` only sets an attribute, the loop
reads it several times a second, and any exception in the loop stops the run first. A stopped task
never ends as a success.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from airflow_plugin._compat import Logger
from airflow_plugin.exceptions import S3CopyStoppedError
from airflow_plugin.wording import OperatorWording
from s3_xfer import (
    CheckRun,
    CopyRun,
    Phrase,
    RateMeter,
    Rates,
    RunState,
    TransferMetrics,
    progress_text,
)

ProgressLine = Callable[[RunState, TransferMetrics, Rates], str]

POLL_S = 0.1
_FIRST_LINE_S = 1.0
_END_TIMEOUT_S = 30.0  # longer than every grace; only a dead disk takes longer


def monitor_run(
    run: CopyRun | CheckRun,
    log: Logger,
    *,
    is_killed: Callable[[], bool],
    log_interval_s: float,
    wording: OperatorWording,
    line: ProgressLine = progress_text,
) -> None:
    """Wait for the end of ``run`` and log its progress as ``line``. Call it in the main thread.

    Raises:
        S3CopyStoppedError: ``is_killed`` returned true; the run has ended.
        BaseException: what Airflow raises to end the task; the run has ended here, too.
    """
    progress = _ProgressLog(run, log, log_interval_s, wording=wording, line=line)
    try:
        while not run.wait(POLL_S):
            _raise_if(is_killed, "Airflow stopped the task", wording)
            progress.update()
    except BaseException as error:
        problem = str(error).partition("\n")[0]
        run.cancel(f"{type(error).__name__}: {problem}" if problem else type(error).__name__)
        log.warning("stopping: nothing new starts, uploads are aborted or journaled")
        run.wait(_END_TIMEOUT_S)
        progress.finish()
        raise
    progress.finish()
    _raise_if(is_killed, "Airflow stopped the task when all was done", wording)


def _raise_if(is_killed: Callable[[], bool], problem: str, wording: OperatorWording) -> None:
    if is_killed():
        raise S3CopyStoppedError(f"{problem}\nNext: {wording.phrase(Phrase.RUN_AGAIN, {})}.")


class _ProgressLog:
    """Logs a line of progress every ``interval_s`` seconds, and each note once."""

    def __init__(
        self,
        run: CopyRun | CheckRun,
        log: Logger,
        interval_s: float,
        *,
        wording: OperatorWording,
        line: ProgressLine,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run = run
        self._log = log
        self._interval_s = interval_s
        self._wording = wording
        self._line = line
        self._clock = clock
        self._next_line_s = clock() + min(interval_s, _FIRST_LINE_S)
        self._meter = RateMeter()
        self._notes_logged = 0

    def update(self) -> None:
        """Log new notes, and a line of progress if it is time."""
        self._log_notes()
        line = self._progress()
        if self._clock() >= self._next_line_s:
            self._next_line_s = self._clock() + self._interval_s
            self._log.info(line)

    def finish(self) -> None:
        """Log new notes and the last line, unless the run was refused before it copied."""
        self._log_notes()
        if self._run.state is not RunState.VALIDATION_FAILED:
            self._log.info(self._progress())

    def _log_notes(self) -> None:
        for note in self._run.notes[self._notes_logged :]:
            self._notes_logged += 1
            self._log.info("note: %s", self._wording.say(note))

    def _progress(self) -> str:
        metrics = self._run.snapshot()
        return self._line(self._run.state, metrics, self._meter.observe(metrics))
