"""Files in S3 that say what is to be copied: lists of keys, and inventories.

They are read with the source's credentials where given, otherwise with the destination's, by the
same rules as every request of the run. What is read is on the disk of this machine, complete and
of one version, before a line of it counts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import IO, Any

from s3_xfer.access.clients import open_metered_client, server_probe
from s3_xfer.access.credentials import session_for
from s3_xfer.access.lookups import refused
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.errors import ErrorClass, ErrorInfo, S3XferError, ValidationError, translate
from s3_xfer.model import AccountContext, S3Location
from s3_xfer.s3_client import S3Client
from s3_xfer.spec import TransferSpec

PATIENCE_S = 60.0
_CHUNK_BYTES = 1 << 20


class InputFiles:
    """Reads the input files of one run, which are in one bucket. For one thread at a time.

    Every method raises PreflightError if S3 refuses.
    """

    def __init__(self, spec: TransferSpec, requests: RequestPolicy) -> None:
        self._spec = spec
        self._requests = requests
        self._bucket = ""

    def open(self, url: str) -> IO[bytes]:
        """Return the content of the object ``url``, in a temporary file at its beginning.

        Raises:
            ValidationError: the URL names no object.
        """
        location = S3Location.parse(url)
        if not location.key or location.key.endswith("/"):
            raise ValidationError(
                f"{location.url} names no file", remedy="write it as s3://BUCKET/KEY"
            )
        self._bucket = location.bucket
        file = tempfile.TemporaryFile(prefix="s3-xfer-")  # noqa: SIM115 - the caller closes it
        try:
            self._download(location, file)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return file

    def folders(self, location: S3Location) -> Iterator[str]:
        """Yield the prefixes directly below a folder, each with its last ``/``."""
        self._bucket = location.bucket
        token: dict[str, Any] = {}
        while True:
            try:
                page: Any = self._client.list_objects_v2(
                    Bucket=location.bucket, Prefix=location.key, Delimiter="/", **token
                )
            except Exception as error:
                raise _refused(location, "listed", translate(error)) from error
            yield from (group["Prefix"] for group in page.get("CommonPrefixes", ()))
            if not page.get("IsTruncated") or not page.get("NextContinuationToken"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def _download(self, location: S3Location, file: IO[bytes]) -> None:
        """Write the object into ``file``; what breaks off goes on, of the same version."""
        attempts = 0
        params: dict[str, Any] = {"Bucket": location.bucket, "Key": location.key}
        while True:
            attempts += 1
            body_begins = False
            rest: dict[str, Any] = {"Range": f"bytes={file.tell()}-"} if file.tell() else {}
            try:
                answer: Any = self._client.get_object(**params, **rest)
                body_begins = True
                params["IfMatch"] = answer["ETag"]
                if rest and "ContentRange" not in answer:  # all of it
                    file.seek(0)
                    file.truncate()
                for chunk in answer["Body"].iter_chunks(_CHUNK_BYTES):
                    file.write(chunk)
            except Exception as error:
                if not body_begins or isinstance(error, S3XferError):
                    raise _refused(location, "read", translate(error)) from error
                self._repeat(location, error, attempts)
            else:
                return

    def _repeat(self, location: S3Location, error: Exception, attempts: int) -> None:
        """Wait before an answer that broke off is asked for again, or raise."""
        info = translate(error)
        if not self._requests.repeats(info, attempts=attempts):
            raise _refused(location, "read", info) from error

    @cached_property
    def _client(self) -> S3Client:
        source, destination = self._spec.source, self._spec.destination
        is_own = source.names_credentials
        session = session_for(
            source if is_own else destination,
            side="source" if is_own else "destination",
            requests=self._requests,
        )
        account: AccountContext = replace(source, no_sign_request=None)
        return open_metered_client(
            session,
            account,
            requests=self._requests,
            patience_s=PATIENCE_S,
            probe=server_probe(session, account, self._requests, self._bucket),
        )


def _refused(location: S3Location, done: str, info: ErrorInfo) -> S3XferError:
    if info.error_class is ErrorClass.SOURCE_VANISHED:
        info = replace(info, error_class=ErrorClass.LIST_UNUSABLE)
    advice = (
        "grant s3:GetObject on it (of a folder s3:ListBucket, too) to the credentials that list "
        "the source"
    )
    return refused(f"the input {location.url} cannot be {done}", info, if_denied=advice)
