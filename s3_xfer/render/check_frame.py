"""A check under way, drawn on a terminal. Import it late: rich is slow to import."""

from __future__ import annotations

from rich.text import Text

from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.rate import Rates
from s3_xfer.render.check import PHASE_WORDS
from s3_xfer.render.live import UNICODE, Glyphs, frame, moving, stillness
from s3_xfer.render.progress import Phase
from s3_xfer.units import format_count, format_duration, format_size, plural


def check_frame(
    phase: Phase, metrics: TransferMetrics, rates: Rates, width: int, glyphs: Glyphs = UNICODE
) -> Text:
    """Return the display at one instant; without a bar, because the total is not known."""
    if phase is Phase.PREFLIGHT:
        return frame(phase, metrics, rates, width, glyphs)
    parts = [
        f"{moving(metrics, glyphs)} {PHASE_WORDS.get(phase, phase.value)}{glyphs.dots} "
        f"{plural(metrics.total_files_found, 'object')}, {format_size(metrics.total_bytes_found)}",
        f"{rates.objects_per_s:,.0f}/s",
        f"{format_count(metrics.files_failed)} differ",
        f"elapsed {format_duration(metrics.duration_s)}",
        *stillness(rates),
    ]
    text = Text(glyphs.between.join(parts), style="red" if metrics.files_failed else "cyan")
    text.truncate(width)
    return text
