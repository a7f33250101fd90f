"""HTTP/1.1 as S3 speaks it, reduced to what a test needs, fast enough not to be the bottleneck.

``http.server`` would parse headers as e-mail (slow) and tidy up paths (wrong: a key is opaque).
Here the path is split at its first ``?`` and second ``/``, percent-decoded once, and otherwise
left alone: ``..``, ``//`` and a newline are parts of a key.

Refuses: chunked request bodies, virtual-host addressing, presigned URLs, TLS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import parse_qsl, unquote_to_bytes

_MAX_LINE = 65536
_WHITE_SPACE = " \t\r\n"  # of HTTP; of Unicode there is more, which may be part of a letter
_TLS = b"\x16"  # a handshake begins
_PROXIED = re.compile("^http://[^/]*")  # the absolute form, that a proxy is sent
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d+/([^/]*)/([^/]*)/aws4_request")
_CREDENTIAL_2 = re.compile(r"AWS ([^:\s]+):")  # version 2 of signatures
_REASONS = {200: "OK", 204: "No Content", 304: "Not Modified", 404: "Not Found", 503: "Slow Down"}


class ProtocolError(Exception):
    """What arrived is not a request this server can read; the connection is closed."""


@dataclass(slots=True, kw_only=True)
class Request:
    """One request as it arrived; the server adds who sent it and what S3 calls it."""

    method: str
    bucket: str
    key: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""
    access_key: str = ""
    signed_region: str = ""
    service: str = "s3"
    operation: str = ""  # botocore's name, such as "CopyObject"
    account_id: str = ""  # empty: nobody this server knows
    request_id: str = ""
    number_on_connection: int = 1

    @property
    def part_number(self) -> int | None:
        """The part that an UploadPartCopy is about."""
        number = self.query.get("partNumber", "")
        return int(number) if number.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. A ``content-length`` in ``headers`` is sent as it is, true or not."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    close: bool = False  # end the connection behind it
    lacks_length: bool = False  # of its body; only for HEAD, whose answers have none


def read_request(stream: BinaryIO, send_continue: Callable[[], object]) -> Request | None:
    """Return the next request of a connection, or None at its end.

    Raises:
        ProtocolError: the bytes are no request, or stop in the middle of one.
    """
    first = stream.read(1)
    if not first:
        return None
    if first == _TLS:  # whose bytes may lack the end of a line
        raise ProtocolError("TLS")
    line = first + stream.readline(_MAX_LINE)
    try:
        method, target, _version = line.decode("latin-1").split()
    except ValueError:
        raise ProtocolError(f"not a request line: {line!r}") from None
    headers = _read_headers(stream)
    if headers.get("expect", "").lower() == "100-continue":
        send_continue()
    return _assemble(method, target, headers, _read_body(stream, headers))


def serialise(answer: Answer, request: Request) -> bytes:
    """Return the bytes of ``answer``; HEAD and 204 get headers only, as HTTP wants."""
    status = answer.status
    headers = {
        "x-amz-request-id": request.request_id,
        "x-amz-id-2": request.request_id,
        "server": "AmazonS3",
        "content-length": str(len(answer.body)),
        **answer.headers,
    }
    if answer.lacks_length:
        del headers["content-length"]
    if answer.close:
        headers["connection"] = "close"
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
    bodiless = request.method == "HEAD" or status in (204, 304)
    return head if bodiless else head + answer.body


def split_path(path: str) -> tuple[str, str]:
    """Return bucket and key of ``/bucket/key``, decoded once and never normalised.

    Raises:
        ProtocolError: the key is not UTF-8.
    """
    bucket, _, key = path.removeprefix("/").partition("/")
    try:
        return unquote_to_bytes(bucket).decode(), unquote_to_bytes(key).decode()
    except UnicodeDecodeError:
        raise ProtocolError(f"not UTF-8: {path!r}") from None


def _assemble(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Request:
    path, _, query = _PROXIED.sub("", target).partition("?")
    bucket, key = split_path(path)
    authorization = headers.get("authorization", "")
    credential, older = _CREDENTIAL.search(authorization), _CREDENTIAL_2.match(authorization)
    access_key, region, service = (older[1] if older else "", "", "s3")
    if credential:
        access_key, region, service = credential.groups()
    return Request(
        method=method,
        bucket=bucket,
        key=key,
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers=headers,
        body=body,
        access_key=access_key,
        signed_region=region,
        service=service,
    )


def _read_headers(stream: BinaryIO) -> dict[str, str]:
    headers: dict[str, str] = {}
    while (line := stream.readline(_MAX_LINE)) not in (b"\r\n", b"\n"):
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not line.endswith(b"\n"):
            raise ProtocolError(f"not a header: {line!r}")
        headers[name.strip().lower()] = value.strip(_WHITE_SPACE)
    return headers


def _read_body(stream: BinaryIO, headers: Mapping[str, str]) -> bytes:
    if "transfer-encoding" in headers:
        raise ProtocolError("chunked request bodies are not supported")
    announced = headers.get("content-length", "0")
    if not announced.isdecimal():
        raise ProtocolError(f"not a length: {announced!r}")
    length = int(announced)
    body = stream.read(length) if length else b""
    if len(body) < length:
        raise ProtocolError("the connection ended inside a body")
    return body
