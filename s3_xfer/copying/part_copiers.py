"""Copies parts of an upload, by boto3's client or, without a thread for each, by the CRT engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from s3_xfer.copying import answers
from s3_xfer.copying.answers import Answer
from s3_xfer.copying.context import CopyContext
from s3_xfer.copying.headers import object_params
from s3_xfer.copying.request_sender import InflightRequest, OnCrash
from s3_xfer.copying.request_state import stopped
from s3_xfer.copying.retrying_sender import RetryingSender
from s3_xfer.copying.template import CopyRequest, PartCopy, compose
from s3_xfer.errors import ObjectError
from s3_xfer.model import CopyTask
from s3_xfer.s3_client import S3Client

if TYPE_CHECKING:
    from s3_xfer.copying.crt import CrtCopyClient  # awscrt is optional

_POLL_S = 0.25

CopiedPart: TypeAlias = Mapping[str, Any]  # S3's ``CopyPartResult``: its ETag, its checksum
OnCopied: TypeAlias = Callable[[PartCopy, CopiedPart], None]
PartEnd: TypeAlias = CopiedPart | Exception
PartRequest: TypeAlias = InflightRequest[PartEnd]


class PartCopier(Protocol):
    """Copies parts. Thread-safe. ``engine`` is the name of what sends the requests."""

    engine: str

    def copy(self, parts: Iterable[PartCopy], on_copied: OnCopied) -> None:
        """Copy ``parts`` of one upload; return when all are there.

        ``on_copied`` is called with each, from any thread; it must neither raise nor wait.

        Raises:
            Exception: what the client raises for one of them; none is under way any more.
        """

    def close(self) -> None:
        """Release the threads; what is still under way fails."""


class ClientPartCopier:
    """Copies parts by the client of ``context``, each in a thread of a pool."""

    engine = "managed"

    def __init__(self, context: CopyContext) -> None:
        self._client = context.destination
        self._pool = ThreadPoolExecutor(
            context.options.threads, thread_name_prefix="s3-xfer-missing-part"
        )

    def copy(self, parts: Iterable[PartCopy], on_copied: OnCopied) -> None:
        """See :class:`PartCopier`."""

        def copy(part: PartCopy) -> None:
            on_copied(part, _copied_by(self._client, part))

        copies = [self._pool.submit(copy, part) for part in parts]
        try:
            for part_copy in as_completed(copies):
                part_copy.result()
        finally:
            for part_copy in copies:
                part_copy.cancel()
            wait(copies)

    def close(self) -> None:
        """See :class:`PartCopier`."""
        self._pool.shutdown(wait=False)


class CrtPartCopier:
    """Copies parts through the connections of ``copy_client``, at most ``limit`` at a time.

    They have slots of their own, so that no small object waits for one.
    """

    def __init__(
        self, copy_client: CrtCopyClient, context: CopyContext, *, limit: int, on_crash: OnCrash
    ) -> None:
        self.engine = copy_client.name
        self._copy_client = copy_client
        self._context = context
        self._limit = limit
        self._on_crash = on_crash
        self._stop = context.hooks.requests.stop
        self._first_use = threading.Lock()
        self._sender: RetryingSender[PartEnd] | None = None
        self._is_closed = False

    def copy(self, parts: Iterable[PartCopy], on_copied: OnCopied) -> None:
        """See :class:`PartCopier`."""
        under_way = _PartsUnderWay(on_copied)
        for part in parts:
            if part.is_whole:  # its request has no range
                on_copied(part, _copied_by(self._context.destination, part))
            elif not under_way.error:
                self._enqueue(under_way.request(part))
        while not under_way.wait_until_ended(_POLL_S):
            if self._is_closed:
                raise stopped(self._stop)
            if self._stop.is_set() and self._sender:
                self._sender.sender.end_queued()
        if under_way.error:
            raise under_way.error

    def close(self) -> None:
        """See :class:`PartCopier`."""
        self._is_closed = True
        if self._sender:
            self._sender.sender.close()

    def _first_sender(self, task: CopyTask) -> RetryingSender[PartEnd]:
        """Return the one sender, made when the first upload to the bucket was created.

        By then the client knows the region that the bucket is in.
        """
        with self._first_use:
            if self._sender is None:
                template = compose(
                    self._context.destination,
                    self._context.options,
                    destination_bucket=task.destination_bucket,
                    request=CopyRequest.PART,
                )
                self._sender = RetryingSender(
                    self._copy_client.with_template(template),
                    self._context,
                    limit=self._limit,
                    at_first=self._context.options.threads,  # what part sizes are made for
                    on_success=self._copied,
                    on_failure=self._failed,
                    on_crash=self._on_crash,
                )
            return self._sender

    def _enqueue(self, request: PartRequest) -> None:
        sender = self._sender or self._first_sender(request.task)
        try:
            is_queued = sender.sender.enqueue(request)
        except ObjectError as error:  # no credentials: an end like any other
            request.done(error)
            return
        if not is_queued:
            request.done(stopped(self._stop))

    def _copied(self, request: PartRequest, answer: Answer, etag: str) -> None:
        sender = self._sender
        assert sender  # noqa: S101 - it has called this
        sender.end(request, answers.copied_part(answer, etag, sender.output_shape), success=True)

    def _failed(self, request: PartRequest, error: Exception) -> None:
        sender = self._sender
        assert sender  # noqa: S101 - it has called this
        sender.end(request, error, success=False)


class _PartsUnderWay:
    """The parts of one upload that were begun, until each has ended. Thread-safe.

    ``error`` is that of the first one that failed; the others are not wanted then.
    """

    def __init__(self, on_copied: OnCopied) -> None:
        self.error: Exception | None = None
        self._on_copied = on_copied
        self._requests: dict[int, PartRequest] = {}  # those that have not ended, by number
        self._changed = threading.Condition()

    def request(self, part: PartCopy) -> PartRequest:
        """Return the request for ``part``, which is under way from now on."""
        request: PartRequest = InflightRequest(part.task, partial(self._ended, part), part=part)
        with self._changed:
            self._requests[part.number] = request
        return request

    def wait_until_ended(self, timeout_s: float) -> bool:
        """Wait until all have ended; return False after ``timeout_s``."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._requests, timeout_s)

    def _ended(self, part: PartCopy, end: PartEnd) -> None:
        if not isinstance(end, Exception):
            self._on_copied(part, end)
        with self._changed:
            del self._requests[part.number]
            if isinstance(end, Exception) and not self.error:
                self.error = end
                for request in self._requests.values():
                    request.is_unwanted = True
            if not self._requests:
                self._changed.notify_all()


def _copied_by(client: S3Client, part: PartCopy) -> CopiedPart:
    source: Any = object_params(part.task.source)
    answer = client.upload_part_copy(
        Bucket=part.task.destination_bucket,
        Key=part.task.destination_key,
        UploadId=part.upload_id,
        PartNumber=part.number,
        CopySource=source,
        CopySourceIfMatch=part.task.source.etag,
        CopySourceRange=part.range,
    )
    return answer["CopyPartResult"]
