"""Unfinished uploads as a table for people, and as lines of ``name=value`` for logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from s3_xfer.text import printable, s3_url
from s3_xfer.units import format_duration, format_size, plural
from s3_xfer.uploads import UnfinishedUpload

_HEAD = ("age", "size", "parts", "class", "ours", "key")
_NUMBERS = 3  # columns that are aligned to the right
_UNKNOWN = "?"


def upload_table(uploads: Sequence[UnfinishedUpload], now: datetime) -> Iterator[str]:
    """Return aligned lines with a heading; the key, which may be long, comes last."""
    rows = [_HEAD, *(_row(upload, now) for upload in uploads)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD) - 1)]
    for row in rows:
        cells = [
            text.rjust(width) if column < _NUMBERS else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=False))
        ]
        yield "  ".join([*cells, row[-1]])


def upload_lines(uploads: Sequence[UnfinishedUpload], now: datetime) -> Iterator[str]:
    """Return one line for each upload; the key comes last, because it may hold spaces."""
    for upload in uploads:
        initiator, age_s = printable(upload.initiator) or "-", upload.age_s(now)
        began = f"{upload.initiated:%Y-%m-%dT%H:%M:%SZ}" if upload.initiated else _UNKNOWN
        age = _UNKNOWN if age_s is None else f"{round(age_s)}s"
        size = _UNKNOWN if upload.size_bytes is None else str(upload.size_bytes)
        parts = _UNKNOWN if upload.parts is None else str(upload.parts)
        yield (
            f"initiated={began} age={age} size={size} parts={parts} "
            f"class={printable(upload.storage_class)} "
            f"ours={'yes' if upload.is_ours else 'no'} initiator={initiator} "
            f"upload_id={printable(upload.upload.upload_id)} key={printable(upload.upload.key)}"
        )


def totals(uploads: Sequence[UnfinishedUpload]) -> str:
    """Return the number of uploads, and the size of their parts as far as it is known."""
    known = [upload.size_bytes for upload in uploads if upload.size_bytes is not None]
    size = format_size(sum(known)) if known or not uploads else "size unknown"
    more = " and more" if known and len(known) < len(uploads) else ""
    return f"{plural(len(uploads), 'upload')}, {size}{more}"


def question(uploads: Sequence[UnfinishedUpload]) -> str:
    """Return the question before uploads of other principals are aborted."""
    others = sum(not upload.is_ours for upload in uploads)
    owners = f"{others:,} of them not begun by these credentials" if others else "all ours"
    return f"Abort {totals(uploads)}, {owners}?"


def upload_text(upload: UnfinishedUpload) -> str:
    """Return ``s3://bucket/key`` with the upload's id, safe to print."""
    url = s3_url(upload.upload.bucket, upload.upload.key)
    return f"{url} (upload {printable(upload.upload.upload_id)})"


def _row(upload: UnfinishedUpload, now: datetime) -> tuple[str, ...]:
    age_s = upload.age_s(now)
    return (
        _UNKNOWN if age_s is None else format_duration(age_s),
        _UNKNOWN if upload.size_bytes is None else format_size(upload.size_bytes),
        _UNKNOWN if upload.parts is None else f"{upload.parts:,}",
        printable(upload.storage_class),
        "yes" if upload.is_ours else "no",
        printable(upload.upload.key),
    )
