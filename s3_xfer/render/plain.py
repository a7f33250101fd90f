"""Progress as log lines: for pipes, files, schedulers.

Every line has the same fields in the same order, so that ``grep`` and ``awk`` work on it, and no
colours, carriage returns or other control characters.
"""

from __future__ import annotations

from datetime import UTC, timedelta

from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.rate import Rates
from s3_xfer.render.phase import Phase
from s3_xfer.units import format_duration, format_size


def progress_line(phase: Phase, metrics: TransferMetrics, rates: Rates) -> str:
    """Return one line of ``name=value`` fields; a ``+`` marks totals that still grow."""
    at = (metrics.start_time + timedelta(seconds=metrics.duration_s)).astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%SZ} {progress_fields(phase, metrics, rates)}"


def progress_fields(phase: Phase, metrics: TransferMetrics, rates: Rates) -> str:
    """Return the same line without its time, for logs that have their own."""
    grows = "" if metrics.listing_complete else "+"
    fields = (
        phase.value,
        f"objects={metrics.files_done}/{metrics.total_files_found}{grows}",
        f"bytes={_size(metrics.bytes_done)}/{_size(metrics.total_bytes_found)}{grows}",
        f"rate={rates.objects_per_s:.0f}/s,{_size(rates.bytes_per_s)}/s",
        f"failed={metrics.files_failed}",
        f"skipped={metrics.files_skipped}",
        f"retries={metrics.retries}",
        f"throttled={metrics.throttles}",
        f"eta={_eta(phase, rates)}",
    )
    return " ".join(fields)


def _size(size_bytes: float) -> str:
    return format_size(size_bytes).replace(" ", "")


def _eta(phase: Phase, rates: Rates) -> str:
    if phase is Phase.COPYING and rates.eta_s is not None:
        return format_duration(rates.eta_s).replace(" ", "")
    return "-"
