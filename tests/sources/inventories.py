"""S3 Inventories as S3 writes them: manifest, checksum, and data files in three formats."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pyarrow
import pyarrow.orc
import pyarrow.parquet

FORMATS = ("CSV", "Parquet", "ORC")
DATED = "2026-11-27T01-00Z"
Row = Mapping[str, Any]
# By the name in CSV: that of the other formats, and their types.
_FIELDS: Mapping[str, tuple[str, Any]] = {
    "Bucket": ("bucket", pyarrow.string()),
    "Key": ("key", pyarrow.string()),
    "VersionId": ("version_id", pyarrow.string()),
    "IsLatest": ("is_latest", pyarrow.bool_()),
    "IsDeleteMarker": ("is_delete_marker", pyarrow.bool_()),
    "Size": ("size", pyarrow.int64()),
    "LastModifiedDate": ("last_modified_date", pyarrow.string()),
    "ETag": ("e_tag", pyarrow.string()),
    "StorageClass": ("storage_class", pyarrow.string()),
}


def files_of(
    rows: Sequence[Row],
    *,
    bucket: str,
    file_format: str = "CSV",
    per_file: int = 1000,
    dated: str = DATED,
) -> dict[str, bytes]:
    """Return the files of an inventory of ``bucket`` by their keys below its destination."""
    root = f"inv/{bucket}/daily"
    names = list(rows[0]) if rows else ["Bucket", "Key"]
    files: dict[str, bytes] = {}
    for start in range(0, len(rows), per_file):
        suffix = {"CSV": "csv.gz", "Parquet": "parquet", "ORC": "orc"}[file_format]
        key = f"{root}/data/{dated}-{start}.{suffix}"
        files[key] = _data(rows[start : start + per_file], names, file_format)
    manifest = {
        "sourceBucket": bucket,
        "destinationBucket": "arn:aws:s3:::reports",
        "version": "2016-11-30",
        "creationTimestamp": "1795741200000",
        "fileFormat": file_format,
        "fileSchema": _schema(names, file_format),
        "files": [
            {"key": key, "size": len(content), "MD5checksum": _md5(content)}
            for key, content in files.items()
        ],
    }
    content = json.dumps(manifest).encode()
    files[f"{root}/{dated}/manifest.json"] = content
    files[f"{root}/{dated}/manifest.checksum"] = f"{_md5(content)}\n".encode()
    return files


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write the files of an inventory below ``folder``; return that of its configuration."""
    for key, content in files.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return next(path for path in (folder / "inv").glob("*/daily"))


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _schema(names: Sequence[str], file_format: str) -> str:
    if file_format == "CSV":
        return ", ".join(names)
    plain = [_FIELDS[name][0] for name in names]
    if file_format == "ORC":
        return f"struct<{','.join(f'{name}:string' for name in plain)}>"
    fields = " ".join(f"optional binary {name} (UTF8);" for name in plain)
    return f"message s3.inventory {{ {fields} }}"


def _data(rows: Sequence[Row], names: Sequence[str], file_format: str) -> bytes:
    if file_format == "CSV":
        text = io.StringIO()
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerows([_csv_value(name, row[name]) for name in names] for row in rows)
        return gzip.compress(text.getvalue().encode())
    table = pyarrow.table(
        {
            _FIELDS[name][0]: pyarrow.array([row[name] for row in rows], _FIELDS[name][1])
            for name in names
        }
    )
    file = io.BytesIO()
    if file_format == "ORC":
        pyarrow.orc.write_table(table, file)
    else:
        pyarrow.parquet.write_table(table, file)
    return file.getvalue()


def _csv_value(name: str, value: Any) -> str:
    if name == "Key":
        return quote_plus(value, safe="/")
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
