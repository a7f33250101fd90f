"""The multipart uploads of one client: which are open, and which may be open unknown to us.

An upload costs money until it is completed or aborted. s3transfer does not expose the ids of its
uploads, so they are read from the answers to the requests themselves.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

from s3_xfer.copying import answers
from s3_xfer.copying.request_state import RequestState, state_of
from s3_xfer.copying.upload_registry import PendingCreate, UploadRegistry
from s3_xfer.errors import ErrorInfo
from s3_xfer.model import OpenUpload

_UPLOAD_ENDS = ("CompleteMultipartUpload", "AbortMultipartUpload")


class UploadTracker:
    """Follows the uploads of one client. Thread-safe."""

    def __init__(self) -> None:
        self._open: dict[str, OpenUpload] = {}
        self._lost: dict[str, PendingCreate] = {}
        self._registry: UploadRegistry | None = None
        self._lock = threading.Lock()

    def attach(self, client: Any) -> None:
        """Follow the uploads of ``client``."""
        events = client.meta.events
        events.register("before-call.s3.CreateMultipartUpload", self._before_create)
        events.register("after-call.s3", self._after_call)

    def record_in(self, registry: UploadRegistry) -> None:
        """Record uploads in ``registry`` from now on."""
        self._registry = registry

    def open_uploads(self) -> tuple[OpenUpload, ...]:
        """Return the uploads that were created and neither completed nor aborted since."""
        with self._lock:
            return tuple(self._open.values())

    def lost_uploads(self) -> tuple[PendingCreate, ...]:
        """Return where S3 may have created uploads whose answer was lost."""
        with self._lock:
            return tuple(self._lost.values())

    def note_error(self, operation: str, state: RequestState, info: ErrorInfo) -> None:
        """Note an upload that S3 may have created without an answer."""
        if operation == "CreateMultipartUpload" and info.error_class in answers.AMBIGUOUS:
            key = state.params["Key"]
            with self._lock:
                self._lost.setdefault(key, PendingCreate(key, datetime.now(UTC)))

    def _before_create(self, context: dict[str, Any], **_: object) -> None:
        if self._registry:
            self._registry.create_pending(state_of(context).params["Key"])

    def _after_call(
        self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: object
    ) -> None:
        failed = parsed.get("Error", {}).get("Code")
        params = state_of(context).params
        if model.name == "CreateMultipartUpload" and not failed:
            self._created(OpenUpload(params["Bucket"], params["Key"], parsed["UploadId"]))
        elif model.name in _UPLOAD_ENDS and failed in (None, "NoSuchUpload"):
            self._closed(params["UploadId"])

    def _created(self, upload: OpenUpload) -> None:
        with self._lock:
            self._open[upload.upload_id] = upload
        if self._registry:
            self._registry.created(upload, may_be_another=upload.key in self._lost)

    def _closed(self, upload_id: str) -> None:
        with self._lock:
            self._open.pop(upload_id, None)
        if self._registry:
            self._registry.closed(upload_id)
