"""One request on its way to the server, and its answer on the way back, as raw bytes.

Knows of HTTP only where a message ends.
"""

from __future__ import annotations

import contextlib
import io
import socket
import struct
import threading
from typing import BinaryIO

from tests.fault_server import operations
from tests.fault_server.wire import Request, read_request

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: close() sends RST
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_END_OF_HEADERS = b"\r\n\r\n"
_POLL_S = 0.05


class ConnectionEnded(Exception):  # noqa: N818 - an end that was asked for
    """Nothing more is to be read from, or sent to, this client's connection."""


class Exchange:
    """What an effect can do with one request. ``request`` is what it is, ``raw`` its bytes."""

    def __init__(
        self,
        raw: bytes,
        *,
        client: socket.socket,
        server: socket.socket,
        answers: BinaryIO,
        stopping: threading.Event,
    ) -> None:
        self.raw = raw
        self.request = _parsed(raw)
        self._client = client
        self._server = server
        self._answers = answers
        self._stopping = stopping

    def forward(self) -> bytes:
        """Send the request to the server; return the bytes of its answer."""
        self._server.sendall(self.raw)
        answer = _read_answer(self._answers, self.request.method)
        if not answer:
            raise ConnectionEnded
        return answer

    def deliver(self, data: bytes) -> None:
        """Send bytes to the client."""
        self._client.sendall(data)

    def close(self) -> None:
        """End the connection to the client in order."""
        raise ConnectionEnded

    def reset(self) -> None:
        """End the connection to the client by a reset."""
        self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        raise ConnectionEnded

    def stay_silent(self) -> None:
        """Keep the connection open and send nothing, until the client or the test ends it."""
        self._client.settimeout(_POLL_S)
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                if not self._client.recv(1):
                    break
        raise ConnectionEnded

    def pause(self, delay_s: float) -> None:
        """Wait; the end of the proxy ends the wait."""
        if self._stopping.wait(delay_s):
            raise ConnectionEnded


def read_message(stream: BinaryIO, client: socket.socket) -> bytes:
    """Return the bytes of the next request; nothing if the client has ended."""
    head = _read_head(stream)
    headers = _headers(head)
    if headers.get(b"expect", b"").lower() == b"100-continue":
        client.sendall(_CONTINUE)
        head = b"\r\n".join(
            line for line in head.split(b"\r\n") if not line.lower().startswith(b"expect:")
        )
    return head + stream.read(int(headers.get(b"content-length", b"0")))


def end_of_headers(message: bytes) -> int:
    """Return where the body begins."""
    return message.index(_END_OF_HEADERS) + len(_END_OF_HEADERS)


def _parsed(raw: bytes) -> Request:
    request = read_request(io.BytesIO(raw), lambda: None)
    assert request
    request.operation = operations.name_of(request)
    return request


def _read_head(stream: BinaryIO) -> bytes:
    lines = []
    while line := stream.readline():
        lines.append(line)
        if line == b"\r\n":
            break
    return b"".join(lines)


def _headers(head: bytes) -> dict[bytes, bytes]:
    pairs = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _read_answer(stream: BinaryIO, method: str) -> bytes:
    head = _read_head(stream)
    if not head:
        return b""
    status, headers = int(head.split(None, 2)[1]), _headers(head)
    if status < 200:
        return _read_answer(stream, method)
    if method == "HEAD" or status in (204, 304):
        return head
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        return head + _read_chunks(stream)
    length = headers.get(b"content-length")
    return head + (stream.read() if length is None else stream.read(int(length)))


def _read_chunks(stream: BinaryIO) -> bytes:
    body = b""
    while True:
        line = stream.readline()
        size = int(line.split(b";")[0], 16)
        body += line + stream.read(size) + stream.readline()
        if not size:
            return body
