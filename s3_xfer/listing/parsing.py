"""A page of a listing, parsed at a fraction of botocore's price.

botocore builds a tree of every answer twice and walks it by its model, which costs more than the
copies of the keys. Here one regular expression takes the entries out before that, with the fields
that :func:`s3_xfer.listing.pages.as_object` reads; botocore reads the rest, and decodes the keys.
An answer that is not written exactly as S3 writes it, or is cut off, is left to botocore.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, TypeAlias

from s3_xfer.s3_client import S3Client

Entry: TypeAlias = dict[str, Any]

_TEXT = "[ -%'-;=?-~]*"  # printable ASCII but & < >: keys come percent-encoded
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z"
_QUOTE = "(?:&quot;|&#34;)"
_ENTRY = re.compile(
    "<Contents>"
    f"<Key>({_TEXT})</Key>"
    f"<LastModified>({_TIME})</LastModified>"
    f"<ETag>{_QUOTE}({_TEXT}){_QUOTE}</ETag>"
    f"(?:<ChecksumAlgorithm>{_TEXT}</ChecksumAlgorithm>)*"
    f"(?:<ChecksumType>{_TEXT}</ChecksumType>)?"
    "<Size>([0-9]{1,18})</Size>"
    f"(?:<Owner>(?:<ID>{_TEXT}</ID>|<DisplayName>{_TEXT}</DisplayName>)*</Owner>)?"
    f"<StorageClass>({_TEXT})</StorageClass>"
    "</Contents>",
    re.ASCII,
)
_FIELDS = 5  # groups of _ENTRY
# Allowed before the first entry: the root, and elements that hold only text.
_HEAD = re.compile(
    r"(?:<\?xml[^<>]*\?>)?\s*<ListBucketResult(?: [^<>]*)?>(?:<(\w+)>[^<>]*</\1>|<\w+/>)*", re.ASCII
)


def attach(client: S3Client) -> None:
    """Make ``client`` parse its listings this way.

    The wildcard puts the handler before botocore's own, which looks for an error in the answer.
    """
    client.meta.events.register("before-parse.*.ListObjectsV2", _take_entries)


def _take_entries(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
) -> None:
    body_and_entries = split_page(response_dict["body"])
    if body_and_entries:
        response_dict["body"], customized_response_dict["Contents"] = body_and_entries


def split_page(body: bytes) -> tuple[bytes, list[Entry]] | None:
    """Return the answer without its entries, and the entries; None to leave it to botocore."""
    try:
        head, *columns, tail = _ENTRY.split(body.decode())
        entries = _entries(columns)
    except ValueError:  # not UTF-8, or no date
        return None
    between = columns[_FIELDS :: _FIELDS + 1]
    if not entries or any(between) or not _HEAD.fullmatch(head) or "<Contents" in head + tail:
        return None
    return (head + tail).encode(), entries


def _entries(columns: list[str]) -> list[Entry]:
    """Return the entries from the groups of all matches, each followed by the text behind it."""
    fields = (columns[field :: _FIELDS + 1] for field in range(_FIELDS))
    return [
        {
            "Key": key,
            "LastModified": datetime.fromisoformat(time),
            "ETag": f'"{etag}"',
            "Size": int(size),
            "StorageClass": storage_class,
        }
        for key, time, etag, size, storage_class in zip(*fields, strict=True)
    ]
