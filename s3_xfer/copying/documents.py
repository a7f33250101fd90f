"""The XML of S3's answers, read the same way by both engines, however a service writes it.

AWS writes one form of it; other services write others that are just as valid: prefixes, CDATA,
comments, character references, a byte order mark, another encoding. All are brought into one form
before botocore, or the quick reading in :mod:`.answers`, looks at them. A document that is cut off
or not well-formed stays as it is, and is an error for both.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

_WEAK = "W/"
_BEFORE = b"\xef\xbb\xbf \t\r\n"  # the byte order mark, and what keeps a connection alive
# What AWS sends, in ASCII: nothing to be done. Only Error must have no namespace: botocore compares
# its name.
_ORDINARY = re.compile(
    rb"(?:<\?xml version=\"1\.0\" encoding=\"UTF-8\"\?>\s*)?"
    rb"<(?!Error )(\w+)(?: xmlns=\"[^<>\"]*\")?>"
    rb"(?:<ETag>&quot;[!-%'-;=?-~]+&quot;</ETag>|"
    rb"<(?!ETag>)(\w+)>[!-%'-;=?-~][^<>&\x00-\x1f\x80-\xff]*</\2>)*"
    rb"</\1>"
)
_DATE = re.compile(rb"<LastModified(?: ?/>|>[^<>]*</LastModified>)")
_NOT_XML = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|x0*(?:[0-8bBcCeEfF]|1[\da-fA-F]));"
)


def canonical(body: bytes) -> bytes:
    """Return the document in ``body`` as AWS writes it; ``body`` itself if it cannot be read.

    Dates are left out: no copy needs them, and botocore reads no answer with one that is none.
    """
    if _ORDINARY.fullmatch(body):
        return _DATE.sub(b"", body)
    stripped = body.strip(_BEFORE)
    root = read(stripped)
    return stripped if root is None else _DATE.sub(b"", ET.tostring(root, encoding="utf-8"))


def read(body: bytes) -> ET.Element | None:
    """Return the root of the document, without namespaces; None if it is not well-formed.

    An error inside another element is the root of what is returned. The text of each element is
    stripped, and an ETag is in quotes.
    """
    root = _parsed(body.strip(_BEFORE))
    if root is None:
        return None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.text = (element.text or "").strip()
        element.tail = None
        if element.tag == "ETag":
            element.text = quoted(element.text)
    return next(root.iter("Error"), root)


def is_result(body: bytes) -> bool:
    """Return whether ``body`` is a whole document, and no error."""
    root = read(body)
    return root is not None and root.tag != "Error"


def etag_in(body: bytes) -> str | None:
    """Return the ETag that a result names, in quotes; None if there is none."""
    root = read(body)
    return None if root is None or root.tag == "Error" else root.findtext("ETag") or None


def quoted(etag: str) -> str:
    """Return ``etag`` in quotes, as the listing has it; nothing stays nothing."""
    if not etag or etag.startswith(_WEAK):
        return etag
    return f'"{etag.strip(chr(34))}"'


def _parsed(body: bytes) -> ET.Element | None:
    """Return the root; characters that no XML can hold, as they are in keys, become ``?``."""
    for readable in (body, _NOT_XML.sub(b"?", body), body.decode("utf-8", "replace").encode()):
        try:
            return ET.fromstring(readable)  # noqa: S314 - expat limits what entities grow to
        except (ET.ParseError, ValueError, LookupError):  # the others: of an encoding
            continue
    return None
