"""What every run is: one thread with a state, notes, numbers, a deadline and an end.

The caller's thread only asks: numbers are polled. Everything that ends a run early sets one stop
flag. A run goes through three stages: it validates, it works, it ends; an error of the first stage
refuses the run, and :meth:`Run.result` raises it again.
"""

from __future__ import annotations

import logging
import os
import threading
import uuid
from abc import abstractmethod
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

from s3_xfer.access.brokers import BOUND_S, wait_patiently
from s3_xfer.access.clients import Clients, open_clients
from s3_xfer.copying.request_policy import PassTime, RequestPolicy, Shared, in_full
from s3_xfer.errors import ErrorClass, PreflightError, RunAborted, S3XferError, ValidationError
from s3_xfer.errors.machine_limits import exhausts_machine
from s3_xfer.html import short_table
from s3_xfer.ledger.ledger import Ledger
from s3_xfer.ledger.metrics import MetricsCollector, TransferMetrics
from s3_xfer.ledger.report import check_writable
from s3_xfer.ledger.result import RunState
from s3_xfer.model import Failed
from s3_xfer.pipeline.outage import Outage, OutageMonitors, OutagePolicy
from s3_xfer.pipeline.stop import StopFlag, start_deadline_timer
from s3_xfer.pipeline.stream import Stream
from s3_xfer.run_log import LOGGER, RunLog
from s3_xfer.runs import at_exit
from s3_xfer.runs.observers import NOBODY, Observers, ObserverThreads
from s3_xfer.runs.run_end import ResultT, RunEnd, in_child_of
from s3_xfer.runs.telemetry import RunTelemetry
from s3_xfer.spec import TransferSpec
from s3_xfer.text import printable
from s3_xfer.units import format_count, format_duration
from s3_xfer.wording import message

_CLEANUP_S = 15.0  # what a stopped run needs besides its graces: aborts, journal, report


