"""Lists unfinished uploads with their sizes, and aborts those it is told to.

One client, made like that of a copy's destination, with the same retries. An abort counts when S3
then says that there is no such upload: parts that were under way may outlive the first abort (API
reference, AbortMultipartUpload), so it is repeated. The caller chooses what is aborted.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from s3_xfer.access.clients import open_clients
from s3_xfer.access.credentials import caller_identity
from s3_xfer.access.lookups import refusing
from s3_xfer.access.probe import answer
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.errors import ErrorClass, ObjectError
from s3_xfer.ledger.metrics import MetricsCollector
from s3_xfer.model import AccountContext, S3Location
from s3_xfer.options import CopyOptions
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.uploads.listing import UnfinishedUpload, list_unfinished, parts_of

_THREADS = 16
_BATCH_SIZE = 1000  # uploads that are worked on before more are listed
_MAX_ABORTS = 4
_GONE = (ErrorClass.UPLOAD_LOST, ErrorClass.SOURCE_VANISHED)  # NoSuchUpload; Ceph: NoSuchKey

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AbortResult:
    """How an abort ended. ``error`` says why the upload is still there, or may be.

    ``is_proven`` is whether S3 has confirmed that it is gone.
    """

    unfinished: UnfinishedUpload
    error: ObjectError | None = None
    is_proven: bool = True


class Janitor:
    """Looks after the uploads to one location. For one thread; its requests are sent by several.

    ``options`` are those of a copy of which retries and timeouts matter. ``identity`` is who the
    credentials are.

    Raises:
        PreflightError: the credentials cannot be used.
    """

    def __init__(self, location: S3Location, options: CopyOptions) -> None:
        self._location = location
        self._options = options
        self._stop = StopFlag()
        requests = RequestPolicy.of(
            options, counter=MetricsCollector(uuid.uuid4().hex), stop=self._stop
        )
        self._retry = requests.retry
        clients = open_clients(
            source=AccountContext(),
            destination=location.account,
            options=options,
            overwrite=True,
            requests=requests,
        )
        self._client = clients.destination
        self.identity = caller_identity(clients.destination_session, location.account)
        self.warnings = clients.warnings()

    def find(self, *, sizes: bool) -> Iterator[UnfinishedUpload]:
        """Yield the unfinished uploads; with ``sizes`` their parts are added up, if S3 lets us.

        Raises:
            PreflightError: they cannot be listed.
        """
        listed = self._list()
        return self._in_parallel(self._measure, listed) if sizes else listed

    def abort(self, uploads: Iterable[UnfinishedUpload]) -> Iterator[AbortResult]:
        """Abort ``uploads``, and yield how that ended for each, in their order."""
        return self._in_parallel(self._abort, uploads)

    def _list(self) -> Iterator[UnfinishedUpload]:
        problem = f"the uploads to {self._location.url} cannot be listed"
        with refusing(problem, if_denied="grant s3:ListBucketMultipartUploads on the bucket"):
            yield from list_unfinished(self._client, self._location, principal=self.identity.arn)

    def _in_parallel(
        self, work: Callable[[UnfinishedUpload], T], uploads: Iterable[UnfinishedUpload]
    ) -> Iterator[T]:
        remaining = iter(uploads)
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="s3-xfer-uploads") as pool:
            try:
                while batch := list(islice(remaining, _BATCH_SIZE)):
                    yield from pool.map(work, batch)
            except BaseException:
                self._stop.set("stopped")  # the rest is not waited for
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    # ---------------------------------------------------------------- in the pool's threads

    def _measure(self, unfinished: UnfinishedUpload) -> UnfinishedUpload:
        try:
            parts, size_bytes = parts_of(self._client, unfinished.upload)
        except Exception:  # noqa: BLE001 - an unknown size is a result
            return unfinished
        return dataclasses.replace(unfinished, parts=parts, size_bytes=size_bytes)

    def _abort(self, unfinished: UnfinishedUpload) -> AbortResult:
        upload = unfinished.upload
        arguments = {"Bucket": upload.bucket, "Key": upload.key, "UploadId": upload.upload_id}
        for number in range(1, _MAX_ABORTS + 1):
            refused = answer(self._client.abort_multipart_upload, arguments)
            if refused:
                is_gone = refused.error_class in _GONE
                return AbortResult(unfinished, None if is_gone else ObjectError(refused))
            hidden = answer(self._client.list_parts, {**arguments, "MaxParts": 1})
            if hidden:
                return AbortResult(unfinished, is_proven=hidden.error_class in _GONE)
            if self._stop.wait(self._retry.delay_after_s(number)):
                break
        message = "it was aborted, and is still there: parts are still being sent"
        return AbortResult(
            unfinished, ObjectError.of(ErrorClass.CONFLICT, message, attempts=_MAX_ABORTS)
        )
