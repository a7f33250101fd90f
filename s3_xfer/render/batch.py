"""What the commands of ``s3-xfer batch`` show: the plan, a job's progress, and its end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from s3_xfer.batch.collect import CollectResult
from s3_xfer.batch.jobs import JobProgress
from s3_xfer.batch.plan import MANIFEST, POLICIES, REST, BatchPlan
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.text import printable, shell_word
from s3_xfer.units import format_size, format_usd, plural

_NOT_INCLUDED = "KMS requests, transfer between regions, storage, and what is left to a copy"


def plan_lines(plan: BatchPlan, place: str) -> Iterator[str]:
    """Return the plan as a person reads it."""
    yield f"job    {plural(plan.objects, 'object')}, {format_size(plan.bytes)}"
    for reason, count in sorted(plan.rest.items()):
        yield f"rest   {plural(count, 'object')}: {printable(reason)}"
    for name, usd in plan.costs_usd.items():
        yield f"cost   {format_usd(usd)} {name}"
    yield f"       {format_usd(sum(plan.costs_usd.values()))} in all, without {_NOT_INCLUDED}"
    yield f"wrote  {printable(place)}: {MANIFEST}, {REST}, {POLICIES}/"
    yield f"next: put the policies in place, then s3-xfer batch submit {shell_word(place)}"


def job_metrics(progress: JobProgress, watched_s: float) -> TransferMetrics:
    """Return a job's counters in the words of a copy; a job counts no bytes."""
    return TransferMetrics(
        operation_id=progress.job_id,
        start_time=datetime.now(UTC) - timedelta(seconds=watched_s),
        end_time=None,
        duration_s=watched_s,
        total_files_found=progress.objects,
        files_copied_successfully=progress.succeeded,
        files_failed=progress.failed,
        listing_complete=True,
    )


def collected_lines(result: CollectResult, plan: BatchPlan) -> Iterator[str]:
    """Return what became of a job, and what to do next."""
    yield (
        f"{plural(result.copied, 'object')}, {format_size(result.bytes_copied)} copied by the job "
        f"and compared ({printable(result.job.status)})"
    )
    for status, count in sorted(result.counts.items()):
        if status != "copied":
            yield f"{plural(count, 'object')} {status.replace('_', ' ')}"
    if result.rest:
        yield f"{plural(result.rest, 'object')} that a job cannot copy"
    yield from (f"failed: {line}" for line in result.errors[:5])
    yield f"report {printable(str(result.report))}"
    if result.left:
        urls = " ".join(
            shell_word(f"s3://{bucket}/{key}") for bucket, key in (plan.source, plan.destination)
        )
        report = shell_word(str(result.report))
        yield f"next: s3-xfer copy --recursive {urls} --from-report {report}"
