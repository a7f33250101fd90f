"""Objects that come in no order, put into that of their keys on the disk of this machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from s3_xfer.errors import ListError
from s3_xfer.model import S3Object
from s3_xfer.planning.ranges import KeyRange
from s3_xfer.sources.source import Batch
from s3_xfer.temporary_database import temporary_database
from s3_xfer.text import reason_of

_PAGE = 1000


class SortedObjects:
    """Takes objects, and returns them as the pages of a listing. For one thread.

    Only keys and sizes are kept. Memory does not grow with them: SQLite sorts in temporary files.
    Every method raises ListError if these have no room.
    """

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._rows = temporary_database(self, table="objects (key TEXT, size INTEGER)")

    def add(self, objects: Sequence[S3Object]) -> None:
        """Take objects."""
        rows = ((found.key, found.size) for found in objects)
        try:
            self._rows.executemany("INSERT INTO objects VALUES (?, ?)", rows)
        except sqlite3.Error as error:
            raise _no_room(error) from error

    def pages(self) -> Iterator[Batch[S3Object]]:
        """Yield all of them; the ranges of the pages are together every key."""
        after = ""
        try:
            rows = self._rows.execute("SELECT key, size FROM objects ORDER BY key")
            page = rows.fetchmany(_PAGE)
            while page:
                following = rows.fetchmany(_PAGE)
                objects = [S3Object(bucket=self._bucket, key=key, size=size) for key, size in page]
                until = objects[-1].key if following else None
                yield Batch(objects, KeyRange(after, until))
                after, page = objects[-1].key, following
        except sqlite3.Error as error:
            raise _no_room(error) from error


def _no_room(error: sqlite3.Error) -> ListError:
    return ListError(
        f"the objects cannot be sorted on this machine: {reason_of(error)}",
        remedy="make room for temporary files, or set SQLITE_TMPDIR to a folder that has it",
    )
