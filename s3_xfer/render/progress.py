"""Progress while a run lasts: its phase, log lines, and the views that show them or nothing.

Every log line has the same fields in the same order, so that ``grep`` and ``awk`` work on it, and
no control characters. Views belong to one thread, and write to stderr: stdout is for results.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Self, TextIO, TypeAlias

from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.rate import Rates
from s3_xfer.ledger.result import RunState
from s3_xfer.units import format_duration, format_size

PLAIN_INTERVAL_S = 5.0


class Phase(enum.Enum):
    """The phase of a run as progress shows it. The value is the word in log lines."""

    PREFLIGHT = "preflight"  # access to both sides; nothing is written yet
    LISTING = "listing"  # totals still grow; copying has begun
    COPYING = "copying"  # totals are final
    WAITING = "waiting"  # a server is away; nothing is sent
    STOPPING = "stopping"  # nothing new starts
    ENDED = "ended"


UNKNOWN = "-"  # an ETA that nobody can know yet
ProgressLine: TypeAlias = Callable[[Phase, TransferMetrics, Rates], str]


def phase_of(state: RunState, metrics: TransferMetrics, *, stopping: bool = False) -> Phase:
    """Return the phase of a run in ``state`` with these numbers."""
    if state in (RunState.INITIALIZED, RunState.VALIDATING):
        return Phase.STOPPING if stopping else Phase.PREFLIGHT
    if state is not RunState.COPYING:
        return Phase.ENDED
    if stopping:
        return Phase.STOPPING
    if metrics.waiting_for:
        return Phase.WAITING
    return Phase.COPYING if metrics.listing_complete else Phase.LISTING


def progress_line(phase: Phase, metrics: TransferMetrics, rates: Rates) -> str:
    """Return the time and ``name=value`` fields; a ``+`` marks totals that still grow."""
    return f"{time_of(metrics)} {_fields(phase, metrics, rates)}"


def progress_text(
    state: RunState, metrics: TransferMetrics, rates: Rates, *, stopping: bool = False
) -> str:
    """Return the phase and ``name=value`` fields, for logs that have their own times."""
    return _fields(phase_of(state, metrics, stopping=stopping), metrics, rates)


def _fields(phase: Phase, metrics: TransferMetrics, rates: Rates) -> str:
    grows = "" if metrics.listing_complete else "+"
    bytes_done, bytes_found = size_field(metrics.bytes_done), size_field(metrics.total_bytes_found)
    would_copy = metrics.planned_files
    return (
        f"{phase.value} objects={metrics.files_done}/{metrics.total_files_found}{grows} "
        f"bytes={bytes_done}/{bytes_found}{grows} "
        f"rate={rates.objects_per_s:.0f}/s,{size_field(rates.bytes_per_s)}/s "
        f"failed={metrics.files_failed} skipped={metrics.files_skipped - would_copy} "
        f"retries={metrics.retries} throttled={metrics.throttles} eta={eta_field(phase, rates)}"
        f"{f' would_copy={would_copy}' if would_copy else ''}"
        f"{f' deleted={metrics.files_deleted}' if metrics.files_deleted else ''}"
        f"{f' left_out={metrics.files_left_out}' if metrics.files_left_out else ''}"
    )


def eta_field(phase: Phase, rates: Rates) -> str:
    """Return the time that is left, without spaces, or that it is unknown."""
    has_eta = phase is Phase.COPYING and rates.eta_s is not None
    return format_duration(rates.eta_s or 0).replace(" ", "") if has_eta else UNKNOWN


def time_of(metrics: TransferMetrics) -> str:
    """Return the time of a snapshot, in UTC."""
    at = (metrics.start_time + timedelta(seconds=metrics.duration_s)).astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def size_field(size_bytes: float) -> str:
    """Return a size without a space."""
    return format_size(size_bytes).replace(" ", "")


class ProgressView:
    """Shows no progress; lines are written to ``stream``, if one is given.

    ``line`` is the progress in one line.
    """

    def __init__(self, stream: TextIO | None = None, *, line: ProgressLine = progress_line) -> None:
        self._stream = stream
        self.line = line

    def __enter__(self) -> Self:
        """Begin to draw."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the terminal as it was found."""

    def update(self, phase: Phase, metrics: TransferMetrics, rates: Rates) -> None:
        """Show this snapshot, if it is time. Called several times a second."""

    def print_line(self, line: str) -> None:
        """Print one line now; ``line`` must be safe to print."""
        if self._stream:
            self._stream.write(line + "\n")
            self._stream.flush()


class PlainView(ProgressView):
    """A log line every few seconds of the run, and one whenever the phase changes."""

    def __init__(
        self,
        stream: TextIO,
        *,
        interval_s: float = PLAIN_INTERVAL_S,
        line: ProgressLine = progress_line,
    ) -> None:
        super().__init__(stream, line=line)
        self._interval_s = interval_s
        self._last_line: tuple[Phase, float] | None = None

    def update(self, phase: Phase, metrics: TransferMetrics, rates: Rates) -> None:
        """Print a line if the phase changed or the interval has passed."""
        now_s = metrics.duration_s
        last_phase, last_s = self._last_line or (None, 0.0)
        if last_phase is not phase or now_s - last_s >= self._interval_s:
            self._last_line = (phase, now_s)
            self.print_line(self.line(phase, metrics, rates))
