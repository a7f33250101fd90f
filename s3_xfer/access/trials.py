"""Requests that show what is allowed, and leave nothing behind.

Sent by clients of their own, which add no header and repeat nothing, so that one thing at a time
can be left out; the run counts and limits their requests. A request without a proper answer proves
nothing; it is not taken for a denial.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from s3_xfer.access.clients import Clients, open_metered_client
from s3_xfer.access.probe import part_of
from s3_xfer.copying.headers import write_params
from s3_xfer.errors import ErrorClass, ErrorInfo, translate
from s3_xfer.findings import Step
from s3_xfer.model import S3Object
from s3_xfer.options import CopyOptions, TagPolicy
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.text import printable

_PATIENCE_S = 3.0
# These say nothing about rights.
_NO_ANSWER = frozenset(
    {
        ErrorClass.NETWORK,
        ErrorClass.TIMEOUT,
        ErrorClass.THROTTLED,
        ErrorClass.SERVER_ERROR,
        ErrorClass.EMPTY_RESPONSE,
        ErrorClass.INTERRUPTED,
        ErrorClass.CREDENTIALS_REFUSED,
        ErrorClass.CREDENTIALS_EXPIRED,
        ErrorClass.SOURCE_VANISHED,
        ErrorClass.BUCKET_MISSING,
    }
)
Call = Callable[..., Any]
Arguments = dict[str, Any]


class NoAnswerError(Exception):
    """A request that was to tell something got no answer that does."""


class Trials:
    """What both sides' credentials may do. ``left_behind`` tells of uploads that stayed open."""

    def __init__(self, clients: Clients, keys: KeyMap, options: CopyOptions) -> None:
        self._keys = keys
        self._options = options
        requests = clients.requests.without_retries()
        self.reader = open_metered_client(
            clients.source_session,
            keys.source.account,
            requests=requests,
            patience_s=_PATIENCE_S,
        )
        self.copier = open_metered_client(
            clients.destination_session,
            keys.destination.account,
            requests=requests,
            patience_s=_PATIENCE_S,
        )
        self.left_behind: list[str] = []

    def paid(self, arguments: Arguments) -> Arguments:
        """Return the arguments of a request for the source, as the run sends it."""
        payer = {"RequestPayer": "requester"} if self._options.request_payer else {}
        return {**arguments, **payer}

    def denied_upload(self, place: Arguments, **more: Any) -> ErrorInfo | None:
        """Return why an upload could not be opened; one that could is aborted at once."""
        return self._with_upload({**place, **more}, lambda _: None)

    def denied_step(self, source: S3Object, destination_key: str) -> Step | None:
        """Return the first step of this object's copy that is denied, None if none is."""
        owner = self._keys.source.account.bucket_owner
        owned = {"ExpectedBucketOwner": owner} if owner else {}
        place = self.paid({"Bucket": source.bucket, "Key": source.key, **owned})
        large = source.size >= self._options.multipart_threshold_bytes
        with_tags = self._options.tags is TagPolicy.COPY
        if large and denied(self.reader.head_object, place):
            return Step.LOOK
        if large and with_tags and denied(self.reader.get_object_tagging, place):
            return Step.READ_TAGS
        if denied(self.copier.head_object, place):
            return Step.READ
        if with_tags and denied(self.copier.get_object_tagging, place):
            return Step.COPY_TAGS
        return self._denied_copy(source, destination_key)

    def _denied_copy(self, source: S3Object, key: str) -> Step | None:
        owner = self._keys.destination.account.bucket_owner
        place = {"Bucket": self._keys.destination.bucket, "Key": key}
        owned = {"ExpectedBucketOwner": owner} if owner else {}
        source_owner = self._keys.source.account.bucket_owner
        source_owned = {"ExpectedSourceBucketOwner": source_owner} if source_owner else {}
        unread: list[ErrorInfo] = []

        def copy_a_part(upload: Arguments) -> None:
            arguments = self.paid({**part_of(source, upload), **source_owned})
            info = denied(self.copier.upload_part_copy, arguments)
            unread.extend([info] if info and source.size else [])

        if self._with_upload({**place, **owned, **write_params(self._options)}, copy_a_part):
            return Step.WRITE
        return Step.READ if unread else None

    def _with_upload(
        self, arguments: Arguments, use: Callable[[Arguments], None]
    ) -> ErrorInfo | None:
        """Open an upload, use it, abort it; return why it could not be opened."""
        opened: Arguments = {}

        def open_upload(**given: Any) -> None:
            opened.update(self.copier.create_multipart_upload(**given))

        info = denied(open_upload, arguments)
        if info:
            return info
        upload = {name: arguments[name] for name in ("Bucket", "Key")}
        upload["UploadId"] = opened["UploadId"]
        try:
            use(upload)
        finally:
            self._abort(upload)
        return None

    def _abort(self, upload: Arguments) -> None:
        try:
            self.copier.abort_multipart_upload(**upload)
        except Exception as error:  # noqa: BLE001 - told, and what was found out stands
            code, upload_id = printable(translate(error).code), printable(upload["UploadId"])
            self.left_behind.append(f"the upload {upload_id} could not be aborted: {code}")


def denied(call: Call, arguments: Arguments) -> ErrorInfo | None:
    """Return why a request was refused, None if it was not.

    Raises:
        NoAnswerError: what came back says nothing about rights.
    """
    try:
        call(**arguments)
    except Exception as error:
        info = translate(error)
        if info.error_class in _NO_ANSWER:
            raise NoAnswerError(printable(f"{info.code} {info.message}".strip())) from error
        return info
    return None
