"""One copy from start to end: wires the rooms together and goes through the stages.

Three kinds of threads: the *run* thread goes through the stages, the *producer* lists, the
*workers* copy. Whatever ends a run early goes through one stop flag; whatever was found is
accounted for, also then.

Refuses to know how anything is copied, listed or drawn.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from s3_xfer.access import preflight, probe
from s3_xfer.access.clients import Clients
from s3_xfer.access.diagnosis import Investigator
from s3_xfer.access.explaining import explain_failures, explain_refusal
from s3_xfer.access.journals import journal_storage
from s3_xfer.copying.request_policy import PassTime, in_full
from s3_xfer.errors import ErrorClass, PreflightError, S3XferError
from s3_xfer.errors import Diagnosis
from s3_xfer.ledger.journal.opening import OpenJournal
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.prices import AWS_PRICES, read_prices
from s3_xfer.ledger.result import CopyResult, RunState
from s3_xfer.model import Failed, OpenUpload, S3Object
from s3_xfer.options import Preflight, RunMode
from s3_xfer.runs.executor import Crew, CrewEnd, run_aborted
from s3_xfer.runs.run import Handle
from s3_xfer.runs.todo import Todo, leave_everything
from s3_xfer.sources.report import ReportSource
from s3_xfer.spec import CopySpec
from s3_xfer.text import s3_url

_log = logging.getLogger("s3_xfer")


class CopyRun(Handle[CopyResult]):
    """The handle of one copy. Every method may be called from any thread.

    ``pass_time`` is for tests, see :class:`~s3_xfer.copying.request_policy.RequestPolicy`.
    """

    operation: CopySpec

    def __init__(self, operation: CopySpec, *, pass_time: PassTime = in_full) -> None:
        super().__init__(operation, thread_name="s3-xfer-run", pass_time=pass_time)
        self._clients: Clients | None = None
        self._crew: Crew | None = None
        self._prices = AWS_PRICES
        self._single: S3Object | None = None
        self._report_source: ReportSource | None = None
        self._sample: S3Object | None = None  # of what the checks looked at
        self._opened: OpenJournal | None = None
        self._thread.start()

    def recent_failures(self) -> tuple[Failed, ...]:
        """Return the first failures, at most a hundred."""
        return self._crew.failures if self._crew else ()

    # ------------------------------------------------------------------------ the stages

    def _go(self) -> None:
        self._crew = self._validate()
        if self._crew is None:
            self._end(CrewEnd())
            return
        self._state = RunState.COPYING
        self._end(self._crew.work())

    def _validate(self) -> Crew | None:
        """Check everything that can be checked, and gather what the copying needs.

        Returns None if a journal says that nothing is left to do.
        """
        operation, options = self.operation, self.operation.options
        self._look_at_options()
        if options.prices_path:
            self._prices = read_prices(options.prices_path)
        if self._resumes():
            return None
        is_begun = self._opened is not None and self._opened.journal is not None
        report = self._report_source = (
            ReportSource(options.from_report_path, self._keys)
            if options.from_report_path and not is_begun
            else None
        )
        clients = self._clients = self._open_clients(overwrite=operation.overwrite)
        single, sample = self._look(clients)
        self._begin_journal(clients, single, report)
        self._try_to_write(clients, sample)
        return Crew(
            operation=operation,
            keys=self._keys,
            clients=clients,
            single=single,
            report_source=report,
            metrics=self._metrics,
            stop=self._stop,
            opened=self._opened,
        )

    def _resumes(self) -> bool:
        """Open the journal, if there is to be one; return whether it says that all is done."""
        operation = self.operation
        name = operation.options.journal
        if not name:
            return False
        if operation.options.mode is RunMode.DRY_RUN:
            self._notes.append("a dry run copies nothing, so it keeps no journal")
            return False
        self._opened = OpenJournal(
            journal_storage(name, operation.destination, requests=self._requests), operation
        )
        journal = self._opened.journal
        if journal is None:
            return False
        self._metrics.begin_with(journal.earlier)
        if not journal.is_complete:
            self._notes.append(f"going on from the journal {self._opened.name}")
            return False
        if journal.uploads.may_be_open:  # killed between the last object and the end
            self._notes.append(
                f"by the journal {self._opened.name} only uploads may be left, to be aborted"
            )
            return False
        self._metrics.listing_completed()
        self._notes.append(
            f"nothing is left to do: by the journal {self._opened.name} this copy is complete"
        )
        return True

    def _begin_journal(
        self, clients: Clients, single: S3Object | None, report: ReportSource | None
    ) -> None:
        """Let the journal know what no listing will bring, and all uploads from now on."""
        if not self._opened:
            return
        if report:
            to_copy = chain.from_iterable(report.pages())
            journal = self._opened.begin(to_list=report.unlisted, to_copy=to_copy)
        elif single:
            journal = self._opened.begin(to_list=(), to_copy=[single])
        else:
            journal = self._opened.begin()
        clients.destination_hooks.record_uploads_in(journal.uploads)

    def _look(self, clients: Clients) -> tuple[S3Object | None, Sequence[S3Object]]:
        """Check what can be checked by reading; return the single object, and what was seen."""
        options, recursive = self.operation.options, self.operation.recursive
        source, destination = self._keys.source, self._keys.destination
        # A single object is looked up in any case: the copy needs its size and ETag.
        single = self._single = (
            None if recursive else preflight.check_source_object(clients.source, source)
        )
        if options.preflight is Preflight.SKIP:
            self._notes.append("access was not checked before the copy (--no-preflight)")
            return single, ()
        sample = [single] if single else preflight.check_source_prefix(clients.source, source)
        self._sample = probe.readable(sample) or sample[0]
        preflight.check_tags(clients.source, sample, options)
        preflight.check_destination_bucket(clients.destination, destination)
        if not self.operation.overwrite:
            preflight.check_existing(clients, destination)
        return single, sample

    def _try_to_write(self, clients: Clients, sample: Sequence[S3Object]) -> None:
        """Check what can only be checked by writing."""
        options = self.operation.options
        if options.preflight is Preflight.SKIP:
            return
        if options.mode is RunMode.DRY_RUN:
            self._notes.append("a dry run writes nothing, so write access was not checked")
        else:
            self._notes += probe.probe_write(clients, self._keys.destination, sample, options)

    # -------------------------------------------------------------------------- the ends

    def _refuse(self, error: BaseException) -> None:
        if self._stop.is_set() and isinstance(error, S3XferError):  # stopped during the checks
            self._end(self._nothing_begun())
            return
        super()._refuse(error)
        if self._opened:
            with contextlib.suppress(S3XferError):  # the refusal is what counts
                self._opened.abandon()
        if isinstance(error, PreflightError) and self._clients:
            explain_refusal(error, self._investigator, self._sample)
        if isinstance(error, S3XferError):
            self._mention_open_uploads(error)

    def _nothing_begun(self) -> CrewEnd:
        """Return the end of a run that was stopped during its checks: all is left to do."""
        end = CrewEnd(uploads_left_behind=self._open_uploads())
        options = self.operation.options
        todo = Todo(
            single=self._single,
            report_source=self._report_source,
            journal=self._opened.journal if self._opened else None,
        )
        if not self._knows(todo):
            if options.report_path:
                self._notes.append("no report was written: the run was stopped too early for it")
            return end
        try:
            report_path = leave_everything(
                todo, keys=self._keys, metrics=self._metrics, options=options
            )
        except S3XferError as error:
            return replace(end, aborted_by=run_aborted(error))
        return replace(end, report_path=report_path)

    def _knows(self, todo: Todo) -> bool:
        """Return whether ``todo`` is all: nothing that it is made from was still to be read."""
        if todo.single or todo.report_source or todo.journal:
            return True
        options = self.operation.options
        keeps_journal = options.journal and options.mode is not RunMode.DRY_RUN
        is_unread = options.from_report_path or (keeps_journal and not self._opened)
        return self.operation.recursive and not is_unread

    def _diagnosis(self, end: CrewEnd) -> Diagnosis | None:
        """Return what the first denial of the copy means; None if it was stopped."""
        if self._stop.is_set() or not self._clients:
            return None
        return explain_failures(end.failures, self._investigator)

    def _investigator(self) -> Investigator:
        assert self._clients  # noqa: S101 - nothing is denied before there are any
        operation = self.operation
        return Investigator(
            self._clients, self._keys, operation.options, overwrite=operation.overwrite
        )

    def _mention_open_uploads(self, error: S3XferError) -> None:
        """Tell of the preflight's own upload if not even its abort was allowed."""
        for upload in self._open_uploads():
            place = s3_url(upload.bucket, upload.key)
            error.problem += (
                f"\nThe check's own upload {upload.upload_id} to {place} could not be aborted"
            )

    def _open_uploads(self) -> tuple[OpenUpload, ...]:
        return self._clients.destination_hooks.open_uploads() if self._clients else ()

    def _end(self, end: CrewEnd) -> None:
        self._notes += end.notes
        kept, is_left, end = self._leave_journal(end)
        self._metrics.finish()
        diagnosis = self._diagnosis(end)  # before the snapshot: its requests count
        metrics = self.snapshot()
        storage_class = self.operation.options.storage_class
        planned = end.planned_requests
        cancelled_by = None if end.aborted_by or _nothing_cut_off(metrics) else self._stop.reason
        clean = not (end.aborted_by or cancelled_by or metrics.files_failed)
        self._state = RunState.COMPLETED if clean else RunState.COPY_FAILED
        self._result = CopyResult(
            state=self._state,
            metrics=metrics,
            failures=end.failures,
            uploads_left_behind=end.uploads_left_behind,
            notes=self.notes,
            aborted_by=end.aborted_by,
            cancelled_by=cancelled_by,
            report_path=end.report_path,
            planned_requests=planned,
            bill=self._prices.bill(metrics.requests, storage_class),
            planned_bill=self._prices.bill(planned, storage_class) if planned else None,
            why_managed=end.why_managed,
            diagnosis=diagnosis,
            journal=self._opened.name if self._opened else None,
            resumable=is_left,
            uploads_kept=kept,
        )
        _log.info("run ended", extra={"s3_xfer": self._result.to_dict()})

    def _leave_journal(self, end: CrewEnd) -> tuple[tuple[OpenUpload, ...], bool, CrewEnd]:
        """Close the journal; return the uploads it keeps, and whether something is left to do."""
        if not self._opened:
            return (), False, end
        journal, bucket = self._opened.journal, self._keys.destination.bucket
        is_left = journal is not None and not journal.is_complete
        kept: tuple[OpenUpload, ...] = ()
        try:
            left = journal.uploads.resumable() if journal else ()
            kept = tuple(OpenUpload(bucket, each.key, each.upload_id) for each in left)
            self._opened.close()
        except S3XferError as error:
            self._stop.set("journal")
            end = replace(end, aborted_by=end.aborted_by or run_aborted(error))
        return kept, is_left, end


def _nothing_cut_off(metrics: TransferMetrics) -> bool:
    """Return whether a stop came too late to keep anything from being copied."""
    return (
        metrics.listing_complete
        and metrics.files_done == metrics.total_files_found
        and ErrorClass.INTERRUPTED.value not in metrics.errors_by_class
    )
