"""Multipart uploads that were never completed: lists them with their sizes, and aborts some.

S3 tells who began an upload, and nothing else about its origin: "ours" means begun by the same
user or role as these credentials, by any program. Whether parts are still being sent S3 does not
tell either; age is the only hint. An abort counts when S3 then says that there is no such upload:
parts that were under way may outlive the first abort (API reference, AbortMultipartUpload), so it
is repeated. The caller chooses what is aborted.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from s3_xfer.access.clients import open_clients
from s3_xfer.access.credentials import Identity, caller_identity
from s3_xfer.access.documents import role_of_session
from s3_xfer.access.lookups import refusing
from s3_xfer.access.probe import answer
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.copying.upload_listing import iter_parts, iter_uploads
from s3_xfer.errors import ErrorClass, ObjectError, check_fields, checked_call
from s3_xfer.ledger.metrics import MetricsCollector
from s3_xfer.model import AccountContext, OpenUpload, S3Location
from s3_xfer.options import CopyOptions
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.s3_client import S3Client

_THREADS = 16
_BATCH_SIZE = 1000  # uploads that are worked on before more are listed
_MAX_ABORTS = 4
_GONE = (ErrorClass.UPLOAD_LOST, ErrorClass.SOURCE_VANISHED)  # NoSuchUpload; Ceph: NoSuchKey

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedUpload:
    """One multipart upload that was begun and not ended."""

    upload: OpenUpload
    """Bucket, key and upload id."""
    initiated: datetime | None
    """When it was begun; None if the service does not say."""
    initiator: str
    """Who has begun it, as the service says."""
    storage_class: str
    """The class that the object would have had."""
    is_ours: bool
    """Whether these credentials have begun it."""
    parts: int | None = None
    """How many parts it has; None if they were not read, or are hidden."""
    size_bytes: int | None = None
    """Their sizes together; None if they were not read, or are hidden."""

    def __post_init__(self) -> None:
        check_fields(self)

    def age_s(self, now: datetime) -> float | None:
        """Return how long ago it was begun, in seconds; None if that is not known."""
        return max(0.0, (now - self.initiated).total_seconds()) if self.initiated else None

    def to_dict(self, now: datetime) -> dict[str, Any]:
        """Return plain values, for JSON."""
        age_s = self.age_s(now)
        return {
            "bucket": self.upload.bucket,
            "key": self.upload.key,
            "upload_id": self.upload.upload_id,
            "initiated": self.initiated.isoformat() if self.initiated else None,
            "age_seconds": None if age_s is None else round(age_s),
            "initiator": self.initiator,
            "ours": self.is_ours,
            "storage_class": self.storage_class,
            "parts": self.parts,
            "size": self.size_bytes,
        }


@dataclass(frozen=True, slots=True)
class AbortResult:
    """How an abort ended."""

    unfinished: UnfinishedUpload
    """The upload."""
    error: ObjectError | None = None
    """Why it is still there, or may be; None if it is gone."""
    is_proven: bool = True
    """Whether S3 has confirmed that it is gone."""

    def __post_init__(self) -> None:
        check_fields(self)


class Janitor:
    """Looks after the uploads to one location. For one thread; its requests are sent by several.

    ``options`` are those of a copy of which retries and timeouts matter. ``identity`` is who the
    credentials are.

    Raises:
        PreflightError: the credentials cannot be used.
        ValidationError: an argument is of another kind.
    """

    @checked_call
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
        self.identity: Identity = caller_identity(clients.destination_session, location.account)
        self.warnings: tuple[str, ...] = clients.warnings()

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


def list_unfinished(
    client: S3Client, location: S3Location, *, principal: str
) -> Iterator[UnfinishedUpload]:
    """Yield the uploads to ``location`` in the order of S3: below a prefix, or to one key.

    A key that does not end in ``/`` stands for itself and for everything below it as a directory.
    ``principal`` is the ARN behind the client's credentials; empty if it is unknown.

    Raises:
        botocore.exceptions.ClientError: a page was refused after all retries.
        RunAborted: a page cannot be believed.
    """
    for entry in iter_uploads(client, location.bucket, location.key):
        if _is_at(location, entry["Key"]):
            yield _parse(location.bucket, entry, principal)


def _is_at(location: S3Location, key: str) -> bool:
    if not location.key or location.key.endswith("/"):
        return True
    return key == location.key or key.startswith(location.key + "/")


def _parse(bucket: str, entry: Mapping[str, Any], principal: str) -> UnfinishedUpload:
    initiator = str(entry.get("Initiator", {}).get("ID", ""))
    return UnfinishedUpload(
        upload=OpenUpload(bucket, entry["Key"], entry["UploadId"]),
        initiated=entry.get("Initiated"),
        initiator=initiator,
        storage_class=entry.get("StorageClass") or "STANDARD",
        is_ours=bool(principal) and role_of_session(initiator) == role_of_session(principal),
    )


def parts_of(client: S3Client, upload: OpenUpload) -> tuple[int, int]:
    """Return how many parts an upload has so far, and their bytes.

    Raises:
        botocore.exceptions.ClientError: among others that there is no such upload any more.
        RunAborted: a page cannot be believed.
    """
    named = {"Bucket": upload.bucket, "Key": upload.key, "UploadId": upload.upload_id}
    sizes_bytes = [part["Size"] for part in iter_parts(client, named)]
    return len(sizes_bytes), sum(sizes_bytes)
