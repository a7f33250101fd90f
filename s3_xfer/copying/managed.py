"""The engine on boto3's transfer manager (s3transfer). The only importer of s3transfer.

Two managers serve a whole run; one per object, as ``client.copy()`` makes them, costs four times
the throughput. *Single* requests run in the worker's own thread (``NonThreadedExecutor``), without
a second thread per copy. *Multipart* copies run on a pool of their own, so that small objects never
queue behind ten thousand parts.

What s3transfer preserves by itself differs by its version, by size and by call, so nothing is left
to it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from s3transfer import exceptions
from s3transfer.futures import NonThreadedExecutor, TransferFuture
from s3transfer.manager import TransferConfig, TransferManager
from s3transfer.subscribers import BaseSubscriber

from s3_xfer.copying.headers import object_params, single_copy_params, write_params
from s3_xfer.errors import ErrorClass, ObjectError
from s3_xfer.model import CopyTask, S3Object
from s3_xfer.options import PART_MIN_BYTES, SINGLE_COPY_MAX_BYTES, CopyOptions
from s3_xfer.planning.part_size import part_size
from s3_xfer.s3_client import S3Client

# What s3transfer >= 0.15 makes of a part's 412; older ones let the ClientError through.
_SOURCE_CHANGED: tuple[type[Exception], ...] = (
    (exceptions.S3CopyFailedError,) if hasattr(exceptions, "S3CopyFailedError") else ()
)


class ManagedEngine:
    """Copies through s3transfer with ``client``, which belongs to the destination account.

    Thread-safe. Both methods copy one object of known size and ETag, pinned to them, and return
    when S3 has confirmed it; its :class:`~.request_state.TransferState` then holds the parsed
    answer. Both may be called again for the same object, and raise what the libraries raise.
    """

    def __init__(self, client: S3Client, options: CopyOptions) -> None:
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
        config = _PartSizes(
            multipart_threshold=PART_MIN_BYTES, max_request_concurrency=options.threads
        )
        self._multipart = TransferManager(client, config, executor_cls=_PartPool)

    def copy_single(self, task: CopyTask) -> None:
        """Copy with one ``CopyObject`` in the caller's thread."""
        arguments = single_copy_params(self._options, task.source.etag)
        _copy(self._single, task, arguments, _Known(task.source))

    def copy_in_parts(self, task: CopyTask, on_bytes: Callable[[int], None]) -> None:
        """Copy in parts on the multipart pool; s3transfer aborts the upload on failure.

        ``on_bytes`` is called with the bytes finished so far, from any thread.
        """
        # REPLACE keeps s3transfer from adding metadata; the transfer's headers carry all of it.
        pinned = {"CopySourceIfMatch": task.source.etag, "MetadataDirective": "REPLACE"}
        arguments = write_params(self._options) | pinned
        part_bytes = part_size(task.source.size, self._options)
        try:
            _copy(self._multipart, task, arguments, _Known(task.source, part_bytes, on_bytes))
        except _SOURCE_CHANGED as error:
            raise ObjectError.of(ErrorClass.SOURCE_CHANGED, str(error), attempts=1) from error

    def close(self) -> None:
        """Release the threads of the multipart pool. No copy is under way any more."""
        self._single.shutdown()
        self._multipart.shutdown()


def _copy(
    manager: TransferManager, task: CopyTask, arguments: dict[str, Any], subscriber: _Known
) -> None:
    manager.copy(
        copy_source=object_params(task.source),
        bucket=task.destination_bucket,
        key=task.destination_key,
        extra_args=arguments,
        subscribers=[subscriber],
    ).result()


class _PartPool(ThreadPoolExecutor):
    """One of s3transfer's pools, with threads that are known by their names."""

    def __init__(self, max_workers: int) -> None:
        super().__init__(max_workers, thread_name_prefix="s3-xfer-part")


_planned = threading.local()


class _PartSizes(TransferConfig):
    """A part size for each object, where s3transfer has one for all.

    s3transfer calls ``on_queued`` of an object and reads ``multipart_chunksize`` for it in the same
    thread. A thread in which no size was set raises AttributeError.
    """

    @property
    def multipart_chunksize(self) -> int:
        part_bytes: int = _planned.part_bytes
        return part_bytes

    @multipart_chunksize.setter
    def multipart_chunksize(self, part_bytes: int) -> None:
        _planned.part_bytes = part_bytes


class _Known(BaseSubscriber):
    """Gives s3transfer what it would ask S3 for, and adds up finished bytes. It must not raise."""

    def __init__(
        self, source: S3Object, part_bytes: int = 0, on_bytes: Callable[[int], None] | None = None
    ) -> None:
        self._source = source
        self._part_bytes = part_bytes
        self._on_bytes = on_bytes
        self._bytes_done = 0
        self._lock = threading.Lock()

    def on_queued(self, future: TransferFuture, **_: Any) -> None:
        future.meta.provide_transfer_size(self._source.size)
        if hasattr(future.meta, "provide_object_etag"):  # s3transfer >= 0.15
            future.meta.provide_object_etag(self._source.etag)
        _planned.part_bytes = self._part_bytes

    def on_progress(self, future: TransferFuture, bytes_transferred: int, **_: Any) -> None:  # noqa: ARG002
        if self._on_bytes:
            with self._lock:
                self._bytes_done += bytes_transferred
                self._on_bytes(self._bytes_done)
