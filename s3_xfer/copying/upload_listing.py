"""Listings of unfinished uploads and of their parts, by the rules for all listings.

A page that contradicts the request or itself is not believed, and pages must move forward: else an
upload that costs money would look as if it were gone, or the program would never end. Keys come
decoded (:mod:`s3_xfer.listing.parsing`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, TypeAlias

from s3_xfer.errors import malformed
from s3_xfer.s3_client import S3Client
from s3_xfer.text import printable, s3_url

Entry: TypeAlias = Mapping[str, Any]

_EMPTY_PAGES_MAX = 1000  # in a row


def iter_uploads(client: S3Client, bucket: str, prefix: str) -> Iterator[Entry]:
    """Yield the unfinished uploads to keys that begin with ``prefix``, each once, as S3 lists them.

    Every entry has a key and an id; nothing else is certain.

    Raises:
        botocore.exceptions.ClientError: a page was refused after all retries.
        RunAborted: a page cannot be believed.
    """
    listing = f"the listing of the uploads to {s3_url(bucket, prefix)}"

    def request(markers: Entry) -> Entry:
        # Not encoded: Ceph RGW 20.2 encodes keys here and does not say so (tried by hand).
        return client.list_multipart_uploads(Bucket=bucket, Prefix=prefix, **markers)

    def markers_in(page: Entry) -> Entry:
        if page.get("CommonPrefixes"):
            raise malformed(f"{listing} puts keys into groups, for which no delimiter was given")
        if not page.get("NextKeyMarker"):
            return {}
        return {
            "KeyMarker": page["NextKeyMarker"],
            "UploadIdMarker": page.get("NextUploadIdMarker") or "",
        }

    def identity(entry: Entry) -> Hashable:
        key, upload_id = entry.get("Key"), entry.get("UploadId")
        if not (isinstance(key, str) and key and isinstance(upload_id, str) and upload_id):
            raise malformed(f"{listing} has an upload without a key or without an id")
        if not key.startswith(prefix):
            raise malformed(
                f"{listing} has the key {printable(key)!r}, which does not begin with that prefix"
            )
        return key, upload_id

    yield from _entries(listing, "Uploads", request, markers_in, identity)


def iter_parts(client: S3Client, upload: Mapping[str, Any]) -> Iterator[Entry]:
    """Yield the parts of ``upload`` (``Bucket``, ``Key``, ``UploadId``), each once.

    Every part has a number and a size.

    Raises:
        botocore.exceptions.ClientError: among others that there is no such upload any more.
        RunAborted: a page cannot be believed.
    """
    listing = f"the listing of the parts of {s3_url(upload['Bucket'], upload['Key'])}"

    def request(markers: Entry) -> Entry:
        return client.list_parts(**upload, **markers)

    def markers_in(page: Entry) -> Entry:
        marker = page.get("NextPartNumberMarker")
        return {"PartNumberMarker": marker} if isinstance(marker, int) and marker > 0 else {}

    def identity(part: Entry) -> Hashable:
        number, size = part.get("PartNumber"), part.get("Size")
        if not (isinstance(number, int) and number > 0 and isinstance(size, int) and size >= 0):
            raise malformed(
                f"{listing} has a part with the number {printable(str(number))!r} and the size "
                f"{printable(str(size))!r}"
            )
        return number

    yield from _entries(listing, "Parts", request, markers_in, identity)


def _entries(
    listing: str,
    name: str,
    request: Callable[[Entry], Entry],
    markers_in: Callable[[Entry], Entry],
    identity: Callable[[Entry], Hashable],
) -> Iterator[Entry]:
    """Yield the entries ``name`` of all pages, each once, and none of a page that is wrong."""
    seen: set[Hashable] = set()
    markers: Entry = {}
    empty_pages = 0
    while True:
        page = request(markers)
        next_markers, entries = markers_in(page), page.get(name, ())
        goes_on = _goes_on(listing, page, next_markers)
        new = {identity(entry): entry for entry in entries}
        for known in seen & new.keys():
            del new[known]
        empty_pages = 0 if entries else empty_pages + 1
        is_stuck = next_markers == markers or (entries and not new)
        if goes_on and (is_stuck or empty_pages > _EMPTY_PAGES_MAX):
            raise malformed(f"{listing} does not move forward: the same comes again, or nothing")
        seen |= new.keys()
        yield from new.values()
        if not goes_on:
            return
        markers = next_markers


def _goes_on(listing: str, page: Entry, next_markers: Entry) -> bool:
    """Return whether there is more. A last page may have markers too; AWS's have."""
    is_truncated = page.get("IsTruncated", bool(next_markers))
    if not isinstance(is_truncated, bool):
        raise malformed(
            f"{listing} does not say whether there is more: "
            f"IsTruncated is {printable(str(is_truncated))!r}"
        )
    if is_truncated and not next_markers:
        raise malformed(f"{listing} goes on, and has no marker to ask for more")
    return is_truncated
