"""The numbers of a run: workers add, any thread may read.

Numbers are polled, not pushed, so no worker waits for a terminal. The one lock is held for a few
additions at a time, and never while calling out.

Memory does not grow with the number of objects: of the errors the first hundred are kept (the
report has all), of everything else sums.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from s3_xfer.errors import ErrorClass, ErrorInfo, check_fields, checked_call
from s3_xfer.ledger.history import HistoryRecorder, RunHistory
from s3_xfer.ledger.report import COPIED, SKIPPED
from s3_xfer.model import (
    Copied,
    CopyTask,
    Deleted,
    DeleteTask,
    Failed,
    NotAttempted,
    Outcome,
    S3Object,
    Skipped,
    SkipReason,
)
from s3_xfer.pipeline.outage import Outage
from s3_xfer.text import printable

ERRORS_KEPT = 100
_SHOWN_IN_PARTS = 3
Totals: TypeAlias = Mapping[str, Mapping[str, Sequence[int]]]  # outcome, detail: objects, bytes


@dataclass(frozen=True, slots=True)
class ObjectInParts:
    """An object that is copied in parts at this moment, and how much of it is copied."""

    key: str
    size_bytes: int
    done_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferMetrics:
    """One instant of a run.

    Counts are objects ("files" in the schema), sizes bytes. At the end of a run
    ``total_files_found`` equals copied + skipped + deleted + failed + not attempted; before it is
    never smaller. No count ever decreases.

    A run that goes on from a journal counts the whole copy; the ``..._earlier`` are the share of
    earlier runs. Times, requests, retries, errors and reasons of copies are those of this run
    alone.
    """

    operation_id: str
    """The id of the run; log records have it as ``s3_xfer_run_id``."""
    duration_s: float
    """How long the run has taken so far."""
    total_files_found: int = 0
    """Objects found; what a sync is to delete is among them."""
    files_copied_successfully: int = 0
    """Objects copied; of a resumed run, those of earlier runs too."""
    files_failed: int = 0
    """Objects that failed."""
    total_bytes_transferred: int = 0
    """The sizes of those that were copied."""
    errors_encountered: tuple[str, ...] = ()
    """The first failures, a line each, at most a hundred."""
    errors_by_class: Mapping[str, int] = field(default_factory=dict)
    """How many failed, by the value of the error's class."""
    files_skipped: int = 0
    """Objects left alone on purpose."""
    skips_by_reason: Mapping[str, int] = field(default_factory=dict)
    """How many were left alone, by reason."""
    copies_by_reason: Mapping[str, int] = field(default_factory=dict)
    """How many were copied, or would be, by what the comparison before has shown."""
    files_deleted: int = 0
    """Objects that a sync has deleted."""
    bytes_deleted: int = 0
    """Their sizes together."""
    files_not_attempted: int = 0
    """Objects found, but not tried before the run ended."""
    files_left_out: int = 0
    """Objects that filters did not choose; they are in no other count."""
    bytes_left_out: int = 0
    """Their sizes together."""
    left_out_by_rule: Mapping[str, int] = field(default_factory=dict)
    """How many were left out, by the rule that did it."""
    total_bytes_found: int = 0
    """The sizes of what was found; of what is to be deleted not."""
    bytes_skipped: int = 0
    """The sizes of what was left alone."""
    bytes_failed: int = 0
    """The sizes of what failed."""
    files_interrupted: int = 0
    """Of the failed objects, those that the stop of the run interrupted."""
    bytes_interrupted: int = 0
    """Their sizes together."""
    planned_bytes: int = 0
    """The sizes of what a dry run would copy."""
    bytes_in_progress: int = 0
    """Finished parts of unfinished objects."""
    in_parts: tuple[ObjectInParts, ...] = ()
    """The largest of the objects that are being copied in parts."""
    listing_complete: bool = False
    """Whether everything that there is was found."""
    retries: int = 0
    """Requests that were sent again."""
    throttles: int = 0
    """How often S3 asked for fewer requests."""
    files_tried_again: int = 0
    """Objects that failed for a temporary reason, and got a second chance."""
    files_copied_on_second_try: int = 0
    """Those of them that were copied then."""
    outages: int = 0
    """How often a server was away."""
    outage_s: float = 0.0
    """For how long, together."""
    waiting_for: tuple[Outage, ...] = ()
    """The servers that are away now."""
    requests: Mapping[str, int] = field(default_factory=dict)
    """What was sent, by S3 operation, repetitions included."""
    requests_of_checks: Mapping[str, int] = field(default_factory=dict)
    """Those of them that the checks before the first copy sent."""
    copied_by_engine: Mapping[str, int] = field(default_factory=dict)
    """How many each engine copied."""
    files_copied_earlier: int = 0
    """The share of earlier runs in the copied objects."""
    files_skipped_earlier: int = 0
    """Their share in the skipped ones."""
    bytes_copied_earlier: int = 0
    """The sizes of what earlier runs copied."""
    bytes_skipped_earlier: int = 0
    """The sizes of what they left alone."""
    start_time: datetime
    """When the run began."""
    end_time: datetime | None
    """When it ended; None before."""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def requests_of_copying(self) -> Mapping[str, int]:
        """What was sent by operation, without the checks."""
        return Counter(self.requests) - Counter(self.requests_of_checks)

    @property
    def files_earlier(self) -> int:
        """Objects that earlier runs of the same copy have finished."""
        return self.files_copied_earlier + self.files_skipped_earlier

    @property
    def bytes_earlier(self) -> int:
        """Bytes of these."""
        return self.bytes_copied_earlier + self.bytes_skipped_earlier

    @property
    def planned_files(self) -> int:
        """Objects of a dry run that a real one would copy; ``planned_bytes`` are theirs."""
        return self.skips_by_reason.get(SkipReason.DRY_RUN.value, 0)

    @property
    def files_done(self) -> int:
        """Objects whose fate is known: copied, skipped, deleted or failed, but not interrupted."""
        failed = self.files_failed - self.files_interrupted
        done = self.files_copied_successfully + self.files_skipped + self.files_deleted
        return done + failed

    @property
    def bytes_done(self) -> int:
        """Bytes whose fate is known, finished parts of large objects included."""
        return (
            self.total_bytes_transferred
            + self.bytes_skipped
            + self.bytes_failed
            - self.bytes_interrupted
            + self.bytes_in_progress
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values: the mission's schema first, all other fields behind it."""
        values = asdict(self)
        del values["bytes_in_progress"], values["in_parts"], values["waiting_for"]
        values["outage_seconds"] = round(values.pop("outage_s"), 3)
        return {
            "operation_id": values.pop("operation_id"),
            "duration_seconds": round(values.pop("duration_s"), 3),
            "total_files_found": values.pop("total_files_found"),
            "files_copied_successfully": values.pop("files_copied_successfully"),
            "files_failed": values.pop("files_failed"),
            "total_bytes_transferred": values.pop("total_bytes_transferred"),
            "errors": list(values.pop("errors_encountered")),
            "errors_omitted": self.files_failed - len(self.errors_encountered),
            **values,
            "start_time": self.start_time.isoformat(),
            "end_time": self.end_time.isoformat() if self.end_time else None,
        }


class _Outages:
    """The outages of a run, by endpoint, and how long they took. Not thread-safe."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._present: dict[str, tuple[float, Outage]] = {}  # since when, on the clock here
        self._ended_s = 0.0

    def note(self, endpoint: str, outage: Outage | None) -> bool:
        """Take the newest state of ``endpoint``; return whether an outage begins with it."""
        since_s, _ = self._present.pop(endpoint, (None, None))
        if outage:
            now_s = self._monotonic() if since_s is None else since_s
            self._present[endpoint] = (now_s, outage)
        elif since_s is not None:
            self._ended_s += self._monotonic() - since_s
        return outage is not None and since_s is None

    @property
    def present(self) -> tuple[Outage, ...]:
        """Those that last."""
        return tuple(outage for _, outage in self._present.values())

    @property
    def length_s(self) -> float:
        """How long all of them have lasted."""
        lasting_s = sum(self._monotonic() - since_s for since_s, _ in self._present.values())
        return self._ended_s + lasting_s


class _InParts:
    """The objects that are being copied in parts. Not thread-safe."""

    def __init__(self) -> None:
        self._by_key: dict[str, ObjectInParts] = {}

    def note(self, task: CopyTask, done_bytes: int) -> int:
        """State how much of an object is copied; return how much that is more than before.

        Less than before (the object was started again) changes nothing.
        """
        key = task.destination_key
        before = self._by_key.get(key)
        before_bytes = before.done_bytes if before else 0
        done_bytes = max(done_bytes, before_bytes)
        self._by_key[key] = ObjectInParts(key, task.source.size, done_bytes)
        return done_bytes - before_bytes

    def end(self, key: str) -> int:
        """Forget an object that has ended; return how much of it was copied in parts."""
        ended = self._by_key.pop(key, None)
        return ended.done_bytes if ended else 0

    @property
    def done_bytes(self) -> int:
        """How much of all of them is copied."""
        return sum(each.done_bytes for each in self._by_key.values())

    @property
    def largest(self) -> tuple[ObjectInParts, ...]:
        """The largest ones, to be shown."""
        return tuple(heapq.nlargest(_SHOWN_IN_PARTS, self._by_key.values(), key=_size_and_key))


class MetricsCollector:
    """The thread-safe aggregator behind :class:`TransferMetrics`.

    Every method may be called from any thread. ``monotonic`` gives seconds, ``now`` the wall
    clock; the end is computed as start plus monotonic duration, so it never precedes the start.
    """

    @checked_call
    def __init__(
        self,
        operation_id: str,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._operation_id = operation_id
        self._monotonic = monotonic
        self._started_at, self._started_s = now(), monotonic()
        self._ended_s: float | None = None
        self._lock = threading.Lock()
        self._listing_complete = False
        self._sums: dict[str, int] = defaultdict(int)  # by the name of their field
        self._requests: Counter[str] = Counter()
        self._engines: Counter[str] = Counter()
        self._skip_reasons: Counter[str] = Counter()
        self._copy_reasons: Counter[str] = Counter()
        self._error_classes: Counter[str] = Counter()
        self._left_out_by_rule: Mapping[str, int] = {}
        self._errors: list[str] = []
        self._in_parts = _InParts()
        self._requests_of_checks: Mapping[str, int] = {}
        self._outages = _Outages(monotonic)
        self._history = HistoryRecorder()

    def begin_with(self, earlier: Totals) -> None:
        """Count what earlier runs of the same copy have finished. Call it before anything else."""
        copied, skipped = earlier.get(COPIED, {}), earlier.get(SKIPPED, {})
        bytes_copied = sum(size_bytes for _, size_bytes in copied.values())
        bytes_skipped = sum(size_bytes for _, size_bytes in skipped.values())
        with self._lock:
            self._engines.update({engine: count for engine, (count, _) in copied.items()})
            self._skip_reasons.update({reason: count for reason, (count, _) in skipped.items()})
            files_copied, files_skipped = self._engines.total(), self._skip_reasons.total()
            self._sums.update(
                total_files_found=files_copied + files_skipped,
                total_bytes_found=bytes_copied + bytes_skipped,
                files_copied_successfully=files_copied,
                files_copied_earlier=files_copied,
                total_bytes_transferred=bytes_copied,
                bytes_copied_earlier=bytes_copied,
                files_skipped=files_skipped,
                files_skipped_earlier=files_skipped,
                bytes_skipped=bytes_skipped,
                bytes_skipped_earlier=bytes_skipped,
            )

    def found(self, count: int, size_bytes: int) -> None:
        """Add objects that the listing brought; bytes alone correct what was known of a size."""
        with self._lock:
            self._sums["total_files_found"] += count
            self._sums["total_bytes_found"] += size_bytes

    def left_out(self, by_rule: Mapping[str, int], size_bytes: int) -> None:
        """Take the objects, of the whole run so far, that filters left out."""
        with self._lock:
            self._left_out_by_rule = dict(by_rule)
            self._sums["files_left_out"] = sum(by_rule.values())
            self._sums["bytes_left_out"] = size_bytes

    def listing_completed(self) -> None:
        """State that nothing more will be found."""
        with self._lock:
            self._listing_complete = True

    def request_sent(self, operation: str) -> None:
        """Count one HTTP request of the S3 ``operation``."""
        with self._lock:
            self._requests[operation] += 1

    def checks_ended(self) -> None:
        """State that all requests so far were sent by the checks before the run."""
        with self._lock:
            self._requests_of_checks = dict(self._requests)

    def retried(self, *, throttled: bool) -> None:
        """Count one repetition of a request; ``throttled`` if S3 had asked for fewer."""
        with self._lock:
            self._sums["retries"] += 1
            self._sums["throttles"] += throttled
            self._history.retried(self._elapsed_s())

    def deferred(self) -> None:
        """Count one object that failed and will be tried again."""
        with self._lock:
            self._sums["files_tried_again"] += 1

    def outage(self, endpoint: str, outage: Outage | None) -> None:
        """Take the newest state of ``endpoint``; None: it answers, or is waited for no more."""
        with self._lock:
            self._sums["outages"] += self._outages.note(endpoint, outage)

    def parts_finished(self, task: CopyTask, done_bytes: int) -> None:
        """State that ``done_bytes`` of one object are copied so far.

        A smaller number than before (the object was started again) changes nothing.
        """
        with self._lock:
            self._history.part_ended(self._elapsed_s(), self._in_parts.note(task, done_bytes))

    def record(self, outcome: Outcome) -> None:
        """Add the end of one object. Call it exactly once for each object found."""
        with self._lock:
            is_copy = not isinstance(outcome.task, DeleteTask)
            size_bytes = outcome.task.source.size if is_copy else 0
            parts_bytes = self._in_parts.end(outcome.task.destination_key)
            self._history.ended(self._elapsed_s(), outcome, parts_bytes=parts_bytes)
            match outcome:
                case Copied():
                    self._sums["files_copied_successfully"] += 1
                    if outcome.task.earlier_error:
                        self._sums["files_copied_on_second_try"] += 1
                    self._sums["total_bytes_transferred"] += outcome.size_bytes
                    self._engines[outcome.engine] += 1
                    self._add_copy_reason(outcome.task)
                case Deleted():
                    self._sums["files_deleted"] += 1
                    self._sums["bytes_deleted"] += outcome.task.source.size
                case Skipped():
                    self._sums["files_skipped"] += 1
                    self._sums["bytes_skipped"] += size_bytes
                    self._skip_reasons[outcome.reason.value] += 1
                    if outcome.reason is SkipReason.DRY_RUN:
                        self._sums["planned_bytes"] += size_bytes
                        self._add_copy_reason(outcome.task)
                case Failed():
                    self._sums["files_failed"] += 1
                    self._sums["bytes_failed"] += size_bytes
                    error_class = outcome.error.info.error_class
                    self._error_classes[error_class.value] += 1
                    if error_class is ErrorClass.INTERRUPTED:
                        self._sums["files_interrupted"] += 1
                        self._sums["bytes_interrupted"] += size_bytes
                    if len(self._errors) < ERRORS_KEPT:
                        self._errors.append(error_line(outcome))
                case NotAttempted():
                    self._sums["files_not_attempted"] += 1

    def compared(self, found: S3Object | None, *, differs: bool) -> None:
        """Add what a check said about one object to the history."""
        if not found:
            return
        with self._lock:
            self._history.compared(self._elapsed_s(), found, differs=differs)

    def _elapsed_s(self) -> float:
        return self._monotonic() - self._started_s

    def _add_copy_reason(self, task: CopyTask) -> None:
        if task.reason:
            self._copy_reasons[task.reason.value] += 1

    def finish(self) -> None:
        """Stop the clock. Later snapshots have an end time."""
        with self._lock:
            if self._ended_s is None:
                self._ended_s = self._monotonic()

    def history(self) -> RunHistory:
        """Return what this run did over time, and the objects that it has ended."""
        with self._lock:
            return self._history.history()

    def snapshot(self) -> TransferMetrics:
        """Return the numbers of this instant, consistent among themselves."""
        with self._lock:
            until_s = self._monotonic() if self._ended_s is None else self._ended_s
            duration_s = max(0.0, until_s - self._started_s)
            ended_at = self._started_at + timedelta(seconds=duration_s)
            return TransferMetrics(
                operation_id=self._operation_id,
                start_time=self._started_at,
                end_time=None if self._ended_s is None else ended_at,
                duration_s=duration_s,
                bytes_in_progress=self._in_parts.done_bytes,
                in_parts=self._in_parts.largest,
                outage_s=self._outages.length_s,
                waiting_for=self._outages.present,
                listing_complete=self._listing_complete,
                requests=dict(self._requests),
                requests_of_checks=self._requests_of_checks,
                copied_by_engine=dict(self._engines),
                skips_by_reason=dict(self._skip_reasons),
                copies_by_reason=dict(self._copy_reasons),
                errors_by_class=dict(self._error_classes),
                left_out_by_rule=self._left_out_by_rule,
                errors_encountered=tuple(self._errors),
                **self._sums,
            )


def _size_and_key(each: ObjectInParts) -> tuple[int, str]:
    return each.size_bytes, each.key


def error_line(failed: Failed) -> str:
    """Return one line that names object, class, S3's words and request id."""
    return f"{printable(failed.task.source.url)} -> {info_text(failed.error.info)}"


def info_text(info: ErrorInfo) -> str:
    """Return class, S3's code and words, and the request id, safe to print."""
    message = f": {info.message}" if info.message else ""
    code = f" {info.code}" if info.code != info.error_class.value else ""
    request = f" (request id {info.request_id})" if info.request_id else ""
    return printable(f"{info.error_class.value}{code}{message}{request}")
