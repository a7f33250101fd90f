"""What there is at a location: a line for each object or prefix, and the table of how much it is.

Lines have fixed columns, so that the first is printed before the last is listed. The key, which may
be long, comes last and whole: ``copy --files-from`` takes it.
"""

from __future__ import annotations

from collections.abc import Iterator

from s3_xfer.contents import CommonPrefix, Usage
from s3_xfer.model import S3Object
from s3_xfer.render.summary import Row, by_count
from s3_xfer.text import printable
from s3_xfer.units import format_count, format_size, plural

_DATE, _SIZE, _CLASS = 16, 10, 12  # columns


def entry_line(entry: S3Object | CommonPrefix) -> str:
    """Return one line: date in UTC, size, storage class, key; of a prefix only this."""
    if isinstance(entry, CommonPrefix):
        return f"{'':{_DATE}}  {'prefix':>{_SIZE}}  {'':{_CLASS}}  {printable(entry.prefix)}"
    date = f"{entry.last_modified:%Y-%m-%d %H:%M}" if entry.last_modified else ""
    return (
        f"{date:{_DATE}}  {format_size(entry.size):>{_SIZE}}  "
        f"{printable(entry.storage_class):{_CLASS}}  {printable(entry.key)}"
    )


def entries_total(objects: int, size_bytes: int, prefixes: int) -> str:
    """Return what was listed, in a few words."""
    more = f", {format_count(prefixes)} prefix{'' if prefixes == 1 else 'es'}" if prefixes else ""
    return f"{plural(objects, 'object')}, {format_size(size_bytes)}{more}"


def usage_rows(usage: Usage) -> Iterator[Row]:
    """Yield a row for each storage class, largest first, and one for all together."""
    by_size = sorted(usage.objects, key=lambda name: (-usage.size_bytes[name], name))
    for name in by_size:
        yield _row(printable(name), usage.objects[name], usage.size_bytes[name])
    if len(by_size) != 1:
        yield _row("total", *usage.total)
    if usage.left_out:
        count = format_count(sum(usage.left_out.values()))
        yield Row("left out", count, "", by_count(usage.left_out))


def _row(label: str, objects: int, size_bytes: int) -> Row:
    noun = "object" if objects == 1 else "objects"
    return Row(label, format_count(objects), format_size(size_bytes), noun)
