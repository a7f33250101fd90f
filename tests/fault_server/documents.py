"""The XML bodies, written and read.

Written by hand because S3's XML is flat and a template is the shortest honest description of it.
Refuses to know when a document is sent, or to escape what XML cannot carry: as on S3, a control
character in a key makes a listing unreadable unless the client asked for ``encoding-type=url``.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import datetime
from urllib.parse import quote_plus

from tests.fault_server import refusals
from tests.fault_server.refusals import Refusal
from tests.fault_server.wire import Answer, Request

S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
STS_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SPECIAL = re.compile(r"[&<>\"\x00-\x1f]")
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
_XML = {"content-type": "application/xml"}


def text(name: str, value: object) -> str:
    """Return an element that holds ``value`` as text."""
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{name}>{_SPECIAL.sub(_escape, shown)}</{name}>"


def element(name: str, *children: str) -> str:
    """Return an element around ``children``, which are XML already."""
    return f"<{name}>{''.join(children)}</{name}>"


def document(name: str, *children: str, namespace: str = S3_NAMESPACE) -> bytes:
    """Return a whole document."""
    return f'{_DECLARATION}<{name} xmlns="{namespace}">{"".join(children)}</{name}>'.encode()


def ok(name: str, *children: str, **headers: str) -> Answer:
    """Return a 200 with a document; ``_`` in the names of ``headers`` stands for ``-``."""
    sent = {key.replace("_", "-"): value for key, value in headers.items() if value}
    return Answer(200, {**_XML, **sent}, document(name, *children))


def refused(request: Request, refusal: Refusal) -> Answer:
    """Return the answer that tells ``refusal`` the way the request's service does."""
    headers = {**_XML, **refusal.headers}
    return Answer(refusal.status, headers, error_body(request, refusal))


def error_body(request: Request, refusal: Refusal) -> bytes:
    """Return the XML of an error; S3's has no namespace, STS wraps it once more."""
    facts = [text("Code", refusal.code), text("Message", refusal.message)]
    facts += [text(name, value) for name, value in refusal.details.items()]
    request_id = text("RequestId", request.request_id)
    if request.service == "sts":
        error = element("Error", text("Type", "Sender"), *facts)
        return document("ErrorResponse", error, request_id, namespace=STS_NAMESPACE)
    return (_DECLARATION + element("Error", *facts, request_id)).encode()


def iso(moment: datetime) -> str:
    """Return ``moment`` as S3's XML has it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def encoded(key: str, request: Request) -> str:
    """Return ``key`` as the request's ``encoding-type`` wants it (S3 keeps ``/``, space is +)."""
    return quote_plus(key, safe="/") if request.query.get("encoding-type") == "url" else key


def read_tags(body: bytes) -> dict[str, str]:
    """Return the tags of a PutObjectTagging."""
    return {
        tag.findtext("{*}Key", ""): tag.findtext("{*}Value", "")
        for tag in _parse(body).iterfind("{*}TagSet/{*}Tag")
    }


def read_part_list(body: bytes) -> tuple[tuple[int, str], ...]:
    """Return numbers and unquoted ETags of a CompleteMultipartUpload."""
    return tuple(
        (int(part.findtext("{*}PartNumber", "0")), part.findtext("{*}ETag", "").strip('"'))
        for part in _parse(body).iterfind("{*}Part")
    )


def _parse(body: bytes) -> ET.Element:
    try:
        return ET.fromstring(body)
    except ET.ParseError:
        raise refusals.malformed_xml() from None


def _escape(match: re.Match[str]) -> str:
    return _NAMED.get(match[0]) or f"&#{ord(match[0])};"
