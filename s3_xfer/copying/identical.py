"""Whether the destination holds an object's content already, as far as S3 can prove it.

A re-run need not copy again what an earlier run has copied. The proof is S3's own: the same size
and the same ETag, or, where ETags say nothing (parts, KMS), the same checksum over the whole
object, which AWS keeps for everything written since the end of 2024. An object that cannot be
proven identical is copied; sizes and dates prove nothing. Only content is compared, no metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import botocore.exceptions as bc

from s3_xfer.copying.headers import object_params
from s3_xfer.errors import ErrorClass, translate
from s3_xfer.model import CopyTask

_CHECKSUMS = (
    "ChecksumCRC64NVME",
    "ChecksumCRC32",
    "ChecksumCRC32C",
    "ChecksumSHA1",
    "ChecksumSHA256",
)
# 404, and where a HEAD is denied: then the object is copied.
_UNSEEN = (ErrorClass.SOURCE_VANISHED, ErrorClass.ACCESS_DENIED)


def is_identical(source_client: Any, destination_client: Any, task: CopyTask) -> bool:
    """Return whether the destination is proven to hold the content of ``task``'s source.

    One HEAD on the destination; one on the source only if the sizes agree, the ETags do not and
    the destination has a checksum to compare.

    Raises:
        botocore.exceptions.ClientError: any error but missing or denied; 412 if the source changed
            meanwhile.
    """
    copy = _head(destination_client, Bucket=task.destination_bucket, Key=task.destination_key)
    source = task.source
    if copy is None or copy["ContentLength"] != source.size:
        return False
    if copy["ETag"] == source.etag:
        return True
    of_copy = whole_checksums(copy)
    if not of_copy:
        return False
    head = _head(source_client, **object_params(source), IfMatch=source.etag)
    of_source = whole_checksums(head or {})
    shared = of_copy.keys() & of_source.keys()
    return bool(shared) and all(of_copy[name] == of_source[name] for name in shared)


def _head(client: Any, **params: str) -> Mapping[str, Any] | None:
    """Return the answer to a HEAD, or None if the object is missing or the HEAD is denied."""
    try:
        answer: Mapping[str, Any] = client.head_object(ChecksumMode="ENABLED", **params)
    except bc.ClientError as error:
        if translate(error).error_class in _UNSEEN:
            return None
        raise
    return answer


def whole_checksums(answer: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the checksums over all of the content: not those composed of parts (``…-N``)."""
    if answer.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT":
        return {}
    checksums = {name: answer[name] for name in _CHECKSUMS if name in answer}
    return {name: value for name, value in checksums.items() if "-" not in value}
