"""One check from start to end: two listings merged by one thread, questions asked by others.

The *check* thread pairs up objects and judges what the listings tell; what S3 has to be asked
about goes through a bounded channel to workers. Memory does not grow with the number of objects.

Refuses to end as complete when it was stopped, or when a listing was not in order: what the rest
would have shown nobody knows, so the report stays ``.partial``.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import uuid
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3_xfer.access import preflight
from s3_xfer.access.clients import Clients, open_clients
from s3_xfer.accounting.comparison import CheckResult, Compared, Comparison, Extra, Likeness
from s3_xfer.accounting.metrics import MetricsCollector, TransferMetrics
from s3_xfer.accounting.report import ReportWriter, check_place
from s3_xfer.accounting.result import RunState
from s3_xfer.checking.comparer import Comparer
from s3_xfer.copying.retry import RetryPolicy
from s3_xfer.crew import run_aborted
from s3_xfer.errors import ErrorClass, Reaction, RunAborted, S3XferError, translate
from s3_xfer.listing.ahead import ReadAhead
from s3_xfer.listing.pages import PageReader
from s3_xfer.model import Failed, S3Location, S3Object
from s3_xfer.options import ReportScope
from s3_xfer.pipeline.alarm import set_alarm
from s3_xfer.pipeline.channel import Channel
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.pipeline.workers import WorkerPool
from s3_xfer.planning.pairing import Pair, pair_up

if TYPE_CHECKING:
    from s3_xfer.checking.operation import S3CheckOperation

_PAIRS_WAITING = 1024
_POLL_S = 0.1

_log = logging.getLogger("s3_xfer")


class CheckRun:
    """The handle of one check. Every method may be called from any thread."""

    def __init__(self, operation: S3CheckOperation) -> None:
        self.operation = operation
        self._keys = operation.key_map()
        self._stop = StopFlag()
        self._metrics = MetricsCollector(uuid.uuid4().hex)
        self._comparison = Comparison()
        self._state = RunState.INITIALIZED
        self._notes: list[str] = []
        self._report: ReportWriter | None = None
        self._aborted_by: RunAborted | None = None
        self._compared_all = self._cut_off = False
        self._result: CheckResult | None = None
        self._refusal: BaseException | None = None
        self._ends_at: datetime | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="s3-xfer-check", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------------ what callers use

    @property
    def state(self) -> RunState:
        """Where the check is, in a copy's words: ``COPYING`` while it compares."""
        return self._state

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know about this check, in order; may grow."""
        return tuple(self._notes)

    @property
    def ends_at(self) -> datetime | None:
        """When the deadline stops it; None without one."""
        return self._ends_at

    def snapshot(self) -> TransferMetrics:
        """Return the numbers of this instant, in a copy's words.

        Found are source objects so far, copied those that do not differ, skipped those of them
        that have the same size and no proof, failed those that differ or could not be compared.
        """
        totals = self._comparison.totals()
        counts = totals.counts
        return dataclasses.replace(
            self._metrics.snapshot(),
            files_copied_successfully=counts[Likeness.SAME],
            files_skipped=counts[Likeness.SAME_SIZE],
            files_failed=totals.differences + counts[Likeness.NOT_COMPARED],
        )

    def recent_failures(self) -> tuple[Failed, ...]:
        """Return objects that could not be compared, among the first hundred of interest."""
        remarkable = self._comparison.totals().remarkable
        return tuple(Failed(one.task, one.error) for one in remarkable if one.task and one.error)

    def cancel(self, reason: str = "cancelled") -> None:
        """Stop: ask nothing more. Returns at once."""
        self._stop.set(reason)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end, at most ``timeout_s`` seconds; return whether it came."""
        return self._ended.wait(timeout_s)

    def result(self) -> CheckResult:
        """Wait for the end and return it, whatever was found.

        Raises:
            S3XferError: the check was refused: a side cannot be listed, there is nothing at the
                source, or the report cannot be written.
        """
        self._ended.wait()
        if self._refusal:
            raise self._refusal
        assert self._result is not None  # noqa: S101 - set whenever there is no refusal
        return self._result

    # ------------------------------------------------------------------------ the stages

    def _run(self) -> None:
        alarm = None
        try:
            self._state = RunState.VALIDATING
            started_at = self._metrics.snapshot().start_time
            self._ends_at = self.operation.options.ends_at(started_at)
            alarm = set_alarm(self._stop, self._ends_at, started_at)
            clients = self._open()
            sides = self._sides(clients)
            path = self.operation.options.report_path
            self._report = ReportWriter(path, ReportScope.ALL) if path else None
            self._state = RunState.COPYING
            self._compared_all = self._compare(clients, *sides) and not self._aborted_by
            self._end()
        except BaseException as error:  # noqa: BLE001 - handed to whoever asks for the result
            self._refuse(error)
        finally:
            if alarm:
                alarm.cancel()
            self._metrics.finish()
            self._ended.set()

    def _open(self) -> Clients:
        operation, options = self.operation, self.operation.options
        if options.report_path:
            check_place(options.report_path)
        if self._keys.source.key != operation.source_key:
            self._notes.append(f"the source prefix is taken as {self._keys.source.url}")
        clients = open_clients(
            source=operation.source,
            destination=operation.destination,
            options=options,
            overwrite=True,
            retry=RetryPolicy(
                retries=options.retries, delay_s=options.retry_delay_s, stop=self._stop
            ),
            stop=self._stop,
            metrics=self._metrics,
        )
        self._notes += clients.warnings()
        return clients

    def _sides(self, clients: Clients) -> tuple[Iterable[S3Object], Iterable[S3Object]]:
        """Return the objects of both sides, in order; refuse what cannot be compared at all."""
        source, destination = self._keys.source, self._keys.destination
        if self.operation.recursive:
            preflight.check_source_prefix(clients.source, source)
            preflight.check_destination_listing(clients.destination, destination)
            return (
                self._listed(clients.source, source, "source"),
                self._listed(clients.destination, destination, "destination"),
            )
        single = preflight.check_source_object(clients.source, source)
        beginning = preflight.check_destination_listing(clients.destination, destination)
        # A key comes before all those that it is the beginning of.
        return [single], [found for found in beginning if found.key == destination.key]

    def _listed(self, client: Any, place: S3Location, side: str) -> Iterable[S3Object]:
        reader = PageReader(client, bucket=place.bucket, prefix=place.key)
        return ReadAhead(reader, self._stop, name=f"s3-xfer-listing-{side}").objects()

    def _compare(
        self, clients: Clients, source: Iterable[S3Object], destination: Iterable[S3Object]
    ) -> bool:
        """Judge every pair, or as many as can be; return whether it was all. Never raises."""
        operation = self.operation
        comparer = Comparer(clients.source, clients.destination, self._keys, operation.aspects)
        channel: Channel[Pair] = Channel(_PAIRS_WAITING)
        pool = WorkerPool(
            channel,
            lambda pair: self._record(comparer.by_asking(pair)),
            count=operation.options.threads,
            on_crash=self._abort,
        )
        listed_all = False
        try:
            listed_all = self._judge(pair_up(source, destination, self._keys), comparer, channel)
        except BaseException as error:  # noqa: BLE001 - the check's reason to end
            self._abort(error, "listing both sides")
        channel.close()
        return self._wait(pool, channel) and listed_all

    def _judge(self, pairs: Iterable[Pair], comparer: Comparer, channel: Channel[Pair]) -> bool:
        """Record what the listings tell, and hand on the rest; return False if it was cut off."""
        ignores_extra = self.operation.extra is Extra.IGNORE
        for pair in pairs:
            if pair.source:
                self._metrics.found(1, pair.source.size)
            elif ignores_extra:
                continue
            verdict = comparer.by_listing(pair)
            if verdict:
                self._record(verdict)
            elif not channel.put([pair]):
                return False
        self._metrics.listing_completed()
        return True

    def _record(self, compared: Compared) -> None:
        error = compared.error
        if error and error.facts.error_class is ErrorClass.INTERRUPTED:
            self._cut_off = True  # nobody looked
            return
        self._comparison.add(compared)
        if self._report and compared.likeness not in (Likeness.SAME, Likeness.SAME_SIZE):
            self._report.compared(compared)
        if error and error.facts.error_class.reaction is Reaction.END_RUN:
            self._abort(error, "comparing")

    def _abort(self, error: BaseException, while_doing: str = "") -> None:
        """End the check because of ``error``; the first one is its reason."""
        facts = translate(error)
        if facts.error_class is ErrorClass.INTERRUPTED:
            return  # stopped already, by whoever raised the flag
        if self._stop.set("an error ended the check"):
            self._aborted_by = run_aborted(error, while_doing)
            if facts.error_class is ErrorClass.UNEXPECTED and not isinstance(error, S3XferError):
                _log.error("unexpected error ended the check", exc_info=error)

    def _wait(self, pool: WorkerPool[Pair], channel: Channel[Pair]) -> bool:
        """Wait for all answers and return True; after a stop only as long as the grace lasts."""
        while not pool.join(_POLL_S):
            if self._stop.is_set():
                channel.abort()
                pool.join(self.operation.options.stop_grace_s)
                return False
        return not self._cut_off

    # -------------------------------------------------------------------------- the ends

    def _end(self) -> None:
        self._metrics.finish()
        self._state = RunState.COMPLETED if self._compared_all else RunState.COPY_FAILED
        report_path = self._finish_report()
        self._result = CheckResult(
            metrics=self._metrics.snapshot(),
            totals=self._comparison.totals(),
            notes=self.notes,
            aborted_by=self._aborted_by,
            cancelled_by=None if self._compared_all or self._aborted_by else self._stop.reason,
            report_path=report_path,
            aspects=self.operation.aspects,
        )
        _log.info("check ended", extra={"s3_xfer": self._result.to_dict()})

    def _finish_report(self) -> Path | None:
        if not self._report:
            return None
        if self._compared_all:
            return self._report.finish()
        self._report.leave()
        return None

    def _refuse(self, error: BaseException) -> None:
        if self._state is RunState.VALIDATING and self._stop.is_set():
            self._end()  # stopped before it had begun to compare
            return
        self._state = RunState.VALIDATION_FAILED
        self._refusal = error
        if not isinstance(error, S3XferError):
            _log.error("check: unexpected error", exc_info=error)
