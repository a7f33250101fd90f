"""The table in the summary of a copy: counts, sizes, speed, requests, costs, files.

Pure functions from a result to rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.prices import Bill
from s3_xfer.ledger.result import CopyResult
from s3_xfer.model import SkipReason
from s3_xfer.render.summary import Context, Row, Tone, bill_basis, by_count
from s3_xfer.text import printable
from s3_xfer.units import format_count, format_duration, format_size, format_usd, plural


def copy_rows(result: CopyResult, context: Context) -> Iterator[Row]:
    """Yield the rows of the table, in order."""
    metrics = result.metrics
    yield from _dry_run_rows(metrics) if context.dry_run else _outcome_rows(metrics)
    yield from _missing_rows(metrics)
    yield from _estimate_rows(result)
    yield from _request_rows(result, context)
    yield from _file_rows(result)


def _outcome_rows(metrics: TransferMetrics) -> Iterator[Row]:
    yield Row(
        "copied",
        format_count(metrics.files_copied_successfully),
        format_size(metrics.total_bytes_transferred),
        _speed(metrics),
        Tone.GOOD if metrics.files_copied_successfully else None,
    )
    yield Row(
        "skipped",
        format_count(metrics.files_skipped),
        format_size(metrics.bytes_skipped) if metrics.files_skipped else "",
        by_count(metrics.skips_by_reason),
    )


def _dry_run_rows(metrics: TransferMetrics) -> Iterator[Row]:
    """Yield what would happen; the size is that of all skipped objects together."""
    reasons = dict(metrics.skips_by_reason)
    would_copy = reasons.pop(SkipReason.DRY_RUN.value, 0)
    size = format_size(metrics.bytes_skipped)
    tone = Tone.GOOD if would_copy else None
    yield Row("would copy", format_count(would_copy), size, "", tone)
    if reasons:
        yield Row("would skip", format_count(sum(reasons.values())), "", by_count(reasons))


def _missing_rows(metrics: TransferMetrics) -> Iterator[Row]:
    yield Row(
        "failed",
        format_count(metrics.files_failed),
        format_size(metrics.bytes_failed) if metrics.files_failed else "",
        by_count(metrics.errors_by_class),
        Tone.BAD if metrics.files_failed else None,
    )
    if metrics.files_not_attempted:
        text = "found, but the run ended before their turn"
        yield Row("not tried", format_count(metrics.files_not_attempted), "", text, Tone.MIXED)
    if not metrics.listing_complete:
        yield Row("listing", "incomplete", "", "there may be more objects than found", Tone.MIXED)


def _estimate_rows(result: CopyResult) -> Iterator[Row]:
    if result.planned_requests:
        yield _requests_row("would send", result.planned_requests)
    if result.planned_bill:
        yield _bill_row("would cost", result.planned_bill)


def _request_rows(result: CopyResult, context: Context) -> Iterator[Row]:
    metrics = result.metrics
    yield Row("duration", format_duration(metrics.duration_s))
    yield _requests_row("requests", metrics.requests)
    if metrics.copied_by_engine:
        yield _engine_row(metrics.copied_by_engine, result.why_managed)
    if result.bill and not context.dry_run:
        yield _bill_row("bill", result.bill)
    if metrics.retries:
        throttled = f"S3 asked for fewer requests: {plural(metrics.throttles, 'time')}"
        detail = throttled if metrics.throttles else ""
        yield Row("retries", format_count(metrics.retries), "", detail)


def _file_rows(result: CopyResult) -> Iterator[Row]:
    if result.journal:
        yield Row("journal", printable(result.journal))
    if result.report_path:
        yield Row("report", printable(str(result.report_path)))


def _requests_row(label: str, requests: Mapping[str, int]) -> Row:
    return Row(label, format_count(sum(requests.values())), "", by_count(requests))


def _engine_row(copied_by_engine: Mapping[str, int], why_managed: str) -> Row:
    """Return which engine made the copies, or how many each of the two made."""
    if "crt" not in copied_by_engine:
        return Row("engine", "managed", "", why_managed or "all in parts")
    mixed = len(copied_by_engine) > 1
    return Row("engine", "crt", "", f"{by_count(copied_by_engine)} (in parts)" if mixed else "")


def _bill_row(label: str, bill: Bill) -> Row:
    return Row(label, format_usd(bill.usd), "", f"estimated: {bill_basis(bill)}")


def _speed(metrics: TransferMetrics) -> str:
    """Return the speed of this run, and how many objects earlier runs copied."""
    copied = metrics.files_copied_successfully - metrics.files_copied_earlier
    earlier = metrics.files_copied_earlier
    before = f"{plural(earlier, 'object')} by earlier runs" if earlier else ""
    if not copied or metrics.duration_s <= 0:
        return before
    objects = copied / metrics.duration_s
    size = (metrics.total_bytes_transferred - metrics.bytes_copied_earlier) / metrics.duration_s
    speed = f"{plural(round(objects), 'object')}/s, {format_size(size)}/s"
    return f"{before}, then {speed}" if before else speed
