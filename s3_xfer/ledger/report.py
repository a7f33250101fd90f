"""The report: one JSON line for each object that did not copy, usable as input for a re-run.

Lines are written as they happen into ``FILE.partial``, which becomes ``FILE`` when the run has
ended: a file under the final name is always complete. If the listing did not get to its end, more
lines say between which keys nothing was listed, so that a re-run goes on there. The last line
counts the others by status, so that what was cut off afterwards is noticed. No line is held in
memory or dropped: a full disk ends the run. Two runs cannot write one report.

A check writes the same kind of report, with ``status`` missing, different (with ``reasons`` and the
names that differ in ``detail``), extra and not_compared, and same_size where that fails the check;
a re-run copies the first two. The fields are those of docs/semantics.md.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from s3_xfer.comparison import CompareResult, CompareStatus
from s3_xfer.errors import ErrorClass, ObjectError, ReportError
from s3_xfer.model import (
    Copied,
    CopyTask,
    Deleted,
    DeleteTask,
    Failed,
    NotAttempted,
    Outcome,
    S3Object,
    Skipped,
    SkipReason,
)
from s3_xfer.options import ReportScope
from s3_xfer.text import printable
from s3_xfer.wording import message

COPIED, SKIPPED, FAILED = "copied", "skipped", "failed"
LEFT_OUT = "left_out"  # by a filter; only in a report of all objects
NOT_ATTEMPTED, NOT_LISTED = "not_attempted", "not_listed"
MISSING, DIFFERENT = CompareStatus.MISSING.value, CompareStatus.DIFFERENT.value
EXTRA, NOT_COMPARED = CompareStatus.EXTRA.value, CompareStatus.NOT_COMPARED.value
SAME_SIZE = CompareStatus.SAME_SIZE.value  # where a check fails on it
DELETED, WOULD_DELETE, NOT_DELETED = "deleted", "would_delete", "not_deleted"
RESTORED, WOULD_RESTORE, NOT_RESTORED = "restored", "would_restore", "not_restored"  # of an undo
_UNANSWERED = frozenset(
    {
        ErrorClass.TIMEOUT,
        ErrorClass.NETWORK,
        ErrorClass.SERVER_ERROR,
        ErrorClass.EMPTY_RESPONSE,
        ErrorClass.INTERRUPTED,
    }
)
END, COUNTS = "end", "counts"  # the status of the last line, and its field


class ReportWriter:
    """Writes one report. Thread-safe; every method raises ReportError when the disk refuses."""

    def __init__(self, path: Path, scope: ReportScope) -> None:
        self._path = path
        self._scope = scope
        self._partial = path.with_name(path.name + ".partial")
        self._lock = threading.Lock()
        self._lost: ReportError | None = None  # why a line is missing
        self._counts: Counter[str] = Counter()  # lines by status
        check_writable(path)
        try:
            self._file = self._partial.open("a", encoding="utf-8", buffering=1)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._file.truncate(0)
        except BlockingIOError as error:
            self._file.close()
            raise _cannot_write(path, OSError("another run is writing it")) from error
        except OSError as error:
            raise _cannot_write(path, error) from error

    def record(self, outcome: Outcome) -> None:
        """Add one object, if the scope asks for it."""
        if isinstance(outcome, Copied) and self._scope is not ReportScope.ALL:
            return
        self._write(outcome_line(outcome))

    def left(self, task: CopyTask, reason: str) -> None:
        """Add an object that is left to another copy; ``reason`` may be empty."""
        line = outcome_line(NotAttempted(task))
        self._write(line | ({"reason": reason} if reason else {}))

    def left_out(self, found: S3Object, rule: str) -> None:
        """Add an object of the source that a filter has left out."""
        self._write(
            {
                "status": LEFT_OUT,
                "source_bucket": found.bucket,
                "source_key": found.key,
                "size": found.size,
                "etag": found.etag,
                "reason": rule,
            }
        )

    def taken_over(self, line: dict[str, Any]) -> None:
        """Add a line of another report of the same copy, but not its last."""
        self._write(line)

    def compared(self, result: CompareResult) -> None:
        """Add what a check says about one object."""
        self._write(_compared_line(result))

    def not_listed(self, *, bucket: str, prefix: str, after: str, until: str | None) -> None:
        """State that no key behind ``after``, up to and including ``until``, was listed.

        None is the end of the listing.
        """
        line = {"status": NOT_LISTED, "source_bucket": bucket, "prefix": prefix}
        self._write({**line, "start_after": after, "until": until})

    def repeat(self, line: dict[str, Any]) -> None:
        """Add a line of another report, but its last."""
        self._write(line)

    def _write(self, line: dict[str, Any]) -> None:
        try:
            with self._lock:
                self._file.write(json.dumps(line) + "\n")
                self._counts[line["status"]] += 1
        except OSError as error:
            self._lost = _cannot_write(self._path, error)
            raise self._lost from error

    def leave(self) -> None:
        """Close the report under its ``.partial`` name: it is not complete."""
        with self._lock:
            self._file.close()

    def finish(self) -> Path:
        """Write the last line, give the report its final name and return that.

        A report that lost a line keeps its ``.partial`` name, and raises.
        """
        try:
            with self._lock:
                if self._lost:
                    self._file.close()
                    raise self._lost
                self._file.write(json.dumps({"status": END, COUNTS: self._counts}) + "\n")
                self._file.close()
                os.replace(self._partial, self._path)
        except OSError as error:
            raise _cannot_write(self._path, error) from error
        return self._path


def check_writable(path: Path) -> None:
    """Return if a report can be put at ``path``, as far as can be told without writing.

    Raises:
        ReportError: the folder is missing, or something else than a file is in the way.
    """
    if path.exists() and not path.is_file():
        raise _cannot_write(path, OSError("it is not a regular file"))
    if not path.absolute().parent.is_dir():
        raise _cannot_write(path, OSError("there is no such folder"))


def outcome_line(outcome: Outcome) -> dict[str, Any]:
    """Return the report's line of one object as plain JSON values."""
    if isinstance(outcome.task, DeleteTask):
        return _delete_line(outcome)
    line = _task_fields(outcome.task)
    match outcome:
        case Copied():
            return {"status": COPIED, **line, "copy_etag": outcome.etag}
        case Skipped():
            return {"status": SKIPPED, **line, "reason": outcome.reason.value}
        case NotAttempted():
            return {"status": NOT_ATTEMPTED, **line}
        case Failed():
            traceback = {"traceback": outcome.traceback} if outcome.traceback else {}
            return {"status": FAILED, **line, **error_fields(outcome.error), **traceback}
    raise AssertionError(f"a copy has no outcome like {outcome}")


