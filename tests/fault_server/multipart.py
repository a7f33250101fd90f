"""Multipart uploads whose parts are ranges of existing objects.

An object made this way has only what CreateMultipartUpload's headers said: no metadata, no tags
and no storage class come from any source. Refuses: UploadPart, since a server-side copy has no
data to send, and the races of an abort with parts in flight.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from itertools import pairwise

from tests.fault_server import (
    access,
    conditions,
    copies,
    documents,
    refusals,
    writing,
)
from tests.fault_server.documents import text
from tests.fault_server.state import (
    Bucket,
    Part,
    StoredObject,
    Upload,
    World,
    fake_md5,
    now,
)
from tests.fault_server.wire import Answer, Request

MIN_PART_BYTES = 5 * 1024**2
MAX_PARTS = 10_000
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


def create(world: World, request: Request) -> Answer:
    """Begin an upload."""
    bucket = access.open_bucket(world, request)
    writing.authorise(bucket, request)
    upload = Upload(
        upload_id=fake_md5("upload", world.number()),
        key=request.key,
        initiator=request.account_id,
        initiator_arn=world.principals[request.access_key].arn,
        initiated=now(),
        template=writing.template(world, bucket, request),
    )
    bucket.uploads[upload.upload_id] = upload
    return documents.ok(
        "InitiateMultipartUploadResult",
        text("Bucket", bucket.name),
        text("Key", upload.key),
        text("UploadId", upload.upload_id),
        **writing.encryption(upload.template),
        **writing.confirmed(request),
    )


def copy_part(world: World, request: Request) -> Answer:
    """Make a part of a range, or the whole, of an existing object."""
    bucket = access.open_bucket(world, request)
    access.require(bucket, request, "s3:PutObject", request.key)
    upload = open_upload(bucket, request)
    number = request.part_number or 0
    if not 1 <= number <= MAX_PARTS:
        message = "Part number must be an integer between 1 and 10000, inclusive"
        raise refusals.invalid_argument(message, "partNumber")
    # API reference, CreateMultipartUpload: a part takes kms:Decrypt on the new object's key.
    access.require_key(world, request, upload.template.kms_key_id, "kms:Decrypt")
    source = copies.find_source(world, request).item
    first, last = _range(request, source)
    etag = f'"{fake_md5("part", source.etag, first, last)}"'
    part = Part(number=number, size=last - first + 1, etag=etag, last_modified=now())
    upload.parts[number] = part
    return documents.ok(
        "CopyPartResult",
        text("LastModified", documents.iso(part.last_modified)),
        text("ETag", part.etag),
        x_amz_copy_source_version_id=source.version_id,
    )


def complete(world: World, request: Request) -> Answer:
    """Make the object. An identical repetition succeeds again (adobe/S3Mock#2586, minio#13318)."""
    bucket = access.open_bucket(world, request)
    access.require(bucket, request, "s3:PutObject", request.key)
    wanted = documents.read_part_list(request.body)
    before, made = bucket.completed.get(request.query["uploadId"], (None, None))
    if made is None or before != wanted:
        made = _assemble(bucket, request, wanted)
    return documents.ok(
        "CompleteMultipartUploadResult",
        text("Location", f"/{bucket.name}/{made.key}"),
        text("Bucket", bucket.name),
        text("Key", made.key),
        text("ETag", made.etag),
        x_amz_version_id=made.version_id,
    )


def abort(world: World, request: Request) -> Answer:
    """Drop an upload; who began it may, unless that is denied (User Guide, mpuAndPermissions)."""
    bucket = access.open_bucket(world, request)
    upload = open_upload(bucket, request)
    require_or_initiator(bucket, request, upload, "s3:AbortMultipartUpload")
    del bucket.uploads[upload.upload_id]
    return Answer(204)


def open_upload(bucket: Bucket, request: Request) -> Upload:
    """Return the upload that the request names; its key must be the same."""
    upload = bucket.uploads.get(request.query["uploadId"])
    if upload is None or upload.key != request.key:
        raise refusals.no_such_upload(request.query["uploadId"])
    return upload


def require_or_initiator(bucket: Bucket, request: Request, upload: Upload, action: str) -> None:
    """Raise AccessDenied unless the account began the upload or has the right to ``action``."""
    if bucket.authority or upload.initiator != request.account_id:
        access.require(bucket, request, action, request.key)
    elif bucket.denies(request.account_id, action, request.key):
        raise refusals.access_denied()


def _range(request: Request, source: StoredObject) -> tuple[int, int]:
    """Return first and last byte to take; a range needs a source above 5 MiB (API reference)."""
    given = request.headers.get("x-amz-copy-source-range")
    if given is None:
        first, last = 0, source.size - 1
    else:
        first, last = _parse_range(given, source.size)
    if last - first + 1 > refusals.MAX_COPY_BYTES:
        raise refusals.source_too_large()
    return first, last


def _parse_range(given: str, source_size: int) -> tuple[int, int]:
    match = _RANGE.fullmatch(given)
    if match is None:
        message = (
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first "
            "and last are the zero-based offsets of the first and last bytes to copy"
        )
        raise refusals.invalid_argument(message, "x-amz-copy-source-range")
    first, last = int(match[1]), int(match[2])
    if not first <= last < source_size:
        raise refusals.invalid_range(source_size)
    if source_size <= MIN_PART_BYTES:
        raise refusals.invalid_request("The specified copy source is not supported as a byte-range")
    return first, last


def _assemble(
    bucket: Bucket, request: Request, wanted: tuple[tuple[int, str], ...]
) -> StoredObject:
    upload = open_upload(bucket, request)
    parts = _chosen_parts(upload, wanted)
    size = sum(part.size for part in parts)
    if request.headers.get("x-amz-mp-object-size", str(size)) != str(size):
        raise refusals.invalid_request("The provided 'x-amz-mp-object-size' header value is wrong")
    conditions.check_destination(bucket, request)
    # Last-Modified stays that of the beginning (User Guide, "System-defined object metadata").
    made = replace(upload.template, size=size, etag=_multipart_etag(parts))
    bucket.store(made)
    del bucket.uploads[upload.upload_id]
    bucket.completed[upload.upload_id] = (wanted, made)
    return made


def _chosen_parts(upload: Upload, wanted: tuple[tuple[int, str], ...]) -> list[Part]:
    if not wanted:
        raise refusals.malformed_xml()
    if any(second <= first for (first, _), (second, _) in pairwise(wanted)):
        raise refusals.invalid_part_order()
    for number, etag in wanted:
        part = upload.parts.get(number)
        if part is None or part.etag.strip('"') != etag:
            raise refusals.invalid_part(upload.upload_id, number, etag)
    chosen = [upload.parts[number] for number, _ in wanted]
    for part in chosen[:-1]:
        if part.size < MIN_PART_BYTES:
            raise refusals.entity_too_small(part.number, part.size)
    return chosen


def _multipart_etag(parts: list[Part]) -> str:
    """Return S3's formula: the MD5 of the parts' MD5s, a dash, the number of parts."""
    digests = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
    return f'"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"'
