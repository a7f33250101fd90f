"""Pages of ``list_objects_v2``, as objects.

A page is one request and at most 1,000 keys, which S3 orders by their UTF-8 bytes. When it fails it
is repeated on its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import PaginationError

from s3_xfer.model import S3Object
from s3_xfer.s3_client import S3Client


@dataclass(frozen=True, slots=True)
class Page:
    """One answer. ``token`` asks for the next page; None if nothing follows."""

    objects: Sequence[S3Object]
    token: str | None = None


@dataclass(frozen=True, slots=True)
class PageReader:
    """Lists everything under ``prefix``. Thread-safe."""

    client: S3Client
    bucket: str
    prefix: str

    def __call__(self, after: str, token: str | None) -> Page:
        """Return the first page behind the key ``after``, or the one that ``token`` stands for.

        Raises:
            botocore.exceptions.ClientError: the page was refused after all retries.
            botocore.exceptions.PaginationError: there is more, and no way to ask for it.
        """
        first_page = {"StartAfter": after} if after else {}
        cursor: Mapping[str, Any] = {"ContinuationToken": token} if token else first_page
        answer = self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix, **cursor)
        next_token = answer.get("NextContinuationToken") if answer.get("IsTruncated") else None
        if answer.get("IsTruncated") and next_token in (None, "", token):
            raise PaginationError(message="a listing goes on, with no new continuation token")
        objects = [as_object(self.bucket, entry) for entry in answer.get("Contents", ())]
        return Page(objects, next_token)


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
