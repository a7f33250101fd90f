"""The recipe of a copy: validate, copy, end.

It wires the rooms together: a source says what there is, steps decide, the executor copies, the
ledger keeps the account. Everything found is accounted for, however the run ends.
"""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from s3_xfer.access.before_run import AccessPreflight
from s3_xfer.access.clients import Clients
from s3_xfer.copying.request_policy import PassTime, Shared, in_full
from s3_xfer.errors import Diagnosis, S3XferError, checked_call
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.result import CopyResult, RunState
from s3_xfer.model import (
    CopyTask,
    DeleteTask,
    NotAttempted,
    OpenUpload,
    Outcome,
    S3Object,
    SkipReason,
)
from s3_xfer.options import Delete
from s3_xfer.pipeline.executor import Executor, Processor
from s3_xfer.planning.choice import KEYS_MAX, OneObjectPerKey, wanted
from s3_xfer.planning.cost import RequestEstimate
from s3_xfer.planning.delete_plan import DeletePlan
from s3_xfer.planning.selection import Selection, judge_of_named
from s3_xfer.planning.steps import Copy, outcome_of
from s3_xfer.run_log import LOGGER
from s3_xfer.runs.copy_setup import CopySetup
from s3_xfer.runs.decisions import ProducerDecisions
from s3_xfer.runs.dry_run import UNSEEN, DryRunProcessor
from s3_xfer.runs.execution import Execution
from s3_xfer.runs.observers import NOBODY, Observers
from s3_xfer.runs.run import Run
from s3_xfer.runs.second_chance import try_again
from s3_xfer.sources.source import Batch, Source
from s3_xfer.spec import CopySpec
from s3_xfer.units import plural
from s3_xfer.wording import message

if TYPE_CHECKING:
    from s3_xfer.runs.copy_processor import CopyProcessor

CHANNEL_OBJECTS = 8192  # found and waiting, at most: bounds memory, keeps the workers fed


