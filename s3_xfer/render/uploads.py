"""Unfinished uploads as a table for people, and as lines of ``name=value`` for logs.

Pure functions. Refuses to print a key that is not safe to print.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from s3_xfer.text import printable, s3_url
from s3_xfer.units import format_duration, format_size, plural
from s3_xfer.uploads.finding import Unfinished

_HEAD = ("age", "size", "parts", "class", "ours", "key")
_NUMBERS = 3  # columns that are aligned to the right
_UNKNOWN = "?"


def upload_table(found: Sequence[Unfinished], now: datetime) -> Iterator[str]:
    """Return aligned lines with a heading; the key, which may be long, comes last."""
    rows = [_HEAD, *(_row(one, now) for one in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD) - 1)]
    for row in rows:
        cells = [
            text.rjust(width) if column < _NUMBERS else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=False))
        ]
        yield "  ".join([*cells, row[-1]])


def upload_lines(found: Sequence[Unfinished], now: datetime) -> Iterator[str]:
    """Return one line for each upload; the key comes last, because it may hold spaces."""
    for one in found:
        size = _UNKNOWN if one.size_bytes is None else str(one.size_bytes)
        parts = _UNKNOWN if one.parts is None else str(one.parts)
        yield (
            f"initiated={one.initiated:%Y-%m-%dT%H:%M:%SZ} age={round(one.age_s(now))}s "
            f"size={size} parts={parts} class={printable(one.storage_class)} "
            f"ours={'yes' if one.is_ours else 'no'} initiator={printable(one.initiator) or '-'} "
            f"upload_id={printable(one.upload.upload_id)} key={printable(one.upload.key)}"
        )


def totals(found: Sequence[Unfinished]) -> str:
    """Return how many there are and how much they hold, as far as that is known."""
    known = [one.size_bytes for one in found if one.size_bytes is not None]
    size = format_size(sum(known)) if known or not found else "size unknown"
    more = " and more" if known and len(known) < len(found) else ""
    return f"{plural(len(found), 'upload')}, {size}{more}"


def question(chosen: Sequence[Unfinished]) -> str:
    """Return what is asked before uploads of others are aborted."""
    others = sum(not one.is_ours for one in chosen)
    whose = f"{others:,} of them not begun by these credentials" if others else "all ours"
    return f"Abort {totals(chosen)}, {whose}?"


def place_of(one: Unfinished) -> str:
    """Return ``s3://bucket/key`` with the upload's id, safe to print."""
    url = s3_url(one.upload.bucket, one.upload.key)
    return f"{url} (upload {printable(one.upload.upload_id)})"


def _row(one: Unfinished, now: datetime) -> tuple[str, ...]:
    return (
        format_duration(one.age_s(now)),
        _UNKNOWN if one.size_bytes is None else format_size(one.size_bytes),
        _UNKNOWN if one.parts is None else f"{one.parts:,}",
        printable(one.storage_class),
        "yes" if one.is_ours else "no",
        printable(one.upload.key),
    )
