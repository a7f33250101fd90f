"""The numbers of a run in a file while it lasts, for Prometheus (--metrics-file).

It is rewritten as a whole every few seconds and at the end. A write that fails is told once and
tried again the next time: it changes nothing about the copy.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeAlias

from s3_xfer.files import replace_file
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.rate import Rates
from s3_xfer.render.progress import Phase, ProgressView
from s3_xfer.render.prometheus import LAST_SUCCESS, OUTCOMES_OF_CHECK, Sample, prometheus_text
from s3_xfer.text import printable, reason_of

INTERVAL_S = 5.0
_LAST_SUCCESS = re.compile(rf"^{LAST_SUCCESS}{{.*}} (\S+)$", re.MULTILINE)
_CHECK = "check"  # whose numbers have other names
Warn: TypeAlias = Callable[[str], None]


class MetricsFile:
    """The file of one command. For one thread; ``warn`` is called with what went wrong."""

    def __init__(
        self,
        path: Path,
        *,
        command: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._command = command
        self._clock = clock
        self._last_success_s = _read_last_success_s(path)
        self._written_at_s = -math.inf
        self._seen: tuple[Phase, TransferMetrics] | None = None
        self._has_failed = False

    def update(self, phase: Phase, metrics: TransferMetrics, warn: Warn) -> None:
        """Take a snapshot, and write it if it is time."""
        self._seen = phase, metrics
        if self._clock() - self._written_at_s >= INTERVAL_S:
            self._write(None, warn)

    def finish(self, exit_code: int, warn: Warn, *, is_dry_run: bool) -> None:
        """Write the last numbers, and how the command has ended.

        A dry run that ends well is no success, because nothing was copied.
        """
        if exit_code == 0 and not is_dry_run:
            self._last_success_s = time.time()
        self._write(exit_code, warn)

    def _write(self, exit_code: int | None, warn: Warn) -> None:
        self._written_at_s = self._clock()
        phase, metrics = self._seen or (Phase.ENDED, _nothing())
        sample = Sample(
            name=printable(self._path.stem),
            command=self._command,
            phase=phase if exit_code is None else Phase.ENDED,
            metrics=metrics,
            outcomes=OUTCOMES_OF_CHECK if self._command == _CHECK else {},
            exit_code=exit_code,
            last_success_s=self._last_success_s,
        )
        try:
            replace_file(self._path, prometheus_text(sample))
        except OSError as error:
            if not self._has_failed:
                name = printable(str(self._path))
                warn(f"the metrics {name} could not be written: {reason_of(error)}")
            self._has_failed = True


class MeasuredView(ProgressView):
    """A view whose snapshots go into a file as well."""

    def __init__(self, view: ProgressView, file: MetricsFile) -> None:
        super().__init__(line=view.line)
        self._view = view
        self._file = file

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._view.__enter__()
        return self

    def __exit__(self, *exit_details: object) -> None:
        """Leave the terminal as it was found."""
        self._view.__exit__(*exit_details)

    def update(self, phase: Phase, metrics: TransferMetrics, rates: Rates) -> None:
        """Show and write this snapshot, if it is time."""
        self._view.update(phase, metrics, rates)
        self._file.update(phase, metrics, lambda text: self._view.print_line(f"warning: {text}"))

    def print_line(self, line: str) -> None:
        """Print one line now."""
        self._view.print_line(line)


def _read_last_success_s(path: Path) -> float | None:
    """Return when a run last ended well, as an older file of this name says it."""
    try:
        found = _LAST_SUCCESS.search(path.read_text(encoding="utf-8"))
        last_s = float(found[1]) if found else math.nan
    except (OSError, ValueError):  # there is none, or it is something else
        return None
    return last_s if math.isfinite(last_s) else None


def _nothing() -> TransferMetrics:
    """Return the numbers of a run that has not begun."""
    now = datetime.now(UTC)
    return TransferMetrics(operation_id="", duration_s=0.0, start_time=now, end_time=now)
