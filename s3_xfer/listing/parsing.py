"""A page of a listing, read at a fraction of the price.

botocore builds a tree of every answer twice, once to look for an error in it and once to read it,
and walks it by its model: for a page of a thousand keys more than their copies cost. Here one
regular expression takes the entries out before that (botocore's event ``before-parse``); botocore
reads the rest, and decodes the keys as it always does. The result differs from botocore's own in
one thing: an entry has no more than the fields that :func:`s3_xfer.listing.pages.as_object` reads.

Refuses to guess: an answer that is not, to the last byte, written as S3 writes it is left to
botocore as a whole, and so is one that is cut off.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, TypeAlias

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
# What may stand before the first entry: the root, and elements that hold nothing but text.
_HEAD = re.compile(
    r"(?:<\?xml[^<>]*\?>)?\s*<ListBucketResult(?: [^<>]*)?>(?:<(\w+)>[^<>]*</\1>|<\w+/>)*", re.ASCII
)


def attach(client: Any) -> None:
    """Make ``client``, an S3 client, read its listings this way.

    The wildcard puts the handler before botocore's own, which reads the whole answer to see
    whether it is an error.
    """
    client.meta.events.register("before-parse.*.ListObjectsV2", _take_entries)


def _take_entries(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
) -> None:
    taken = split_page(response_dict["body"])
    if taken:
        response_dict["body"], customized_response_dict["Contents"] = taken


def split_page(body: bytes) -> tuple[bytes, list[Entry]] | None:
    """Return the answer without its entries, and these; None if it is to be left as it is."""
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
    """Return the entries from the groups of all matches, each followed by what stands behind it."""
    step = _FIELDS + 1
    keys, times, etags, sizes, classes = (columns[field::step] for field in range(_FIELDS))
    return [
        {
            "Key": key,
            "LastModified": datetime.fromisoformat(time),
            "ETag": f'"{etag}"',
            "Size": int(size),
            "StorageClass": storage_class,
        }
        for key, time, etag, size, storage_class in zip(
            keys, times, etags, sizes, classes, strict=True
        )
    ]
