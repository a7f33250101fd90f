"""Access to the terminal through rich: a console for progress, and lines printed with styles.

Import this module late: rich is slow to import, and pipes never need it.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console

from s3_xfer.render.tables import Line, styled


def progress_console() -> Console:
    """Return a console on stderr that redraws in place."""
    return Console(stderr=True, force_terminal=True, force_interactive=True)


def print_styled(lines: Iterable[Line]) -> None:
    """Print laid-out lines on stdout, with their styles."""
    Console().print(styled(lines), crop=False, soft_wrap=True)
