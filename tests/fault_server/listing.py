"""ListObjectsV2: keys in the order of their UTF-8 bytes, page by page.

A page is cut from the sorted keys by bisection, so that listing a large bucket stays cheap.
Refuses: ListObjects (version 1) and ListObjectVersions.
"""

from __future__ import annotations

import base64
import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.fault_server import access, documents
from tests.fault_server.documents import element, text
from tests.fault_server.state import Bucket, StoredObject, World
from tests.fault_server.wire import Answer, Request

MAX_KEYS = 1000


@dataclass(slots=True)
class _Page:
    keys: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)  # common prefixes
    last: str = ""
    is_truncated: bool = False

    def __len__(self) -> int:
        return len(self.keys) + len(self.groups)


def list_objects(world: World, request: Request) -> Answer:
    """List one page of a bucket."""
    bucket = access.open_bucket(world, request)
    query = request.query
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    access.require(bucket, request, "s3:ListBucket", prefix)
    limit = min(int(query.get("max-keys") or MAX_KEYS), MAX_KEYS)
    page = _cut(bucket, prefix, delimiter, _start(request), limit)
    return documents.ok(
        "ListBucketResult",
        text("Name", bucket.name),
        text("Prefix", documents.encoded(prefix, request)),
        text("MaxKeys", limit),
        text("KeyCount", len(page)),
        text("IsTruncated", page.is_truncated),
        *_echo(request, "StartAfter", "start-after"),
        *_echo(request, "Delimiter", "delimiter"),
        text("EncodingType", "url") if query.get("encoding-type") == "url" else "",
        text("NextContinuationToken", _token(page.last)) if page.is_truncated else "",
        *(contents(bucket.objects[key], request) for key in page.keys),
        *(_common_prefix(group, request) for group in page.groups),
    )


def _cut(bucket: Bucket, prefix: str, delimiter: str, after: str, limit: int) -> _Page:
    page = _Page()
    for key in _keys(bucket, prefix, after):
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        group = key[: cut + len(delimiter)] if cut >= 0 else ""
        if group and page.groups[-1:] == [group]:
            page.last = key
            continue
        if len(page) == limit:
            page.is_truncated = limit > 0
            break
        (page.groups if group else page.keys).append(group or key)
        page.last = key
    return page


def _keys(bucket: Bucket, prefix: str, after: str) -> Iterator[str]:
    start = bisect.bisect_left(bucket.keys, prefix)
    if after:
        start = max(start, bisect.bisect_right(bucket.keys, after))
    for index in range(start, len(bucket.keys)):
        if not bucket.keys[index].startswith(prefix):
            return
        yield bucket.keys[index]


def _start(request: Request) -> str:
    """Return the key to go on behind; a token overrules ``start-after``."""
    token = request.query.get("continuation-token", "")
    if token:
        return base64.urlsafe_b64decode(token).decode()
    return request.query.get("start-after", "")


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _echo(request: Request, name: str, parameter: str) -> Iterator[str]:
    if parameter in request.query:
        yield text(name, documents.encoded(request.query[parameter], request))


def contents(item: StoredObject, request: Request) -> str:
    """Return one object as a page lists it."""
    wants_owner = request.query.get("fetch-owner") == "true"
    return element(
        "Contents",
        text("Key", documents.encoded(item.key, request)),
        text("LastModified", documents.iso(item.last_modified)),
        text("ETag", item.etag),
        text("Size", item.size),
        element("Owner", text("ID", item.owner)) if wants_owner else "",
        text("StorageClass", item.storage_class),
    )


def _common_prefix(group: str, request: Request) -> str:
    return element("CommonPrefixes", text("Prefix", documents.encoded(group, request)))
