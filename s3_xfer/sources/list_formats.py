"""What a list of keys is written in: lines, NUL-separated, CSV or JSON lines.

Keys are taken as they are, so what cannot be told from a key is refused, by its line: the carriage
return of another system's text, a byte order mark, a URL in place of a key. CSV, NUL and JSON can
hold every key. A list is read in pieces of bounded size, to its end.
"""

from __future__ import annotations

import csv
import enum
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from s3_xfer.options import ListFormat
from s3_xfer.text import printable
from s3_xfer.wording import message

Read: TypeAlias = Callable[[int], bytes]

SIZE_MAX = 2**63 - 1
_CHUNK_BYTES = 1 << 20
_RECORD_MAX_BYTES = 1 << 17  # a line of JSON in which every byte of its key is escaped has less
_BOM = b"\xef\xbb\xbf"
_ETAG = re.compile(r'"?([!#-~]+)"?')
_VERSION = re.compile(r"[!-~]+")
_CSV_DIALECT: Mapping[str, Any] = {"strict": True}


class ListOperation(enum.Enum):
    """What a line of a list asks for."""

    COPY = "COPY"
    DELETE = "DELETE"  # the key is gone at the source


class ListRow(NamedTuple):
    """One line of a list. ``size`` is None, the texts are empty where it does not give them."""

    number: int
    key: str
    version_id: str = ""
    size: int | None = None
    etag: str = ""
    operation: ListOperation = ListOperation.COPY


