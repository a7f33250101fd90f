"""The threads of one run at work: a producer that lists, workers that copy, one who waits.

Everything found ends as exactly one outcome: an object is in the channel, in flight, or recorded,
and every way out of a run empties the first two into the third. Refuses to swallow: an error of
the listing, the report or a worker ends the run and is its reason.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from s3_xfer.access.clients import CONNECT_TIMEOUT_S, Clients
from s3_xfer.copying.copier import ObjectCopier
from s3_xfer.copying.dispatcher import AsyncDispatcher, BlockingDispatcher
from s3_xfer.copying.dry_run import DryRunCopier
from s3_xfer.copying.engine_selection import EngineSelection, select_engine
from s3_xfer.copying.in_flight import OnDone
from s3_xfer.copying.managed import ManagedEngine
from s3_xfer.copying.multipart_resumer import MultipartResumer
from s3_xfer.copying.upload_registry import sweep
from s3_xfer.errors import ErrorClass, ObjectError, RetryAction, RunAborted, S3XferError, translate
from s3_xfer.ledger.journal.opening import OpenJournal
from s3_xfer.ledger.metrics import ERRORS_KEPT, MetricsCollector, error_line
from s3_xfer.ledger.report import ReportWriter
from s3_xfer.model import (
    Copied,
    CopyTask,
    Failed,
    NotAttempted,
    OpenUpload,
    Outcome,
    S3Object,
)
from s3_xfer.options import RunMode
from s3_xfer.pipeline.channel import Channel
from s3_xfer.pipeline.failure_limit import FailureLimit
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.pipeline.workers import WorkerPool
from s3_xfer.planning.cost import RequestEstimate
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.runs.producer import Producer
from s3_xfer.sources.report import ReportSource
from s3_xfer.spec import CopySpec
from s3_xfer.text import printable

CHANNEL_OBJECTS = 8192  # found and waiting, at most: bounds memory, keeps the workers fed
_POLL_S = 0.1
_LAUNCHERS = 1  # workers of an engine that holds no thread while S3 is at work: more get in its way

_log = logging.getLogger("s3_xfer")


class Copier(Protocol):
    """Whatever turns tasks into outcomes."""

    def start(self, task: CopyTask, on_done: OnDone) -> None:
        """Begin; ``on_done`` is called once with the same task, now or later. Never raises."""

    def drain(self, timeout_s: float) -> bool:
        """Wait until all that was started is done; return False after ``timeout_s``."""

    def close(self) -> None:
        """Give up what is not done, and release connections and threads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewEnd:
    """What the crew leaves behind, besides the metrics."""

    failures: tuple[Failed, ...] = ()
    uploads_left_behind: tuple[OpenUpload, ...] = ()
    aborted_by: RunAborted | None = None
    report_path: Path | None = None
    planned_requests: Mapping[str, int] = field(default_factory=dict)
    why_managed: str = ""
    notes: tuple[str, ...] = ()


