"""A large object in parts: a new upload, or one that an earlier run has left.

Of the latter only the missing parts are copied. S3 lists the parts that are there. The upload is
used if it was made from the same content, with the same metadata and tags; otherwise it is aborted.
It goes on in parts of the size that it began with. s3transfer only knows uploads that it has
created.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import starmap
from typing import Any

from s3_xfer.copying.context import CopyContext
from s3_xfer.copying.headers import write_params
from s3_xfer.copying.part_copiers import CopiedPart, PartCopier
from s3_xfer.copying.request_state import TransferState
from s3_xfer.copying.template import PartCopy
from s3_xfer.copying.upload_listing import iter_parts
from s3_xfer.copying.upload_registry import (
    ResumableUpload,
    UploadFingerprint,
    UploadRegistry,
    abort,
)
from s3_xfer.copying.verify import bare_etag, prove_same_content
from s3_xfer.errors import ErrorClass, translate
from s3_xfer.model import CopyTask
from s3_xfer.planning.part_size import part_size

# What S3 says about the parts of an upload that are not worth to go on with.
_UNUSABLE = (ErrorClass.UPLOAD_LOST, ErrorClass.ACCESS_DENIED, ErrorClass.MALFORMED)

OnBytes = Callable[[int], None]


class MultipartUploader:
    """Copies large objects by ``part_copier``, going on with uploads in ``registry``. Thread-safe.

    Without ``creates_uploads`` it leaves new uploads to s3transfer. ``engine`` names what copies.
    """

    def __init__(
        self,
        context: CopyContext,
        part_copier: PartCopier,
        *,
        registry: UploadRegistry | None,
        creates_uploads: bool,
    ) -> None:
        self.engine = part_copier.engine
        self._client = context.destination
        self._part_copier = part_copier
        self._registry = registry
        self._creates_uploads = creates_uploads
        self._options = context.options
        self._stop = context.hooks.requests.stop
        self._log = context.hooks.requests.log

    def copy(self, task: CopyTask, transfer: TransferState, on_bytes: OnBytes) -> bool:
        """Return whether the object was finished; if not, s3transfer has to create an upload.

        Raises what the client raises; the upload is aborted then, unless the run is stopped.
        """
        planned = self._planned(task, transfer)
        if self._registry and self._resume(task, planned, self._registry, transfer, on_bytes):
            return True
        if self._creates_uploads:
            self._finish(task, self._create(task, planned), {}, transfer, on_bytes)
        return self._creates_uploads

    def close(self) -> None:
        """Release the threads."""
        self._part_copier.close()

    def _planned(self, task: CopyTask, transfer: TransferState) -> UploadFingerprint:
        headers = sorted(transfer.create_headers.items())
        return UploadFingerprint(
            etag=bare_etag(task.source.etag),
            size=task.source.size,
            part_size=part_size(task.source.size, self._options),
            headers=hashlib.sha256(repr(headers).encode()).hexdigest(),
        )

    def _resume(
        self,
        task: CopyTask,
        planned: UploadFingerprint,
        registry: UploadRegistry,
        transfer: TransferState,
        on_bytes: OnBytes,
    ) -> bool:
        """Return whether an upload was finished; if not, a new one is planned."""
        for upload in registry.resumable(task.destination_key):
            has_same_content = prove_same_content(
                planned.etag, upload.fingerprint.etag, planned.size
            ) and planned == replace(upload.fingerprint, part_size=planned.part_size)
            parts = self._usable_parts(task, upload) if has_same_content else None
            if parts is not None:
                self._finish(task, upload, parts, transfer, on_bytes)
                return True
            self._abort(task, upload)
        registry.plan(task.destination_key, planned)
        return False

    def _create(self, task: CopyTask, planned: UploadFingerprint) -> ResumableUpload:
        created = self._client.create_multipart_upload(
            Bucket=task.destination_bucket,
            Key=task.destination_key,
            **write_params(self._options),
        )
        return ResumableUpload(created["UploadId"], task.destination_key, planned)

    def _finish(
        self,
        task: CopyTask,
        upload: ResumableUpload,
        parts: dict[int, CopiedPart],
        transfer: TransferState,
        on_bytes: OnBytes,
    ) -> None:
        """Copy the parts that are missing in ``parts``, and complete the upload."""
        try:
            self._copy_missing(task, upload, parts, on_bytes)
            in_order = [(part.number, parts[part.number]) for part in _parts_of(task, upload)]
            transfer.part_etags.update({number: part["ETag"] for number, part in in_order})
            self._client.complete_multipart_upload(
                **_upload_params(task, upload),
                MultipartUpload={"Parts": list(starmap(_named, in_order))},
            )
        except Exception:
            self._abort(task, upload)
            raise

    def _usable_parts(
        self, task: CopyTask, upload: ResumableUpload
    ) -> dict[int, CopiedPart] | None:
        """Return the parts of the size they should be that S3 has of ``upload``.

        None if S3 does not know it any more, or does not show its parts.
        """
        sizes = {part.number: part.size for part in _parts_of(task, upload)}
        try:
            return {
                part["PartNumber"]: part
                for part in iter_parts(self._client, _upload_params(task, upload))
                if sizes.get(part["PartNumber"]) == part["Size"] and part.get("ETag")
            }
        except Exception as error:
            if translate(error).error_class in _UNUSABLE:
                return None
            raise

    def _copy_missing(
        self,
        task: CopyTask,
        upload: ResumableUpload,
        parts: dict[int, CopiedPart],
        on_bytes: OnBytes,
    ) -> None:
        """Add the missing parts to ``parts``."""
        there = frozenset(parts)
        missing = (part for part in _parts_of(task, upload) if part.number not in there)
        bytes_done = sum(part["Size"] for part in parts.values())  # as S3 lists them
        lock = threading.Lock()

        def add(part: PartCopy, copied: CopiedPart) -> None:
            nonlocal bytes_done
            with lock:
                parts[part.number] = copied
                bytes_done += part.size
                on_bytes(bytes_done)

        on_bytes(bytes_done)
        self._part_copier.copy(missing, add)

    def _abort(self, task: CopyTask, upload: ResumableUpload) -> None:
        """Discard the parts; a stopped run leaves them to the next one."""
        if not self._stop.is_set():
            abort(
                self._client,
                task.destination_bucket,
                upload.key,
                upload.upload_id,
                log=self._log,
            )


def _upload_params(task: CopyTask, upload: ResumableUpload) -> Mapping[str, Any]:
    return {"Bucket": task.destination_bucket, "Key": upload.key, "UploadId": upload.upload_id}


def _parts_of(task: CopyTask, upload: ResumableUpload) -> Iterator[PartCopy]:
    """Yield all parts of ``upload``, in their order."""
    size, part_bytes = upload.fingerprint.size, upload.fingerprint.part_size
    for number, start in enumerate(range(0, size, part_bytes), start=1):
        last_byte = min(start + part_bytes, size) - 1
        yield PartCopy(task, upload.upload_id, number, start, last_byte)


def _named(number: int, part: CopiedPart) -> Any:
    """Return a part as CompleteMultipartUpload wants it: with its checksum, if it has one."""
    checksums = {name: value for name, value in part.items() if name.startswith("Checksum")}
    return {"PartNumber": number, "ETag": part["ETag"], **checksums}
