"""Objects that an input names one by one, each once, kept on the disk of this machine.

A list may have ten million lines, so nothing here grows in memory: the objects are in a temporary
database.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from s3_xfer.model import S3Object
from s3_xfer.planning.ranges import KeyRange
from s3_xfer.temporary_database import temporary_database

PAGE = 1000
_CACHE_KIB = 16 * 1024


class NamedObject(NamedTuple):
    """One object as an input names it; ``number`` is its line.

    ``version`` is empty for the current one, ``size`` None and ``etag`` empty where not given.
    """

    number: int
    key: str
    version: str = ""
    size: int | None = None
    etag: str = ""


class NamedObjects:
    """Objects in the order in which they were named. For one thread at a time.

    Of one key there may be several versions if ``by_version``. Every method raises
    ``sqlite3.Error`` if the temporary folder has no room.
    """

    def __init__(self, *, by_version: bool) -> None:
        unique = "key, version" if by_version else "key"
        self._database = temporary_database(
            self,
            table="objects (number INTEGER PRIMARY KEY, key TEXT, version TEXT,"
            f" size INTEGER, etag TEXT, UNIQUE ({unique}))",
        )
        self._database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")

    def add(self, named: Sequence[NamedObject]) -> bool:
        """Add objects unless they are there; return whether all were new."""
        added = self._database.executemany(
            "INSERT OR IGNORE INTO objects VALUES (?, ?, ?, ?, ?)", named
        )
        return added.rowcount == len(named)

    def get(self, key: str) -> NamedObject | None:
        """Return the object that was first named by ``key``."""
        row = self._database.execute(
            "SELECT * FROM objects WHERE key = ? ORDER BY number LIMIT 1", (key,)
        ).fetchone()
        return NamedObject(*row) if row else None

    def drop(self, keys: KeyRange) -> None:
        """Remove the current versions of a range: its listing brings them."""
        self._database.execute(
            "DELETE FROM objects WHERE version = '' AND key > ? AND (? IS NULL OR key <= ?)",
            (keys.after, keys.until, keys.until),
        )

    def __len__(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM objects").fetchone()[0])

    def pages(self, bucket: str) -> Iterator[Sequence[S3Object]]:
        """Yield the objects, a thousand at a time."""
        last = -1
        while rows := self._database.execute(
            "SELECT * FROM objects WHERE number > ? ORDER BY number LIMIT ?", (last, PAGE)
        ).fetchall():
            yield [s3_object(bucket, NamedObject(*row)) for row in rows]
            last = rows[-1][0]


def s3_object(bucket: str, named: NamedObject) -> S3Object:
    """Return an object of ``bucket`` with what is known of it."""
    return S3Object(
        bucket=bucket,
        key=named.key,
        version_id=named.version or None,
        size=named.size or 0,
        size_is_known=named.size is not None,
        etag=named.etag,
        storage_class="",
    )
