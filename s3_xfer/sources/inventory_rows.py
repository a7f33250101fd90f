"""The rows of one data file of an S3 Inventory: CSV by the standard library, the others by pyarrow.

Only the fields that were configured are in a file, in the order of the manifest's schema, so each
is found by its name. Keys in CSV are URL-encoded as in a form: a plus sign is a space. Current
versions only: others, and delete markers, are left out.
"""

from __future__ import annotations

import csv
import gzip
import importlib
import io
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import IO, Any, TypeAlias
from urllib.parse import unquote_plus

from s3_xfer.errors import ListError
from s3_xfer.model import S3Object

Row: TypeAlias = Mapping[str, Any]
Rows: TypeAlias = Callable[[IO[bytes], "tuple[str, ...]"], Iterator[Row]]

_ROWS_AT_ONCE = 10_000
_USED = (
    *("key", "is_latest", "is_delete_marker"),
    *("size", "e_tag", "last_modified_date", "storage_class"),
)


def rows_of_csv(file: IO[bytes], schema: tuple[str, ...]) -> Iterator[Row]:
    """Yield the rows of a CSV file, which may be gzipped."""
    is_zipped = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    content: Any = gzip.GzipFile(fileobj=file) if is_zipped else file
    text = io.TextIOWrapper(content, encoding="utf-8", newline="")
    try:
        for values in csv.reader(text, strict=True):
            if len(values) != len(schema):
                raise ValueError(f"a row has {len(values)} fields, and the schema {len(schema)}")
            row: dict[str, Any] = dict(zip(schema, values, strict=True))
            row["key"] = unquote_plus(row["key"], errors="strict")
            yield row
    finally:
        text.detach()  # the file is its caller's


def rows_of_parquet(file: IO[bytes], schema: tuple[str, ...]) -> Iterator[Row]:
    """Yield the rows of a Parquet file."""
    parquet = _pyarrow("parquet")
    used = [name for name in _USED if name in schema]
    for batch in parquet.ParquetFile(file).iter_batches(batch_size=_ROWS_AT_ONCE, columns=used):
        yield from batch.to_pylist()


def rows_of_orc(file: IO[bytes], schema: tuple[str, ...]) -> Iterator[Row]:
    """Yield the rows of an ORC file."""
    orc = _pyarrow("orc").ORCFile(file)
    used = [name for name in _USED if name in schema]
    for number in range(orc.nstripes):
        stripe = orc.read_stripe(number, columns=used)
        for start in range(0, stripe.num_rows, _ROWS_AT_ONCE):
            yield from stripe.slice(start, _ROWS_AT_ONCE).to_pylist()


READERS: Mapping[str, Rows] = {
    "CSV": rows_of_csv,
    "Parquet": rows_of_parquet,
    "ORC": rows_of_orc,
}


def column_names(file_format: str, schema: str) -> tuple[str, ...]:
    """Return the names of the fields, written alike for all formats."""
    if file_format == "CSV":
        return tuple(_snake(name.strip()) for name in schema.split(","))
    if file_format == "Parquet":  # required binary bucket (UTF8);
        return tuple(re.findall(r"(?:required|optional)\s+\w+\s+(\w+)", schema))
    return tuple(re.findall(r"(\w+)\s*:", schema))  # struct<bucket:string,key:string>


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().replace("etag", "e_tag")


def object_of(row: Row, bucket: str) -> S3Object | None:
    """Return the object of a row; None if it is no current version."""
    if _is(row.get("is_latest"), absent=True) and not _is(row.get("is_delete_marker")):
        size = row.get("size")
        is_known = size not in (None, "")
        etag = str(row.get("e_tag") or "").strip('"')
        return S3Object(
            bucket=bucket,
            key=row["key"],
            size=int(size) if is_known else 0,  # type: ignore[arg-type] # it is known
            size_is_known=is_known,
            etag=f'"{etag}"' if etag else "",
            last_modified=_moment(row.get("last_modified_date")),
            storage_class=row.get("storage_class") or "",
        )
    return None


def _is(value: Any, *, absent: bool = False) -> bool:
    if value is None or value == "":
        return absent
    return value if isinstance(value, bool) else str(value).lower() == "true"


def _moment(value: Any) -> datetime | None:
    if not value:
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _pyarrow(module: str) -> Any:
    try:
        return importlib.import_module(f"pyarrow.{module}")  # an extra
    except ImportError as error:
        raise ListError(
            "inventories in Parquet and ORC need pyarrow, which is not installed",
            remedy="pip install 's3-xfer[inventory]', or have the inventory written as CSV",
        ) from error