class CopyRun(Run[CopyResult]):
    """One copy under way. Every method may be called from any thread.

    ``pass_time`` is for tests, see :class:`~s3_xfer.copying.request_policy.RequestPolicy`.
    """

    operation: CopySpec

    @checked_call
    def __init__(
        self,
        operation: CopySpec,
        *,
        observers: Observers = NOBODY,
        pass_time: PassTime = in_full,
        shared: Shared | None = None,
        logger: logging.Logger = LOGGER,
    ) -> None:
        super().__init__(
            operation,
            thread_name="s3-xfer-run",
            observers=observers,
            pass_time=pass_time,
            shared=shared,
            logger=logger,
        )
        self._executor: Executor[CopyTask] = Executor(
            capacity=max(2, CHANNEL_OBJECTS // operation.batch_size),
            stop=self._stop,
            on_error=self._ledger.abort,
        )
        self._setup = CopySetup(
            operation,
            self._keys,
            ledger=self._ledger,
            requests=self._requests,
            notes=self._notes,
            is_starved=lambda: self._executor.channel.is_starved,
        )
        self._source: Source[S3Object] | None = None
        self._selection: Selection | None = None
        self._one_per_key = OneObjectPerKey() if operation.rename else None
        self._decisions: ProducerDecisions | None = None
        self._processor: Processor[CopyTask] | None = None
        self._copier: CopyProcessor | None = None  # the processor of a real run
        self._lacks_deletes = operation.options.delete is Delete.EXTRA
        self._delete_plan: DeletePlan | None = None
        self._why_managed = ""
        self._report_path: Path | None = None
        self._uploads_left_behind: tuple[OpenUpload, ...] = ()
        self._start()

    def outcomes(self) -> Iterator[Outcome]:
        """Return how objects ended, as it happens, until the last one.

        See :meth:`~s3_xfer.runs.run.Run.read_outcomes`.
        """
        return self.read_outcomes()

    # --------------------------------------------------------------------------- validating

    def _validate(self) -> bool:
        if not self._setup.read_files():
            return False
        clients = self._open_clients(overwrite=self.operation.overwrite)
        self._setup.examine_access(clients, partial(self._open_processor, clients))
        if self._copier and self._setup.preflight:
            self._copier.expect(self._setup.preflight.answer_s)
        self._ledger.report.open()
        return True

    def _open_processor(self, clients: Clients, preflight: AccessPreflight) -> None:
        spec, ledger = self.operation, self._ledger
        judge = judge_of_named(spec.options, began=self._began)
        if self._setup.is_dry_run:
            ledger.estimate = RequestEstimate(
                spec.options, overwrite=spec.overwrite, looks_first=not clients.destination_is_aws
            )
            self._processor = DryRunProcessor(
                spec,
                clients,
                ledger=ledger,
                on_unseen=lambda: self._notes.append(UNSEEN),
                judge=judge,
            )
            self._why_managed = "a dry run copies nothing"
            return
        # While the server answers the last check: before the first one, it would take 10 ms.
        from s3_xfer.runs.copy_processor import CopyProcessor  # noqa: PLC0415

        self._copier = self._processor = CopyProcessor(
            spec,
            self._keys,
            clients,
            ledger=ledger,
            left=lambda: self._executor.channel.left,
            judge=judge,
        )
        self._why_managed = self._copier.why_managed
        self._copier.expect(preflight.answer_s)
        self._copier.preconnect(preflight.first_objects)

    # ------------------------------------------------------------------------------ copying

    def _work(self) -> None:
        if self._setup.opened:
            self._setup.opened.save_periodically(self._ledger.abort)
        all_ended = self._execute()
        if self._lacks_deletes:
            all_ended = self._delete_extras() and all_ended
        self._uploads_left_behind += self._setup.sweep_uploads(is_stopped=self._stop.is_set())
        self._close_copier(all_ended=all_ended)
        self._notes += self._setup.service_notes()
        self._finish_report()

    @property
    def _began(self) -> datetime:
        """When the copy began, in its first run."""
        opened = self._setup.opened
        return opened.started_at if opened else self._metrics.snapshot().start_time

    def _execute(self) -> bool:
        self._source = self._setup.source()
        assert self._source  # noqa: S101 - the caller has looked
        began = self._began
        self._decisions = ProducerDecisions(
            self.operation, self._keys, began=began, last=self._one_per_key
        )
        selection = Selection(
            self.operation.options,
            relative_key=self._keys.relative_key,
            began=began,
            on_left_out=self._ledger.report.left_out,
        )
        self._selection = selection
        execution = Execution(
            self._source,
            self._executor,
            plan=self._plan,
            not_attempted=lambda task: self._ledger.record_late(NotAttempted(task)),
            ledger=self._ledger,
            stop=self._stop,
            batch_size=self.operation.batch_size,
        )
        grace_s = self.operation.options.stop_grace_s
        all_ended = execution.run(self._processor, grace_s=grace_s)
        self._notes += _notes_of_choice(self.operation, self._source, self._one_per_key)
        self._notes += _notes_of_inventory(self.operation, self._source)
        if not self._ledger.journal and self._source.is_exhausted():
            self._notes += selection.notes()
        if self._copier:
            tried = try_again(
                self._copier,
                ledger=self._ledger,
                requests=self._requests,
                notes=self._notes,
                grace_s=grace_s,
            )
            all_ended = all_ended and tried
        return all_ended

    def _delete_extras(self) -> bool:
        """Delete what only the destination has, if everything was copied.

        Returns whether all threads have ended.
        """
        from s3_xfer.runs import deletion  # noqa: PLC0415 - few runs delete

        clients = self._setup.clients
        assert clients  # noqa: S101 - validated
        if not deletion.is_all_copied(self.snapshot()) or self._stop.is_set():
            self._notes.append(deletion.NOTHING_DELETED)
            return True
        stage = deletion.DeletionStage(
            self.operation,
            self.operation.key_map(),
            clients,
            ledger=self._ledger,
            stop=self._stop,
            began=self._began,
        )
        self._delete_plan, all_ended = stage.run()
        self._notes += stage.notes
        self._uploads_left_behind = stage.uploads_left_behind
        if self._delete_plan and self._setup.is_dry_run:
            self._notes += deletion.notes_of_dry_run(self._delete_plan)
        self._lacks_deletes = self._stop.is_set() or not self._delete_plan
        if not self._lacks_deletes and not self.snapshot().files_failed:
            self._setup.mark_deleted()
        return all_ended

    def _plan(self, batch: Batch[S3Object]) -> Sequence[CopyTask]:
        """Count the objects of a batch; return the tasks that are to be copied."""
        items = wanted(self._selected(batch.items), self.operation.where)
        is_renamed = self.operation.rename is not None
        renamed = self._keys.tasks(items) if is_renamed else ()  # may raise: nothing counts
        objects = self._ledger.found(items, batch.keys)
        tasks = renamed or self._keys.tasks(objects)
        return list(filter(None, (self._to_copy(task, batch.counterparts) for task in tasks)))

    def _selected(self, objects: Sequence[S3Object]) -> Sequence[S3Object]:
        """Return the objects that the filters do not leave out; count those that they do."""
        selection = self._selection
        assert selection  # noqa: S101 - made before the source is read
        chosen = selection.wanted(objects)
        if chosen is not objects:
            self._ledger.left_out(selection.left_out, selection.left_out_bytes)
        return chosen

    def _to_copy(
        self, task: CopyTask, counterparts: Mapping[str, S3Object] | None
    ) -> CopyTask | None:
        """Return the task if the steps leave it to be copied; record the others' outcomes."""
        assert self._decisions  # noqa: S101 - made before the source is read
        task, decision = self._decisions.decide(task, counterparts)
        if isinstance(decision, Copy):
            return task
        self._ledger.record_late(outcome_of(decision, task))
        return None

    def _leave_all(self) -> None:
        self._close_copier()
        self._uploads_left_behind = self._setup.open_uploads()
        if self._setup.source() is None:
            if self.operation.options.report_path:
                self._notes.append("no report was written: the run was stopped too early for it")
            return
        try:
            self._ledger.report.open()
        except S3XferError as error:
            self._ledger.fail_late(error, "report")
        self._execute()
        self._finish_report()

    def _close_copier(self, *, all_ended: bool = True) -> None:
        if self._copier:
            self._copier.close(all_ended=all_ended)
        self._copier = self._processor = None

    def _finish_report(self) -> None:
        remaining = self._source.remaining() if self._source else ()
        sources = [each.source for each in self._keys]
        self._report_path = self._ledger.finish_report(sources, remaining)

    # --------------------------------------------------------------------------------- ends

    def _end(self) -> CopyResult:
        ledger, opened, prices = self._ledger, self._setup.opened, self._setup.prices
        self._metrics.finish()
        diagnoses = self._diagnoses()  # before the journal is closed, which records its uploads
        if diagnoses:  # their experiments have opened uploads, too
            self._uploads_left_behind = self._setup.sweep_uploads(is_stopped=False)
        kept, resumable = self._setup.close_journal()
        metrics = self.snapshot()
        stale = metrics.skips_by_reason.get(SkipReason.STALE.value, 0)
        if stale:
            self._notes.append(
                message(
                    "{objects} changed since the inventory: a copy of the prefix with "
                    "{identical=skip} brings what is there now",
                    objects=plural(stale, "object"),
                )
            )
        planned = self._planned_requests()
        storage_class = self.operation.options.storage_class
        is_whole = _is_whole(metrics) and not self._lacks_deletes
        cancelled_by = None if ledger.aborted_by or is_whole else self._stop.reason
        clean = not (ledger.aborted_by or cancelled_by or metrics.files_failed)
        self._state = RunState.COMPLETED if clean else RunState.COPY_FAILED
        result = CopyResult(
            state=self._state,
            metrics=metrics,
            failures=ledger.failures,
            uploads_left_behind=self._uploads_left_behind,
            notes=self.notes,
            aborted_by=ledger.aborted_by,
            cancelled_by=cancelled_by,
            report_path=self._report_path,
            planned_requests=planned,
            bill=prices.bill(metrics.requests, storage_class),
            planned_bill=prices.bill(planned, storage_class) if planned else None,
            why_managed=self._why_managed,
            diagnoses=diagnoses,
            journal=opened.name if opened else None,
            resumable=resumable,
            uploads_kept=kept,
            delete_plan=self._delete_plan,
            history=self._metrics.history(),
            is_first_copy_elsewhere=clean and self._setup.is_first_copy_elsewhere(metrics),
        )
        self._log.info("run ended", extra={"s3_xfer": result.to_dict()})
        return result

    def _planned_requests(self) -> dict[str, int]:
        """Return what a real run would send; nothing if this was one."""
        estimate, source = self._ledger.estimate, self._source
        if not estimate or not source:
            return {}
        found = self.snapshot().total_files_found
        return dict(estimate.total(listing_requests=source.listing_requests(found)))

    def _refuse(self, error: BaseException) -> None:
        super()._refuse(error)
        self._close_copier()
        if self._setup.preflight:
            self._setup.preflight.diagnose(error)
        left = self._setup.sweep_tests()  # before the journal is closed
        if self._setup.opened:
            with contextlib.suppress(S3XferError):  # the refusal is what counts
                self._setup.opened.abandon()
        if isinstance(error, S3XferError):
            error.problem = "\n".join((error.problem, *left))

    def _diagnoses(self) -> tuple[Diagnosis, ...]:
        """Return what each kind of denial means; nothing if the copy was stopped."""
        clients = self._setup.clients
        if self._stop.is_set() or not clients:
            return ()
        failures = [each for each in self._ledger.failures if not isinstance(each.task, DeleteTask)]
        if not failures:
            return ()
        from s3_xfer.access import diagnosis  # noqa: PLC0415 - large, and most runs fail nowhere

        copied = self.snapshot().files_copied_successfully

        @functools.cache
        def diagnoser_of_source(number: int) -> diagnosis.AccessDiagnoser:
            return diagnosis.diagnoser_of(
                clients, self._keys[number], self.operation, copied=copied
            )

        return diagnosis.diagnose_failures(
            failures,
            lambda found: diagnoser_of_source(self._keys.of(found).number),
            log=self._log,
        )


def _is_whole(metrics: TransferMetrics) -> bool:
    """Return whether a stop came too late to keep anything from being copied."""
    return metrics.listing_complete and metrics.files_done == metrics.total_files_found


def _notes_of_choice(
    spec: CopySpec, source: Source[S3Object], one_per_key: OneObjectPerKey | None
) -> Iterator[str]:
    """Yield what is not known because a program has chosen objects or keys."""
    if spec.objects is not None and not source.is_exhausted():
        yield "objects was not read to its end; what it still had is not reported"
    if one_per_key and one_per_key.is_full:
        yield f"keys from rename behind the first {KEYS_MAX:,} were not compared with each other"


def _notes_of_inventory(spec: CopySpec, source: Source[S3Object]) -> Iterator[str]:
    """Yield what is left where an inventory was not read to its end."""
    if not spec.options.inventory:
        return
    from s3_xfer.sources.inventory import InventorySource  # noqa: PLC0415 - few runs read one

    if isinstance(source, InventorySource) and not source.is_exhausted():
        left = "the report has all of it as not listed" if spec.options.report_path else "try again"
        yield message(
            "the inventory was not read to its end: {left}; with {identical=skip} what has "
            "arrived is left alone, and a copy with a journal can be resumed",
            left=left,
        )
