"""Pages of ``list_objects_v2``, in key order, as objects.

A page is one request and at most 1,000 keys; it is repeated on its own when it fails, with its
token. The order is that of the keys' UTF-8 bytes, so the last key seen is a place from which a
later run can go on. Refuses to sort, filter or remember: memory holds one page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from s3_xfer.model import S3Object


def as_object(bucket: str, entry: Mapping[str, Any]) -> S3Object:
    """Return one entry of a listing as an object."""
    return S3Object(
        bucket=bucket,
        key=entry["Key"],
        size=entry["Size"],
        etag=entry.get("ETag", ""),
        last_modified=entry.get("LastModified"),
        storage_class=entry.get("StorageClass", "STANDARD"),
    )


def pages(
    client: Any, *, bucket: str, prefix: str, start_after: str = ""
) -> Iterator[Sequence[S3Object]]:
    """Yield the objects under ``prefix`` whose keys come after ``start_after``, page by page.

    Raises:
        botocore.exceptions.ClientError: a page was refused after all retries.
    """
    extent = {"StartAfter": start_after} if start_after else {}
    paginator = client.get_paginator("list_objects_v2")
    for page in paginator.paginate(Bucket=bucket, Prefix=prefix, **extent):
        yield [as_object(bucket, entry) for entry in page.get("Contents", ())]
