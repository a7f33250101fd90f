"""Follow a run until it ends: show its progress, and stop it when a signal asks for that.

Runs in the main thread, because only there Python delivers signals. The handlers only set
attributes: a handler that took a lock could wait for the code that it interrupted. When stderr is
closed, the run goes on without showing anything.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from s3_xfer.cli.exit_codes import BY_CTRL_C, BY_SIGTERM, ExitCode
from s3_xfer.cli.output import FAILURES_SHOWN, flush
from s3_xfer.ledger.metrics import TransferMetrics, error_line
from s3_xfer.ledger.rate import RateMeter, Rates
from s3_xfer.ledger.result import RunState
from s3_xfer.pipeline.outage import Outage
from s3_xfer.render.progress import Phase, ProgressView, phase_of
from s3_xfer.text import printable
from s3_xfer.units import format_duration

if TYPE_CHECKING:
    from s3_xfer.runs.run import Run

POLL_S = 0.125
_SPEED_IS_KNOWN_S = 5.0
_EXIT_GRACE_S = 1.0
_CLEANUP_S = 15.0
# Wrappers (make, uv, docker) repeat a Ctrl-C that the terminal already sent to the whole group.
_SAME_CTRL_C_S = 0.3
_SHOW_CURSOR = b"\x1b[?25h\r\n"


class SignalRequests:
    """What signals have asked for so far. The handlers write, the loop reads."""

    def __init__(self) -> None:
        self._stopped_at_s = 0.0
        self.stop: int | None = None  # the first SIGINT or SIGTERM
        self.progress_line = False  # SIGUSR1 since the last line

    def on_stop(self, number: int, _frame: FrameType | None) -> None:
        """Note the first request; end the process on the second."""
        if self.stop is None:
            self.stop, self._stopped_at_s = number, time.monotonic()
        elif time.monotonic() - self._stopped_at_s > _SAME_CTRL_C_S:
            exit_immediately(number)

    def on_progress_line(self, _number: int, _frame: FrameType | None) -> None:
        """Note that a progress line is wanted now."""
        self.progress_line = True

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Receive signals inside the block; restore the handlers after it."""
        handlers: dict[signal.Signals, Callable[[int, FrameType | None], None]] = {
            signal.SIGINT: self.on_stop,
            signal.SIGTERM: self.on_stop,
        }
        if hasattr(signal, "SIGUSR1"):
            handlers[signal.SIGUSR1] = self.on_progress_line
        previous = {number: signal.signal(number, new) for number, new in handlers.items()}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


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
            yield f"note: {printable(note)}"
        yield from self._outage_lines(run.snapshot().waiting_for)
        for failed in run.recent_failures()[self._failures : self._failures_max]:
            self._failures += 1
            yield f"failed: {error_line(failed)}"
            if self._failures == self._failures_max:
                yield "further failures are only counted here; the summary explains them"

    def _outage_lines(self, outages: Sequence[Outage]) -> Iterator[str]:
        """Yield what is new about servers that are away, or were."""
        current = {outage.endpoint: outage for outage in outages}
        for endpoint, outage in current.items():
            if self._outages.get(endpoint) != outage:
                yield str(outage)
        for endpoint in self._outages.keys() - current.keys():
            yield f"The server {endpoint} is not waited for any more"
        self._outages = current


def follow(run: Run[Any], view: ProgressView, *, failures_shown: int = FAILURES_SHOWN) -> None:
    """Show ``run`` in ``view`` until it has ended, and stop it when a signal asks for that.

    Call it in the main thread. An error in here cancels the run before it is raised.
    """
    requests = SignalRequests()
    try:
        with requests.installed():
            try:
                with view:
                    _watch(run, view, requests, ProgressLog(failures_shown))
            except OSError:  # the terminal is gone; the copy is not
                _watch(run, ProgressView(), requests, ProgressLog(0))
    except BaseException:
        run.cancel("internal error")
        run.wait(_CLEANUP_S)
        raise


def _watch(run: Run[Any], view: ProgressView, requests: SignalRequests, log: ProgressLog) -> None:
    is_stopping = False
    meter = RateMeter()
    while not run.wait(POLL_S):
        if requests.stop is not None and not is_stopping:
            is_stopping = True
            run.cancel(BY_CTRL_C if requests.stop == signal.SIGINT else BY_SIGTERM)
            view.print_line(
                "stopping: waiting for answers under way, Ctrl-C again to leave at once"
            )
        _show(run, view, requests, log, meter)
    _show(run, view, requests, log, meter)


def _show(
    run: Run[Any], view: ProgressView, requests: SignalRequests, log: ProgressLog, meter: RateMeter
) -> None:
    for line in log.new_lines(run):
        view.print_line(line)
    metrics = run.snapshot()
    rates = meter.observe(metrics)
    phase = phase_of(run.state, metrics, stopping=requests.stop is not None)
    warning = log.deadline_warning(run.ends_at, metrics, rates)
    if warning:
        view.print_line(warning)
    if requests.progress_line:
        requests.progress_line = False
        view.print_line(view.line(phase, metrics, rates))
    if phase is not Phase.ENDED or run.state is not RunState.VALIDATION_FAILED:
        view.update(phase, metrics, rates)


def exit_immediately(number: int) -> NoReturn:
    """End the process now, with the terminal's cursor visible. Multipart uploads may stay open."""
    if os.isatty(2):
        os.write(2, _SHOW_CURSOR)
    os._exit(ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.TERMINATED)


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
                flush()
                os._exit(code)
    flush()
    return code
