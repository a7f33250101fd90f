"""stdout and stderr as they really are: closed pipes, narrow encodings, vanished terminals.

Refuses to let any of that change how a run is judged: a reader that went away misses the text,
the exit code stays what it was.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

import click


def accept_any_character() -> None:
    """Let both streams spell out what their encoding lacks, instead of failing on a key with it."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def say(text: str = "") -> None:
    """Print ``text`` on stdout, in its encoding: click takes ASCII for a mistake and sends UTF-8.

    Raises:
        BrokenPipeError: nobody reads it any more.
    """
    click.echo(text, file=sys.stdout)


def say_json(value: Mapping[str, Any]) -> None:
    """Print ``value`` on stdout as one line, in ASCII: whatever the encoding, it can be parsed.

    Raises:
        BrokenPipeError: nobody reads it any more.
    """
    say(json.dumps(value, ensure_ascii=True))


@contextmanager
def if_anybody_reads() -> Iterator[None]:
    """Print on stdout inside the block; a reader that went away misses it, and that is all."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        discard(sys.stdout)


def tell(text: str) -> None:
    """Print ``text`` on stderr; if nobody can read it any more, do nothing."""
    try:
        click.echo(text, file=sys.stderr)
    except OSError:
        discard(sys.stderr)


def flush() -> None:
    """Write out what is buffered, so that Python finds nothing to complain about at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # gone, or closed
            discard(stream)


def discard(stream: TextIO) -> None:
    """Give ``stream``, whose reader is gone, somewhere to write to."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):  # closed, or no real file: nothing to save
        return
