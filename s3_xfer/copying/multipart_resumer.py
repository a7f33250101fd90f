"""A large object whose upload an earlier run has left: only its missing parts are copied.

S3 lists the parts that are there. The upload is used if it was made from the same content, with the
same metadata and tags; otherwise it is aborted, and the engine creates a new one. It goes on in
parts of the size that it began with. s3transfer only knows uploads that it has created.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from dataclasses import replace
from itertools import starmap
from typing import Any

from s3_xfer.copying.context import CopyContext
from s3_xfer.copying.headers import object_params
from s3_xfer.copying.request_state import TransferState
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
Part = Mapping[str, Any]


class MultipartResumer:
    """Finishes the uploads in ``registry``. Thread-safe."""

    def __init__(self, context: CopyContext, registry: UploadRegistry) -> None:
        self._client = context.destination
        self._registry = registry
        self._options = context.options
        self._stop = context.hooks.requests.stop
        self._log = context.hooks.requests.log
        self._pool = ThreadPoolExecutor(
            context.options.threads, thread_name_prefix="s3-xfer-missing-part"
        )

    def resume(self, task: CopyTask, transfer: TransferState, on_bytes: OnBytes) -> bool:
        """Return whether the object was finished; if not, a new upload is planned for it.

        Raises what the client raises; the upload is aborted then, unless the run is stopped.
        """
        headers = sorted(transfer.create_headers.items())
        planned = UploadFingerprint(
            etag=bare_etag(task.source.etag),
            size=task.source.size,
            part_size=part_size(task.source.size, self._options),
            headers=hashlib.sha256(repr(headers).encode()).hexdigest(),
        )
        for upload in self._registry.resumable(task.destination_key):
            has_same_content = prove_same_content(
                planned.etag, upload.fingerprint.etag, planned.size
            ) and planned == replace(upload.fingerprint, part_size=planned.part_size)
            if has_same_content and self._finish(task, upload, transfer, on_bytes):
                return True
            self._abort(task, upload)
        self._registry.plan(task.destination_key, planned)
        return False

    def close(self) -> None:
        """Release the threads."""
        self._pool.shutdown(wait=False)

    def _finish(
        self, task: CopyTask, upload: ResumableUpload, transfer: TransferState, on_bytes: OnBytes
    ) -> bool:
        """Return False if S3 does not know the upload any more, or does not show its parts."""
        try:
            parts = self._parts(task, upload)
        except Exception as error:
            if translate(error).error_class in _UNUSABLE:
                return False
            raise
        try:
            self._copy_missing(task, upload, parts, on_bytes)
            transfer.part_etags.update({number: part["ETag"] for number, part in parts.items()})
            self._client.complete_multipart_upload(
                **_upload_params(task, upload),
                MultipartUpload={"Parts": list(starmap(_named, sorted(parts.items())))},
            )
        except Exception:
            self._abort(task, upload)
            raise
        return True

    def _parts(self, task: CopyTask, upload: ResumableUpload) -> dict[int, Part]:
        """Return the parts that S3 has and that are of the size they should be."""
        sizes = _sizes(upload.fingerprint)
        return {
            part["PartNumber"]: part
            for part in iter_parts(self._client, _upload_params(task, upload))
            if sizes.get(part["PartNumber"]) == part["Size"] and part.get("ETag")
        }

    def _copy_missing(
        self, task: CopyTask, upload: ResumableUpload, parts: dict[int, Part], on_bytes: OnBytes
    ) -> None:
        """Add the missing parts to ``parts``."""
        sizes = _sizes(upload.fingerprint)
        source: Any = object_params(task.source)
        lock = threading.Lock()

        def copy(number: int) -> None:
            start = (number - 1) * upload.fingerprint.part_size
            answer = self._client.upload_part_copy(
                **_upload_params(task, upload),
                PartNumber=number,
                CopySource=source,
                CopySourceIfMatch=task.source.etag,
                CopySourceRange=f"bytes={start}-{start + sizes[number] - 1}",
            )
            with lock:
                parts[number] = answer["CopyPartResult"]
                on_bytes(sum(sizes[finished] for finished in parts))

        on_bytes(sum(sizes[finished] for finished in parts))
        copies = [self._pool.submit(copy, number) for number in sizes if number not in parts]
        try:
            for part_copy in as_completed(copies):
                part_copy.result()
        finally:
            for part_copy in copies:
                part_copy.cancel()
            wait(copies)

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


def _sizes(fingerprint: UploadFingerprint) -> dict[int, int]:
    """Return the size of each part by its number."""
    starts = range(0, fingerprint.size, fingerprint.part_size)
    return {
        number: min(fingerprint.part_size, fingerprint.size - start)
        for number, start in enumerate(starts, start=1)
    }


def _named(number: int, part: Part) -> Any:
    """Return a part as CompleteMultipartUpload wants it: with its checksum, if it has one."""
    checksums = {name: value for name, value in part.items() if name.startswith("Checksum")}
    return {"PartNumber": number, "ETag": part["ETag"], **checksums}
