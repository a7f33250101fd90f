"""What a request's headers say about the object to be, and which rights saying so takes.

PutObject, CopyObject and CreateMultipartUpload share these headers; so does this module.
Refuses: SSE-C, object lock and checksums.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from tests.fault_server import access, refusals
from tests.fault_server.state import (
    DEFAULT_CONTENT_TYPE,
    Bucket,
    StoredObject,
    World,
    now,
)
from tests.fault_server.wire import Request

METADATA_PREFIX = "x-amz-meta-"
REDIRECT = "x-amz-website-redirect-location"
# What CopyObject carries over; the redirect is not part of it (API reference, CopyObject).
CONTENT_HEADERS = (
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
)
_SSE = "x-amz-server-side-encryption"
_STORAGE_CLASSES = frozenset(
    {
        "STANDARD",
        "REDUCED_REDUNDANCY",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER",
        "DEEP_ARCHIVE",
        "GLACIER_IR",
    }
)


def authorise(bucket: Bucket, request: Request) -> None:
    """Raise unless the account may write this key with these headers."""
    access.require(bucket, request, "s3:PutObject", request.key)
    _authorise_acl(bucket, request)
    if f"{_SSE}-customer-algorithm" in request.headers:
        raise refusals.not_implemented("SSE-C")
    if request.headers.get("x-amz-storage-class", "STANDARD") not in _STORAGE_CLASSES:
        message = "The storage class you specified is not valid"
        raise refusals.Refusal(400, "InvalidStorageClass", message)


def template(world: World, bucket: Bucket, request: Request) -> StoredObject:
    """Return the object that the headers describe, yet without size and ETag."""
    headers = request.headers
    key = headers.get(f"{_SSE}-aws-kms-key-id", "" if _SSE in headers else bucket.kms_key_id)
    access.require_key(world, request, key, "kms:GenerateDataKey")
    return StoredObject(
        key=request.key,
        size=0,
        etag="",
        last_modified=now(),
        # With ACLs disabled the bucket's owner owns everything in it.
        owner=request.account_id if bucket.acls_enabled else bucket.owner,
        metadata=_metadata(headers),
        headers=_content_headers(headers),
        tags=requested_tags(bucket, request),
        storage_class=headers.get("x-amz-storage-class", "STANDARD"),
        sse=headers.get(_SSE, bucket.sse),
        kms_key_id=key,
        version_id=world.version_id(bucket),
    )


def requested_tags(bucket: Bucket, request: Request) -> dict[str, str]:
    """Return the tags of ``x-amz-tagging``; giving any takes s3:PutObjectTagging."""
    given = request.headers.get("x-amz-tagging", "")
    if given:
        access.require(bucket, request, "s3:PutObjectTagging", request.key)
    return dict(parse_qsl(given, keep_blank_values=True))


def described(item: StoredObject) -> dict[str, str]:
    """Return the headers that a HEAD shows about the object itself."""
    shown = {
        "etag": item.etag,
        "accept-ranges": "bytes",
        **item.headers,
        **{METADATA_PREFIX + name: value for name, value in item.metadata.items()},
        **encryption(item),
    }
    if item.version_id:
        shown["x-amz-version-id"] = item.version_id
    if item.storage_class != "STANDARD":  # S3 leaves the header out for STANDARD
        shown["x-amz-storage-class"] = item.storage_class
    return shown


def encryption(item: StoredObject) -> dict[str, str]:
    """Return the headers that say how the object is encrypted."""
    key_id = {f"{_SSE}-aws-kms-key-id": item.kms_key_id} if item.kms_key_id else {}
    return {_SSE: item.sse, **key_id}


def confirmed(request: Request) -> dict[str, str]:
    """Return the headers that CreateMultipartUpload repeats."""
    names = ("x-amz-checksum-algorithm", f"{_SSE}-bucket-key-enabled")
    return {name: request.headers[name] for name in names if name in request.headers}


def changes_something(request: Request, source: StoredObject) -> bool:
    """Return whether a copy of ``source`` to itself is legal: some attribute would change."""
    headers = request.headers
    return (
        headers.get("x-amz-metadata-directive") == "REPLACE"
        or headers.get("x-amz-storage-class", "STANDARD") != source.storage_class
        or _SSE in headers
        or REDIRECT in headers
    )


def _authorise_acl(bucket: Bucket, request: Request) -> None:
    acl = request.headers.get("x-amz-acl", "")
    grants = any(name.startswith("x-amz-grant-") for name in request.headers)
    if not acl and not grants:
        return
    if not bucket.acls_enabled and (grants or acl != "bucket-owner-full-control"):
        raise refusals.acl_not_supported()
    access.require(bucket, request, "s3:PutObjectAcl", request.key)


def _metadata(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(METADATA_PREFIX): value
        for name, value in headers.items()
        if name.startswith(METADATA_PREFIX)
    }


def _content_headers(headers: Mapping[str, str]) -> dict[str, str]:
    given = {name: headers[name] for name in (*CONTENT_HEADERS, REDIRECT) if name in headers}
    return {"content-type": DEFAULT_CONTENT_TYPE, **given}
