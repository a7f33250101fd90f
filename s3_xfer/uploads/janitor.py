"""Lists unfinished uploads with their sizes, and aborts those it is told to.

One client, made like that of a copy's destination, with the same retries. An abort counts when S3
then says that there is no such upload: parts that were under way may outlive the first abort (API
reference, AbortMultipartUpload), so it is repeated. Refuses to choose what is aborted.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from s3_xfer.access.clients import open_clients
from s3_xfer.access.identity import who_am_i
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.errors import ErrorClass, ErrorInfo, ObjectError, PreflightError, translate
from s3_xfer.ledger.metrics import MetricsCollector
from s3_xfer.model import AccountContext, S3Location
from s3_xfer.options import CopyOptions
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.text import printable
from s3_xfer.uploads.finding import Unfinished, parts_of, unfinished

_THREADS = 16
_AT_A_TIME = 1000  # of which something is asked, before more are listed
_ABORTS = 4
_GONE = (ErrorClass.UPLOAD_LOST, ErrorClass.SOURCE_VANISHED)  # NoSuchUpload; Ceph: NoSuchKey

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Aborted:
    """How an abort ended. ``error`` says why the upload is still there, or may be.

    ``is_proven`` is whether S3 has confirmed that it is gone.
    """

    found: Unfinished
    error: ObjectError | None = None
    is_proven: bool = True


class Janitor:
    """Looks after the uploads at one place. For one thread; its requests are sent by several.

    ``options`` are those of a copy of which retries and timeouts matter.

    Raises:
        PreflightError: the credentials cannot be used.
    """

    def __init__(self, place: S3Location, options: CopyOptions) -> None:
        self._place = place
        self._options = options
        self._stop = StopFlag()
        requests = RequestPolicy.of(
            options, counter=MetricsCollector(uuid.uuid4().hex), stop=self._stop
        )
        self._retry = requests.retry
        clients = open_clients(
            source=AccountContext(),
            destination=place.account,
            options=options,
            overwrite=True,
            requests=requests,
        )
        self._client: Any = clients.destination
        self._identity = who_am_i(clients.destination_session, place.account)
        self.warnings = clients.warnings()

    @property
    def principal(self) -> str:
        """The ARN behind the credentials; empty if nobody knows."""
        return self._identity.arn

    @property
    def unknown_because(self) -> str:
        """Why nobody knows the principal; empty if it is known."""
        return self._identity.unknown_because

    def find(self, *, sizes: bool) -> Iterator[Unfinished]:
        """Yield the unfinished uploads; with ``sizes`` their parts are added up, if S3 lets us.

        Raises:
            PreflightError: they cannot be listed.
        """
        found = self._listed()
        return self._side_by_side(self._measured, found) if sizes else found

    def abort(self, uploads: Iterable[Unfinished]) -> Iterator[Aborted]:
        """Abort ``uploads``, and yield how that ended for each, in their order."""
        return self._side_by_side(self._abort, uploads)

    def _listed(self) -> Iterator[Unfinished]:
        try:
            yield from unfinished(self._client, self._place, principal=self.principal)
        except Exception as error:
            info = translate(error)
            denied = info.error_class is ErrorClass.ACCESS_DENIED
            raise PreflightError(
                f"the uploads to {self._place.url} cannot be listed: {_said(info)}",
                remedy="grant s3:ListBucketMultipartUploads on the bucket" if denied else "",
                error_class=info.error_class,
                info=info,
            ) from error

    def _side_by_side(
        self, do: Callable[[Unfinished], T], uploads: Iterable[Unfinished]
    ) -> Iterator[T]:
        rest = iter(uploads)
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="s3-xfer-uploads") as pool:
            try:
                while some := list(islice(rest, _AT_A_TIME)):
                    yield from pool.map(do, some)
            except BaseException:
                self._stop.set("stopped")  # nobody waits for what is left
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    # ---------------------------------------------------------------- in the pool's threads

    def _measured(self, found: Unfinished) -> Unfinished:
        try:
            parts, size_bytes = parts_of(self._client, found.upload)
        except Exception:  # noqa: BLE001 - not knowing is an answer here
            return found
        return dataclasses.replace(found, parts=parts, size_bytes=size_bytes)

    def _abort(self, found: Unfinished) -> Aborted:
        upload = found.upload
        which = {"Bucket": upload.bucket, "Key": upload.key, "UploadId": upload.upload_id}
        for number in range(1, _ABORTS + 1):
            refused = _info_of(lambda: self._client.abort_multipart_upload(**which))
            if refused:
                gone = refused.error_class in _GONE
                return Aborted(found) if gone else Aborted(found, ObjectError(refused))
            seen = _info_of(lambda: self._client.list_parts(**which, MaxParts=1))
            if seen:
                return Aborted(found, is_proven=seen.error_class in _GONE)
            if self._stop.wait(self._retry.delay_after_s(number)):
                break
        message = "it was aborted, and is still there: somebody is sending parts"
        return Aborted(found, ObjectError.of(ErrorClass.CONFLICT, message, attempts=_ABORTS))


def _info_of(request: Callable[[], object]) -> ErrorInfo | None:
    try:
        request()
    except Exception as error:  # noqa: BLE001 - being refused is an answer
        return translate(error)
    return None


def _said(info: ErrorInfo) -> str:
    return printable(f"{info.code}{': ' if info.message else ''}{info.message}")
