"""Where things are printed: progress and errors to stderr, results to stdout.

One value, :class:`Output`, is made from the options. With ``--json`` stdout gets the one object
and nothing else (:mod:`s3_xfer.cli.json_result`), with ``--quiet`` nothing.
"""

from __future__ import annotations

import os
import shutil
import sys
import termios
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from s3_xfer.cli.json_result import print_json
from s3_xfer.cli.options import Progress
from s3_xfer.cli.wording import COMMAND_LINE
from s3_xfer.errors import S3XferError
from s3_xfer.ledger.metrics import ERRORS_KEPT
from s3_xfer.ledger.result import CopyResult
from s3_xfer.render.context import Context
from s3_xfer.render.progress import PlainView, ProgressLine, ProgressView, progress_line
from s3_xfer.text import printable

if TYPE_CHECKING:
    from s3_xfer.render.live import ProgressFrame
    from s3_xfer.render.summary import Line

FAILURES_SHOWN = 5
_WIDTH_MIN, _WIDTH_MAX = 30, 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """How much is printed, and how."""

    progress: Progress = Progress.AUTO
    json: bool = False
    quiet: bool = False
    verbose: bool = False

    def __post_init__(self) -> None:
        if self.quiet or not self.json:
            # Now: when a long run ends, another version may have taken the place of this one.
            from s3_xfer.render import copy_summary  # noqa: F401, PLC0415

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
        route: tuple[str, str] | None = None,
        line: ProgressLine = progress_line,
        draw: ProgressFrame | None = None,
    ) -> ProgressView:
        """Return what shows the progress of a run on stderr, as lines or drawn frames.

        ``route`` says from where to where, for people.
        """
        if self.quiet:
            return ProgressView()
        if self.progress is Progress.NONE:
            return ProgressView(sys.stderr, line=line)
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
        return LiveView(progress_console(), route=route, line=line, keep=keep, draw=draw)

    def print_result(
        self, result: CopyResult, context: Context, *, notes: Sequence[str] = ()
    ) -> None:
        """Print the result of a run, and ``notes``: its own were printed while it lasted."""
        if self.json:
            print_json(COMMAND_LINE.say_all(result.to_dict()))
        has_problems = result.aborted_by or result.cancelled_by or result.metrics.files_failed
        if has_problems if self.quiet else not self.json:
            self._print_summary(replace(result, notes=tuple(notes)), context)

    def _print_summary(self, result: CopyResult, context: Context) -> None:
        from s3_xfer.render.copy_summary import summarize  # noqa: PLC0415 - not with --json
        from s3_xfer.render.summary import failure_text, summary_lines  # noqa: PLC0415

        summary = summarize(result, context)
        if self.quiet:
            text = failure_text(summary, width=text_width())
            next_step = [f"Next: {summary.next_step}."] if summary.next_step else []
            print_error("\n".join([summary.headline, *next_step, *([text] if text else [])]))
            return
        if sys.stderr.isatty() and sys.stdout.isatty():
            print_line()
        print_lines(summary_lines(summary, width=text_width()))


def print_lines(lines: Sequence[Line]) -> None:
    """Print laid-out lines on stdout, with colours if it is a terminal."""
    if not sys.stdout.isatty():
        print_line("\n".join(line.text for line in lines))
        return
    from s3_xfer.render.summary import print_styled  # noqa: PLC0415 - who laid it out has it

    print_styled(lines)


def text_width() -> int:
    """Return a width to wrap prose to: the terminal's, within what is pleasant to read."""
    return max(_WIDTH_MIN, min(_WIDTH_MAX, shutil.get_terminal_size().columns))


def _can_redraw() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")


def can_ask() -> bool:
    """Return whether there is somebody who sees a question and can answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def discard_input() -> None:
    """Forget what was typed before a question was asked: it is no answer to it."""
    termios.tcflush(sys.stdin, termios.TCIFLUSH)


def print_line(text: str = "") -> None:
    """Print ``text`` on stdout, in its encoding: click itself sends UTF-8 where that is ASCII."""
    click.echo(text, file=sys.stdout)


def print_error(text: str) -> None:
    """Print ``text`` on stderr."""
    click.echo(text, file=sys.stderr)


def print_refusal(error: S3XferError) -> None:
    """Print on stderr what is wrong and what to do next."""
    print_problem(*error.text(COMMAND_LINE).split("\n"))


def print_problem(*lines: str) -> None:
    """Print on stderr why the program does not do what was asked for; the first line says what."""
    from s3_xfer.render.summary import fitted  # noqa: PLC0415 - most runs have no problem

    what, *rest = map(printable, lines)
    texts = [f"error: {what}", *rest]
    if _can_redraw():
        width = shutil.get_terminal_size().columns
        texts = [_marked(part) for text in texts for part in fitted(text, width)]
    print_error("\n".join(texts))


def _marked(text: str) -> str:
    """Return ``text``; a word at its beginning that must not be overlooked is red."""
    from s3_xfer.render.summary import MARKS  # noqa: PLC0415 - see above

    mark = next((each for each in MARKS if text.startswith(each)), "")
    if not mark or os.environ.get("NO_COLOR"):
        return text
    return click.style(mark, fg="red", bold=True) + text[len(mark) :]