class Run(RunEnd[ResultT]):
    """One run, as its callers see it. Every method may be called from any thread.

    ``with operation.start() as run:`` waits for its end when the block is left, and cancels it
    first if that is because of an exception. A run that is under way when the interpreter exits is
    cancelled and ended, unless a thread waits for it that is neither the main thread nor a daemon.

    The thread is made here and started by the subclass, once it has all that it needs.
    """

    def __init__(
        self,
        operation: TransferSpec,
        *,
        thread_name: str,
        observers: Observers = NOBODY,
        pass_time: PassTime = in_full,
        shared: Shared | None = None,
        logger: logging.Logger = LOGGER,
    ) -> None:
        super().__init__()
        self.operation = operation
        self._keys = operation.key_maps()
        self._stop = StopFlag()
        run_id = uuid.uuid4().hex
        self._log = RunLog(logger, run_id)
        self._metrics = MetricsCollector(run_id)
        self._ledger = Ledger(
            metrics=self._metrics, stop=self._stop, options=operation.options, log=self._log
        )
        self._ledger.outcomes = Stream(waits=observers.misses_nothing)
        outages = OutagePolicy(
            limit_s=operation.options.outage_limit_s,
            stop=self._stop,
            listener=self._metrics,
            give_up=self._give_up,
            log=self._log,
        )
        self._requests = RequestPolicy.of(
            operation.options,
            counter=self._metrics,
            stop=self._stop,
            pass_time=pass_time,
            outages=OutageMonitors(outages),
            shared=shared,
            log=self._log,
        )
        self._is_sharing = shared is not None
        self._observers = ObserverThreads(
            observers, self._ledger.outcomes, self.snapshot, self._ledger.abort
        )
        self._telemetry = RunTelemetry(operation, self.snapshot)
        self._state = RunState.INITIALIZED
        self._notes: list[str] = []
        self._ends_at: datetime | None = None
        self._thread = threading.Thread(target=self._run, name=thread_name, daemon=True)

    # ------------------------------------------------------------------ what callers use

    def __repr__(self) -> str:
        metrics = self.snapshot()
        done = f"{metrics.files_done} of {metrics.total_files_found} objects"
        return f"<{type(self).__name__} {self.state.value}: {done}, {metrics.files_failed} failed>"

    def _repr_html_(self) -> str:
        metrics = self.snapshot()
        rows = [
            ("found", format_count(metrics.total_files_found)),
            ("done", format_count(metrics.files_done)),
            ("failed", format_count(metrics.files_failed)),
            ("duration", format_duration(metrics.duration_s)),
        ]
        return short_table(f"{type(self).__name__}: {self.state.value}", rows)

    @property
    def is_stopping(self) -> bool:
        """Whether the run was asked to end early, by whatever reason; nothing new starts."""
        return self._stop.is_set()

    @property
    def state(self) -> RunState:
        """Where the run is."""
        return self._state

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know about this run, in order; may grow."""
        return tuple(self._notes)

    @property
    def ends_at(self) -> datetime | None:
        """When the deadline stops it; None without one."""
        return self._ends_at

    def snapshot(self) -> TransferMetrics:
        """Return the numbers of this instant."""
        return self._metrics.snapshot()

    def recent_failures(self) -> tuple[Failed, ...]:
        """Return the first failures, at most a hundred."""
        return self._ledger.failures

    @property
    def outcomes_missed(self) -> int:
        """How many outcomes were left out because their reader was too slow."""
        return self._ledger.outcomes.missed

    def read_outcomes(self) -> Iterator[Any]:
        """Return how objects ended, or compare, as it happens; not in the order of their keys.

        Call it once, right after the start. Ten thousand outcomes wait for a slow reader; then the
        run waits for it too, but never below a hundred objects a second: what it cannot take is
        left out and counted in :attr:`outcomes_missed`. The report has every object.

        Raises:
            ValidationError: it comes too late (more than a thousand objects have ended), or the
                outcomes are read already.
        """
        stream = self._ledger.outcomes
        if not stream.open():
            raise ValidationError(
                "the outcomes of this run are read already, or too many of them have passed",
                remedy="read them once, right after start()",
            )
        return _until_left(stream)

    def cancel(self, reason: str = "cancelled") -> None:
        """Stop: start nothing new, wait for what is in flight, end. Returns at once."""
        self._stop.set(reason)

    @property
    def end_timeout_s(self) -> float:
        """How long a run that was cancelled takes to end, at most."""
        return 2 * self.operation.options.stop_grace_s + _CLEANUP_S

    def _refuse_to_wait(self) -> None:
        if self._observers.is_current_thread():
            raise ValidationError("a function that watches a run cannot wait for its end")

    # ------------------------------------------------------------------------ the stages

    def _start(self) -> None:
        """Start the thread. If that is interrupted, the run ends: its caller never gets it."""
        at_exit.watch(self)
        try:
            self._observers.start()
            self._thread.start()
        except BaseException as error:
            self.cancel(type(error).__name__)
            raise

    def _run(self) -> None:
        timer = None
        try:
            self._state = RunState.VALIDATING
            self._telemetry.begin()
            started_at = self._metrics.snapshot().start_time
            self._ends_at = self.operation.options.ends_at(started_at)
            timer = start_deadline_timer(self._stop, self._ends_at, started_at)
            self._go_through_stages()
        except BaseException as error:  # noqa: BLE001 - raised again by result()
            self._refuse(self._machine_limit(error) or error)
        finally:
            if timer:
                timer.cancel()
            self._metrics.finish()
            self._observers.finish()
            try:
                if not self._is_sharing:
                    self._requests.opened.close()
                self._telemetry.end(self._state, self._refusal or self._ledger.aborted_by)
            finally:
                self._notify_waiters()
                at_exit.forget(self)

    def _go_through_stages(self) -> None:
        if len(self._keys) == 1 and self._keys[0].source.key != self.operation.source_key:
            self._notes.append(f"the source prefix is taken as {self._keys[0].source.url}")
        try:
            if self.operation.options.report_path:
                check_writable(self.operation.options.report_path)
            has_work = self._validate()
        except S3XferError:
            if not self._stop.is_set():
                raise
            self._leave_all()
        else:
            if has_work:
                self._metrics.checks_ended()
                self._state = RunState.COPYING
                self._work()
        self._observers.finish()
        self._result = self._end()

    @abstractmethod
    def _validate(self) -> bool:
        """Check everything that can be checked before; return whether there is work to do.

        Raises:
            S3XferError: the run is refused, or was stopped meanwhile.
        """

    @abstractmethod
    def _leave_all(self) -> None:
        """Account for a run that was stopped while it validated: all is left to do."""

    @abstractmethod
    def _work(self) -> None:
        """Do everything, or as much as can be until the run is stopped. Does not raise."""

    @abstractmethod
    def _end(self) -> ResultT:
        """Set the final state and return the result."""

    def _refuse(self, error: BaseException) -> None:
        """End without a result, because of ``error``."""
        self._state = RunState.VALIDATION_FAILED
        self._refusal = error
        if not isinstance(error, S3XferError):
            self._log.error("unexpected error", exc_info=error)

    def _machine_limit(self, error: BaseException) -> S3XferError | None:
        """Return the refusal of a run that had not begun when this machine gave no more, if so.

        Any module that is imported late may be the one file too many.
        """
        is_expected = isinstance(error, S3XferError) or self._state is not RunState.VALIDATING
        if is_expected or not exhausts_machine(error):
            return None
        refusal = PreflightError(f"the run could not begin: {printable(str(error))}")
        refusal.__cause__ = error
        return refusal

    def _give_up(self, outage: Outage) -> None:
        """End the run because a server stayed away."""
        problem = message("{outage} ({outage_limit_s})", outage=outage.final_text)
        self._ledger.abort(RunAborted(problem, error_class=ErrorClass.OUTAGE))

    # ------------------------------------------------------------------ what recipes share

    def _note_waiting(self) -> None:
        """Say what a run waits for that has not got its credentials yet."""
        sides = {"source": self.operation.source, "destination": self.operation.destination}
        names = ", ".join(
            f"{side}: {f'profile {account.profile}' if account.profile else 'default'}"
            for side, account in sides.items()
        )
        self._notes.append(
            f"waiting for credentials ({names}); a credential_process has {BOUND_S:.0f} s"
        )

    def _open_clients(self, *, overwrite: bool) -> Clients:
        """Return the clients of both sides, and note what a person must know about them."""
        operation = self.operation
        opening = partial(
            open_clients,
            source=operation.source,
            destination=operation.destination,
            options=operation.options,
            overwrite=overwrite,
            requests=self._requests,
            probed_buckets=(self._keys[0].source.bucket, self._keys.destination.bucket),
        )
        clients = wait_patiently(opening, stop=self._stop, note=self._note_waiting)
        self._notes += clients.warnings()
        return clients


def _until_left(stream: Stream[Any]) -> Iterator[Any]:
    """Yield what comes, until the end or until the caller leaves its loop.

    Raises:
        ValidationError: it is read in a forked child of the process that has the run.
    """
    process_id = os.getpid()
    try:
        for outcome in stream:
            yield outcome
            if os.getpid() != process_id:
                raise in_child_of(process_id)
    finally:
        if os.getpid() == process_id:
            stream.leave()
