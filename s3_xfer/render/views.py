"""Progress while a run lasts: bars, log lines, or nothing.

Views hold the state that drawing needs (a rate meter, the time of the last line) and belong to one
thread. The text comes from the pure functions of this package. Views write to stderr only, because
stdout is for results.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TextIO, TypeAlias

from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.rate import RateMeter, Rates
from s3_xfer.render.phase import Phase
from s3_xfer.render.plain import progress_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from s3_xfer.render.live import Glyphs

PLAIN_INTERVAL_S = 5.0
ProgressLine: TypeAlias = Callable[[Phase, TransferMetrics, Rates], str]


class ProgressFrame(Protocol):
    """Returns the display of one instant, such as :func:`s3_xfer.render.live.frame`."""

    def __call__(
        self,
        phase: Phase,
        metrics: TransferMetrics,
        rates: Rates,
        *,
        width: int,
        glyphs: Glyphs = ...,
    ) -> Text:
        """Return text that is ``width`` columns wide at most."""


class ProgressView(Protocol):
    """Shows snapshots. ``update`` is called several times a second and decides what to draw."""

    def __enter__(self) -> ProgressView:
        """Begin to draw."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was found."""

    def update(self, phase: Phase, metrics: TransferMetrics) -> None:
        """Show this snapshot, if it is time."""

    def print_line(self, line: str) -> None:
        """Print one line now; ``line`` must be safe to print."""


class SilentView:
    """Draws nothing; ``print_line`` writes to ``stream``, if one is given."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def __enter__(self) -> SilentView:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, phase: Phase, metrics: TransferMetrics) -> None:
        """Show nothing."""

    def print_line(self, line: str) -> None:
        """Print one line."""
        if self._stream:
            self._stream.write(line + "\n")
            self._stream.flush()


class PlainView(SilentView):
    """A log line every few seconds of the run, and one whenever the phase changes."""

    def __init__(
        self,
        stream: TextIO,
        *,
        interval_s: float = PLAIN_INTERVAL_S,
        line: ProgressLine = progress_line,
    ) -> None:
        super().__init__(stream)
        self._line = line
        self._interval_s = interval_s
        self._meter = RateMeter()
        self._last_line: tuple[Phase, float] | None = None

    def update(self, phase: Phase, metrics: TransferMetrics) -> None:
        """Print a line if the phase changed or the interval has passed."""
        rates = self._meter.observe(metrics)
        if self._is_time(phase, metrics.duration_s):
            self._last_line = (phase, metrics.duration_s)
            self.print_line(self._line(phase, metrics, rates))

    def _is_time(self, phase: Phase, now_s: float) -> bool:
        if self._last_line is None or self._last_line[0] is not phase:
            return True
        return now_s - self._last_line[1] >= self._interval_s


class LiveView:
    """Bars, redrawn in place. With ``keep`` the last frame stays on the screen.

    ``draw`` makes the frames. Its default is that of a copy or, with ``dry_run``, a count.
    """

    def __init__(
        self,
        console: Console,
        *,
        dry_run: bool = False,
        keep: bool = False,
        draw: ProgressFrame | None = None,
    ) -> None:
        self._console = console
        self._dry_run = dry_run
        self._draw = draw
        self._keep = keep
        self._meter = RateMeter()
        self._live: Live | None = None

    def __enter__(self) -> LiveView:
        from rich.live import Live  # noqa: PLC0415 - slow to import

        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=not self._keep,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def update(self, phase: Phase, metrics: TransferMetrics) -> None:
        """Draw the frame of this snapshot in place of the last one."""
        from s3_xfer.render.live import count_frame, frame, glyphs_for  # noqa: PLC0415

        if self._live:
            draw = self._draw or (count_frame if self._dry_run else frame)
            rates = self._meter.observe(metrics)
            glyphs = glyphs_for(self._console.encoding)
            text = draw(phase, metrics, rates, width=self._console.width, glyphs=glyphs)
            self._live.update(text, refresh=True)

    def print_line(self, line: str) -> None:
        """Print one line above the bars."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
