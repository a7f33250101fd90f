"""Follow a run until it ends: show its progress, and stop it when a signal asks for that."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from s3_xfer.cli.end_of_run import END
from s3_xfer.cli.exit_codes import ExitCode, exit_code
from s3_xfer.cli.output import FAILURES_SHOWN
from s3_xfer.cli.signals import SIGNALS
from s3_xfer.cli.wording import COMMAND_LINE
from s3_xfer.errors import ErrorClass
from s3_xfer.ledger.metrics import TransferMetrics, error_line
from s3_xfer.ledger.rate import RateMeter, Rates
from s3_xfer.ledger.result import CopyResult, RunState
from s3_xfer.model import AccountContext, Failed
from s3_xfer.pipeline.outage import Outage
from s3_xfer.render.progress import Phase, ProgressView, phase_of
from s3_xfer.text import printable
from s3_xfer.units import format_duration

if TYPE_CHECKING:
    from s3_xfer.ledger.comparison import CheckResult
    from s3_xfer.plans.result import PlanResult
    from s3_xfer.runs.run import Run

POLL_S = 0.125
_SPEED_IS_KNOWN_S = 5.0
_EXIT_GRACE_S = 1.0
_CLEANUP_S = 15.0

ResultT = TypeVar("ResultT", CopyResult, "CheckResult", "PlanResult")


class Operation(Protocol[ResultT]):
    """What can be started: a copy or a check."""

    @property
    def source(self) -> AccountContext:
        """How the source is reached."""

    @property
    def destination(self) -> AccountContext:
        """How the destination is reached."""

    def start(self) -> Run[ResultT]:
        """Begin it."""


class ProgressLog:
    """The lines printed above the progress of a run: notes and the first failures, each once."""

    def __init__(self, failures_max: int) -> None:
        self._failures_max = failures_max
        self._notes = self._failures = 0
        self._outages: dict[str, Outage] = {}
        self._warned = False

    def deadline_warning(
        self, ends_at: datetime | None, metrics: TransferMetrics, rates: Rates
    ) -> str:
        """Return, once, that the deadline comes before the end; else nothing."""
        if self._warned or ends_at is None or metrics.duration_s < _SPEED_IS_KNOWN_S:
            return ""
        left_s = (ends_at - metrics.start_time).total_seconds() - metrics.duration_s
        if rates.eta_s is None or rates.eta_s <= left_s:
            return ""
        self._warned = True
        eta, left = format_duration(rates.eta_s), format_duration(max(0.0, left_s))
        return f"note: at this speed it takes {eta} more, and the deadline comes in {left}"

    def new_lines(self, run: Run[Any]) -> Iterator[str]:
        """Yield the lines that are new since the last call."""
        for note in run.notes[self._notes :]:
            self._notes += 1
            yield f"note: {printable(COMMAND_LINE.say(note))}"
        outages = run.snapshot().waiting_for
        yield from self._outage_lines(outages, is_stopping=run.is_stopping)
        failures = [failed for failed in run.recent_failures() if not _is_interrupted(failed)]
        for failed in failures[self._failures : self._failures_max]:
            self._failures += 1
            yield f"failed: {error_line(failed)}"
            if self._failures == self._failures_max:
                yield "further failures are only counted here; the summary explains them"

    def _outage_lines(self, outages: Sequence[Outage], *, is_stopping: bool) -> Iterator[str]:
        """Yield what is new about servers that are away, or were."""
        current = {outage.endpoint: outage for outage in outages}
        for endpoint, outage in current.items():
            if self._outages.get(endpoint) != outage:
                yield str(outage)
        for endpoint in self._outages.keys() - current.keys():
            if not is_stopping:  # else nobody knows
                yield f"The server {endpoint} answers again"
        self._outages = current


def _is_interrupted(failed: Failed) -> bool:
    """Return whether only the stop of the run kept the object from being copied."""
    return failed.error.info.error_class is ErrorClass.INTERRUPTED


def follow(
    operation: Operation[ResultT],
    view: ProgressView,
    *,
    failures_shown: int = FAILURES_SHOWN,
    code_of: Callable[[ResultT], ExitCode] = exit_code,
    keep: Callable[[ResultT], None] | None = None,
) -> ResultT:
    """Run ``operation``, show it in ``view`` until it has ended, and return its result.

    A person who has to give a code is asked before. A signal stops the run. Call it in the main
    thread. An error in here cancels the run before it is raised. ``code_of`` is the exit code if a
    signal ends the process between the end of the run and that of the command. ``keep`` gets the
    result before one can.

    Raises:
        S3XferError: the run was refused; nothing was written.
    """
    from s3_xfer.access.credentials import ask_for_mfa_codes  # noqa: PLC0415 - slow to import

    ask_for_mfa_codes(source=operation.source, destination=operation.destination)
    view = END.measured(view)
    SIGNALS.run_begins()
    run = operation.start()
    try:
        with view:
            _watch(run, view, ProgressLog(failures_shown))
    except BaseException:
        run.cancel("internal error")
        run.wait(_CLEANUP_S)
        raise
    result = run.result()
    if keep:
        keep(result)
    SIGNALS.run_ended(code_of(result))
    return result


def _watch(run: Run[Any], view: ProgressView, log: ProgressLog) -> None:
    is_stopping = False
    meter = RateMeter()
    while not run.wait(POLL_S):
        if SIGNALS.reason and not is_stopping:
            is_stopping = True
            run.cancel(SIGNALS.reason)
            view.print_line(
                "stopping: waiting for answers under way, Ctrl-C again to leave at once"
            )
        _show(run, view, log, meter)
    _show(run, view, log, meter)


def _show(run: Run[Any], view: ProgressView, log: ProgressLog, meter: RateMeter) -> None:
    for line in log.new_lines(run):
        view.print_line(line)
    metrics = run.snapshot()
    rates = meter.observe(metrics)
    phase = phase_of(run.state, metrics, stopping=SIGNALS.reason is not None)
    warning = log.deadline_warning(run.ends_at, metrics, rates)
    if warning:
        view.print_line(warning)
    if SIGNALS.wants_progress_line:
        SIGNALS.wants_progress_line = False
        view.print_line(view.line(phase, metrics, rates))
    if phase is not Phase.ENDED or run.state is not RunState.VALIDATION_FAILED:
        view.update(phase, metrics, rates)


def end_process(code: int) -> int:
    """Return ``code`` for a normal exit, or end the process here if a thread would prevent it.

    A worker that waits for a dead connection cannot be interrupted, and Python would wait for
    it; the result is complete by now, so nothing is lost.
    """
    until_s = time.monotonic() + _EXIT_GRACE_S
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join(max(0.0, until_s - time.monotonic()))
            if thread.is_alive():
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
    return code
