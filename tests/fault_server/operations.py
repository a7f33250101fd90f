"""Which operation a request is, and which function does it.

S3 has no operation names on the wire: method, path, query and one header decide. Names are
botocore's. Refuses what it does not know with 501, never with a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.fault_server import (
    access,
    copies,
    listing,
    listing_uploads,
    multipart,
    objects,
    refusals,
    sts,
)
from tests.fault_server.state import World
from tests.fault_server.wire import Answer, Request

KEY_MAX_BYTES = 1024
Operation = Callable[[World, Request], Answer]

OPERATIONS: Mapping[str, Operation] = {
    "AbortMultipartUpload": multipart.abort,
    "AssumeRole": sts.assume_role,
    "CompleteMultipartUpload": multipart.complete,
    "CopyObject": copies.copy_object,
    "CreateMultipartUpload": multipart.create,
    "DeleteObject": objects.delete_object,
    "GetBucketLocation": objects.get_bucket_location,
    "GetBucketVersioning": objects.get_bucket_versioning,
    "GetCallerIdentity": sts.get_caller_identity,
    "GetObject": objects.get_object,
    "GetObjectTagging": objects.get_object_tagging,
    "HeadBucket": objects.head_bucket,
    "HeadObject": objects.head_object,
    "ListMultipartUploads": listing_uploads.list_uploads,
    "ListObjectsV2": listing.list_objects,
    "ListParts": listing_uploads.list_parts,
    "PutObject": objects.put_object,
    "PutObjectTagging": objects.put_object_tagging,
    "UploadPartCopy": multipart.copy_part,
}

# (method, which of the telling query parameters is there) -> operation
_ON_BUCKET = {
    ("HEAD", ""): "HeadBucket",
    ("GET", "list-type"): "ListObjectsV2",
    ("GET", "location"): "GetBucketLocation",
    ("GET", "uploads"): "ListMultipartUploads",
    ("GET", "versioning"): "GetBucketVersioning",
}
_ON_OBJECT = {
    ("HEAD", ""): "HeadObject",
    ("GET", ""): "GetObject",
    ("GET", "tagging"): "GetObjectTagging",
    ("GET", "uploadId"): "ListParts",
    ("PUT", ""): "PutObject",
    ("PUT", "tagging"): "PutObjectTagging",
    ("PUT", "uploadId"): "UploadPart",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", ""): "DeleteObject",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
}
_WITH_COPY_SOURCE = {"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"}
# Any of these makes another operation of a request; what is not in a table above is unknown.
_TELLING = (
    *("list-type", "location", "uploads", "tagging", "uploadId", "acl"),
    *("versions", "versioning", "delete"),
)


def name_of(request: Request) -> str:
    """Return what botocore calls the request's operation, or a description of what it is not."""
    if not request.bucket:
        return sts.action_of(request) or f"{request.method} /"
    telling = next((name for name in _TELLING if name in request.query), "")
    table = _ON_OBJECT if request.key else _ON_BUCKET
    name = table.get((request.method, telling), f"{request.method} ?{telling}")
    if "x-amz-copy-source" in request.headers:
        return _WITH_COPY_SOURCE.get(name, name)
    return name


def perform(world: World, request: Request) -> Answer:
    """Do what the request asks, alone in the world.

    Raises:
        Refusal: S3 would not do it.
    """
    operation = OPERATIONS.get(request.operation)
    with world.lock:
        access.authenticate(world, request)
        if operation is None:
            raise refusals.not_implemented(request.operation)
        if len(request.key.encode()) > KEY_MAX_BYTES:
            raise refusals.key_too_long(request.key)
        return operation(world, request)
