"""The completion report of an S3 Batch Operations job, as the input of a copy of what it missed.

Only the first four fields of a row are relied on: documented examples have error code and HTTP
status in another order than the schema beside them. Keys are URL-encoded, as in the job's manifest.
What the job did not get to is in no report.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from s3_xfer.errors import ReportError
from s3_xfer.model import S3Location, S3Object
from s3_xfer.planning.ranges import KeyRange
from s3_xfer.sources.named_objects import PAGE, NamedObject, NamedObjects
from s3_xfer.text import printable, reason_of
from s3_xfer.wording import message

_FORMAT = "Report_CSV_20180820"
_MANIFEST_MAX_BYTES = 10_000_000
_FAILED, _SUCCEEDED = "failed", "succeeded"
_FIELDS = 4  # bucket, key, version, status; the others are for people
_GIVE_ANOTHER = "give manifest.json of the job's completion report, with its results beside it"


def is_batch_report(path: Path) -> bool:
    """Return whether ``path`` may be a completion report: its manifest, or one of its results."""
    if path.suffix == ".csv":
        return True
    return path.suffix == ".json" and _manifest(path) is not None


def _manifest(path: Path) -> Mapping[str, Any] | None:
    try:
        if path.stat().st_size > _MANIFEST_MAX_BYTES:
            return None
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and content.get("Format") == _FORMAT else None


class BatchReport:
    """The objects under ``source`` whose task has failed.

    Raises:
        ReportError: a file is missing or damaged, or a row is none of a copy from there.
    """

    unlisted: tuple[KeyRange, ...] = ()

    def __init__(self, path: Path, source: S3Location) -> None:
        self._source = source
        self._objects = NamedObjects(by_version=False)
        self._rows = 0  # of all files: the number of each is its own
        manifest = _manifest(path) if path.suffix == ".json" else None
        for results, checksum in _results_of(path, manifest) if manifest else [(path, "")]:
            self._read(results, checksum)
        self.object_count = len(self._objects)

    def pages(self) -> Iterator[Sequence[S3Object]]:
        """Yield the objects, a thousand at a time."""
        return self._objects.pages(self._source.bucket)

    def _read(self, path: Path, checksum: str) -> None:
        try:
            if checksum:
                _verify(path, checksum)
            with path.open(encoding="utf-8", newline="") as file:
                self._take_all(path, csv.reader(file, strict=True))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise ReportError(
                f"the results {printable(str(path))} of the job cannot be read: {reason_of(error)}",
                remedy=_GIVE_ANOTHER,
            ) from error

    def _take_all(self, path: Path, rows: Iterator[list[str]]) -> None:
        page: list[NamedObject] = []
        for number, row in enumerate(rows, start=1):
            self._rows += 1
            named = self._named(path, number, row)
            if named:
                page.append(named)
            if len(page) == PAGE:
                self._add(path, page)
                page = []
        self._add(path, page)

    def _add(self, path: Path, page: Sequence[NamedObject]) -> None:
        if self._objects.add(page):
            return
        for named in page:
            known = self._objects.get(named.key)
            if known is None or known.version != named.version:
                raise ReportError(
                    f"the job of {printable(str(path))} has copied several versions of "
                    f"{printable(named.key)!r}",
                    remedy=message(
                        "copy its current version, or give one version in a list: {files_from=...}"
                    ),
                )

    def _named(self, path: Path, number: int, row: Sequence[str]) -> NamedObject | None:
        """Return the object of a row whose task has failed; None of one that succeeded."""
        if len(row) < _FIELDS or row[3].lower() not in (_FAILED, _SUCCEEDED):
            raise _wrong(path, number, "is no row of a completion report")
        bucket, encoded, version, status = row[:_FIELDS]
        try:
            key = unquote_plus(encoded, errors="strict")
        except UnicodeDecodeError as error:
            raise _wrong(path, number, "has a key that is not URL-encoded UTF-8") from error
        if bucket != self._source.bucket or not key.startswith(self._source.key):
            raise _wrong(path, number, f"is not under {self._source.url}")
        is_failed = status.lower() == _FAILED
        return NamedObject(self._rows, key, version) if is_failed else None


def _results_of(path: Path, manifest: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield the files about failed tasks, as they were downloaded, with their checksums."""
    try:
        failed = [
            (str(each["Key"]), str(each["MD5Checksum"]))
            for each in manifest["Results"]
            if str(each["TaskExecutionStatus"]).lower() == _FAILED
        ]
    except (KeyError, TypeError) as error:
        raise ReportError(
            f"{printable(str(path))} is no manifest of a completion report", remedy=_GIVE_ANOTHER
        ) from error
    for key, checksum in failed:
        name = key.rpartition("/")[2]
        candidates = (path.parent / "results" / name, path.parent / name)
        yield next((each for each in candidates if each.exists()), candidates[0]), checksum


def _verify(path: Path, checksum: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if found != checksum.lower():
        raise ReportError(
            f"the results {printable(str(path))} have another MD5 than the manifest says",
            remedy="download them again",
        )


def _wrong(path: Path, number: int, what: str) -> ReportError:
    return ReportError(f"line {number} of {printable(str(path))} {what}", remedy=_GIVE_ANOTHER)
