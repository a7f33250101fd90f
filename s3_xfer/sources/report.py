"""The objects of an earlier run's report, as the input of this one.

Every line is checked before the first object is copied: a report of other buckets or prefixes is
refused with the line's number, not half executed. ETags are not taken over: an object that failed
because it had changed is to be copied as it is now. The last line counts the others: a report that
was cut off would forget objects. Reports may be joined, so the same object may be named twice, or
in a range that is to be listed: it is copied once. The objects are kept on the disk, so that memory
does not grow with the file.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from s3_xfer.errors import ReportError
from s3_xfer.ledger.report import (
    COPIED,
    COUNTS,
    DELETED,
    DIFFERENT,
    END,
    EXTRA,
    FAILED,
    MISSING,
    NOT_ATTEMPTED,
    NOT_COMPARED,
    NOT_DELETED,
    NOT_LISTED,
    SAME_SIZE,
    SKIPPED,
    WOULD_DELETE,
)
from s3_xfer.model import S3Object
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.planning.ranges import KeyRange, merged
from s3_xfer.sources.batch_report import BatchReport
from s3_xfer.sources.named_objects import NamedObject, NamedObjects
from s3_xfer.sources.prefix import PrefixSource
from s3_xfer.sources.source import OpenListing
from s3_xfer.text import printable
from s3_xfer.wording import message

_COPY_AGAIN = (FAILED, NOT_ATTEMPTED, MISSING, DIFFERENT)
_LEAVE = (COPIED, SKIPPED, EXTRA, SAME_SIZE, NOT_COMPARED, DELETED, WOULD_DELETE, NOT_DELETED)
_SIZE_MAX = 2**63 - 1
_GIVE_ANOTHER = "give the report of a copy between the same two places"
_RUN_IT_AGAIN = message("run the copy itself again; {overwrite=False} keeps what has arrived")


class ReportFile:
    """What an earlier run left to do.

    ``unlisted`` is what that run's listing did not get to: nothing, if it was complete.

    Raises:
        ReportError: the file cannot be read, is no report, or belongs to another copy.
    """

    def __init__(self, path: Path, keys: KeyMap) -> None:
        self._path = path
        self._keys = keys
        self._unlisted: list[KeyRange] = []
        self._objects = NamedObjects(by_version=True)
        if path.suffix == ".partial":
            raise ReportError(
                f"{printable(str(path))} belongs to a run that was killed: "
                "it does not say what was left to do",
                remedy=_RUN_IT_AGAIN,
            )
        self._read()
        for unlisted in self.unlisted:
            self._objects.drop(unlisted)
        self.object_count = len(self._objects)

    @property
    def unlisted(self) -> tuple[KeyRange, ...]:
        """The ranges of keys that are still to be listed, in order."""
        return merged(self._unlisted)

    def pages(self) -> Iterator[Sequence[S3Object]]:
        """Yield the objects that are to be copied again, a thousand at a time."""
        return self._objects.pages(self._keys.source.bucket)

    def _read(self) -> None:
        """Read every line; each report, of several that were joined, ends with its counts."""
        counts: Counter[str] = Counter()
        number, is_ended = 0, False
        for number, line in self._lines():
            is_ended = line["status"] == END
            if is_ended:
                if line.get(COUNTS) != counts:
                    what = "counts other lines than come before it"
                    raise self._wrong(number, what, remedy=_RUN_IT_AGAIN)
                counts.clear()
            else:
                self._take(number, line)
                counts[line["status"]] += 1
        name = printable(str(self._path))
        if not number:
            raise ReportError(f"the report {name} is empty", remedy=_RUN_IT_AGAIN)
        if not is_ended:
            raise ReportError(
                f"the report {name} lacks its last line, with counts: it was cut off, or an older "
                "s3-xfer has written it",
                remedy=_RUN_IT_AGAIN,
            )

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            with self._path.open(encoding="utf-8") as file:
                for number, text in enumerate(file, start=1):
                    if text.strip():
                        yield number, self._parse(number, text)
        except (OSError, UnicodeDecodeError, sqlite3.Error) as error:
            raise ReportError(
                f"the report {printable(str(self._path))} cannot be read: {error}",
                remedy=message("give the file that {report_path} wrote"),
            ) from error

    def _parse(self, number: int, text: str) -> dict[str, Any]:
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            line = None
        if not isinstance(line, dict) or not isinstance(line.get("status"), str):
            raise self._wrong(number, "is not a line of a report")
        return line

    def _take(self, number: int, line: dict[str, Any]) -> None:
        status = line["status"]
        if status in _COPY_AGAIN:
            self._check_object(number, line)
            version = line.get("source_version_id") or ""
            self._objects.add([NamedObject(number, line["source_key"], version, line["size"])])
        elif status == NOT_LISTED:
            self._check_rest(number, line)
            if line["start_after"] != line.get("until"):
                self._unlisted.append(KeyRange(line["start_after"], line.get("until")))
        elif status not in _LEAVE:
            raise self._wrong(number, f"has the unknown status {status!r}")

    def _check_object(self, number: int, line: dict[str, Any]) -> None:
        texts = ("source_bucket", "source_key", "destination_bucket", "destination_key")
        size = line.get("size")
        if not all(_is_text(line.get(name)) for name in texts) or not (
            isinstance(size, int) and not isinstance(size, bool) and 0 <= size <= _SIZE_MAX
        ):
            raise self._wrong(number, "lacks a bucket, a key or a size")
        version = line.get("source_version_id")
        if version is not None and not _is_text(version):
            raise self._wrong(number, "has a source_version_id that is no text")
        source = self._keys.source
        if line["source_bucket"] != source.bucket or not line["source_key"].startswith(source.key):
            raise self._wrong(number, f"is not under {source.url}")
        task = self._keys.task(S3Object(bucket=source.bucket, key=line["source_key"], size=size))
        planned = (task.destination_bucket, task.destination_key)
        if (line["destination_bucket"], line["destination_key"]) != planned:
            raise self._wrong(number, f"was not going to {self._keys.destination.url}")

    def _check_rest(self, number: int, line: dict[str, Any]) -> None:
        source = self._keys.source
        if (line.get("source_bucket"), line.get("prefix")) != (source.bucket, source.key):
            raise self._wrong(number, f"is not about {source.url}")
        if not _is_text(line.get("start_after")):
            raise self._wrong(number, "lacks start_after")
        until = line.get("until")
        if until is not None and not (_is_text(until) and until >= line["start_after"]):
            raise self._wrong(number, "has an until that is no key from start_after on")

    def _wrong(self, number: int, what: str, *, remedy: str = _GIVE_ANOTHER) -> ReportError:
        return ReportError(f"line {number} of {printable(str(self._path))} {what}", remedy=remedy)


def _is_text(value: Any) -> bool:
    """Return whether ``value`` is a text that S3 can be sent: JSON may hold half of a character."""
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)


class ReportSource(PrefixSource):
    """The objects that ``report`` names, then the key ranges that its run did not list."""

    def __init__(self, report: ReportFile | BatchReport, open_listing: OpenListing) -> None:
        super().__init__(open_listing, report.unlisted, named=report.pages)
