"""The headers that a run adds to its requests, by S3 operation.

s3transfer's list of allowed arguments lacks half of what a safe cross-account copy needs
(conditions on the destination, the owner of the source bucket, bucket keys), and sends the
destination's expected owner to the source; older models of botocore lack ``If-None-Match`` on
copies. So all that is set as headers, after botocore has built the request and before it signs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s3_xfer.model import S3Object
from s3_xfer.options import CopyOptions, TagPolicy

Headers = dict[str, str]

_COPIES = ("CopyObject", "UploadPartCopy")
_OBJECT_OPERATIONS = (
    *_COPIES,
    "CreateMultipartUpload",
    "CompleteMultipartUpload",
    "AbortMultipartUpload",
    "DeleteObject",
    "PutObjectTagging",
    "HeadObject",
    "GetObjectTagging",
    "ListObjectsV2",
    "ListParts",
    "ListMultipartUploads",
    "ListObjectVersions",
)
_BUCKET_OPERATIONS = (*_OBJECT_OPERATIONS, "HeadBucket", "GetBucketVersioning")


def destination_headers(
    options: CopyOptions,
    *,
    overwrite: bool,
    source_owner: str | None,
    destination_owner: str | None,
) -> Mapping[str, Headers]:
    """Return the extra headers of requests that the destination client sends, by operation."""
    headers = common_headers(options, bucket_owner=destination_owner)
    if source_owner:
        for operation in _COPIES:
            headers[operation]["x-amz-source-expected-bucket-owner"] = source_owner
    if options.bucket_key:
        for operation in ("CopyObject", "CreateMultipartUpload"):
            headers[operation]["x-amz-server-side-encryption-bucket-key-enabled"] = "true"
    if not overwrite:
        for operation in ("CopyObject", "CompleteMultipartUpload"):
            headers[operation]["If-None-Match"] = "*"
    return headers


def common_headers(options: CopyOptions, *, bucket_owner: str | None) -> dict[str, Headers]:
    """Return the extra headers of requests that only read a bucket of this owner, by operation."""
    headers: dict[str, Headers] = {operation: {} for operation in _BUCKET_OPERATIONS}
    if bucket_owner:
        for operation in _BUCKET_OPERATIONS:
            headers[operation]["x-amz-expected-bucket-owner"] = bucket_owner
    if options.request_payer:
        for operation in _OBJECT_OPERATIONS:
            headers[operation]["x-amz-request-payer"] = "requester"
    return headers


def write_params(options: CopyOptions) -> dict[str, Any]:
    """Return the parameters of any engine that decide how the copy is stored."""
    chosen = {
        "StorageClass": options.storage_class and options.storage_class.value,
        "ACL": options.acl and options.acl.value,
        "ServerSideEncryption": options.sse and options.sse.value,
        "SSEKMSKeyId": options.sse_kms_key_id,
        "ChecksumAlgorithm": options.checksum_algorithm and options.checksum_algorithm.value,
    }
    return {name: value for name, value in chosen.items() if value}


def object_params(known: S3Object) -> dict[str, Any]:
    """Return what names ``known`` in a request that reads it, and as ``CopySource``."""
    version = {"VersionId": known.version_id} if known.version_id else {}
    return {"Bucket": known.bucket, "Key": known.key, **version}


def pinned_params(known: S3Object) -> dict[str, Any]:
    """Return :func:`object_params`, and the condition that the object still has its ETag."""
    return object_params(known) | ({"IfMatch": known.etag} if known.etag else {})


def single_copy_params(options: CopyOptions, source_etag: str) -> dict[str, Any]:
    """Return the parameters of ``CopyObject`` besides source and destination."""
    params = write_params(options) | {"CopySourceIfMatch": source_etag}
    if options.tags is TagPolicy.SKIP:
        params["TaggingDirective"] = "REPLACE"  # by none; S3 copies tags by itself
    return params
