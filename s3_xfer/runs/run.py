"""What every run is: one thread with a state, notes, numbers, a deadline and an end.

The caller's thread only asks: numbers are polled. Everything that ends a run early sets one stop
flag. A run goes through three stages: it validates, it works, it ends; an error of the first stage
refuses the run, and :meth:`Run.result` raises it again.
"""

from __future__ import annotations

import logging
import math
import threading
import time
import uuid
from abc import ABC, abstractmethod
from datetime import datetime
from types import TracebackType
from typing import Generic, Self, TypeVar

from s3_xfer.access.clients import Clients, open_clients
from s3_xfer.copying.request_policy import PassTime, RequestPolicy, in_full
from s3_xfer.errors import S3XferError
from s3_xfer.ledger.ledger import Ledger
from s3_xfer.ledger.metrics import MetricsCollector, TransferMetrics
from s3_xfer.ledger.report import check_writable
from s3_xfer.ledger.result import RunState
from s3_xfer.model import Failed
from s3_xfer.pipeline.stop import StopFlag, start_deadline_timer
from s3_xfer.runs import at_exit
from s3_xfer.spec import TransferSpec

_WAITS_AGAIN_S = 5.0  # a thread that has started or polled the run will wait for it
_CLEANUP_S = 15.0  # what a stopped run needs besides its graces: aborts, journal, report

_log = logging.getLogger("s3_xfer")

ResultT = TypeVar("ResultT")


class Run(ABC, Generic[ResultT]):
    """One run, as its callers see it. Every method may be called from any thread.

    ``with operation.start() as run:`` waits for its end when the block is left, and cancels it
    first if that is because of an exception. A run that is under way when the interpreter exits is
    cancelled and ended, unless a thread waits for it that is neither the main thread nor a daemon.

    The thread is made here and started by the subclass, once it has all that it needs.
    """

    def __init__(
        self, operation: TransferSpec, *, thread_name: str, pass_time: PassTime = in_full
    ) -> None:
        self.operation = operation
        self._keys = operation.key_map()
        self._stop = StopFlag()
        self._metrics = MetricsCollector(uuid.uuid4().hex)
        self._requests = RequestPolicy.of(
            operation.options, counter=self._metrics, stop=self._stop, pass_time=pass_time
        )
        self._ledger = Ledger(metrics=self._metrics, stop=self._stop, options=operation.options)
        self._state = RunState.INITIALIZED
        self._notes: list[str] = []
        self._result: ResultT | None = None
        self._refusal: BaseException | None = None
        self._ends_at: datetime | None = None
        self._ended = threading.Event()
        self._waiters: dict[threading.Thread, float] = {}  # until when each counts as one
        self._count_as_waiter()
        self._thread = threading.Thread(target=self._run, name=thread_name, daemon=True)

    # ------------------------------------------------------------------ what callers use

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

    def cancel(self, reason: str = "cancelled") -> None:
        """Stop: start nothing new, wait for what is in flight, end. Returns at once."""
        self._stop.set(reason)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end, at most ``timeout_s`` seconds; return whether it came."""
        self._waiters[threading.current_thread()] = math.inf
        try:
            return self._ended.wait(timeout_s)
        finally:
            self._count_as_waiter()

    def result(self) -> ResultT:
        """Wait for the end and return it, failures included.

        Raises:
            S3XferError: the run was refused before anything was done (state
                ``VALIDATION_FAILED``): ValidationError, PreflightError, ReportError or
                JournalError.
        """
        self.wait()
        if self._refusal:
            raise self._refusal
        assert self._result is not None  # noqa: S101 - set whenever there is no refusal
        return self._result

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self._end_because_of(error)
            return
        try:
            self.wait()
        except BaseException as interruption:
            self._end_because_of(interruption)
            raise

    def _end_because_of(self, error: BaseException) -> None:
        """Cancel, and wait for the end as long as it may take; another Ctrl-C ends the wait."""
        if not self._ended.is_set():
            self.cancel(type(error).__name__)
            self.wait(self.end_timeout_s)

    @property
    def end_timeout_s(self) -> float:
        """How long a run that was cancelled takes to end, at most."""
        return 2 * self.operation.options.stop_grace_s + _CLEANUP_S

    def is_awaited(self) -> bool:
        """Return whether a thread waits for it that the interpreter waits for at its exit."""
        main, now_s = threading.main_thread(), time.monotonic()
        return not self._ended.is_set() and any(
            thread.is_alive() and not thread.daemon and thread is not main and until_s > now_s
            for thread, until_s in list(self._waiters.items())
        )

    def _count_as_waiter(self) -> None:
        """Count this thread as one that waits, for a while: it is about to wait, or to wait again.

        As many threads are remembered as there are: what others have done since is forgotten.
        """
        now_s = time.monotonic()
        for thread, until_s in list(self._waiters.items()):
            if until_s < now_s:
                self._waiters.pop(thread, None)
        self._waiters[threading.current_thread()] = now_s + _WAITS_AGAIN_S

    # ------------------------------------------------------------------------ the stages

    def _start(self) -> None:
        """Start the thread. If that is interrupted, the run ends: its caller never gets it."""
        at_exit.watch(self)
        try:
            self._thread.start()
        except BaseException as error:
            self.cancel(type(error).__name__)
            raise

    def _run(self) -> None:
        timer = None
        try:
            self._state = RunState.VALIDATING
            started_at = self._metrics.snapshot().start_time
            self._ends_at = self.operation.options.ends_at(started_at)
            timer = start_deadline_timer(self._stop, self._ends_at, started_at)
            self._go_through_stages()
        except BaseException as error:  # noqa: BLE001 - raised again by result()
            self._refuse(error)
        finally:
            if timer:
                timer.cancel()
            self._metrics.finish()
            self._ended.set()
            at_exit.forget(self)

    def _go_through_stages(self) -> None:
        if self._keys.source.key != self.operation.source_key:
            self._notes.append(f"the source prefix is taken as {self._keys.source.url}")
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
                self._state = RunState.COPYING
                self._work()
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
            operation_id = self._metrics.snapshot().operation_id
            _log.error("run %s: unexpected error", operation_id, exc_info=error)

    # ------------------------------------------------------------------ what recipes share

    def _open_clients(self, *, overwrite: bool) -> Clients:
        """Return the clients of both sides, and note what a person must know about them."""
        operation = self.operation
        clients = open_clients(
            source=operation.source,
            destination=operation.destination,
            options=operation.options,
            overwrite=overwrite,
            requests=self._requests,
        )
        self._notes += clients.warnings()
        return clients
