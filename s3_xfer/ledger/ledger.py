"""The one account of a run: what was found, what is in flight, and how each object ended.

Its invariant holds for every end of a run, early ones included: found = copied + skipped + deleted
+ failed + not attempted. Copy and check both record here, and nowhere else. An outcome goes to the
metrics, the journal, the report and the failure limit, in this order. An error that would hit every
object sets the stop flag; the first one is the run's reason to end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3_xfer.comparison import CompareResult
from s3_xfer.errors import ErrorClass, ObjectError, RetryAction, RunAborted, S3XferError, translate
from s3_xfer.ledger.comparison import Comparison
from s3_xfer.ledger.metrics import ERRORS_KEPT, MetricsCollector, error_line
from s3_xfer.ledger.run_report import RunReport
from s3_xfer.ledger.second_chance import SecondChances
from s3_xfer.model import (
    Copied,
    CopyTask,
    Deleted,
    DeleteTask,
    Failed,
    NotAttempted,
    Outcome,
    S3Location,
    S3Object,
    Skipped,
    SkipReason,
)
from s3_xfer.options import CopyOptions, SecondChance
from s3_xfer.pipeline.limits import FailureLimit
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.pipeline.stream import Stream
from s3_xfer.planning.cost import RequestEstimate
from s3_xfer.planning.ranges import KeyRange
from s3_xfer.run_log import RunLog
from s3_xfer.text import printable

if TYPE_CHECKING:
    from s3_xfer.ledger.journal.journal import Journal


class Ledger:
    """The account of one run. Thread-safe.

    It has no journal, and its ``report`` no file, until they are opened. Methods that record raise
    :class:`S3XferError` when the disk refuses, apart from those that say that they do not raise.
    """

    def __init__(
        self, *, metrics: MetricsCollector, stop: StopFlag, options: CopyOptions, log: RunLog
    ) -> None:
        self.report = RunReport(options)
        self.comparison = Comparison()
        self.outcomes: Stream[Any] = Stream()  # of a copy; of a check its results
        self.estimate: RequestEstimate | None = None  # of what a dry run would send
        self.journal: Journal | None = None
        self.aborted_by: RunAborted | None = None
        self.is_cut_off = False  # a pair was not compared, because the run was stopped
        self._metrics = metrics
        self._log = log
        self._stop = stop
        gives_chances = options.second_chance is SecondChance.GIVE
        self._second_chances = SecondChances() if gives_chances else None
        self._is_of_inventory = options.inventory is not None
        self._limit = FailureLimit.of(options.max_failures, options.max_error_rate_percent)
        self._failures: list[Failed] = []
        self._in_flight: dict[int, CopyTask] = {}  # two tasks may be equal: a report may repeat one

    @property
    def failures(self) -> tuple[Failed, ...]:
        """The first failures, at most as many as the metrics keep lines for."""
        return tuple(self._failures[:ERRORS_KEPT])  # threads may have passed the limit together

    # ------------------------------------------------------------------------------ found

    def go_on_from(self, journal: Journal) -> None:
        """Count what the earlier runs of ``journal`` have finished."""
        self.journal = journal
        self._metrics.begin_with(journal.earlier)

    def left_out(self, by_rule: Mapping[str, int], size_bytes: int) -> None:
        """Take what filters have left out so far; it is not among what is found."""
        self._metrics.left_out(by_rule, size_bytes)

    def found(self, objects: Sequence[S3Object], keys: KeyRange | None) -> Sequence[S3Object]:
        """Count the objects of a batch; return those that an earlier run has not finished."""
        if self.journal and keys:
            objects = self.journal.begin_page(keys, objects)
        self._metrics.found(len(objects), sum(found.size for found in objects))
        return objects

    def found_extra(self, count: int) -> None:
        """Count objects of the destination that are to be deleted."""
        self._metrics.found(count, 0)

    def listing_completed(self) -> None:
        """State that nothing more will be found."""
        self._metrics.listing_completed()

    # ------------------------------------------------------------------------- in flight

    def begin(self, task: CopyTask) -> bool:
        """Note that ``task`` is in flight; return False if the run was stopped before."""
        if self._stop.is_set():
            self.record(NotAttempted(task))
            return False
        self._in_flight[id(task)] = task
        return True

    def end(self, task: CopyTask, outcome: Outcome) -> None:
        """Record the outcome of a task in flight, unless the run has ended without waiting."""
        if self._in_flight.pop(id(task), None) is None:
            return
        grown_bytes = outcome.task.source.size - task.source.size
        if grown_bytes:  # a report's size is that of another day
            self._metrics.found(0, grown_bytes)
        if self._is_of_inventory and is_stale(outcome):
            outcome = Skipped(outcome.task, SkipReason.STALE)
        if not self._is_deferred(outcome):
            self.record(outcome)

    def _is_deferred(self, outcome: Outcome) -> bool:
        """Keep an object that gets a second chance; return whether it does."""
        chances = self._second_chances
        if not chances or self._stop.is_set() or not chances.defer(outcome):
            return False
        self._metrics.deferred()
        if self._limit:
            self._keep_limit(self._limit, outcome)
        return True

    def deferred(self) -> Sequence[CopyTask]:
        """Return the objects that get a second chance; how each ended is then to be recorded."""
        return self._second_chances.take() if self._second_chances else ()

    @property
    def declined(self) -> int:
        """How many objects get no second chance because too many do."""
        return self._second_chances.declined if self._second_chances else 0

    def give_up_in_flight(self) -> None:
        """Record as interrupted what S3 has not answered. Does not raise."""
        for number in list(self._in_flight):
            task = self._in_flight.pop(number, None)
            if task:
                error = ObjectError.of(
                    ErrorClass.INTERRUPTED, "S3 had not answered when the run ended", attempts=1
                )
                self.record_late(Failed(task, error))

    # --------------------------------------------------------------------------- outcomes

    def record(self, outcome: Outcome) -> None:
        """Record the end of one object. Call it exactly once for each object found."""
        earlier_error = outcome.task.earlier_error
        if earlier_error and isinstance(outcome, NotAttempted):
            outcome = Failed(outcome.task, earlier_error)
        self._metrics.record(outcome)
        if isinstance(outcome, Failed):
            self._note_failure(outcome)
        if self.estimate and isinstance(outcome, Skipped):
            self.estimate.add(outcome)
        if self.journal and not isinstance(outcome.task, DeleteTask):
            self.journal.record(outcome)
        self.report.record(outcome)
        if self._limit and not earlier_error:  # which was counted
            self._keep_limit(self._limit, outcome)
        if not self.outcomes.is_given_up:
            self.outcomes.put(outcome)

    def record_comparison(self, result: CompareResult) -> None:
        """Record what a check says about one object."""
        error = result.error
        if error and error.info.error_class is ErrorClass.INTERRUPTED:
            self.cut_off()
            return
        self.comparison.add(result)
        is_notable = self.comparison.is_notable(result)
        self._metrics.compared(result.listed, differs=is_notable)
        if not self.outcomes.is_given_up:
            self.outcomes.put(result)
        if is_notable:
            self.report.compared(result)
        if error and error.info.error_class.retry_action is RetryAction.END_RUN:
            self.abort(error, "comparing")

    def record_late(self, outcome: Outcome) -> None:
        """Record; an error in doing so ends the run. Does not raise."""
        try:
            self.record(outcome)
        except S3XferError as error:
            self.abort(error)

    def _note_failure(self, failed: Failed) -> None:
        if len(self._failures) < ERRORS_KEPT:
            what = "deleted" if isinstance(failed.task, DeleteTask) else "copied"
            self._log.warning("not %s: %s", what, error_line(failed))
            self._failures.append(failed)
        if failed.error.info.error_class.retry_action is RetryAction.END_RUN:
            self.abort(failed.error)

    def _keep_limit(self, limit: FailureLimit, outcome: Outcome) -> None:
        """End the run if too many objects have failed; what is skipped was not tried."""
        if isinstance(outcome, Copied | Deleted | Failed) and not self._stop.is_set():
            exceeded = limit.note(failed=isinstance(outcome, Failed))
            if exceeded:
                self.abort(RunAborted(exceeded, error_class=ErrorClass.TOO_MANY_FAILURES))

    # ------------------------------------------------------------------------------- ends

    def abort(self, error: BaseException, while_doing: str = "") -> None:
        """End the run because of ``error``; the first one is its reason. Does not raise."""
        info = translate(error)
        if info.error_class is ErrorClass.INTERRUPTED:
            return  # the stop flag is set already
        kind = error.error_class if isinstance(error, RunAborted) else info.error_class
        if self._stop.set(f"an error ended the run ({(kind or info.error_class).value})"):
            self.aborted_by = run_aborted(error, while_doing)
            if info.error_class is ErrorClass.UNEXPECTED and not isinstance(error, S3XferError):
                self._log.error("unexpected error ended the run", exc_info=error)

    def fail_late(self, error: BaseException, reason: str) -> None:
        """Let ``error``, met while the run was ending, be its reason unless it has one."""
        self._stop.set(reason)
        self.aborted_by = self.aborted_by or run_aborted(error)

    def finish_report(
        self, sources: Sequence[S3Location], remaining: Sequence[KeyRange]
    ) -> Path | None:
        """Give the report its final name, with the ``remaining`` ranges of ``sources`` in it.

        Returns its path; None if there is none, or it could not be written. Does not raise.
        """
        try:
            return self.report.finish(sources, remaining)
        except S3XferError as error:
            self.fail_late(error, "report")
            return None

    def cut_off(self) -> None:
        """State that a pair of a check was not compared, because the run was stopped."""
        self.is_cut_off = True


def is_stale(outcome: Outcome) -> bool:
    """Return whether an object is no more what an inventory has seen."""
    changed = (ErrorClass.SOURCE_CHANGED, ErrorClass.SOURCE_VANISHED)
    return isinstance(outcome, Failed) and outcome.error.info.error_class in changed


def run_aborted(error: BaseException, while_doing: str = "") -> RunAborted:
    """Return the end of a run that ``error`` ended."""
    if isinstance(error, RunAborted):
        return error
    info = translate(error)
    if isinstance(error, S3XferError) and not isinstance(error, ObjectError):
        return RunAborted(error.problem, remedy=error.remedy, error_class=error.error_class)
    answer = printable(f"{info.code}: {info.message}" if info.message else info.code)
    context = f"while {while_doing}: " if while_doing else ""
    return RunAborted(
        f"{context}{info.error_class.description} ({answer})", error_class=info.error_class
    )
