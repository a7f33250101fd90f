"""Answers that list something, read at a fraction of botocore's price, whatever is wrong in them.

botocore builds a tree of every answer twice and walks it by its model, which costs more than the
copies of the keys; and one date that is none, or one character that XML cannot hold, loses it the
whole answer. Here one regular expression takes out the objects of a page that is written exactly as
S3 writes it; an answer that is written in another way is read from one tree. A field that cannot be
read is left out, or left as the text that it is, for those who need it to judge.

Keys are decoded here, once: bytes that are no UTF-8 become surrogates, as in Python's file names.
An answer that is an error, or no XML, is left to botocore.
"""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeAlias
from urllib.parse import unquote_plus

from s3_xfer.errors import malformed
from s3_xfer.s3_client import S3Client
from s3_xfer.text import printable

Entry: TypeAlias = dict[str, Any]

DECODED = "s3_xfer_decoded"  # field of an answer whose keys were encoded, as it said

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
    f"(?:<Owner>(?:<ID>({_TEXT})</ID>|<DisplayName>{_TEXT}</DisplayName>)*</Owner>)?"
    f"<StorageClass>({_TEXT})</StorageClass>"
    "</Contents>",
    re.ASCII,
)
_FIELDS = 6  # groups of _ENTRY
# Allowed before the first entry: the root, and elements that hold only text.
_HEAD = re.compile(
    r"(?:<\?xml[^<>]*\?>)?\s*<ListBucketResult(?: [^<>]*)?>(?:<(\w+)>[^<>]*</\1>|<\w+/>)*", re.ASCII
)
# The root of each answer, and its elements that occur more than once.
_ROOTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "ListObjectsV2": (
        "ListBucketResult",
        {"Contents": "Contents", "CommonPrefixes": "CommonPrefixes"},
    ),
    "ListMultipartUploads": (
        "ListMultipartUploadsResult",
        {"Upload": "Uploads", "CommonPrefixes": "CommonPrefixes"},
    ),
    "ListParts": ("ListPartsResult", {"Part": "Parts"}),
}
_OK = 200
_DECLARATION = re.compile(r"\A\ufeff?\s*<\?xml[^<>]*\?>")
# What XML 1.0 cannot hold, or does not keep (a carriage return), as a character or by its number.
_NOT_XML = r"[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]"
_CHARACTER = re.compile(_NOT_XML)
_CHARACTER_OR_NUMBER = re.compile(_NOT_XML + "|&#(?:[0-9]+|x[0-9a-fA-F]+);")
_FIRST_STAND_IN = 0x100000  # of the last plane for private use
_STAND_INS = re.compile("[\U00100000-\U0010ffff]")
_NOT_ENCODED = re.compile(r"[^!-~]|%(?![0-9A-Fa-f]{2})")


def attach(client: S3Client) -> None:
    """Make ``client`` parse its listings this way.

    The wildcard puts the handler before botocore's own, which looks for an error in the answer.
    """
    for operation in _ROOTS:
        client.meta.events.register(f"before-parse.*.{operation}", _read_listing)


def _read_listing(
    operation_model: Any,
    response_dict: dict[str, Any],
    customized_response_dict: dict[str, Any],
    **_: object,
) -> None:
    if response_dict["status_code"] != _OK:
        return
    operation = operation_model.name
    body: bytes = response_dict["body"]
    listing = (operation == "ListObjectsV2" and read_page(body)) or read_answer(operation, body)
    if listing:
        customized_response_dict.update(listing)
        response_dict["body"] = f"<{_ROOTS[operation][0]}/>".encode()


def read_page(body: bytes) -> Entry | None:
    """Return a page of objects that is written exactly as S3 writes it; None if it is not."""
    try:
        head, *columns, tail = _ENTRY.split(body.decode())
        entries = _entries(columns)
    except ValueError:  # not UTF-8, or no date
        return None
    between = columns[_FIELDS :: _FIELDS + 1]
    if not entries or any(between) or not _HEAD.fullmatch(head) or "<Contents" in head + tail:
        return None
    return read_answer("ListObjectsV2", (head + tail).encode(), entries)


def _entries(columns: list[str]) -> list[Entry]:
    """Return the entries from the groups of all matches, each followed by the text behind it."""
    fields = (columns[field :: _FIELDS + 1] for field in range(_FIELDS))
    return [
        {
            "Key": key,
            "LastModified": datetime.fromisoformat(time),
            "ETag": f'"{etag}"',
            "Size": int(size),
            "StorageClass": sys.intern(storage_class),  # the same for many
            **({"Owner": {"ID": owner}} if owner else {}),
        }
        for key, time, etag, size, owner, storage_class in zip(*fields, strict=True)
    ]


def read_answer(
    operation: str, body: bytes, objects: Sequence[Entry] | None = None
) -> Entry | None:
    """Return an answer in botocore's terms; None if it is left to botocore.

    ``objects`` are those of a page which were taken out of it.
    """
    root_name, lists = _ROOTS[operation]
    root, text_of = _tree(body)
    if root is None or _local(root.tag) != root_name:
        return None
    answer: Entry = {}
    for child in root:
        name = _local(child.tag)
        if name in lists:
            answer.setdefault(lists[name], []).append(_fields(child, text_of))
        else:
            _add(answer, name, text_of(child))
    if objects is not None:
        answer["Contents"] = objects
    if "IsTruncated" not in answer and answer.get("NextContinuationToken"):
        answer["IsTruncated"] = True
    _decode_keys(answer)
    return answer


