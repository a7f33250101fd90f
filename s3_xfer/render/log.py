"""Progress and summary as plain text for the logs of other programs.

The same text as :mod:`s3_xfer.cli` prints, for callers of the library (the Airflow operator) whose
logs have times of their own. They pass it to their own logger.
"""

from __future__ import annotations

from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.rate import Rates
from s3_xfer.ledger.result import CopyResult, RunState
from s3_xfer.render.copy_summary import summarize
from s3_xfer.render.phase import phase_of
from s3_xfer.render.plain import progress_fields
from s3_xfer.render.summary import Context
from s3_xfer.render.tables import as_text


def progress_text(
    state: RunState, metrics: TransferMetrics, rates: Rates, *, stopping: bool = False
) -> str:
    """Return the phase and ``name=value`` fields in one line."""
    return progress_fields(phase_of(state, metrics, stopping=stopping), metrics, rates)


def result_text(
    result: CopyResult, *, source_url: str, destination_url: str, dry_run: bool = False
) -> str:
    """Return what happened, what went wrong and what to do next, in lines."""
    context = Context(source_url=source_url, destination_url=destination_url, dry_run=dry_run)
    return as_text(summarize(result, context))
