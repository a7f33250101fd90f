"""Multipart uploads that outlive the answer, or the run, that opened them.

Two things can lose an upload: the answer to CreateMultipartUpload, and the end of the process. A
run with a journal keeps an :class:`UploadBook`, from which the next run goes on; every run looks at
its end for uploads whose answer was lost, by listing the uploads of that one key.

Refuses to touch what it did not make: other keys, uploads that are in the book, and uploads older
than the request whose answer was lost.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import unquote_plus

from s3_xfer.errors import ErrorClass, translate
from s3_xfer.model import OpenUpload
from s3_xfer.text import printable, s3_url

# S3 refuses requests whose clock is further off (RequestTimeTooSkewed).
_CLOCKS_DIFFER = timedelta(minutes=15)

_log = logging.getLogger("s3_xfer")


@dataclass(frozen=True, slots=True)
class MadeOf:
    """What the parts of an upload are parts of, and how large they are.

    ``headers`` stands for the metadata and tags that the upload was created with.
    """

    etag: str
    size: int
    part_size: int
    headers: str

    def is_of_same(self, other: MadeOf) -> bool:
        """Return whether both have one source and one set of headers, in parts of any size."""
        return replace(self, part_size=other.part_size) == other


UNPLANNED = MadeOf(etag="", size=0, part_size=1, headers="")  # of no object, as the preflight's


@dataclass(frozen=True, slots=True)
class LeftUpload:
    """An upload to ``key`` of the destination that an earlier run has left."""

    upload_id: str
    key: str
    made_of: MadeOf


@dataclass(frozen=True, slots=True)
class Intent:
    """There may be an upload to ``key`` that was opened after ``since``."""

    key: str
    since: datetime


class UploadBook(Protocol):
    """Where uploads are written down, so that another run can go on with them. Thread-safe."""

    def plans(self, key: str, made_of: MadeOf) -> None:
        """Note what the next upload to ``key`` will be made of."""

    def begins(self, key: str) -> None:
        """Note that an upload to ``key`` will be created now."""

    def opened(self, upload: OpenUpload, *, doubtful: bool) -> None:
        """Note its id; ``doubtful`` if there may be another one."""

    def closed(self, upload_id: str) -> None:
        """Note that an upload is no more."""

    def left(self) -> tuple[LeftUpload, ...]:
        """Return all that are open."""

    def left_for(self, key: str) -> tuple[LeftUpload, ...]:
        """Return those to ``key``."""

    def intents(self) -> tuple[Intent, ...]:
        """Return where there may be unknown ones."""

    def settled(self, key: str) -> None:
        """Note that there is no unknown one to ``key``."""


def abort(client: Any, bucket: str, key: str, upload_id: str) -> None:
    """Abort one upload; if it refuses to go, that is logged."""
    try:
        client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
    except Exception as error:  # noqa: BLE001 - whoever counts open uploads names it
        if translate(error).error_class is not ErrorClass.UPLOAD_LOST:
            _log.warning("upload %s was not aborted: %s", upload_id, error)


def sweep(
    client: Any,
    bucket: str,
    uploads: Iterable[OpenUpload],
    lost: Iterable[Intent],
    book: UploadBook | None,
) -> tuple[str, ...]:
    """Abort ``uploads``, those in the ``book``, and those that were ``lost``.

    Returns, for people, where S3 did not let us look for lost ones. No copy is under way any more.
    """
    left = book.left() if book else ()
    open_keys = {each.upload_id: each.key for each in uploads}
    open_keys |= {each.upload_id: each.key for each in left}
    for upload_id, key in open_keys.items():
        abort(client, bucket, key, upload_id)
    intents = {each.key: each for each in (*lost, *(book.intents() if book else ()))}
    unsettled = []
    for intent in intents.values():
        refusal = _abort_unknown(client, bucket, intent)
        if refusal:
            unsettled.append(refusal)
        elif book:
            book.settled(intent.key)
    return tuple(unsettled)


def _abort_unknown(client: Any, bucket: str, intent: Intent) -> str:
    """Abort the uploads to a key whose ids nobody knows; return what kept us from it."""
    try:
        for upload_id in list(_unknown(client, bucket, intent)):
            abort(client, bucket, intent.key, upload_id)
    except Exception as error:  # noqa: BLE001 - told to the user
        return (
            f"S3 may have opened an upload to {s3_url(bucket, intent.key)} whose answer was lost, "
            f"and did not let us look: {printable(translate(error).code)}"
        )
    return ""


def _unknown(client: Any, bucket: str, intent: Intent) -> Iterator[str]:
    pages = client.get_paginator("list_multipart_uploads").paginate(
        Bucket=bucket, Prefix=intent.key, EncodingType="url"
    )
    for page in pages:
        for upload in page.get("Uploads", ()):
            is_ours = unquote_plus(upload["Key"]) == intent.key
            if is_ours and upload["Initiated"] >= intent.since - _CLOCKS_DIFFER:
                yield upload["UploadId"]
