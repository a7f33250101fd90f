"""One object that is deleted at the destination, only if it is still what was listed.

The request carries the listed ETag as a condition. Where the service may ignore that, the object is
looked at right before. What has changed meanwhile survives, and what is gone already is no failure.
"""

from __future__ import annotations

import threading
import traceback
from typing import Any

from s3_xfer.copying import lookup
from s3_xfer.copying.headers import object_params
from s3_xfer.copying.verify import bare_etag
from s3_xfer.errors import ErrorClass, ObjectError, translate
from s3_xfer.model import (
    Deleted,
    DeleteTask,
    Failed,
    NotAttempted,
    Outcome,
    Skipped,
    SkipReason,
)
from s3_xfer.s3_client import S3Client

_CONDITION_FAILED = (ErrorClass.SOURCE_CHANGED, ErrorClass.SOURCE_VANISHED)


class Deleter:
    """Deletes objects, one by one; thread-safe.

    ``looks_first`` sends a HEAD before, where a service may ignore the condition.
    """

    def __init__(self, client: S3Client, *, looks_first: bool) -> None:
        self._client = client
        self._of_thread = threading.local()
        # As a header: not every model of botocore knows the condition.
        client.meta.events.register("before-call.s3.DeleteObject", self._add_condition)
        self._looks_first = looks_first

    def delete(self, task: DeleteTask) -> Outcome:
        """Return how the deletion ended. Never raises."""
        try:
            return (self._changed(task) if self._looks_first else None) or self._delete(task)
        except Exception as error:  # noqa: BLE001 - an object's failure, kept with its traceback
            info = translate(error)
            if info.error_class is ErrorClass.INTERRUPTED and not info.attempts:
                return NotAttempted(task)
            unexpected = info.error_class is ErrorClass.UNEXPECTED
            return Failed(task, ObjectError(info), traceback.format_exc() if unexpected else "")

    def _delete(self, task: DeleteTask) -> Outcome:
        target = task.source
        try:
            self._of_thread.etag = target.etag
            answer = self._client.delete_object(**object_params(target))
        except Exception as error:
            if translate(error).error_class not in _CONDITION_FAILED:
                raise
            return self._changed(task) or Skipped(task, SkipReason.CHANGED_THERE)
        is_marker = answer.get("DeleteMarker", False)
        return Deleted(task, answer.get("VersionId", "") if is_marker else "")

    def _add_condition(self, params: dict[str, Any], **_: object) -> None:
        params["headers"]["If-Match"] = self._of_thread.etag

    def _changed(self, task: DeleteTask) -> Outcome | None:
        """Return why the object is left alone; None if it is what was listed."""
        found = lookup.existing_counterpart(self._client, task)
        if found is None:
            return Skipped(task, SkipReason.GONE)
        is_same = bare_etag(found.found.etag) == bare_etag(task.source.etag)
        return None if is_same else Skipped(task, SkipReason.CHANGED_THERE)
