"""Multipart uploads that outlive the answer, or the run, that created them.

An upload costs money until it is completed or aborted. A run with a journal keeps an
:class:`UploadRegistry`, from which the next run goes on; every run looks at its end for uploads
whose answer was lost. Only uploads of this copy are aborted: no other keys, and none older than the
request whose answer was lost.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from s3_xfer.copying import answers
from s3_xfer.copying.request_state import RequestState, state_of
from s3_xfer.copying.upload_listing import iter_uploads
from s3_xfer.errors import ErrorInfo, malformed, translate, translate_answer, upload_is_gone
from s3_xfer.model import OpenUpload
from s3_xfer.run_log import RunLog
from s3_xfer.s3_client import S3Client
from s3_xfer.text import printable, s3_url

# S3 refuses requests whose clock is further off (RequestTimeTooSkewed).
_CLOCKS_DIFFER = timedelta(minutes=15)
_NOT_CONNECTED = ("EndpointConnectionError", "ConnectTimeoutError")  # so nothing was sent
_UPLOAD_ENDS = ("CompleteMultipartUpload", "AbortMultipartUpload")


@dataclass(frozen=True, slots=True)
class UploadFingerprint:
    """The content that an upload is made from, and the size of its parts in bytes.

    ``headers`` is a digest of the metadata and tags that the upload was created with.
    """

    etag: str
    size: int
    part_size: int
    headers: str


# Of no object: the upload with which the preflight tests write access.
UNPLANNED = UploadFingerprint(etag="", size=0, part_size=1, headers="")


@dataclass(frozen=True, slots=True)
class ResumableUpload:
    """An upload to ``key`` of the destination that an earlier run has left open."""

    upload_id: str
    key: str
    fingerprint: UploadFingerprint


class UploadRegistry(Protocol):
    """Where uploads are recorded, so that another run can go on with them. Thread-safe."""

    def plan(self, key: str, fingerprint: UploadFingerprint) -> None:
        """Record what the next upload to ``key`` will be made from, and that it will be created."""

    def create_pending(self, key: str) -> None:
        """Record that an upload to ``key`` will be created now."""

    def created(self, upload: OpenUpload, *, may_be_another: bool) -> None:
        """Record its id; ``may_be_another`` if an earlier answer to its creation was lost."""

    def closed(self, upload_id: str) -> None:
        """Record that this upload exists no more."""

    def resumable(self, key: str = "") -> tuple[ResumableUpload, ...]:
        """Return all that are open, or those to ``key``."""

    def pending(self) -> dict[str, datetime]:
        """Return the keys to which there may be unknown ones, and since when."""

    def resolve_pending(self, key: str) -> None:
        """Record that there is no unknown upload to ``key``."""


class UploadTracker:
    """Follows the multipart uploads of one client. Thread-safe."""

    def __init__(self, log: RunLog) -> None:
        self._log = log
        self._open: dict[str, OpenUpload] = {}
        self._lost: dict[str, datetime] = {}  # when the answer was lost, by key
        self.registry: UploadRegistry | None = None  # where they are recorded from now on
        self._lock = threading.Lock()

    def attach(self, client: S3Client) -> None:
        """Follow the uploads of ``client``; ids are read from answers, s3transfer hides them."""
        events = client.meta.events
        events.register("before-call.s3.CreateMultipartUpload", self._before_create)
        events.register("after-call.s3", self._after_call)

    def open_uploads(self) -> tuple[OpenUpload, ...]:
        """Return the uploads that were created and neither completed nor aborted since."""
        with self._lock:
            return tuple(self._open.values())

    def note_error(self, operation: str, state: RequestState, info: ErrorInfo) -> None:
        """Note an upload that S3 may have created without an answer."""
        may_be_open = info.error_class in answers.AMBIGUOUS and info.code not in _NOT_CONNECTED
        if operation == "CreateMultipartUpload" and may_be_open:
            key = state.params["Key"]
            with self._lock:
                self._lost.setdefault(key, datetime.now(UTC))

    def sweep(
        self, client: S3Client, bucket: str, registry: UploadRegistry | None
    ) -> tuple[str, ...]:
        """Abort the uploads that are open, those in ``registry``, and those that were lost.

        Returns a line of text for each key where S3 did not list the lost ones. Call it when no
        copy is under way any more.
        """
        if registry:
            self._add(
                OpenUpload(bucket, upload.key, upload.upload_id) for upload in registry.resumable()
            )
        _abort_all(client, self.open_uploads(), self._log)
        unresolved = []
        for key, since in self._pending_creates(registry).items():
            try:
                unknown = tuple(_unknown(client, bucket, key, since))
            except Exception as error:  # noqa: BLE001 - told to the user
                unresolved.append(
                    f"S3 may have opened an upload to {s3_url(bucket, key)} whose answer was lost, "
                    f"and did not let us look: {printable(translate(error).code)}"
                )
                continue
            self._add(unknown)
            _abort_all(client, unknown, self._log)
            if registry and key not in {upload.key for upload in self.open_uploads()}:
                registry.resolve_pending(key)
        return tuple(unresolved)

    def _add(self, uploads: Iterable[OpenUpload]) -> None:
        """Count uploads as open that this run has not created."""
        with self._lock:
            self._open.update({upload.upload_id: upload for upload in uploads})

    def _pending_creates(self, registry: UploadRegistry | None) -> dict[str, datetime]:
        """Return the keys to which there may be unknown uploads, and since when."""
        pending = registry.pending() if registry else {}
        with self._lock:
            lost = dict(self._lost)
        return pending | {key: min(since, pending.get(key, since)) for key, since in lost.items()}

    def _before_create(self, context: dict[str, Any], **_: object) -> None:
        if self.registry:
            self.registry.create_pending(state_of(context).params["Key"])

    def _after_call(
        self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: object
    ) -> None:
        failed = translate_answer(model.name, parsed)
        is_gone = not failed or upload_is_gone(failed)
        params = state_of(context).params
        if model.name == "CreateMultipartUpload" and not failed:
            upload = OpenUpload(params["Bucket"], params["Key"], parsed["UploadId"])
            with self._lock:
                self._open[upload.upload_id] = upload
            if self.registry:
                self.registry.created(upload, may_be_another=upload.key in self._lost)
        elif model.name in _UPLOAD_ENDS and is_gone:
            with self._lock:
                self._open.pop(params["UploadId"], None)
            if self.registry:
                self.registry.closed(params["UploadId"])


def _abort_all(client: S3Client, uploads: Iterable[OpenUpload], log: RunLog) -> None:
    for upload in uploads:
        abort(client, upload.bucket, upload.key, upload.upload_id, log=log)


def abort(client: S3Client, bucket: str, key: str, upload_id: str, *, log: RunLog) -> None:
    """Abort one upload; a failure is logged."""
    try:
        client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
    except Exception as error:  # noqa: BLE001 - the upload then counts as left behind
        if not upload_is_gone(translate(error)):
            log.warning("upload %s was not aborted: %s", upload_id, error)


def _unknown(client: S3Client, bucket: str, key: str, since: datetime) -> Iterator[OpenUpload]:
    for upload in iter_uploads(client, bucket, key):
        if upload["Key"] != key:
            continue
        if "Initiated" not in upload:
            raise malformed(f"the listing of the uploads to {s3_url(bucket, key)} has no date")
        if upload["Initiated"] >= since - _CLOCKS_DIFFER:
            yield OpenUpload(bucket, key, upload["UploadId"])
