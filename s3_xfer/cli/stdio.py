"""Printing to stdout and stderr that may be closed, or have an encoding without all characters.

None of this changes how a run is judged: a reader that has closed its pipe misses the text, and the
exit code stays the same.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

import click


def escape_unencodable() -> None:
    """Let both streams escape characters that their encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def print_line(text: str = "") -> None:
    """Print ``text`` on stdout, in its encoding: click takes ASCII for a mistake and sends UTF-8.

    Raises:
        BrokenPipeError: the reader has closed it.
    """
    click.echo(text, file=sys.stdout)


def print_json(value: Mapping[str, Any]) -> None:
    """Print ``value`` on stdout as one line, in ASCII, which every encoding has.

    Raises:
        BrokenPipeError: the reader has closed it.
    """
    print_line(json.dumps(value, ensure_ascii=True))


@contextmanager
def ignoring_closed_stdout() -> Iterator[None]:
    """Print on stdout inside the block; a closed stdout is no error."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        redirect_to_null(sys.stdout)


def print_error(text: str) -> None:
    """Print ``text`` on stderr; a closed stderr is no error."""
    try:
        click.echo(text, file=sys.stderr)
    except OSError:
        redirect_to_null(sys.stderr)


def flush() -> None:
    """Write out what is buffered, so that Python finds nothing to complain about at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # gone, or closed
            redirect_to_null(stream)


def redirect_to_null(stream: TextIO) -> None:
    """Send to the null device what is written to ``stream``, whose reader is gone."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):  # closed, or no real file: nothing to save
        return
