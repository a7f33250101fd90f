"""Which source objects the doctor tries: such as differ in size and place.

Rights can end at a prefix, and keys, owners and tags differ between objects. A few objects, each
tried by one part of a copy, find more than one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from s3_xfer.listing.pages import as_object
from s3_xfer.model import S3Location, S3Object
from s3_xfer.s3_client import S3Client

SAMPLES_MAX = 8
_PAGE_OBJECTS = 1000  # on a full page of a listing: there may be more


def representative(
    client: S3Client, source: S3Location, page: Sequence[S3Object]
) -> tuple[S3Object, ...]:
    """Return objects of the first ``page``, and of prefixes that are not on it.

    Raises:
        Exception: what boto3 raises if the prefixes cannot be listed.
    """
    if not page or not _is_prefix(source):
        return tuple(page[:1])
    chosen = {_folder(source, item): item for item in reversed(page)}
    if len(page) >= _PAGE_OBJECTS:
        chosen |= {_folder(source, item): item for item in _beyond(client, source, set(chosen))}
    largest = max(page, key=lambda item: item.size)
    others = sorted(chosen.values(), key=lambda item: item.key)
    return (largest, *(item for item in others if item.key != largest.key))[:SAMPLES_MAX]


def _is_prefix(source: S3Location) -> bool:
    return not source.key or source.key.endswith("/")


def _folder(source: S3Location, item: S3Object) -> str:
    """Return the prefix right below the source's that an object is in; empty if in none."""
    first, slash, _ = item.key.removeprefix(source.key).partition("/")
    return first + slash if slash else ""


def _beyond(client: S3Client, source: S3Location, known: set[str]) -> Iterator[S3Object]:
    page = client.list_objects_v2(Bucket=source.bucket, Prefix=source.key, Delimiter="/")
    prefixes = [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]
    unknown = [each for each in prefixes if each.removeprefix(source.key) not in known]
    step = -(-len(unknown) // SAMPLES_MAX) or 1
    for prefix in unknown[::step]:
        first = client.list_objects_v2(Bucket=source.bucket, Prefix=prefix, MaxKeys=1)
        yield from (as_object(source.bucket, entry) for entry in first.get("Contents", []))
