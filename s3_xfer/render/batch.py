"""What the commands of ``s3-xfer batch`` show: the plan, a job's progress, and its end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from rich.text import Text

from s3_xfer.batch.collect import CollectResult
from s3_xfer.batch.jobs import JobProgress
from s3_xfer.batch.plan import MANIFEST, POLICIES, REST, BatchPlan
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.rate import Rates
from s3_xfer.render.live import UNICODE, Glyphs, bar_row
from s3_xfer.render.progress import Phase, time_of
from s3_xfer.text import printable, shell_word
from s3_xfer.units import format_count, format_duration, format_size, format_usd, plural

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


def job_line(phase: Phase, metrics: TransferMetrics, rates: Rates) -> str:
    """Return one line of ``name=value`` fields."""
    return (
        f"{time_of(metrics)} {phase.value} "
        f"objects={metrics.files_done}/{metrics.total_files_found} "
        f"rate={rates.objects_per_s:.0f}/s failed={metrics.files_failed}"
    )


def job_frame(
    phase: Phase, metrics: TransferMetrics, rates: Rates, width: int, glyphs: Glyphs = UNICODE
) -> Text:
    """Return the display at one instant."""
    done, total = metrics.files_done, metrics.total_files_found
    numbers = f"{format_count(done)} / {format_count(total)}  {rates.objects_per_s:,.0f}/s"
    bar = bar_row("objects", done / total if total else 0.0, numbers, width, glyphs)
    failed = f"{format_count(metrics.files_failed)} failed{glyphs.between}"
    watched = f"watched {format_duration(metrics.duration_s)}"
    status = Text(f"{phase.value}{glyphs.between}{failed}{watched}", style="cyan")
    status.truncate(width)
    return Text("\n").join([bar, status])


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
