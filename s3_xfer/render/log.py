"""A run in words for other programs' logs: one line while it lasts, the summary at its end.

What :mod:`s3_xfer.cli` prints for people, as plain text for callers of the library (the Airflow
operator) whose logs have times of their own. Refuses to know what a logger is.
"""

from __future__ import annotations

from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.rate import Rates
from s3_xfer.ledger.result import CopyResult, RunState
from s3_xfer.render.phase import phase_of
from s3_xfer.render.plain import progress_fields
from s3_xfer.render.summary import Context, summarize
from s3_xfer.render.tables import as_text


def progress_text(
    state: RunState, metrics: TransferMetrics, rates: Rates, *, stopping: bool = False
) -> str:
    """Return one line of ``name=value`` fields, the first of which is what the run is doing."""
    return progress_fields(phase_of(state, metrics, stopping=stopping), metrics, rates)


def result_text(
    result: CopyResult, *, source_url: str, destination_url: str, dry_run: bool = False
) -> str:
    """Return what happened, what went wrong and what to do next, in lines."""
    context = Context(source_url=source_url, destination_url=destination_url, dry_run=dry_run)
    return as_text(summarize(result, context))
