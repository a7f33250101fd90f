"""The objects of a job, with what is known about each, in a temporary file.

What the job says about an object and what a check shows come in different orders, and memory does
not grow with them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from s3_xfer.access.plan_storage import PlanStorage
from s3_xfer.batch.completion import Row
from s3_xfer.batch.plan import OBJECTS
from s3_xfer.comparison import CompareResult, CompareStatus
from s3_xfer.errors import ErrorClass, ErrorInfo, ObjectError, ReportError
from s3_xfer.ledger.report import END
from s3_xfer.model import CopyTask, S3Object
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.temporary_database import temporary_database
from s3_xfer.text import printable

_PAGE = 1000
_CLASSES = {member.value: member for member in ErrorClass}
_STATUSES = {member.value: member for member in CompareStatus}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobObject:
    """One object. Of a tried one without an ``error`` the job says that it was copied.

    ``comparison`` is what a check shows; None if neither side has the object, or none was made.
    """

    task: CopyTask
    is_tried: bool
    error: ErrorInfo | None
    comparison: CompareResult | None


class JobObjects:
    """All objects of a job. For one thread.

    Raises:
        ReportError: the plan's list of them is damaged.
    """

    def __init__(self, storage: PlanStorage, keys: KeyMap) -> None:
        self._database = temporary_database(
            self,
            table="objects (key TEXT PRIMARY KEY, size INTEGER, etag TEXT,"
            " error TEXT, comparison TEXT)",  # the error is empty where the job says: copied
        )
        self._keys = keys
        for line in lines_of(storage, OBJECTS):
            values = tuple(line.get(name) for name in ("source_key", "size", "etag"))
            if tuple(map(type, values)) != (str, int, str):
                raise _damaged(storage, OBJECTS)
            self._database.execute(
                "INSERT OR IGNORE INTO objects (key, size, etag) VALUES (?, ?, ?)", values
            )

    def __len__(self) -> int:
        return self._count("TRUE")

    def any_said_copied(self) -> bool:
        """Return whether the job says of any object that it has copied it."""
        return self._count("error = ''") > 0

    def _count(self, condition: str) -> int:
        query = f"SELECT count(*) FROM objects WHERE {condition}"  # noqa: S608 - a literal
        return int(self._database.execute(query).fetchone()[0])

    def note_row(self, row: Row) -> None:
        """Note a row of the completion report; of two about one object a failure stands.

        Raises:
            ReportError: no such object is in the plan.
        """
        error = json.dumps(_error_values(row.error)) if row.error else ""
        for key in dict.fromkeys((row.key, row.written_key)):
            changed = self._database.execute(
                "UPDATE objects SET error = CASE WHEN ifnull(error, '') = '' THEN ? ELSE error END"
                " WHERE key = ?",
                (error, key),
            )
            if changed.rowcount and row.bucket == self._keys.source.bucket:
                return
        raise ReportError(
            f"the completion report names {printable(row.bucket)}/{printable(row.written_key)}, "
            "which is not in the plan",
            remedy="collect with the plan that the job was submitted from",
        )

    def note_comparison(self, result: CompareResult) -> None:
        """Note how both sides compare; what is not of the job is left out."""
        copy = result.destination
        if result.task:
            key = result.task.source.key
        else:
            assert copy  # noqa: S101 - an extra object is one
            key = self._keys.source.key + copy.key[len(self._keys.destination.key) :]
        text = json.dumps(_comparison_values(result))
        self._database.execute("UPDATE objects SET comparison = ? WHERE key = ?", (text, key))

    def __iter__(self) -> Iterator[JobObject]:
        last: str | None = None
        while rows := self._database.execute(
            "SELECT key, size, etag, error, comparison FROM objects"
            " WHERE ? IS NULL OR key > ? ORDER BY key LIMIT ?",
            (last, last, _PAGE),
        ).fetchall():
            yield from (self._object(*row) for row in rows)
            last = rows[-1][0]

    def _object(
        self, key: str, size: int, etag: str, error: str | None, comparison: str | None
    ) -> JobObject:
        found = S3Object(bucket=self._keys.source.bucket, key=key, size=size, etag=etag)
        task = self._keys.task(found)
        return JobObject(
            task=task,
            is_tried=error is not None,
            error=_error_of(json.loads(error)) if error else None,
            comparison=_comparison_of(json.loads(comparison), task) if comparison else None,
        )


def _error_values(info: ErrorInfo) -> dict[str, Any]:
    return {
        "error_class": info.error_class.value,
        "code": info.code,
        "message": info.message,
        "http_status": info.http_status,
        "request_id": info.request_id,
    }


def _error_of(values: dict[str, Any]) -> ErrorInfo:
    return ErrorInfo(**(values | {"error_class": _CLASSES[values["error_class"]]}))


def _comparison_values(result: CompareResult) -> dict[str, Any]:
    copy = result.destination
    modified = copy.last_modified.isoformat() if copy and copy.last_modified else None
    return {
        "status": result.status.value,
        "copy": [copy.size, copy.etag, modified] if copy else None,
        "reasons": result.reasons,
        "detail": result.detail,
        "error": _error_values(result.error.info) if result.error else None,
    }


def _comparison_of(values: dict[str, Any], task: CopyTask) -> CompareResult:
    copy = None
    if values["copy"]:
        size, etag, modified = values["copy"]
        copy = S3Object(
            bucket=task.destination_bucket,
            key=task.destination_key,
            size=size,
            etag=etag,
            last_modified=datetime.fromisoformat(modified) if modified else None,
        )
    return CompareResult(
        status=_STATUSES[values["status"]],
        task=task,
        destination=copy,
        reasons=tuple(values["reasons"]),
        detail=values["detail"],
        error=ObjectError(_error_of(values["error"])) if values["error"] else None,
    )


def lines_of(storage: PlanStorage, report: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of a report that the plan consists of, but its last.

    Raises:
        PlanError: it cannot be read.
        ReportError: it is damaged.
    """
    is_ended = False
    try:
        for text in storage.lines(report):
            line = json.loads(text)
            is_ended = line["status"] == END
            if not is_ended:
                yield line
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(storage, report) from error
    if not is_ended:
        raise _damaged(storage, report)


def _damaged(storage: PlanStorage, report: str) -> ReportError:
    return ReportError(
        f"{storage.name_of(report)} of the plan was cut off or changed",
        remedy="give the plan as it was written",
    )
