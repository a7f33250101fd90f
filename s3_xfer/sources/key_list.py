"""A list of keys as the input of a run: read to its end, checked, and only then copied from.

A list is refused by its line before anything is written. What it names is copied once, however
often it is named; two lines that say different things about one key are refused, as nobody could
tell which one is meant. A key that the bucket does not have is a failure of that object.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import select
import sqlite3
import stat
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from itertools import islice
from typing import IO, Any, TypeAlias

from s3_xfer.errors import ErrorClass, ListError, ObjectError
from s3_xfer.model import KEY_MAX_BYTES, S3Location, S3Object
from s3_xfer.options import CopyOptions, ListedKeys, ListFormat
from s3_xfer.sources.list_formats import LineError, ListOperation, ListRow, format_of, rows
from s3_xfer.sources.named_objects import PAGE, NamedObject, NamedObjects
from s3_xfer.sources.prefix import PrefixSource
from s3_xfer.sources.source import OpenListing
from s3_xfer.text import printable, reason_of
from s3_xfer.wording import message

OpenRemote: TypeAlias = Callable[[str], IO[bytes]]

STDIN = "-"
_POLL_S = 0.2
_GZIP = b"\x1f\x8b"  # no text in UTF-8 begins so
_LETTERS_SURE = KEY_MAX_BYTES // 4  # so many letters never have more bytes than a key may


class KeyList:
    """The objects under ``source`` that the list of ``options`` names.

    ``digest`` is of its content and of how it is read: two lists with the same one name the same
    objects. ``open_remote`` opens a list in S3; ``is_stopped`` says whether the run is.

    Raises:
        ListError: it cannot be read, a line is wrong, or it is empty.
        ObjectError: the run was stopped meanwhile.
    """

    def __init__(
        self,
        options: CopyOptions,
        source: S3Location,
        *,
        open_remote: OpenRemote,
        is_stopped: Callable[[], bool],
    ) -> None:
        assert options.files_from  # noqa: S101 - the caller has looked
        self._name = options.files_from
        self._source = source
        self._base = options.files_from_keys
        self._is_stopped = is_stopped
        self._objects = NamedObjects(by_version=False)
        self._hash = hashlib.sha256()
        written_in = options.files_from_format
        if written_in is ListFormat.AUTO:
            written_in = self._format_by_name()
        with self._translated(), _opened(self._name, open_remote) as opened:
            file = opened
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                file = BufferedReader(_Pipe(opened.fileno(), is_stopped))
            self._read(file, written_in)
        self._hash.update(f"{written_in.value} {self._base.value}".encode())
        self.digest = self._hash.hexdigest()
        self.object_count = len(self._objects)

    def pages(self) -> Iterator[Sequence[S3Object]]:
        """Yield the objects in the order of the list, a thousand at a time."""
        return self._objects.pages(self._source.bucket)

    def _read(self, file: BufferedReader, written_in: ListFormat) -> None:
        before = os.fstat(file.fileno())
        is_zipped = file.peek(len(_GZIP)).startswith(_GZIP)
        content: Any = gzip.GzipFile(fileobj=file) if is_zipped else file
        is_blank = True

        def read(size_bytes: int) -> bytes:
            nonlocal is_blank
            data: bytes = content.read(size_bytes)
            is_blank = is_blank and not data
            self._hash.update(data)
            return data

        self._take_all(rows(read, written_in))
        is_blank = is_blank or written_in is not ListFormat.CSV
        if is_blank and not len(self._objects):
            raise ListError(
                f"the list {self._shown} is empty",
                remedy="check what has written it; a list that may name nothing can be CSV with "
                "its first line",
            )
        after = os.fstat(file.fileno())
        is_changed = (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)
        if is_changed and stat.S_ISREG(before.st_mode):  # the time of a pipe changes by itself
            raise ListError(
                f"the list {self._shown} was changed while it was read",
                remedy="wait until it is written, then run it again",
            )

    def _format_by_name(self) -> ListFormat:
        by_name = format_of(self._name)
        if by_name is None:
            raise ListError(
                f"the name of the list {self._shown} does not tell how it is written",
                remedy=message(
                    "add {files_from_format=...}; lists are lines, CSV, JSON lines or NUL-separated"
                ),
            )
        return by_name

    def _take_all(self, listed: Iterator[ListRow]) -> None:
        while page := [self._named(row) for row in islice(listed, PAGE)]:
            if self._is_stopped():
                raise _stopped()
            if not self._objects.add(page):
                for named in page:
                    self._compare(named)

    def _named(self, row: ListRow) -> NamedObject:
        """Return what a row names, with its whole key."""
        number, key, prefix = row.number, row.key, self._source.key
        if row.operation is ListOperation.DELETE:
            raise LineError(
                number, "is a DELETE, which a copy does not do", "leave such lines out of the list"
            )
        if self._base is ListedKeys.RELATIVE:
            key = prefix + key
        elif not key.startswith(prefix):
            raise LineError(
                number,
                f"names {printable(key)!r}, which is not under {self._source.url}",
                message(
                    "give whole keys under the source prefix; if the list has what follows it, "
                    "add {files_from_keys=relative}"
                ),
            )
        if len(key) > _LETTERS_SURE and len(key.encode()) > KEY_MAX_BYTES:
            raise LineError(number, f"names a key of more than {KEY_MAX_BYTES:,} bytes")
        return NamedObject(number, key, row.version_id, row.size, row.etag)

    def _compare(self, named: NamedObject) -> None:
        """Refuse a line that says something else about a key than an earlier one."""
        first = self._objects.get(named.key)
        if first and first[1:] != named[1:]:
            raise LineError(
                named.number,
                f"says something else about {printable(named.key)!r} than line {first.number}",
                "name each key once: two versions would have the same destination",
            )

    @property
    def _shown(self) -> str:
        return "on stdin" if self._name == STDIN else printable(self._name)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except LineError as error:
            raise ListError(
                f"line {error.number} of the list {self._shown} {error.what}", remedy=error.remedy
            ) from error
        except (OSError, EOFError, zlib.error) as error:
            raise ListError(
                f"the list {self._shown} cannot be read: {reason_of(error)}",
                remedy="give a file of keys, s3://BUCKET/KEY, or - for stdin",
            ) from error
        except sqlite3.Error as error:
            raise ListError(
                f"the objects of the list {self._shown} cannot be kept in the temporary folder: "
                f"{printable(str(error))}",
                remedy="make room there, or set TMPDIR to a folder with some 200 bytes per line",
            ) from error


class _Pipe(RawIOBase):
    """What comes through a pipe or from a terminal; a stopped run waits for no more of it."""

    def __init__(self, number: int, is_stopped: Callable[[], bool]) -> None:
        super().__init__()
        self._number = number
        self._is_stopped = is_stopped

    def fileno(self) -> int:
        """Return the number of the open file."""
        return self._number

    def readable(self) -> bool:
        """Return that it is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there, as soon as something is.

        Raises:
            ObjectError: the run was stopped (``INTERRUPTED``).
        """
        while not select.select([self._number], [], [], _POLL_S)[0]:
            if self._is_stopped():
                raise _stopped()
        data = os.read(self._number, len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _stopped() -> ObjectError:
    return ObjectError.of(ErrorClass.INTERRUPTED, "stopped while the list was read")


@contextmanager
def _opened(name: str, open_remote: OpenRemote) -> Iterator[Any]:
    """Open the file, object or stream that ``name`` stands for."""
    if name == STDIN:
        if sys.stdin is None:
            raise OSError("it is closed")
        yield sys.stdin.buffer
    elif name.startswith("s3://"):
        with open_remote(name) as file:
            yield file
    else:
        with open(name, "rb") as file:
            yield file


class ListSource(PrefixSource):
    """The objects that ``keys`` names; nothing is listed."""

    def __init__(self, keys: KeyList, open_listing: OpenListing) -> None:
        super().__init__(open_listing, (), named=keys.pages)
