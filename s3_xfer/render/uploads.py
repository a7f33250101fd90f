"""Unfinished uploads as a table for people, and as lines of ``name=value`` for logs.

Pure functions. Keys are made safe to print.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from s3_xfer.text import printable, s3_url
from s3_xfer.units import format_duration, format_size, plural
from s3_xfer.uploads.listing import UnfinishedUpload

_HEAD = ("age", "size", "parts", "class", "ours", "key")
_NUMBERS = 3  # columns that are aligned to the right
_UNKNOWN = "?"


def upload_table(uploads: Sequence[UnfinishedUpload], now: datetime) -> Iterator[str]:
    """Return aligned lines with a heading; the key, which may be long, comes last."""
    rows = [_HEAD, *(_row(item, now) for item in uploads)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD) - 1)]
    for row in rows:
        cells = [
            text.rjust(width) if column < _NUMBERS else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=False))
        ]
        yield "  ".join([*cells, row[-1]])


def upload_lines(uploads: Sequence[UnfinishedUpload], now: datetime) -> Iterator[str]:
    """Return one line for each upload; the key comes last, because it may hold spaces."""
    for item in uploads:
        size = _UNKNOWN if item.size_bytes is None else str(item.size_bytes)
        parts = _UNKNOWN if item.parts is None else str(item.parts)
        yield (
            f"initiated={item.initiated:%Y-%m-%dT%H:%M:%SZ} age={round(item.age_s(now))}s "
            f"size={size} parts={parts} class={printable(item.storage_class)} "
            f"ours={'yes' if item.is_ours else 'no'} initiator={printable(item.initiator) or '-'} "
            f"upload_id={printable(item.upload.upload_id)} key={printable(item.upload.key)}"
        )


def totals(uploads: Sequence[UnfinishedUpload]) -> str:
    """Return how many there are and how much they hold, as far as that is known."""
    known = [item.size_bytes for item in uploads if item.size_bytes is not None]
    size = format_size(sum(known)) if known or not uploads else "size unknown"
    more = " and more" if known and len(known) < len(uploads) else ""
    return f"{plural(len(uploads), 'upload')}, {size}{more}"


def question(chosen: Sequence[UnfinishedUpload]) -> str:
    """Return what is asked before uploads of others are aborted."""
    others = sum(not item.is_ours for item in chosen)
    whose = f"{others:,} of them not begun by these credentials" if others else "all ours"
    return f"Abort {totals(chosen)}, {whose}?"


def upload_text(item: UnfinishedUpload) -> str:
    """Return ``s3://bucket/key`` with the upload's id, safe to print."""
    url = s3_url(item.upload.bucket, item.upload.key)
    return f"{url} (upload {printable(item.upload.upload_id)})"


def _row(item: UnfinishedUpload, now: datetime) -> tuple[str, ...]:
    return (
        format_duration(item.age_s(now)),
        _UNKNOWN if item.size_bytes is None else format_size(item.size_bytes),
        _UNKNOWN if item.parts is None else f"{item.parts:,}",
        printable(item.storage_class),
        "yes" if item.is_ours else "no",
        printable(item.upload.key),
    )
