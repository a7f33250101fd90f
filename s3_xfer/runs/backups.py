"""The backups of a sync that deletes: no object is deleted that was not copied before."""

from __future__ import annotations

from dataclasses import replace

from s3_xfer.access.clients import Clients, open_own_clients
from s3_xfer.copying.context import CopyContext
from s3_xfer.copying.side_copies import SideCopies
from s3_xfer.errors import ErrorClass, ErrorInfo, ObjectError, RetryAction
from s3_xfer.model import (
    DeleteTask,
    Failed,
    NotAttempted,
    OpenUpload,
    Outcome,
    S3Location,
    S3Object,
    Skipped,
    SkipReason,
)
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.spec import CopySpec

_CHANGED_MEANWHILE = {
    ErrorClass.SOURCE_CHANGED: SkipReason.CHANGED_THERE,
    ErrorClass.SOURCE_VANISHED: SkipReason.GONE,
}


class Backups:
    """Copies what is to be deleted below ``backup``; thread-safe. To be closed at the end."""

    def __init__(self, spec: CopySpec, keys: KeyMap, clients: Clients, backup: S3Location) -> None:
        own = open_own_clients(clients, spec)
        self._keys = KeyMap(keys.destination, backup)
        self._copies = SideCopies(
            CopyContext(
                source=own.source,
                destination=own.destination,
                hooks=own.destination_hooks,
                options=spec.options,
                overwrite=False,
                looks_first=not own.destination_is_aws,
            )
        )

    def make(self, task: DeleteTask) -> DeleteTask | Outcome:
        """Return the deletion with its backup; or its outcome, as there is none. Never raises."""
        copy = self._copies.copy(self._keys.task(task.source))
        if isinstance(copy, S3Object):
            return replace(task, backup=copy)
        if isinstance(copy, Failed):
            return _not_backed_up(task, copy.error.info, copy.traceback)
        return NotAttempted(task)

    def close(self, *, all_ended: bool) -> tuple[tuple[OpenUpload, ...], tuple[str, ...]]:
        """Abort what is open; return uploads that could not be aborted, and notes.

        Unless ``all_ended``, a thread may still wait for S3, and is not waited for.
        """
        if all_ended:
            self._copies.close()
        return self._copies.abort_uploads(self._keys.destination.bucket)


def _not_backed_up(task: DeleteTask, info: ErrorInfo, traceback: str) -> Outcome:
    if info.error_class is ErrorClass.INTERRUPTED:
        return NotAttempted(task)
    if info.error_class in _CHANGED_MEANWHILE:
        return Skipped(task, _CHANGED_MEANWHILE[info.error_class])
    if info.error_class.retry_action is not RetryAction.END_RUN:
        message = f"{info.error_class.value}: {info.message}"
        info = replace(info, error_class=ErrorClass.BACKUP_FAILED, message=message)
    return Failed(task, ObjectError(info), traceback)
