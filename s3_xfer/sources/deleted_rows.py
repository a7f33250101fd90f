"""What a sync has deleted, by its report: the input of an undo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3_xfer.errors import ReportError, check_fields
from s3_xfer.ledger.report import DELETED, NOT_DELETED
from s3_xfer.model import S3Object
from s3_xfer.sources.report_lines import is_text, report_lines, wrong_line
from s3_xfer.text import printable
from s3_xfer.wording import message

_TEXTS = ("destination_bucket", "destination_key", "etag")
_OF_BACKUP = ("backup_bucket", "backup_key", "backup_etag")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedObject:
    """An object that was deleted, or may have been, as it was listed before.

    ``marker_id`` is the version of the delete marker; empty if the bucket told of none.
    ``is_certain`` is False if S3 did not say that it deleted the object.
    """

    deleted: S3Object
    marker_id: str = ""
    is_certain: bool = True
    backup: S3Object | None = None

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def may_be_kept(self) -> bool:
        """Whether anything can bring it back: a version below a marker, or a backup."""
        return bool(self.marker_id or self.backup or not self.is_certain)


class DeletedObjects:
    """The objects of one report, read anew by each loop.

    Raises:
        ReportError: the file cannot be read, is no report, or names nothing that was deleted.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.count = self.hopeless = 0
        buckets = set()
        for each in self:
            self.count += 1
            self.hopeless += not each.may_be_kept
            buckets.add(each.deleted.bucket)
        self.buckets = tuple(sorted(buckets))
        if not self.count:
            raise ReportError(
                f"the report {printable(str(path))} names nothing that was deleted",
                remedy="give the report of a sync that has deleted something",
            )
        if self.hopeless == self.count:
            raise ReportError(
                f"nothing that {printable(str(path))} names can be brought back: the bucket kept "
                "no versions when it was deleted, and there was no backup",
                remedy=message("restore it from elsewhere; the next time give {backup_prefix}"),
            )

    def __iter__(self) -> Iterator[DeletedObject]:
        """Yield what was deleted, in the order of the report."""
        for number, line in report_lines(self._path):
            is_certain = line["status"] == DELETED
            if is_certain or (line["status"] == NOT_DELETED and line.get("may_be_deleted") is True):
                yield self._parsed(number, line, is_certain=is_certain)

    def _parsed(self, number: int, line: dict[str, Any], *, is_certain: bool) -> DeletedObject:
        size, marker_id = line.get("size"), line.get("version_id")
        is_whole = isinstance(size, int) and not isinstance(size, bool) and size >= 0
        if not is_whole or not all(is_text(line.get(name)) and line[name] for name in _TEXTS):
            raise self._wrong(number, "lacks a bucket, a key, an ETag or a size")
        if marker_id is not None and not is_text(marker_id):
            raise self._wrong(number, "has a version_id that is no text")
        backup = None
        if any(name in line for name in _OF_BACKUP):
            if not all(is_text(line.get(name)) and line[name] for name in _OF_BACKUP):
                raise self._wrong(number, "names a backup, and not all of it")
            backup = S3Object(
                bucket=line["backup_bucket"],
                key=line["backup_key"],
                size=line["size"],
                etag=line["backup_etag"],
            )
        deleted = S3Object(
            bucket=line["destination_bucket"],
            key=line["destination_key"],
            size=line["size"],
            etag=line["etag"],
        )
        return DeletedObject(
            deleted=deleted, marker_id=marker_id or "", is_certain=is_certain, backup=backup
        )

    def _wrong(self, number: int, what: str) -> ReportError:
        return wrong_line(self._path, number, what, remedy="give the report as the sync wrote it")
