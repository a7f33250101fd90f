"""The three standard streams, made so that what cannot be printed changes nothing.

Any of them may be closed, full, or a pipe whose reader goes away. A write that fails is noted once
on stderr, and everything printed after it is dropped; no print raises. So a run ends as it would
have ended, with its own exit code.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

_STREAMS = ("stdin", "stdout", "stderr")  # in the order of their descriptors
# The reader has left, or the terminal is gone: there is nobody to tell.
_READER_IS_GONE = frozenset({errno.EPIPE, errno.EIO, errno.EBADF})


class DroppingWriter(io.RawIOBase):
    """Writes to a descriptor; after the first error it drops what it gets. Never raises.

    ``is_lost`` says whether there was one.
    """

    def __init__(self, descriptor: int, name: str) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._name = name
        self.is_lost = False

    def write(self, data: Any) -> int:
        """Write ``data``, or as much of it as the stream takes at once; return its length."""
        if self.is_lost:
            return len(data)
        while True:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:  # another program made it non-blocking
                select.select([], [self._descriptor], [])
            except OSError as error:
                self.is_lost = True
                self._note(error)
                return len(data)

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        """Return True."""
        return True

    def _note(self, error: OSError) -> None:
        if error.errno not in _READER_IS_GONE and self._name == "stdout":
            text = f"note: not everything could be printed on stdout: {error.strerror}\n"
            sys.stderr.write(text)


def nobody_reads(stream: TextIO) -> bool:
    """Return whether what is printed on ``stream`` reaches nobody any more."""
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return isinstance(raw, DroppingWriter) and raw.is_lost


@contextmanager
def streams_that_never_fail() -> Iterator[None]:
    """Let nothing that is printed inside the block raise; characters that it lacks are escaped.

    A closed stream is the null device inside it, so that no file that is opened later takes its
    descriptor, and gets what is meant for it.
    """
    before = {name: getattr(sys, name) for name in _STREAMS}
    for name in _STREAMS:
        if before[name] is None:
            _open_null_device(name)
    for name in _STREAMS[1:]:
        setattr(sys, name, _dropping(getattr(sys, name), name))
    try:
        yield
    finally:
        for name, stream in before.items():
            if name != "stdin":
                getattr(sys, name).flush()
            setattr(sys, name, stream)


def _open_null_device(name: str) -> None:
    opened = os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    mode = "r" if name == "stdin" else "w"
    setattr(sys, name, open(opened, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def _dropping(stream: TextIO, name: str) -> TextIO:
    """Return a stream to where ``stream`` writes; the same one if that is no file."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError, AttributeError):  # a test, or another program, has replaced it
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(DroppingWriter(descriptor, name)),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=name == "stderr" or stream.isatty(),
    )
