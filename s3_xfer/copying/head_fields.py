"""Answers to HEAD with headers that botocore cannot read.

One date that is none loses it the whole answer, although no copy needs the date. Such a header is
taken out of the answer; who needs it misses it by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.utils import parse_timestamp

from s3_xfer.s3_client import S3Client

_READERS: Mapping[str, Callable[[str], object]] = {
    "integer": int,
    "long": int,
    "timestamp": parse_timestamp,
}


def attach(client: S3Client) -> None:
    """Let ``client`` read what can be read. The wildcard puts this before botocore's handlers."""
    client.meta.events.register("before-parse.*.HeadObject", _remove_unreadable)


def _remove_unreadable(operation_model: Any, response_dict: dict[str, Any], **_: object) -> None:
    headers = response_dict["headers"]
    unreadable = [
        name
        for name, read in _typed_headers(operation_model.output_shape)
        if name in headers and not _is_readable(headers[name], read)
    ]
    for name in unreadable:
        del headers[name]


def _typed_headers(shape: Any) -> Iterator[tuple[str, Callable[[str], object]]]:
    """Yield the headers that are more than text, except one that botocore itself is wary of."""
    for member in shape.members.values():
        name = member.serialization.get("name", "")
        is_header = member.serialization.get("location") == "header"
        if is_header and member.type_name in _READERS and name.lower() != "expires":
            yield name, _READERS[member.type_name]


def _is_readable(text: str, read: Callable[[str], object]) -> bool:
    try:
        read(text)
    except (ValueError, RuntimeError, OverflowError, TypeError):
        return False
    return True