# ------------------------------------------------------------------------------------- XML

TextOf: TypeAlias = Callable[[ET.Element], str]


def _tree(body: bytes) -> tuple[ET.Element | None, TextOf]:
    """Return the tree of ``body``, None if it is no XML, and what gives the text of its elements.

    Characters that XML cannot hold are carried through the parser by stand-ins.
    """
    document = _DECLARATION.sub("", body.decode("utf-8", "surrogateescape")).strip()
    has_stand_ins = _STAND_INS.search(document) is not None
    not_xml = _CHARACTER if "<![CDATA[" in document else _CHARACTER_OR_NUMBER
    carried = document if has_stand_ins else not_xml.sub(_stand_in, document)
    if "<!DOCTYPE" in carried:
        return None, _text
    try:
        root = ET.fromstring(carried)  # noqa: S314 - as botocore does; no entity is defined
    except (ET.ParseError, UnicodeEncodeError):
        return None, _text
    return root, _text if carried == document else _carried_text


def _stand_in(match: re.Match[str]) -> str:
    """Return a character that stands for one; references to ordinary ones stay as they are."""
    found = match[0]
    if len(found) == 1:
        return chr(_FIRST_STAND_IN + ord(found))
    code = int(found[3:-1], 16) if found[2] == "x" else int(found[2:-1])
    is_kept = code > 0xFFFF or not _CHARACTER.match(chr(code))  # noqa: PLR2004 - beyond it all are
    return found if is_kept else chr(_FIRST_STAND_IN + code)


def _text(element: ET.Element) -> str:
    return element.text or ""


def _carried_text(element: ET.Element) -> str:
    return _STAND_INS.sub(lambda match: chr(ord(match[0]) - _FIRST_STAND_IN), element.text or "")


def _local(tag: str) -> str:
    """Return a name without its namespace."""
    return tag.rpartition("}")[2]


def _fields(entry: ET.Element, text_of: TextOf) -> Entry:
    """Return what an entry holds: texts, and the texts of what has children."""
    fields: Entry = {}
    for child in entry:
        if len(child):
            fields[_local(child.tag)] = {_local(leaf.tag): text_of(leaf) for leaf in child}
        else:
            _add(fields, _local(child.tag), text_of(child))
    return fields


# ----------------------------------------------------------------------------- their values


def _integer(text: str) -> Any:
    """Return a number of ASCII digits, or what it is instead."""
    return int(text) if re.fullmatch(r"\s*[+-]?[0-9]{1,30}\s*", text) else text


def _boolean(text: str) -> Any:
    values = {"true": True, "1": True, "false": False, "0": False}
    return values.get(text.strip().lower(), text)


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


_READERS: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {
        "Size": _integer,
        "PartNumber": _integer,
        "KeyCount": _integer,
        "NextPartNumberMarker": _integer,
        "IsTruncated": _boolean,
        "LastModified": _time,
        "Initiated": _time,
        "ETag": str.strip,
        "EncodingType": str.strip,
        "StorageClass": str.strip,
    }
)


def _add(fields: Entry, name: str, text: str) -> None:
    value = _READERS.get(name, str)(text)
    if value is not None:
        fields[name] = value


def _decode_keys(answer: Entry) -> None:
    """Decode all keys of an answer that says that they are encoded, and note it."""
    encoding = answer.pop("EncodingType", "")
    if not encoding:
        return
    holders = list(_holders_of_keys(answer))
    texts = [fields[name] for fields, name in holders if isinstance(fields[name], str)]
    if encoding.lower() != "url" or not _are_encoded(texts):
        raise malformed(
            f"the S3 service says that the keys of a listing are encoded as {printable(encoding)!r}"
            f", and they are not: {next(filter(_NOT_ENCODED.search, texts), '')!r}"
        )
    answer[DECODED] = True
    for fields, name in holders:
        text = fields[name]
        if "%" in text or "+" in text:
            fields[name] = unquote_plus(text, errors="surrogateescape")


def _holders_of_keys(answer: Entry) -> Iterator[tuple[Entry, str]]:
    """Yield everything that may hold an encoded key, and under which name."""
    for entries, name in (("Contents", "Key"), ("Uploads", "Key"), ("CommonPrefixes", "Prefix")):
        yield from ((entry, name) for entry in answer.get(entries, ()) if name in entry)
    if "NextKeyMarker" in answer:
        yield answer, "NextKeyMarker"


def _are_encoded(texts: Sequence[str]) -> bool:
    """Return False if one of ``texts`` shows what an encoder would have replaced."""
    together = "".join(texts)
    is_plain = together.isascii() and together.isprintable()
    if is_plain and " " not in together and "%" not in together:
        return True
    return not any(map(_NOT_ENCODED.search, texts))