class Crew:
    """Does one run's copying. :meth:`work` is called once."""

    def __init__(
        self,
        *,
        operation: CopySpec,
        keys: KeyMap,
        clients: Clients,
        single: S3Object | None,
        report_source: ReportSource | None,
        metrics: MetricsCollector,
        stop: StopFlag,
        opened: OpenJournal | None = None,
    ) -> None:
        options = operation.options
        self._operation = operation
        self._keys = keys
        self._clients = clients
        self._metrics = metrics
        self._stop = stop
        self._looks_first = not clients.destination_is_aws
        self._estimate = RequestEstimate(
            options, overwrite=operation.overwrite, looks_first=self._looks_first
        )
        self._engine = ManagedEngine(clients.destination, options)
        self._engine_selection = self._select_engine()
        self._report = (
            ReportWriter(options.report_path, options.report_scope) if options.report_path else None
        )
        self._opened = opened
        self._journal = opened.journal if opened else None
        self._resumer = self._make_resumer()
        self._copier = self._make_copier()
        self._channel: Channel[CopyTask] = Channel(max(2, CHANNEL_OBJECTS // operation.batch_size))
        self._in_flight: dict[int, CopyTask] = {}  # by identity: a report may name a key twice
        self._failures: list[Failed] = []
        self._aborted_by: RunAborted | None = None
        self._failure_limit = FailureLimit.of(options.max_failures, options.max_error_rate_percent)
        self._producer = Producer(
            client=clients.source,
            keys=keys,
            single=single,
            report_source=report_source,
            listing_threads=options.listing_threads,
            batch_size=operation.batch_size,
            channel=self._channel,
            metrics=metrics,
            stop=stop,
            record=self._record_late,
            on_error=self._abort,
            journal=self._journal,
            began=opened.began if opened else None,
        )

    @property
    def failures(self) -> tuple[Failed, ...]:
        """The first failures; as many as the metrics keep lines for."""
        return tuple(self._failures)

    def _make_copier(self) -> Copier:
        options, hooks = self._operation.options, self._clients.destination_hooks
        if options.mode is RunMode.DRY_RUN:
            return BlockingDispatcher(DryRunCopier(self._estimate).copy)
        copier = ObjectCopier(
            engine=self._engine,
            source=self._clients.source,
            destination=self._clients.destination,
            hooks=hooks,
            metrics=self._metrics,
            options=options,
            overwrite=self._operation.overwrite,
            looks_first=self._looks_first,
            resumer=self._resumer,
        )
        if not self._engine_selection.copy_client:
            return BlockingDispatcher(copier.copy)
        return AsyncDispatcher(
            copy_client=self._engine_selection.copy_client,
            copier=copier,
            output_shape=_output_shape(self._clients.destination),
            requests=hooks.requests,
            renewal=hooks.renewal,
            pacer=hooks.pacer,
            limit=self._engine_selection.max_in_flight,
            blocking_threads=options.threads,
            read_timeout_s=options.read_timeout_s,
            on_crash=self._abort,
        )

    def _make_resumer(self) -> MultipartResumer | None:
        if not self._journal:
            return None
        self._clients.destination_hooks.keep_uploads_when_stopped()
        return MultipartResumer(
            self._clients.destination,
            self._journal.uploads,
            part_size=self._engine.part_size,
            threads=self._operation.options.threads,
            stop=self._stop,
        )

    def _select_engine(self) -> EngineSelection:
        if self._operation.options.mode is RunMode.DRY_RUN:
            return EngineSelection(copy_client=None, why_managed="a dry run copies nothing")
        return select_engine(
            self._operation.options,
            client=self._clients.destination,
            credentials=self._clients.destination_session.get_credentials(),
            ca_bundle=self._clients.destination_ca_bundle,
            connect_timeout_s=CONNECT_TIMEOUT_S,
            source_bucket=self._keys.source.bucket,
            destination_bucket=self._keys.destination.bucket,
        )

    def work(self) -> CrewEnd:
        """Copy everything, or as much as can be until the run is stopped. Never raises."""
        pool = WorkerPool(
            self._channel,
            self._copy_one,
            count=_LAUNCHERS
            if self._engine_selection.copy_client
            else self._operation.options.threads,
            on_crash=self._abort,
        )
        if self._opened:
            self._opened.save_regularly(self._abort)
        self._producer.start()
        all_ended = self._wait(pool)
        left_behind, notes = self._sweep_uploads()
        self._copier.close()
        if self._resumer:
            self._resumer.close()
        if all_ended:
            self._engine.close()
        return CrewEnd(
            failures=self.failures,
            uploads_left_behind=left_behind,
            report_path=self._finish_report(),
            aborted_by=self._aborted_by,
            why_managed=self._engine_selection.why_managed,
            notes=notes,
            planned_requests=(
                self._estimate.total() if self._operation.options.mode is RunMode.DRY_RUN else {}
            ),
        )

    # --------------------------------------------------------------------------- copying

    def _copy_one(self, task: CopyTask) -> None:
        if self._stop.is_set():
            self._record(NotAttempted(task))
            return
        self._in_flight[id(task)] = task
        self._copier.start(task, self._ended)

    def _ended(self, task: CopyTask, outcome: Outcome) -> None:
        if self._in_flight.pop(id(task), None) is None:
            return  # the run ended without waiting, and has accounted for it
        grown_bytes = outcome.task.source.size - task.source.size
        if grown_bytes:  # a report's size is that of another day
            self._metrics.found(0, grown_bytes)
        self._record(outcome)

    def _record(self, outcome: Outcome) -> None:
        self._metrics.record(outcome)
        if isinstance(outcome, Failed):
            self._note_failure(outcome)
        if self._journal:
            self._journal.ended(outcome)
        if self._report:
            self._report.record(outcome)
        if self._failure_limit:
            self._keep_limit(self._failure_limit, outcome)

    def _note_failure(self, failed: Failed) -> None:
        if len(self._failures) < ERRORS_KEPT:
            _log.warning("not copied: %s", error_line(failed))
            self._failures.append(failed)
        if failed.error.info.error_class.retry_action is RetryAction.END_RUN:
            self._abort(failed.error)

    def _keep_limit(self, limit: FailureLimit, outcome: Outcome) -> None:
        """End the run if too many objects have failed; what is skipped was not tried."""
        if isinstance(outcome, Copied | Failed) and not self._stop.is_set():
            exceeded = limit.note(failed=isinstance(outcome, Failed))
            if exceeded:
                self._abort(RunAborted(exceeded, error_class=ErrorClass.TOO_MANY_FAILURES))

    # -------------------------------------------------------------------------- stopping

    def _abort(self, error: BaseException, while_doing: str = "") -> None:
        """End the run because of ``error``; the first one is its reason."""
        info = translate(error)
        if info.error_class is ErrorClass.INTERRUPTED:
            return  # stopped already, by whoever raised the flag
        kind = error.error_class if isinstance(error, RunAborted) else info.error_class
        if self._stop.set(f"an error ended the run ({(kind or info.error_class).value})"):
            self._aborted_by = run_aborted(error, while_doing)
            if info.error_class is ErrorClass.UNEXPECTED and not isinstance(error, S3XferError):
                _log.error("unexpected error ended the run", exc_info=error)

    def _wait(self, pool: WorkerPool[CopyTask]) -> bool:
        """Wait for the end of all threads; after a stop only as long as the grace lasts."""
        while not ((pool.join(_POLL_S) and self._copier.drain(_POLL_S)) or self._stop.is_set()):
            pass
        if not self._stop.is_set():
            return self._producer.join()
        for task in self._channel.abort():
            self._record_late(NotAttempted(task))
        grace_s = self._operation.options.stop_grace_s
        until_s = time.monotonic() + grace_s
        workers_ended = pool.join(grace_s)
        workers_ended &= self._copier.drain(max(0.0, until_s - time.monotonic()))
        producer_ended = self._producer.close(grace_s)
        self._give_up_in_flight()
        return workers_ended and producer_ended

    def _give_up_in_flight(self) -> None:
        """Account for copies whose answer was not waited for."""
        for number in list(self._in_flight):
            task = self._in_flight.pop(number, None)
            if task:
                error = ObjectError.of(
                    ErrorClass.INTERRUPTED, "S3 had not answered when the run ended", attempts=1
                )
                self._record_late(Failed(task, error))

    def _record_late(self, outcome: Outcome) -> None:
        """Record in a run that is ending anyway: an error here must not hide its reason."""
        try:
            self._record(outcome)
        except S3XferError as error:
            self._abort(error)

    # ---------------------------------------------------------------------------- ending

    def _sweep_uploads(self) -> tuple[tuple[OpenUpload, ...], tuple[str, ...]]:
        """Abort what is still open once more; return what refuses to go, and what to tell.

        A stopped run with a journal leaves its uploads to the next one.
        """
        if self._journal and self._stop.is_set():
            return (), ()
        hooks, client = self._clients.destination_hooks, self._clients.destination
        bucket = self._keys.destination.bucket
        registry = self._journal.uploads if self._journal else None
        try:
            unsettled = sweep(client, bucket, hooks.open_uploads(), hooks.lost_uploads(), registry)
        except S3XferError as error:  # of the journal
            self._abort(error)
            return hooks.open_uploads(), ()
        return hooks.open_uploads(), unsettled

    def _finish_report(self) -> Path | None:
        if not self._report:
            return None
        try:
            source = self._keys.source
            for left in self._producer.unlisted():
                self._report.not_listed(
                    bucket=source.bucket, prefix=source.key, after=left.after, until=left.until
                )
            return self._report.finish()
        except S3XferError as error:
            self._stop.set("report")
            self._aborted_by = self._aborted_by or run_aborted(error, "")
            return None


def _output_shape(client: Any) -> Any:
    return client.meta.service_model.operation_model("CopyObject").output_shape


def run_aborted(error: BaseException, while_doing: str = "") -> RunAborted:
    """Return the end of a run that ``error`` ended."""
    if isinstance(error, RunAborted):
        return error
    info = translate(error)
    if isinstance(error, S3XferError) and not isinstance(error, ObjectError):
        return RunAborted(error.problem, remedy=error.remedy, error_class=error.error_class)
    said = printable(f"{info.code}: {info.message}" if info.message else info.code)
    context = f"while {while_doing}: " if while_doing else ""
    return RunAborted(
        f"{context}{info.error_class.description} ({said})",
        error_class=info.error_class,
    )
