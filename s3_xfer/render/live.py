"""Progress as bars: three lines that are redrawn in place on a terminal.

:func:`frame` is a pure function from numbers to text. Rate and remaining time come from
:mod:`s3_xfer.ledger.rate`; rich only draws, because its own estimates go blank whenever the total
grows. No line is wider than the terminal: the least important parts are left out first.

Import this module late: rich is slow to import, and pipes never need it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, TypeAlias

from rich.console import Console
from rich.live import Live
from rich.text import Text

from s3_xfer.ledger.metrics import ObjectInParts, TransferMetrics
from s3_xfer.ledger.rate import Rates
from s3_xfer.render.progress import Phase, ProgressLine, ProgressView, progress_line
from s3_xfer.render.summary import fitted, marked
from s3_xfer.text import printable, shortened
from s3_xfer.units import format_count, format_duration, format_size, plural

_BAR_MAX = 48
_BAR_MIN = 6
_LABEL = 8  # "objects "
_RATE = 11  # "999.9 MiB/s"
_MOVES_PER_S = 8
_STILL_S = 5.0


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters that not every terminal can show."""

    full: str
    empty: str
    between: str
    dots: str
    arrow: str
    alive: str  # one after the other


UNICODE = Glyphs("━", "─", " · ", "…", "→", "⠋⠙⠹⠸⠼⠴⠦⠧")
ASCII = Glyphs("#", "-", ", ", "...", "->", "|/-\\")


def glyphs_for(encoding: str) -> Glyphs:
    """Return the characters that a terminal of this encoding can show."""
    return UNICODE if encoding.lower().replace("-", "").startswith("utf") else ASCII


# Returns the display of one instant, at most so many columns wide.
ProgressFrame: TypeAlias = Callable[[Phase, TransferMetrics, Rates, int, Glyphs], Text]


def frame(
    phase: Phase, metrics: TransferMetrics, rates: Rates, width: int, glyphs: Glyphs = UNICODE
) -> Text:
    """Return the display of a copy."""
    if phase is Phase.PREFLIGHT:
        return _preflight(metrics, rates, width, glyphs)
    grows = "" if metrics.listing_complete else "+"
    objects = _pair(
        format_count(metrics.files_done), format_count(metrics.total_files_found) + grows
    )
    size = _pair(format_size(metrics.bytes_done), format_size(metrics.total_bytes_found) + grows)
    share = bytes_share = _share(metrics.files_done, metrics.total_files_found)
    if metrics.total_bytes_found:  # else all objects are empty
        bytes_share = _share(metrics.bytes_done, metrics.total_bytes_found)
    numbers_width = max(len(objects), len(size))
    rows = (
        ("objects", objects, f"{rates.objects_per_s:,.0f}/s", share),
        ("bytes", size, f"{format_size(rates.bytes_per_s)}/s", bytes_share),
    )
    lines = [
        bar_row(label, share, f"{text:>{numbers_width}}", width, glyphs, rate=f"{rate:>{_RATE}}")
        for label, text, rate, share in rows
    ]
    lines += [_in_parts(each, width, glyphs) for each in metrics.in_parts]
    return Text("\n").join([*lines, _status(phase, metrics, rates, width, glyphs)])


def _preflight(metrics: TransferMetrics, rates: Rates, width: int, glyphs: Glyphs) -> Text:
    """Return that the checks go on, or wait, and for how long."""
    mark, elapsed = moving(metrics, glyphs), format_duration(metrics.duration_s)
    sent = plural(sum(metrics.requests.values()), "request")
    parts = [f"{mark} checking access{glyphs.dots} {elapsed}", sent, *stillness(rates)]
    return Text(glyphs.between.join(parts)[:width], style="cyan")


def moving(metrics: TransferMetrics, glyphs: Glyphs) -> str:
    """Return a character that moves as long as the program lives."""
    return glyphs.alive[int(metrics.duration_s * _MOVES_PER_S) % len(glyphs.alive)]


def stillness(rates: Rates) -> list[str]:
    """Return for how long nothing has been answered, if that is worth a word."""
    if rates.still_s < _STILL_S:
        return []
    return [f"no answer for {format_duration(rates.still_s)}"]


def _in_parts(item: ObjectInParts, width: int, glyphs: Glyphs) -> Text:
    """Return what one large object is at."""
    done = f"{percent(item.done_bytes / item.size_bytes)} of {format_size(item.size_bytes)}"
    room = max(0, width - len(done) - 4)
    key = shortened(printable(item.key), room, glyphs.dots)
    return Text(f"  {key}  {done}"[:width], style="bright_black")


def count_frame(
    phase: Phase, metrics: TransferMetrics, rates: Rates, width: int, glyphs: Glyphs = UNICODE
) -> Text:
    """Return the display of a dry run: nothing is copied, so it is only growing counts."""
    if phase is Phase.PREFLIGHT:
        return frame(phase, metrics, rates, width, glyphs)
    objects = plural(metrics.total_files_found, "object")
    mark, grows = moving(metrics, glyphs), "" if metrics.listing_complete else "+"
    size = format_size(metrics.total_bytes_found)
    text = f"{mark} listing{glyphs.dots} {objects}{grows}, {size}{grows}"
    would_skip = metrics.files_skipped - metrics.planned_files
    if would_skip:
        would_copy = format_count(metrics.planned_files)
        text += f": {would_copy} to copy, {format_count(would_skip)} to skip"
    text = glyphs.between.join([text, *stillness(rates)])
    return Text(text[:width], style="cyan")


