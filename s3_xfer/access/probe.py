"""The check before the first object that only writing can make, without leaving a trace.

May the destination be written, and the source be read by the *destination's* credentials? A
multipart upload is opened, given one part, and aborted; no object, version or event appears.

Refuses to promise more than it saw: what could not be proven becomes a note, not a pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from s3_xfer.access.clients import Clients
from s3_xfer.access.preflight import probe_key, refused, said
from s3_xfer.copying.headers import write_params
from s3_xfer.errors import ErrorClass, PreflightError, translate
from s3_xfer.findings import Step
from s3_xfer.model import S3Location, S3Object
from s3_xfer.options import CopyOptions

_RANGE_MIN_BYTES = 5 * 1024 * 1024  # API reference, CopySourceRange: source "greater than 5 MB"
_ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})


def probe_write(
    clients: Clients, destination: S3Location, sample: Sequence[S3Object], options: CopyOptions
) -> Sequence[str]:
    """Prove that the destination's credentials may write there and read the source.

    Returns notes on what could not be proven.

    Raises:
        PreflightError: writing or reading is denied, or the options do not fit the bucket.
    """
    place = {"Bucket": destination.bucket, "Key": probe_key(destination)}
    upload_id = open_upload(clients, destination, place, options)
    client = clients.destination
    upload = {**place, "UploadId": upload_id}
    try:
        return probe_read(client, upload, sample)
    finally:
        _abort(client, upload)


def open_upload(
    clients: Clients, destination: S3Location, place: Mapping[str, str], options: CopyOptions
) -> str:
    """Open an upload as the run would, and return its id.

    Raises:
        PreflightError: writing is denied, or the options do not fit the bucket.
    """
    try:
        upload_id: str = clients.destination.create_multipart_upload(
            **place, **write_params(options)
        )["UploadId"]
    except Exception as error:
        raise refused(
            f"{destination.url} cannot be written",
            error,
            step=Step.WRITE,
            if_denied="grant s3:PutObject on the destination to its credentials (with --acl also "
            "s3:PutObjectAcl, under KMS also kms:GenerateDataKey), and check --dest-bucket-owner",
        ) from error
    return upload_id


def probe_read(client: Any, upload: Mapping[str, str], sample: Sequence[S3Object]) -> Sequence[str]:
    """Copy one part into ``upload``; return notes on what that could not prove.

    Raises:
        PreflightError: the destination's credentials may not read the source.
    """
    source = readable(sample)
    if source is None:
        return ["reading the source was not proven: the first objects are empty or archived"]
    try:
        client.upload_part_copy(**part_of(source, upload), CopySourceIfMatch=source.etag)
    except Exception as error:
        facts = translate(error)
        if facts.error_class in (ErrorClass.SOURCE_CHANGED, ErrorClass.SOURCE_VANISHED):
            return ["reading the source was not proven: the sample changed meanwhile"]
        if facts.error_class is ErrorClass.ACCESS_DENIED:
            raise PreflightError(
                f"the destination's credentials may not read {source.url}: {said(facts)}",
                remedy="the source account must grant them s3:GetObject (and s3:GetObjectTagging) "
                "in the bucket policy, and kms:Decrypt on the key of encrypted objects; "
                "the destination's own identity policy must allow the same",
                error_class=facts.error_class,
                step=Step.READ,
                facts=facts,
            ) from error
        what = f"{source.url} cannot be read for a copy"
        raise refused(what, error, step=Step.READ) from error
    return []


def part_of(source: S3Object, upload: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments that copy one byte of ``source``, or all of it if it is too small."""
    extent = {"CopySourceRange": "bytes=0-0"} if source.size > _RANGE_MIN_BYTES else {}
    place = {"Bucket": source.bucket, "Key": source.key}
    return {**upload, "PartNumber": 1, "CopySource": place, **extent}


def readable(sample: Sequence[S3Object]) -> S3Object | None:
    """Return an object that a one-part copy can read, rather one where a byte is enough."""
    usable = [found for found in sample if found.size and found.storage_class not in _ARCHIVED]
    large = [found for found in usable if found.size > _RANGE_MIN_BYTES]
    return next(iter(large or usable), None)


def _abort(client: Any, upload: Mapping[str, str]) -> None:
    """Abort the probe's upload. One that stays is reported at the end, with its id."""
    with suppress(Exception):  # the hooks keep it among the open uploads, nothing is lost
        client.abort_multipart_upload(**upload)
