"""One check from start to end: two listings merged by one thread, questions asked by others.

The *check* thread pairs up objects and judges what the listings tell; what S3 has to be asked
about goes through a bounded channel to workers. Memory does not grow with the number of objects.

Refuses to end as complete when it was stopped, or when a listing was not in order: what the rest
would have shown nobody knows, so the report stays ``.partial``.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from s3_xfer.access import lookups
from s3_xfer.access.clients import Clients
from s3_xfer.comparison import CompareResult, CompareStatus, Extra, Pair
from s3_xfer.copying.compare import Comparer
from s3_xfer.errors import ErrorClass, RetryAction, RunAborted, S3XferError, translate
from s3_xfer.ledger.comparison import CheckResult, Comparison
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.report import ReportWriter
from s3_xfer.ledger.result import RunState
from s3_xfer.listing.ahead import ReadAhead
from s3_xfer.listing.pages import PageReader
from s3_xfer.model import Failed, S3Location, S3Object
from s3_xfer.options import ReportScope
from s3_xfer.pipeline.channel import Channel
from s3_xfer.pipeline.workers import WorkerPool
from s3_xfer.runs.executor import run_aborted
from s3_xfer.runs.run import Handle
from s3_xfer.sources.paired import pair_up
from s3_xfer.spec import CheckSpec

_PAIRS_WAITING = 1024
_POLL_S = 0.1

_log = logging.getLogger("s3_xfer")


class CheckRun(Handle[CheckResult]):
    """The handle of one check. Every method may be called from any thread.

    Its state is in a copy's words: ``COPYING`` while it compares.
    """

    operation: CheckSpec

    def __init__(self, operation: CheckSpec) -> None:
        super().__init__(operation, thread_name="s3-xfer-check")
        self._comparison = Comparison()
        self._report: ReportWriter | None = None
        self._aborted_by: RunAborted | None = None
        self._compared_all = self._cut_off = False
        self._thread.start()

    def snapshot(self) -> TransferMetrics:
        """Return the numbers of this instant, in a copy's words.

        Found are source objects so far, copied those that do not differ, skipped those of them
        that have the same size and no proof, failed those that differ or could not be compared.
        """
        totals = self._comparison.totals()
        counts = totals.counts
        return dataclasses.replace(
            self._metrics.snapshot(),
            files_copied_successfully=counts[CompareStatus.SAME],
            files_skipped=counts[CompareStatus.SAME_SIZE],
            files_failed=totals.differences + counts[CompareStatus.NOT_COMPARED],
        )

    def recent_failures(self) -> tuple[Failed, ...]:
        """Return objects that could not be compared, among the first hundred of interest."""
        notable = self._comparison.totals().notable
        return tuple(Failed(one.task, one.error) for one in notable if one.task and one.error)

    # ------------------------------------------------------------------------ the stages

    def _go(self) -> None:
        self._look_at_options()
        clients = self._open_clients(overwrite=True)
        sides = self._sides(clients)
        path = self.operation.options.report_path
        self._report = ReportWriter(path, ReportScope.ALL) if path else None
        self._state = RunState.COPYING
        self._compared_all = self._compare(clients, *sides) and not self._aborted_by
        self._end()

    def _sides(self, clients: Clients) -> tuple[Iterable[S3Object], Iterable[S3Object]]:
        """Return the objects of both sides, in order; refuse what cannot be compared at all."""
        source, destination = self._keys.source, self._keys.destination
        if self.operation.recursive:
            lookups.first_source_objects(clients.source, source)
            lookups.first_destination_objects(clients.destination, destination)
            return (
                self._listed(clients.source, source, "source"),
                self._listed(clients.destination, destination, "destination"),
            )
        single = lookups.source_object(clients.source, source)
        beginning = lookups.first_destination_objects(clients.destination, destination)
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
        comparer = Comparer(clients.source, clients.destination, self._keys, operation.compare)
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

    def _record(self, compared: CompareResult) -> None:
        error = compared.error
        if error and error.info.error_class is ErrorClass.INTERRUPTED:
            self._cut_off = True  # nobody looked
            return
        self._comparison.add(compared)
        if self._report and compared.status not in (CompareStatus.SAME, CompareStatus.SAME_SIZE):
            self._report.compared(compared)
        if error and error.info.error_class.retry_action is RetryAction.END_RUN:
            self._abort(error, "comparing")

    def _abort(self, error: BaseException, while_doing: str = "") -> None:
        """End the check because of ``error``; the first one is its reason."""
        info = translate(error)
        if info.error_class is ErrorClass.INTERRUPTED:
            return  # stopped already, by whoever raised the flag
        if self._stop.set("an error ended the check"):
            self._aborted_by = run_aborted(error, while_doing)
            if info.error_class is ErrorClass.UNEXPECTED and not isinstance(error, S3XferError):
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
            compare=self.operation.compare,
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
        is_preparing = self._state is RunState.VALIDATING
        if is_preparing and self._stop.is_set() and isinstance(error, S3XferError):
            self._end()  # stopped before it had begun to compare
            return
        super()._refuse(error)