class LiveView(ProgressView):
    """Frames, redrawn in place, below a line that says from where to where.

    With ``keep`` the last frame stays on the screen.
    """

    def __init__(
        self,
        console: Console,
        *,
        route: tuple[str, str] | None = None,
        line: ProgressLine = progress_line,
        draw: ProgressFrame = frame,
        keep: bool = False,
    ) -> None:
        super().__init__(line=line)
        self._console = console
        self._route = route
        self._draw = draw
        self._live = Live(
            console=console,
            auto_refresh=False,
            transient=not keep,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def update(self, phase: Phase, metrics: TransferMetrics, rates: Rates) -> None:
        """Draw the frame of this snapshot in place of the last one."""
        glyphs = glyphs_for(self._console.encoding)
        text = self._draw(phase, metrics, rates, self._console.width, glyphs)
        if self._route:
            text = Text("\n").join([route_line(*self._route, self._console.width, glyphs), text])
        self._live.update(text, refresh=True)

    def print_line(self, line: str) -> None:
        """Print one line above the bars."""
        for part in fitted(line, self._console.width):
            self._console.print(marked(part), highlight=False, soft_wrap=True)


def progress_console() -> Console:
    """Return a console on stderr that redraws in place."""
    return Console(stderr=True, force_terminal=True, force_interactive=True)


def _pair(done: str, total: str) -> str:
    return f"{done:>{len(total)}} / {total}"


def _share(done: int, total: int) -> float:
    return min(1.0, done / total) if total else 0.0


def route_line(source: str, destination: str, width: int, glyphs: Glyphs) -> Text:
    """Return from where to where, each name shortened in its middle if both do not fit."""
    room = max(0, width - len(glyphs.arrow) - 2)
    if len(source) + len(destination) > room:
        half = max(room // 2, room - min(len(source), len(destination)))
        source = shortened(source, half if len(source) >= len(destination) else room - half)
        destination = shortened(destination, room - len(source))
    return Text(f"{source} {glyphs.arrow} {destination}"[:width], style="bright_black")


def percent(share: float) -> str:
    """Return a share in per cent; all of it is not said before it is done."""
    return f"{int(share * 100):>3}%"


def bar_row(
    label: str, share: float, numbers: str, width: int, glyphs: Glyphs, *, rate: str = ""
) -> Text:
    """Return label, bar, per cent, numbers and rate; without what does not fit."""
    numbers = f"{percent(share)}  {numbers}"
    if rate and _LABEL + len(numbers) + 2 + len(rate) <= width:
        numbers = f"{numbers}  {rate}"
    room = min(_BAR_MAX, width - _LABEL - 2 - len(numbers))
    row = Text(f"{label:<{_LABEL}}", style="bold")
    if room >= _BAR_MIN:
        full = int(room * share)
        row.append(glyphs.full * full, style="not bold green" if share == 1 else "not bold cyan")
        row.append(glyphs.empty * (room - full), style="not bold bright_black")
        row.append("  ")
    row.append(numbers, style="not bold")
    row.truncate(width)
    return row


def _status(
    phase: Phase, metrics: TransferMetrics, rates: Rates, width: int, glyphs: Glyphs
) -> Text:
    """Return the counts besides the bars, most important first, as many as fit."""
    now = _now(phase, metrics, rates, glyphs)
    has_ended = phase is Phase.ENDED
    alive = now if has_ended else f"{moving(metrics, glyphs)} {now}"
    parts = [(alive, "yellow" if metrics.waiting_for else "cyan")]
    parts += [] if has_ended else [(text, "yellow") for text in stillness(rates)]
    if metrics.files_failed:
        parts.append((f"{format_count(metrics.files_failed)} failed", "bold red"))
    if metrics.files_skipped:
        parts.append((f"{format_count(metrics.files_skipped)} skipped", ""))
    if metrics.files_left_out:
        parts.append((f"{format_count(metrics.files_left_out)} left out", ""))
    if metrics.files_deleted:
        parts.append((f"{format_count(metrics.files_deleted)} deleted", ""))
    if metrics.retries:
        throttled = f" ({format_count(metrics.throttles)} throttled)" if metrics.throttles else ""
        retries = "retry" if metrics.retries == 1 else "retries"
        parts.append((f"{format_count(metrics.retries)} {retries}{throttled}", "yellow"))
    if metrics.files_tried_again:
        again = format_count(metrics.files_tried_again)
        parts.append((f"{again} tried again at the end", "yellow"))
    parts.append((f"elapsed {format_duration(metrics.duration_s)}", "bright_black"))
    status = Text()
    for text, style in parts:
        between = glyphs.between if status else ""
        if status.cell_len + len(between) + len(text) > width:
            break
        status.append(between).append(text, style=style)
    return status


def _now(phase: Phase, metrics: TransferMetrics, rates: Rates, glyphs: Glyphs) -> str:
    if phase in (Phase.LISTING, Phase.STOPPING):
        return f"{phase.value}{glyphs.dots}"
    if phase is Phase.WAITING and metrics.waiting_for:
        return f"{metrics.waiting_for[0].short_text} ({format_duration(metrics.outage_s)})"
    if phase is Phase.COPYING:
        return "ETA " + (format_duration(rates.eta_s) if rates.eta_s is not None else "unknown")
    return str(phase.value)
