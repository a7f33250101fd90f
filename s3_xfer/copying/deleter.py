"""One object that is deleted at the destination, only if it is still what was listed.

The request carries the listed ETag as a condition. Where the service may ignore that, the object
is looked at right before each sending. What has changed meanwhile survives, and what is gone
already is no failure. After an answer that was lost a look says whether the object is gone.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from s3_xfer.copying import lookup
from s3_xfer.copying.headers import object_params
from s3_xfer.copying.hooks import RequestHooks
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
_CHANGED, _GONE = SkipReason.CHANGED_THERE, SkipReason.GONE


@dataclass(frozen=True, slots=True)
class _Look:
    """What a HEAD found: why the object is left alone, if it is, and the marker that hides it."""

    reason: SkipReason | None
    marker_id: str = ""


class _LeftAloneError(Exception):
    """The object is no more what was listed, so that the request is not sent (again)."""

    def __init__(self, look: _Look) -> None:
        super().__init__()
        self.look = look


class Deleter:
    """Deletes objects, one by one; thread-safe. ``hooks`` are those of ``client``.

    ``looks_first`` sends a HEAD before, where a service may ignore the condition.
    """

    def __init__(self, client: S3Client, hooks: RequestHooks, *, looks_first: bool) -> None:
        self._client = client
        self._transfers = hooks.transfers
        self._of_thread = threading.local()
        events = client.meta.events
        # As a header: not every model of botocore knows the condition.
        events.register("before-call.s3.DeleteObject", self._add_condition)
        if looks_first:
            events.register("before-send.s3.DeleteObject", self._look_before)

    def delete(self, task: DeleteTask) -> Outcome:
        """Return how the deletion ended. Never raises."""
        try:
            return self._delete(task)
        except Exception as error:  # noqa: BLE001 - an object's failure, kept with its traceback
            info = translate(error)
            if info.error_class is ErrorClass.INTERRUPTED and not info.attempts:
                return NotAttempted(task)
            unexpected = info.error_class is ErrorClass.UNEXPECTED
            return Failed(task, ObjectError(info), traceback.format_exc() if unexpected else "")

    def _delete(self, task: DeleteTask) -> Outcome:
        self._of_thread.task = task
        with self._transfers.of(task.destination_key) as request:
            try:
                answer: Mapping[str, Any] = self._client.delete_object(**object_params(task.source))
            except _LeftAloneError as left_alone:
                return _settled(task, left_alone.look, was_sent=request.ambiguous)
            except Exception as error:  # noqa: BLE001 - raised again unless it hides an outcome
                return self._after(error, task, was_sent=request.ambiguous)
        return Deleted(task, _marker_in(answer))

    def _after(self, error: Exception, task: DeleteTask, *, was_sent: bool) -> Outcome:
        """Return what a look at the object makes of ``error``; raise it if that is nothing.

        ``was_sent``: S3 may have deleted it although no answer said so.
        """
        info = translate(error)
        failed = info.error_class in _CONDITION_FAILED
        if not (failed or was_sent):
            raise error
        try:
            look = self._look(task)
        except Exception:  # noqa: BLE001 - nothing is known but the error itself
            raise error from None
        if look.reason is _GONE or (failed and look.reason):
            return _settled(task, look, was_sent=was_sent)
        if failed:  # the service denies the condition, which holds
            raise ObjectError(replace(info, error_class=ErrorClass.CONDITION_REFUSED)) from error
        raise error

    def _add_condition(self, params: dict[str, Any], **_: object) -> None:
        params["headers"]["If-Match"] = self._of_thread.task.source.etag

    def _look_before(self, **_: object) -> None:
        look = self._look(self._of_thread.task)
        if look.reason:
            raise _LeftAloneError(look)

    def _look(self, task: DeleteTask) -> _Look:
        """Return whether the object is still what was listed.

        Raises:
            Exception: of any kind that the client raises; nothing is known then.
        """
        try:
            etag = lookup.destination_etag(self._client, task)
        except ClientError as error:
            if translate(error).error_class is not ErrorClass.SOURCE_VANISHED:
                raise
            return _Look(_GONE, _hiding_marker(error))
        is_same = bare_etag(etag) == bare_etag(task.source.etag)
        return _Look(None if is_same else _CHANGED)


def _settled(task: DeleteTask, look: _Look, *, was_sent: bool) -> Outcome:
    """Return how the deletion of an object ended that is no more what was listed."""
    if look.reason is _GONE and was_sent:
        return Deleted(task, look.marker_id, is_answered=False)
    return Skipped(task, look.reason or _CHANGED)


def _marker_in(answer: Mapping[str, Any]) -> str:
    return str(answer.get("VersionId", "")) if answer.get("DeleteMarker") else ""


def _hiding_marker(error: ClientError) -> str:
    """Return the version id of the delete marker that a 404 tells of; empty if it tells of none."""
    headers = error.response["ResponseMetadata"]["HTTPHeaders"]
    is_marker = headers.get("x-amz-delete-marker") == "true"
    return headers.get("x-amz-version-id", "") if is_marker else ""
