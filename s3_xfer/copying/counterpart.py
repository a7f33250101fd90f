"""What the destination has at a task's key, as far as the steps of a copy need to know.

A copy without overwriting asks whether there is anything. A re-run that skips identical objects
asks for a proof by S3 itself: the same size and the same ETag, or, where ETags prove nothing
(parts, KMS), the same checksum over the whole object, which AWS keeps for everything written since
the end of 2024. Sizes and dates prove nothing. Only content is compared, no metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import botocore.exceptions as bc

from s3_xfer.copying import lookup
from s3_xfer.copying.headers import object_params
from s3_xfer.errors import ErrorClass, translate
from s3_xfer.model import CopyTask, S3Object
from s3_xfer.planning.decisions import Counterpart
from s3_xfer.s3_client import S3Client

_CHECKSUMS = (
    "ChecksumCRC64NVME",
    "ChecksumCRC32",
    "ChecksumCRC32C",
    "ChecksumSHA1",
    "ChecksumSHA256",
)
# 404, and where a HEAD is denied: then the object is copied.
_UNSEEN = (ErrorClass.SOURCE_VANISHED, ErrorClass.ACCESS_DENIED)


def existing_counterpart(client: S3Client, task: CopyTask) -> Counterpart | None:
    """Return the destination's object, None if there is none.

    Raises:
        botocore.exceptions.ClientError: any error but 404, a denial included.
    """
    try:
        return _counterpart(task, lookup.head_destination(client, task))
    except bc.ClientError as error:
        if translate(error).error_class is ErrorClass.SOURCE_VANISHED:
            return None
        raise


def compared_counterpart(
    source_client: S3Client, destination_client: S3Client, task: CopyTask
) -> Counterpart | None:
    """Return the destination's object and whether it is identical; None if it cannot be seen.

    One HEAD on the destination; one on the source only if the sizes agree, the ETags do not and
    the destination has a checksum to compare.

    Raises:
        botocore.exceptions.ClientError: any error but missing or denied; 412 if the source changed
            meanwhile.
    """
    answer = _head(destination_client, Bucket=task.destination_bucket, Key=task.destination_key)
    if answer is None:
        return None
    return _counterpart(task, answer, is_identical=_is_identical(source_client, task, answer))


def _is_identical(source_client: S3Client, task: CopyTask, answer: Mapping[str, Any]) -> bool:
    source = task.source
    if answer["ContentLength"] != source.size:
        return False
    if answer["ETag"] == source.etag:
        return True
    of_copy = whole_checksums(answer)
    if not of_copy:
        return False
    head = _head(source_client, **object_params(source), IfMatch=source.etag)
    of_source = whole_checksums(head or {})
    shared = of_copy.keys() & of_source.keys()
    return bool(shared) and all(of_copy[name] == of_source[name] for name in shared)


def _counterpart(
    task: CopyTask, answer: Mapping[str, Any], *, is_identical: bool | None = None
) -> Counterpart:
    found = S3Object(
        bucket=task.destination_bucket,
        key=task.destination_key,
        size=answer["ContentLength"],
        etag=answer["ETag"],
    )
    return Counterpart(found, is_identical)


def _head(client: S3Client, **params: Any) -> Mapping[str, Any] | None:
    """Return the answer to a HEAD, or None if the object is missing or the HEAD is denied."""
    try:
        return client.head_object(ChecksumMode="ENABLED", **params)
    except bc.ClientError as error:
        if translate(error).error_class in _UNSEEN:
            return None
        raise


def whole_checksums(answer: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the checksums over all of the content: not those composed of parts (``…-N``)."""
    if answer.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT":
        return {}
    checksums = {name: answer[name] for name in _CHECKSUMS if name in answer}
    return {name: value for name, value in checksums.items() if "-" not in value}
