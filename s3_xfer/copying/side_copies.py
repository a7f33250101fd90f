"""Copies beside those of a run: backups before deletes, and what an undo brings back.

Each is a copy like any other: by S3, pinned to the ETag, verified, in parts where it is large, with
metadata and tags. What is there already is never overwritten; the same content counts as copied.
"""

from __future__ import annotations

from dataclasses import replace

from s3_xfer.comparison import CompareStatus
from s3_xfer.copying import lookup
from s3_xfer.copying.context import CopyContext
from s3_xfer.copying.copier import ObjectCopier
from s3_xfer.copying.managed_when_needed import ManagedWhenNeeded
from s3_xfer.errors import ErrorClass, ObjectError, translate
from s3_xfer.model import (
    Copied,
    CopyTask,
    Failed,
    OpenUpload,
    Outcome,
    S3Object,
    Skipped,
    SkipReason,
)
from s3_xfer.options import CompareBy

_TAKEN = "another object has the key of the copy already"


class SideCopies:
    """Makes copies, one by one; thread-safe. ``context`` is one that does not overwrite."""

    def __init__(self, context: CopyContext) -> None:
        self._context = context
        self._engine = ManagedWhenNeeded(context.destination, context.options)
        self._copier = ObjectCopier(context, self._engine)

    def close(self) -> None:
        """Release the threads, once no copy is under way."""
        self._engine.close()

    def copy(self, task: CopyTask) -> S3Object | Outcome:
        """Return the copy of ``task``, or the outcome that there is none. Never raises."""
        outcome = self._copier.copy(task)
        if isinstance(outcome, Copied):
            return _copy_of(outcome.task, outcome.etag)
        if isinstance(outcome, Skipped) and outcome.reason is SkipReason.EXISTS:
            return self._existing(task)
        return outcome

    def abort_uploads(self, bucket: str) -> tuple[tuple[OpenUpload, ...], tuple[str, ...]]:
        """Abort what is still open; return what could not be, and notes for the user."""
        uploads = self._context.hooks.uploads
        notes = uploads.sweep(self._context.destination, bucket, None)
        return uploads.open_uploads(), notes

    def _existing(self, task: CopyTask) -> S3Object | Outcome:
        """Return what is at the key, if it has the same content."""
        context = self._context
        try:
            found = lookup.compared_counterpart(
                context.source, context.destination, task, CompareBy.AUTO
            )
        except Exception as error:  # noqa: BLE001 - that object's failure
            return Failed(task, ObjectError(translate(error)))
        if found and found.status is CompareStatus.SAME:
            return _copy_of(task, found.found.etag)
        return Failed(task, ObjectError.of(ErrorClass.KEY_TAKEN, _TAKEN))


def _copy_of(task: CopyTask, etag: str) -> S3Object:
    return replace(
        task.source,
        bucket=task.destination_bucket,
        key=task.destination_key,
        etag=etag,
        version_id=None,
    )
