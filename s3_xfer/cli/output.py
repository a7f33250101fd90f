"""Where things are printed: progress and errors to stderr, results to stdout.

One value, :class:`Output`, is made from the options. With ``--json`` stdout gets the one object
and nothing else, with ``--quiet`` nothing.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from s3_xfer.cli.follow import FAILURES_SHOWN
from s3_xfer.cli.options import Progress
from s3_xfer.cli.stdio import ignoring_closed_stdout, print_error, print_json, print_line
from s3_xfer.ledger.metrics import ERRORS_KEPT
from s3_xfer.ledger.result import CopyResult
from s3_xfer.render.copy_summary import summarize
from s3_xfer.render.progress import PlainView, ProgressLine, ProgressView, progress_line
from s3_xfer.render.summary import Context, Line, Summary, failure_text, print_styled, summary_lines

if TYPE_CHECKING:
    from s3_xfer.render.live import ProgressFrame

_WIDTH_MIN, _WIDTH_MAX = 60, 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """How much is printed, and how."""

    progress: Progress = Progress.AUTO
    json: bool = False
    quiet: bool = False
    verbose: bool = False

    @property
    def failures_shown(self) -> int:
        """How many failures are printed while the run lasts."""
        if self.verbose:
            return ERRORS_KEPT
        return 0 if self.quiet else FAILURES_SHOWN

    def view(
        self,
        *,
        dry_run: bool = False,
        line: ProgressLine = progress_line,
        draw: ProgressFrame | None = None,
    ) -> ProgressView:
        """Return what shows the progress of a run on stderr, as lines or drawn frames."""
        if self.quiet:
            return ProgressView()
        if self.progress is Progress.NONE:
            return ProgressView(sys.stderr)
        if self.progress is Progress.PLAIN or not _can_redraw():
            return PlainView(sys.stderr, line=line)
        from s3_xfer.render.live import (  # noqa: PLC0415 - imports rich
            LiveView,
            count_frame,
            frame,
            progress_console,
        )

        keep = self.json or not sys.stdout.isatty()
        draw = draw or (count_frame if dry_run else frame)
        return LiveView(progress_console(), keep=keep, draw=draw)

    def result(self, result: CopyResult, context: Context) -> None:
        """Print the result of a run; a closed stdout does not change it."""
        with ignoring_closed_stdout():
            self._print(result, summarize(result, context))

    def _print(self, result: CopyResult, summary: Summary) -> None:
        if not (self.quiet or self.json) and sys.stderr.isatty() and sys.stdout.isatty():
            summary = replace(summary, notes=())  # they were shown during the run
            print_line()
        if self.json:
            print_json(result.to_dict())
        if self.quiet:
            self._print_problems(result, summary)
        elif not self.json:
            print_lines(summary_lines(summary, width=text_width()))

    def _print_problems(self, result: CopyResult, summary: Summary) -> None:
        if result.aborted_by or result.cancelled_by or result.metrics.files_failed:
            text = failure_text(summary, width=text_width())
            next_step = [f"Next: {summary.next_step}."] if summary.next_step else []
            lines = [summary.headline, *next_step, *([text] if text else [])]
            print_error("\n".join(lines))


def print_lines(lines: Sequence[Line]) -> None:
    """Print laid-out lines on stdout, with colours if it is a terminal."""
    if not sys.stdout.isatty():
        print_line("\n".join(line.text for line in lines))
        return
    print_styled(lines)


def text_width() -> int:
    """Return a width to wrap prose to: the terminal's, within what is pleasant to read."""
    return max(_WIDTH_MIN, min(_WIDTH_MAX, shutil.get_terminal_size().columns))


def _can_redraw() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")
