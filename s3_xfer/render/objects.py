"""The progress of work that counts objects and no bytes: a line for logs, a frame for terminals."""

from __future__ import annotations

from rich.text import Text

from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.rate import Rates
from s3_xfer.render.live import UNICODE, Glyphs, bar_row
from s3_xfer.render.progress import UNKNOWN, Phase, eta_field, time_of
from s3_xfer.units import format_count, format_duration


def objects_line(
    phase: Phase, metrics: TransferMetrics, rates: Rates, *, copying: str = Phase.COPYING.value
) -> str:
    """Return one line of ``name=value`` fields; ``copying`` is what the work is called."""
    return (
        f"{time_of(metrics)} {_word(phase, copying)} "
        f"objects={metrics.files_done}/{metrics.total_files_found} "
        f"rate={rates.objects_per_s:.0f}/s failed={metrics.files_failed} "
        f"eta={eta_field(phase, rates)}"
    )


def objects_frame(
    phase: Phase,
    metrics: TransferMetrics,
    rates: Rates,
    width: int,
    glyphs: Glyphs = UNICODE,
    *,
    copying: str = Phase.COPYING.value,
) -> Text:
    """Return the display at one instant; ``copying`` is what the work is called."""
    done, total = metrics.files_done, metrics.total_files_found
    numbers = f"{format_count(done)} / {format_count(total)}  {rates.objects_per_s:,.0f}/s"
    bar = bar_row("objects", done / total if total else 0.0, numbers, width, glyphs)
    parts = [_word(phase, copying), f"{format_count(metrics.files_failed)} failed"]
    if (eta := eta_field(phase, rates)) != UNKNOWN:
        parts.append(f"eta {eta}")
    parts.append(f"elapsed {format_duration(metrics.duration_s)}")
    status = Text(glyphs.between.join(parts), style="cyan")
    status.truncate(width)
    return Text("\n").join([bar, status])


def _word(phase: Phase, copying: str) -> str:
    return copying if phase is Phase.COPYING else phase.value
