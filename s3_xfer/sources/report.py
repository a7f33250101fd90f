"""The objects of an earlier run's report, as the input of this one.

Every line is checked before the first object is copied: a report of other buckets or prefixes is
refused with the line's number, not half executed. ETags are not taken over: an object that failed
because it had changed is to be copied as it is now. The file is read twice, a line at a time, so
that memory does not grow with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from s3_xfer.errors import ReportError
from s3_xfer.ledger.report import (
    COPIED,
    DIFFERENT,
    EXTRA,
    FAILED,
    MISSING,
    NOT_ATTEMPTED,
    NOT_COMPARED,
    NOT_LISTED,
    SKIPPED,
)
from s3_xfer.model import S3Object
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.planning.ranges import KeyRange, merged
from s3_xfer.sources.prefix import PrefixSource
from s3_xfer.sources.source import OpenListing
from s3_xfer.text import printable

_PAGE = 1000
_COPY_AGAIN = (FAILED, NOT_ATTEMPTED, MISSING, DIFFERENT)
_LEAVE = (COPIED, SKIPPED, EXTRA, NOT_COMPARED)


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
        self.object_count = 0
        if path.suffix == ".partial":
            raise ReportError(
                f"{printable(str(path))} belongs to a run that was killed: "
                "it does not say what was left to do",
                remedy="run the copy itself again; --no-overwrite leaves alone what has arrived",
            )
        for number, line in self._lines():
            self._check(number, line)

    @property
    def unlisted(self) -> tuple[KeyRange, ...]:
        """The ranges of keys that are still to be listed, in order."""
        return merged(self._unlisted)

    def pages(self) -> Iterator[Sequence[S3Object]]:
        """Yield the objects that are to be copied again, a thousand at a time."""
        objects = (
            S3Object(
                bucket=line["source_bucket"],
                key=line["source_key"],
                size=line["size"],
                version_id=line.get("source_version_id"),
            )
            for _, line in self._lines()
            if line["status"] in _COPY_AGAIN
        )
        while page := list(islice(objects, _PAGE)):
            yield page

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            with self._path.open(encoding="utf-8") as file:
                for number, text in enumerate(file, start=1):
                    if text.strip():
                        yield number, self._parse(number, text)
        except (OSError, UnicodeDecodeError) as error:
            raise ReportError(
                f"the report {printable(str(self._path))} cannot be read: {error}",
                remedy="give the file that --report wrote",
            ) from error

    def _parse(self, number: int, text: str) -> dict[str, Any]:
        try:
            line = json.loads(text)
        except ValueError:
            line = None
        if not isinstance(line, dict) or not isinstance(line.get("status"), str):
            raise self._wrong(number, "is not a line of a report")
        return line

    def _check(self, number: int, line: dict[str, Any]) -> None:
        status = line["status"]
        if status in _COPY_AGAIN:
            self._check_object(number, line)
            self.object_count += 1
        elif status == NOT_LISTED:
            self._check_rest(number, line)
            self._unlisted.append(KeyRange(line["start_after"], line.get("until")))
        elif status not in _LEAVE:
            raise self._wrong(number, f"has the unknown status {status!r}")

    def _check_object(self, number: int, line: dict[str, Any]) -> None:
        texts = ("source_bucket", "source_key", "destination_bucket", "destination_key")
        size = line.get("size")
        if not all(isinstance(line.get(name), str) for name in texts) or not (
            isinstance(size, int) and not isinstance(size, bool) and size >= 0
        ):
            raise self._wrong(number, "lacks a bucket, a key or a size")
        if not isinstance(line.get("source_version_id"), str | None):
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
        if not isinstance(line.get("start_after"), str):
            raise self._wrong(number, "lacks start_after")
        if not isinstance(line.get("until"), str | None):
            raise self._wrong(number, "has an until that is no key")

    def _wrong(self, number: int, what: str) -> ReportError:
        return ReportError(
            f"line {number} of {printable(str(self._path))} {what}",
            remedy="give the report of a copy between the same two places",
        )


class ReportSource(PrefixSource):
    """The objects that ``report`` names, then the key ranges that its run did not list."""

    def __init__(self, report: ReportFile, open_listing: OpenListing) -> None:
        super().__init__(open_listing, report.unlisted, named=report.pages)
