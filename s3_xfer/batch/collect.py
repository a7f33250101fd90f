"""Turns a job that has ended into a report of ours, from which a copy goes on.

Every object of the plan has its line: those of the job with how they ended, as far as a check of
both sides bears out what the job says, and behind them those that the job could not have copied.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3_xfer.access.plan_storage import PlanStorage
from s3_xfer.batch.completion import completion_rows
from s3_xfer.batch.job_objects import JobObjects, lines_of
from s3_xfer.batch.jobs import JobProgress
from s3_xfer.batch.plan import REST, BatchPlan
from s3_xfer.batch.verdict import JobEnd, Left, end_of
from s3_xfer.comparison import CompareResult
from s3_xfer.errors import ErrorClass, ReportError, RunCancelled, ValidationError, check_fields
from s3_xfer.ledger.metrics import ERRORS_KEPT, error_line
from s3_xfer.ledger.report import (
    COPIED,
    DIFFERENT,
    FAILED,
    MISSING,
    NOT_ATTEMPTED,
    ReportWriter,
)
from s3_xfer.model import AccountContext, Copied, Failed
from s3_xfer.operations import S3CheckOperation
from s3_xfer.options import CopyOptions, ReportScope
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.runs.check import CheckRun
from s3_xfer.runs.observers import Observers
from s3_xfer.s3_client import S3Client
from s3_xfer.text import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectResult:
    """How the objects of a job ended, by status of the report, and what is left.

    ``copied`` were verified. ``rest`` are those that the job could not have copied.
    """

    job: JobProgress
    """The job, when its report was read."""
    counts: Mapping[str, int]
    """How many objects ended how, by the status in the report."""
    bytes_copied: int
    """The sizes of those that were verified."""
    rest: int
    """How many objects the job could not have copied."""
    errors: tuple[str, ...]
    """The first failures, a line each."""
    report: Path
    """The report, from which a copy goes on."""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def copied(self) -> int:
        """Objects that are proven to be at the destination."""
        return self.counts.get(COPIED, 0)

    @property
    def left(self) -> int:
        """Objects that are still to be copied."""
        return sum(self.counts.values()) - self.copied + self.rest

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values: the mission's schema first."""
        failed = sum(self.counts.get(status, 0) for status in (FAILED, MISSING, DIFFERENT))
        return {
            "operation_id": self.job.job_id,
            "duration_seconds": round(self.job.elapsed_s, 3),
            "total_files_found": sum(self.counts.values()) + self.rest,
            "files_copied_successfully": self.copied,
            "files_failed": failed,
            "files_not_attempted": self.counts.get(NOT_ATTEMPTED, 0) + self.rest,
            "total_bytes_transferred": self.bytes_copied,
            "errors": list(self.errors),
            "errors_omitted": max(0, failed - len(self.errors)),
            "job_status": self.job.status,
            "not_for_a_job": self.rest,
            "report": str(self.report),
        }


def collect(
    storage: PlanStorage,
    plan: BatchPlan,
    job: JobProgress,
    *,
    s3: S3Client,
    report: Path,
    source: AccountContext,
    destination: AccountContext,
    options: CopyOptions,
) -> CollectResult:
    """Write the report of a job that has ended to ``report``, and return its numbers.

    Raises:
        ValidationError: the job is still under way.
        ReportError: a report cannot be read or written, or does not belong to the plan.
        PreflightError: S3 refuses to show something.
        RunAborted, RunCancelled: the destination could not be compared to the end.
    """
    if not job.has_ended:
        raise ValidationError(
            f"the job {printable(job.job_id)} is still under way ({printable(job.status)})",
            remedy="wait until it has ended",
        )
    keys = plan.key_map(source, destination)
    objects = JobObjects(storage, keys)
    if len(objects) != plan.objects:
        raise ReportError(
            f"the plan {storage.url} lacks objects: it names {len(objects):,} of {plan.objects:,}",
            remedy="give the plan as it was written",
        )
    rows = completion_rows(s3, plan, job.job_id)
    if rows is None and job.succeeded + job.failed:
        raise ReportError(
            f"the job {printable(job.job_id)} has tried objects, and there is no completion report",
            remedy="S3 writes it a while after the end: collect again later",
            error_class=ErrorClass.TIMEOUT,
        )
    for row in rows or ():
        objects.note_row(row)
    if objects.any_said_copied():
        _compare(objects, keys, options)
    return _write(storage, job, objects, report)


def _compare(objects: JobObjects, keys: KeyMap, options: CopyOptions) -> None:
    """Compare both sides as ``s3-xfer check`` does, and note the result of each object."""
    check = S3CheckOperation.between(keys.source, keys.destination, recursive=True, options=options)
    with CheckRun(check, observers=Observers(misses_nothing=True)) as run:
        for compared in run.outcomes():
            objects.note_comparison(compared)
        result = run.result()
    if result.aborted_by:
        raise result.aborted_by
    if result.cancelled_by:
        raise RunCancelled(f"the comparison was stopped: {result.cancelled_by}")


def _write(
    storage: PlanStorage, job: JobProgress, objects: JobObjects, report: Path
) -> CollectResult:
    counts: Counter[str] = Counter()
    errors: list[str] = []
    bytes_copied = rest = 0
    writer = ReportWriter(report, ReportScope.ALL)
    try:
        for found in objects:
            end = end_of(found, job.created)
            counts[_record(writer, end)] += 1
            if isinstance(end, Copied):
                bytes_copied += end.size_bytes
            elif isinstance(end, Failed) and len(errors) < ERRORS_KEPT:
                errors.append(error_line(end))
        for line in lines_of(storage, REST):
            writer.taken_over(line)
            rest += 1
    except BaseException:
        writer.leave()
        raise
    return CollectResult(
        job=job,
        counts=counts,
        bytes_copied=bytes_copied,
        rest=rest,
        errors=tuple(errors),
        report=writer.finish(),
    )


def _record(writer: ReportWriter, end: JobEnd) -> str:
    """Write the line of one object; return its status there."""
    match end:
        case CompareResult():
            writer.compared(end)
            return end.status.value
        case Left(task, reason):
            writer.left(task, reason)
            return NOT_ATTEMPTED
        case Copied():
            writer.record(end)
            return COPIED
        case Failed():
            writer.record(end)
            return FAILED
