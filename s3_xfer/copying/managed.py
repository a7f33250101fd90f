"""The engine on boto3's transfer manager (s3transfer). The only importer of s3transfer.

Two managers serve a whole run; one per object, as ``client.copy()`` makes them, costs four times
the throughput. *Single* requests run in the worker's own thread (s3transfer's
``NonThreadedExecutor``, what boto3 uses for ``use_threads=False``): no hand-over, no second
thread per copy. *Multipart* copies run on a pool of their own, so that small objects never queue
behind ten thousand parts.

What s3transfer preserves by itself differs by its version, by size and by call, so nothing is left
to it: size and ETag are always provided (it sends no HEAD of its own), metadata and tags of
multipart copies are in the transfer's state, and everything that it has no argument for is added as
a header.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from s3transfer import exceptions
from s3transfer.futures import NonThreadedExecutor, TransferFuture
from s3transfer.manager import TransferConfig, TransferManager
from s3transfer.subscribers import BaseSubscriber

from s3_xfer.copying.headers import object_params, single_copy_params, write_params
from s3_xfer.copying.request_state import TransferState
from s3_xfer.errors import ErrorClass, ObjectError
from s3_xfer.model import CopyTask, S3Object
from s3_xfer.options import PART_MIN_BYTES, SINGLE_COPY_MAX_BYTES, CopyOptions
from s3_xfer.planning.part_size import part_size

# What s3transfer >= 0.15 makes of a part's 412; older ones let the ClientError through.
_SOURCE_CHANGED: tuple[type[Exception], ...] = (
    (exceptions.S3CopyFailedError,) if hasattr(exceptions, "S3CopyFailedError") else ()
)


class ManagedEngine:
    """Copies through s3transfer with ``client``, which belongs to the destination account."""

    name = "managed"

    def __init__(self, client: Any, options: CopyOptions) -> None:
        self._options = options
        self._single = TransferManager(
            client,
            TransferConfig(
                multipart_threshold=SINGLE_COPY_MAX_BYTES + 1,
                max_request_queue_size=options.threads,
                max_submission_queue_size=options.threads,
            ),
            executor_cls=NonThreadedExecutor,
        )
        self._part_sizes = _PartSizes(
            multipart_threshold=PART_MIN_BYTES, max_request_concurrency=options.threads
        )
        self._multipart = TransferManager(client, self._part_sizes)

    def part_size(self, size_bytes: int) -> int:
        """Return the size of the parts in which an object of this size is copied."""
        return part_size(size_bytes, self._options)

    def copy_single(self, task: CopyTask, transfer: TransferState) -> None:  # noqa: ARG002 - the hooks fill it
        """Copy with one ``CopyObject`` in the caller's thread."""
        arguments = single_copy_params(self._options, task.source.etag)
        self._submit(self._single, task, arguments, _Known(task.source)).result()

    def copy_in_parts(
        self,
        task: CopyTask,
        transfer: TransferState,  # noqa: ARG002 - the hooks fill it
        on_bytes: Callable[[int], None],
    ) -> None:
        """Copy in parts on the multipart pool; s3transfer aborts the upload on failure."""
        # REPLACE keeps s3transfer from adding metadata; the transfer's headers carry all of it.
        pinned = {"CopySourceIfMatch": task.source.etag, "MetadataDirective": "REPLACE"}
        arguments = write_params(self._options) | pinned
        try:
            in_parts = _KnownInParts(
                task.source, on_bytes, self._part_sizes, self.part_size(task.source.size)
            )
            self._submit(self._multipart, task, arguments, in_parts).result()
        except _SOURCE_CHANGED as error:
            raise ObjectError.of(ErrorClass.SOURCE_CHANGED, str(error), attempts=1) from error

    @staticmethod
    def _submit(
        manager: TransferManager, task: CopyTask, arguments: dict[str, Any], subscriber: _Known
    ) -> TransferFuture:
        return manager.copy(
            copy_source=object_params(task.source),
            bucket=task.destination_bucket,
            key=task.destination_key,
            extra_args=arguments,
            subscribers=[subscriber],
        )

    def close(self) -> None:
        """Release the threads of the multipart pool."""
        self._single.shutdown()
        self._multipart.shutdown()


class _PartSizes(TransferConfig):
    """A part size for each object, where s3transfer has one for all.

    s3transfer calls ``on_queued`` of an object and reads ``multipart_chunksize`` for it in the same
    thread. A thread in which no size was set raises AttributeError; it never sees another size.
    """

    _here = threading.local()

    @property
    def multipart_chunksize(self) -> int:
        size_bytes: int = self._here.size_bytes
        return size_bytes

    @multipart_chunksize.setter
    def multipart_chunksize(self, size_bytes: int) -> None:
        self._here.size_bytes = size_bytes


class _Known(BaseSubscriber):
    """Gives s3transfer size and ETag, without which it sends a HEAD of its own."""

    def __init__(self, source: S3Object) -> None:
        self._source = source

    def on_queued(self, future: TransferFuture, **_: Any) -> None:
        future.meta.provide_transfer_size(self._source.size)
        if hasattr(future.meta, "provide_object_etag"):  # s3transfer >= 0.15
            future.meta.provide_object_etag(self._source.etag)


class _KnownInParts(_Known):
    """Sets the size of the parts, and adds up the finished ones. It must not raise."""

    def __init__(
        self,
        source: S3Object,
        on_bytes: Callable[[int], None],
        part_sizes: _PartSizes,
        part_bytes: int,
    ) -> None:
        super().__init__(source)
        self._on_bytes = on_bytes
        self._part_sizes = part_sizes
        self._part_bytes = part_bytes
        self._bytes_done = 0
        self._lock = threading.Lock()

    def on_queued(self, future: TransferFuture, **_: Any) -> None:
        super().on_queued(future)
        self._part_sizes.multipart_chunksize = self._part_bytes

    def on_progress(self, future: TransferFuture, bytes_transferred: int, **_: Any) -> None:  # noqa: ARG002
        with self._lock:
            self._bytes_done += bytes_transferred
            self._on_bytes(self._bytes_done)