class LineError(Exception):
    """Line ``number`` is no line of a list, because it is ``what``."""

    def __init__(self, number: int, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.number = number
        self.what = what
        self.remedy = remedy


def format_of(name: str) -> ListFormat | None:
    """Return the format that the name of a file tells; None for one that no list has."""
    plain = name.lower().removesuffix(".gz")
    if plain.endswith((".jsonl", ".ndjson")):
        return ListFormat.JSONL
    if plain.endswith((".json", ".tsv", ".parquet", ".orc", ".xml", ".xlsx")):
        return None
    return ListFormat.CSV if plain.endswith(".csv") else ListFormat.LINES


def rows(read: Read, written_in: ListFormat) -> Iterator[ListRow]:
    """Yield the rows of what ``read`` returns piece by piece.

    Raises:
        LineError: a line cannot be read.
    """
    reader = {
        ListFormat.LINES: _rows_of_lines,
        ListFormat.NUL: _rows_of_nul,
        ListFormat.CSV: _rows_of_csv,
        ListFormat.JSONL: _rows_of_json,
    }[written_in]
    return reader(read)


def _rows_of_lines(read: Read) -> Iterator[ListRow]:
    for number, raw in _records(read, b"\n"):
        if not raw:
            continue
        if raw.endswith(b"\r"):
            raise LineError(
                number,
                "ends in a carriage return",
                message(
                    "if the list was written on Windows, convert it (dos2unix); if its keys end "
                    "so, give them as JSON lines or NUL-separated: {files_from_format=...}"
                ),
            )
        if number == 1 and raw.startswith(_BOM):
            raise LineError(
                number, "begins with a byte order mark", "save the list as UTF-8 without it"
            )
        key = _text(number, raw)
        if key.startswith("s3://"):
            raise LineError(
                number,
                "is a URL, not a key",
                "give keys without s3://BUCKET/; keys that begin so, as JSON lines",
            )
        yield ListRow(number, key)


def _rows_of_nul(read: Read) -> Iterator[ListRow]:
    for number, raw in _records(read, b"\0"):
        if raw:
            yield ListRow(number, _text(number, raw))


def _rows_of_json(read: Read) -> Iterator[ListRow]:
    for number, raw in _records(read, b"\n"):
        text = _text(number, raw.removeprefix(_BOM) if number == 1 else raw)
        if not text.strip():
            continue
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise LineError(number, "is not JSON") from error
        if not isinstance(fields, dict):
            raise LineError(number, "is no JSON object")
        yield _row(number, fields)


def _rows_of_csv(read: Read) -> Iterator[ListRow]:
    reader = csv.reader(_csv_lines(read), **_CSV_DIALECT)
    number = 1
    try:
        header = next(reader, None)
        if header is None:
            return
        if "key" not in header:
            raise LineError(
                1,
                "has no column called key",
                message(
                    "the first line of CSV names the columns; a plain list is "
                    "{files_from_format=lines}"
                ),
            )
        _check_names(1, header)
        number = reader.line_num + 1
        for values in reader:
            if values:
                if len(values) != len(header):
                    columns = f"the first line names {len(header)}"
                    raise LineError(number, f"has {len(values)} fields, and {columns}")
                fields = {name: value or None for name, value in zip(header, values, strict=True)}
                if fields.get("size") is not None:
                    fields["size"] = _whole(number, fields["size"])
                yield _row(number, fields)
            number = reader.line_num + 1
    except csv.Error as error:
        raise LineError(number, f"is no CSV: {printable(str(error))}") from error


def _whole(number: int, text: Any) -> Any:
    if not (text.isascii() and text.isdigit()):
        raise LineError(number, f"has the size {printable(text)!r}")
    return int(text)


def _csv_lines(read: Read) -> Iterator[str]:
    for number, raw in _records(read, b"\n"):
        yield _text(number, raw.removeprefix(_BOM) if number == 1 else raw) + "\n"


def _row(number: int, fields: Mapping[str, Any]) -> ListRow:
    """Return the row with these fields, each checked."""
    _check_names(number, fields)
    key, size = fields.get("key"), fields.get("size")
    if not isinstance(key, str) or not key:
        raise LineError(number, "has no key")
    if any("\ud800" <= letter <= "\udfff" for letter in key):
        raise LineError(number, "has half of a character in its key")
    is_size = isinstance(size, int) and not isinstance(size, bool) and 0 <= size <= SIZE_MAX
    if size is not None and not is_size:
        raise LineError(number, f"has the size {printable(str(size))!r}")
    etag = _matching(number, "etag", _ETAG, fields)
    return ListRow(
        number=number,
        key=key,
        version_id=_matching(number, "version_id", _VERSION, fields),
        size=size,
        etag=f'"{etag}"' if etag else "",
        operation=_operation(number, fields.get("op")),
    )


def _check_names(number: int, names: Iterable[str]) -> None:
    """Refuse columns that would be ignored: a version that is not read means another object."""
    for name in names:
        if name not in ("key", "version_id", "size", "etag", "op"):
            raise LineError(
                number,
                f"has a field {printable(name)!r}",
                "a list has key, and may have version_id, size, etag and op",
            )


def _matching(number: int, name: str, form: re.Pattern[str], fields: Mapping[str, Any]) -> str:
    value = fields.get(name)
    if value is None or value == "":
        return ""
    found = form.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise LineError(number, f"has the {name} {printable(str(value))!r}")
    return found[found.lastindex or 0]


def _operation(number: int, value: Any) -> ListOperation:
    if value is None or value == "":
        return ListOperation.COPY
    try:
        return ListOperation(str(value).upper())
    except ValueError as error:
        what = f"has the op {printable(str(value))!r}"
        raise LineError(number, what, "it is COPY, or DELETE, or left out") from error


def _text(number: int, raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise LineError(number, "is not UTF-8, as keys in S3 are") from error


def _records(read: Read, separator: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield what is between separators with its number from 1; nothing behind the last one."""
    number, rest = 0, b""
    while chunk := read(_CHUNK_BYTES):
        *whole, rest = (rest + chunk).split(separator)
        for record in whole:
            number += 1
            yield number, record
        if len(rest) > _RECORD_MAX_BYTES:
            raise LineError(number + 1, "is far longer than a key can be")
    if rest:
        yield number + 1, rest