def _delete_line(outcome: Outcome) -> dict[str, Any]:
    """Return the line of an object that was to be deleted at the destination."""
    task = outcome.task
    assert isinstance(task, DeleteTask)  # noqa: S101 - the caller has looked
    target, backup = task.source, task.backup
    line: dict[str, Any] = {
        "destination_bucket": target.bucket,
        "destination_key": target.key,
        "size": target.size,
        "etag": target.etag,
    }
    if backup:
        line |= {"backup_bucket": backup.bucket, "backup_key": backup.key}
        line |= {"backup_etag": backup.etag}
    match outcome:
        case Deleted():
            lost = {} if outcome.is_answered else {"answer_lost": True}
            return {"status": DELETED, **line, "version_id": outcome.version_id or None, **lost}
        case Skipped(reason=SkipReason.WOULD_DELETE):
            return {"status": WOULD_DELETE, **line}
        case Skipped():
            return {"status": NOT_DELETED, **line, "reason": outcome.reason.value}
        case Failed():
            doubt = {"may_be_deleted": True} if _leaves_doubt(outcome.error) else {}
            return {"status": NOT_DELETED, **line, **doubt, **error_fields(outcome.error)}
    return {"status": NOT_DELETED, **line}


def _leaves_doubt(error: ObjectError) -> bool:
    """Return whether S3 may have deleted an object although no answer says so."""
    return error.info.attempts > 0 and error.info.error_class in _UNANSWERED


def _compared_line(result: CompareResult) -> dict[str, Any]:
    """Return the report's line of one object of a check as plain JSON values."""
    line: dict[str, Any] = {"status": result.status.value}
    copy = result.destination
    if result.task:
        line |= _task_fields(result.task)
        line |= {"copy_size": copy.size, "copy_etag": copy.etag} if copy else {}
    elif copy:
        line |= {"destination_bucket": copy.bucket, "destination_key": copy.key}
        line |= {"size": copy.size, "etag": copy.etag}
    if result.reasons:
        line |= {"reasons": list(result.reasons), "detail": result.detail}
    return line | (error_fields(result.error) if result.error else {})


def _task_fields(task: CopyTask) -> dict[str, Any]:
    source = task.source
    version = {"source_version_id": source.version_id} if source.version_id is not None else {}
    return {
        "source_bucket": source.bucket,
        "source_key": source.key,
        **version,
        "destination_bucket": task.destination_bucket,
        "destination_key": task.destination_key,
        "size": source.size,
        "etag": source.etag,
    }


def error_fields(error: ObjectError) -> dict[str, Any]:
    """Return the fields of a line that say why something failed."""
    info = error.info
    return {
        "error_class": info.error_class.value,
        "code": info.code,
        "http_status": info.http_status,
        "request_id": info.request_id,
        "attempts": info.attempts,
        "message": info.message,
    }


def _cannot_write(path: Path, error: OSError) -> ReportError:
    reason = error.strerror or str(error)
    return ReportError(
        f"the report {printable(str(path))} cannot be written: {reason}",
        remedy=message("give {report_path} a file on a disk with room that you may write"),
    )
