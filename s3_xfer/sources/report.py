"""The objects of an earlier run's report, as the input of this one.

Every line is checked before the first object is copied: a report of other buckets or prefixes is
refused with the line's number, not half executed. ETags are not taken over: an object that failed
because it had changed is to be copied as it is now. The last line counts the others: a report that
was cut off would forget objects. Reports may be joined, so the same object may be named twice, or
in a range that is to be listed: it is copied once. The objects are kept on the disk, so that memory
does not grow with the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from s3_xfer.errors import ReportError
from s3_xfer.ledger.report import (
    COPIED,
    DELETED,
    DIFFERENT,
    EXTRA,
    FAILED,
    LEFT_OUT,
    MISSING,
    NOT_ATTEMPTED,
    NOT_COMPARED,
    NOT_DELETED,
    NOT_LISTED,
    NOT_RESTORED,
    RESTORED,
    SAME_SIZE,
    SKIPPED,
    WOULD_DELETE,
    WOULD_RESTORE,
)
from s3_xfer.model import S3Object
from s3_xfer.planning.mapping import KeyMap, KeyMaps
from s3_xfer.planning.ranges import KeyRange, merged
from s3_xfer.sources.batch_report import BatchReport
from s3_xfer.sources.named_objects import NamedObject, NamedObjects
from s3_xfer.sources.prefix import PrefixSource
from s3_xfer.sources.report_lines import is_text, report_lines, wrong_line
from s3_xfer.sources.source import OpenListing
from s3_xfer.text import printable

_COPY_AGAIN = (FAILED, NOT_ATTEMPTED, MISSING, DIFFERENT)
_LEAVE = (
    *(COPIED, SKIPPED, LEFT_OUT, EXTRA, SAME_SIZE, NOT_COMPARED),
    *(DELETED, WOULD_DELETE, NOT_DELETED, RESTORED, WOULD_RESTORE, NOT_RESTORED),
)
_SIZE_MAX = 2**63 - 1
_GIVE_ANOTHER = "give the report of a copy between the same two places"


class ReportFile:
    """What an earlier run left to do.

    ``unlisted`` is what that run's listing did not get to: nothing, if it was complete.

    Raises:
        ReportError: the file cannot be read, is no report, or belongs to another copy.
    """

    def __init__(self, path: Path, keys: KeyMaps) -> None:
        self._path = path
        self._keys = keys
        self._unlisted: list[KeyRange] = []
        self._objects: dict[int, NamedObjects] = {}  # of each source that has any
        self._read()
        for unlisted in self.unlisted:
            if unlisted.source in self._objects:
                self._objects[unlisted.source].drop(unlisted)
        self.object_count = sum(map(len, self._objects.values()))

    @property
    def unlisted(self) -> tuple[KeyRange, ...]:
        """The ranges of keys that are still to be listed, in order."""
        return merged(self._unlisted)

    def pages(self) -> Iterator[Sequence[S3Object]]:
        """Yield the objects that are to be copied again, a thousand at a time."""
        for source, objects in self._objects.items():
            yield from objects.pages(self._keys[source].source.bucket)

    def _read(self) -> None:
        try:
            for number, line in report_lines(self._path):
                self._take(number, line)
        except sqlite3.Error as error:
            raise ReportError(
                f"the objects of {printable(str(self._path))} cannot be kept: {error}",
                remedy="make room on the disk for temporary files",
            ) from error

    def _take(self, number: int, line: dict[str, Any]) -> None:
        status = line["status"]
        if status in _COPY_AGAIN:
            keys = self._check_object(number, line)
            version = line.get("source_version_id") or ""
            objects = self._objects.setdefault(keys.number, NamedObjects(by_version=True))
            objects.add([NamedObject(number, line["source_key"], version, line["size"])])
        elif status == NOT_LISTED:
            keys = self._check_rest(number, line)
            if line["start_after"] != line.get("until"):
                rest = KeyRange(line["start_after"], line.get("until"), keys.number)
                self._unlisted.append(rest)
        elif status not in _LEAVE:
            raise self._wrong(number, f"has the unknown status {status!r}")

    def _check_object(self, number: int, line: dict[str, Any]) -> KeyMap:
        """Return the map of the source of an object's line."""
        texts = ("source_bucket", "source_key", "destination_bucket", "destination_key")
        size = line.get("size")
        if not all(is_text(line.get(name)) for name in texts) or not (
            isinstance(size, int) and not isinstance(size, bool) and 0 <= size <= _SIZE_MAX
        ):
            raise self._wrong(number, "lacks a bucket, a key or a size")
        version = line.get("source_version_id")
        if version is not None and not is_text(version):
            raise self._wrong(number, "has a source_version_id that is no text")
        bucket, key = line["source_bucket"], line["source_key"]
        keys = self._keys.find(bucket, key)
        if keys is None:
            raise self._wrong(number, f"is not under {self._keys.source_url}")
        task = keys.task(S3Object(bucket=bucket, key=key, size=size))
        planned = (task.destination_bucket, task.destination_key)
        if (line["destination_bucket"], line["destination_key"]) != planned:
            raise self._wrong(number, f"was not going to {keys.destination.url}")
        return keys

    def _check_rest(self, number: int, line: dict[str, Any]) -> KeyMap:
        """Return the map of the source that a line about key ranges is about."""
        place = (line.get("source_bucket"), line.get("prefix"))
        of_place = (each for each in self._keys if (each.source.bucket, each.source.key) == place)
        keys = next(of_place, None)
        if keys is None:
            raise self._wrong(number, f"is not about {self._keys.source_url}")
        if not is_text(line.get("start_after")):
            raise self._wrong(number, "lacks start_after")
        until = line.get("until")
        if until is not None and not (is_text(until) and until >= line["start_after"]):
            raise self._wrong(number, "has an until that is no key from start_after on")
        return keys

    def _wrong(self, number: int, what: str) -> ReportError:
        return wrong_line(self._path, number, what, remedy=_GIVE_ANOTHER)


class ReportSource(PrefixSource):
    """The objects that ``report`` names, as ``known``, then the key ranges it says are left."""

    def __init__(
        self,
        report: ReportFile | BatchReport,
        open_listing: OpenListing,
        known: Iterable[S3Object] = (),
    ) -> None:
        super().__init__(open_listing, report.unlisted, named=report.pages, known=known)
