"""The connections of botocore's clients, as far as Python's own are not enough for a copy.

``http.client`` refuses answers of more than 100 headers, and stops reading at the first header that
is none in the sense of an e-mail; what follows is lost without a word. Here all headers are read. A
header that cannot be passed on to another object is shown under the name :data:`UNREADABLE`. It
also takes a connection that ends inside the headers for their end: of a HEAD, metadata would be
missing and nothing would say so. Here that is an error.

A connection that was used before may be closed by the other side at the moment it is used again.
Errors of connections that end without an answer are recognised, and whether they were used before
(:func:`reset_of`), so that the request can be sent again on a new one (:func:`use_new_connection`).

The certificates to trust are read once for all connections, where urllib3 reads them for each.

Each connection is counted while it is open, and holds a permit of its run from before a request
until its answer was read (:mod:`s3_xfer.pipeline.connections`).
"""

from __future__ import annotations

import http.client
import re
import ssl
import threading
import weakref
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import quote_from_bytes

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)

from s3_xfer.copying.answers import Reset
from s3_xfer.copying.opened import Opened
from s3_xfer.pipeline.connections import ConnectionBudget, ConnectionShare, process_budget
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.s3_client import S3Client

UNREADABLE = "x-s3-xfer-unreadable"
_LINE_MAX_BYTES = 65536  # http.client's own limit, for all that it reads at once
_HEAD_MAX_BYTES = 1024 * 1024
_SHOWN_MAX_BYTES = 100
_NAME = re.compile(rb"[!-9;-~]+[ \t]*:")  # what Python's parser of headers takes for one
_CARRIED = re.compile(
    rb"x-amz-meta-|cache-control|expires|content-(?:type|encoding|language|disposition)", re.I
)
_RESET = "s3_xfer_reset"  # attribute of errors
# By the other side. http.client.RemoteDisconnected is a ConnectionError.
_CLOSED = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


def attach(client: S3Client, opened: Opened) -> None:
    """Let ``client`` send its requests through these connections.

    Clients that open them alike have the same, whatever their credentials: requests are signed,
    connections are not. ``opened`` closes them.
    """
    endpoint: Any = client._endpoint  # type: ignore[attr-defined] # noqa: SLF001
    own = endpoint.http_session

    def with_our_pools() -> Any:
        pools = {"http": partial(_Pool, opened=opened), "https": partial(_TlsPool, opened=opened)}
        own._pool_classes_by_scheme.update(pools)  # noqa: SLF001 - has no other way, since 1.0
        return own

    endpoint.http_session = opened.get(_configuration(own), with_our_pools)


def _configuration(session: Any) -> Hashable:
    """Return what tells apart how HTTP sessions of botocore open connections."""
    proxies = session._proxy_config  # noqa: SLF001 - it keeps everything to itself
    names = ("_verify", "_cert_file", "_key_file", "_max_pool_connections", "_timeout")
    values = [getattr(session, name) for name in (*names, "_socket_options")]
    return ("http session", repr([*values, proxies._proxies, proxies.settings]))  # noqa: SLF001


def reset_of(error: Exception | None) -> Reset | None:
    """Return whether ``error``, of a client, is about a connection that ended without an answer."""
    of_urllib3: Any = getattr(error, "kwargs", {}).get("error")
    resets = (getattr(one, _RESET, None) for one in getattr(of_urllib3, "args", ()))
    return next(filter(None, resets), None)


def use_new_connection() -> None:
    """Let the next request of this thread open a connection, whatever idle ones there are."""
    _thread.wants_new = True


def take_permit_of(share: ConnectionShare, stop: StopFlag) -> None:
    """Let the next request of this thread wait for a permit of ``share``."""
    _thread.permits = (share, stop)


class _OfThread(threading.local):
    """What the next request of a thread is to do."""

    wants_new = False
    permits: tuple[ConnectionShare, StopFlag] | None = None


_thread = _OfThread()


class _HeadReader:
    """Stands in for the file of a socket while ``http.client`` reads the head of an answer.

    The status line passes unchanged. Header lines are read all at once, unfolded, and handed out
    several at a time, so that ``http.client`` does not count them.
    """

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._at_status = True
        self._prepared: list[bytes] = []  # the next one last

    def readline(self, limit: int = -1) -> bytes:
        if self._at_status:
            self._at_status = False
            line: bytes = self._raw.readline(limit)
            return line
        if not self._prepared:
            *headers, end = self._lines()
            readable = [_readable(header) for header in _unfolded(headers)]
            self._prepared = [end, *reversed(_bundled(readable))]
        self._at_status = len(self._prepared) == 1  # after "100 Continue" comes another one
        return self._prepared.pop()

    def _lines(self) -> list[bytes]:
        """Return the lines up to the empty one, which is the last.

        Raises:
            http.client.HTTPException: a line is too long, or the connection ended before the last.
        """
        lines: list[bytes] = []
        size_bytes = 0
        while True:
            line = self._raw.readline(_LINE_MAX_BYTES + 1)
            size_bytes += len(line)
            if len(line) > _LINE_MAX_BYTES or size_bytes > _HEAD_MAX_BYTES:
                raise http.client.LineTooLong("header line")
            if not line:
                raise http.client.IncompleteRead(b"".join(lines))
            lines.append(line)
            if line in (b"\r\n", b"\n"):
                return lines


def _unfolded(lines: list[bytes]) -> list[bytes]:
    """Join lines that begin with white space to the one before (RFC 9112, section 5.2)."""
    headers: list[bytes] = []
    for line in lines:
        if line[:1] in (b" ", b"\t") and headers:
            headers[-1] = headers[-1].rstrip(b"\r\n") + b" " + line.lstrip(b" \t")
        else:
            headers.append(line)
    return headers


def _readable(header: bytes) -> bytes:
    """Return ``header`` as Python reads it, or in its place that it cannot be passed on."""
    line = header.rstrip(b"\r\n")
    name, colon, value = line.partition(b":")
    is_whole = _NAME.match(line) and not re.search(rb"[\r\n\0]", value)
    if is_whole:
        return name.rstrip(b" \t") + b":" + value + b"\r\n"
    if colon and not _CARRIED.match(name):
        return b""  # of no object: as good as not sent
    shown = name if colon else line
    return f"{UNREADABLE}: {quote_from_bytes(shown[:_SHOWN_MAX_BYTES])}\r\n".encode()


def _bundled(headers: list[bytes]) -> list[bytes]:
    """Return the same bytes in fewer pieces, each short enough for a line."""
    bundles = [b""]
    for header in headers:
        if len(bundles[-1]) + len(header) > _LINE_MAX_BYTES:
            bundles.append(b"")
        bundles[-1] += header
    return [bundle for bundle in bundles if bundle]


class _Response(http.client.HTTPResponse):
    def begin(self) -> None:
        raw = self.fp
        self.fp = _HeadReader(raw)  # type: ignore[assignment] # all that begin() uses of it
        try:
            super().begin()
        finally:
            self.fp = raw


class _Counted:
    """Counts a connection while it is open, and gives its permit back."""

    _budget: ConnectionBudget | None = None  # while it is open
    _share: ConnectionShare | None = None  # while it has a permit

    def connect(self) -> None:
        self._budget = process_budget()
        self._budget.opening()
        try:
            super().connect()  # type: ignore[misc] # of the connection
        except BaseException:
            self._count_closed()
            raise

    def close(self) -> None:
        super().close()  # type: ignore[misc]
        self._count_closed()
        share = self.without_permit()
        if share:
            share.release()

    def with_permit(self, share: ConnectionShare | None) -> None:
        """Hold the permit that was acquired of ``share``."""
        self._share = share

    def without_permit(self) -> ConnectionShare | None:
        """Hold it no more; return whose it is."""
        share, self._share = self._share, None
        return share

    def _count_closed(self) -> None:
        budget, self._budget = self._budget, None
        if budget:
            budget.closed()


class _KnowsReuse(_Counted):
    """Marks the errors of a connection that ends without an answer: was it used before?"""

    _answers = 0

    def close(self) -> None:
        super().close()
        self._answers = 0

    def request(self, *args: Any, **kwargs: Any) -> Any:
        with self._marking():
            return super().request(*args, **kwargs)  # type: ignore[misc]

    def getresponse(self) -> Any:
        with self._marking():
            response = super().getresponse()  # type: ignore[misc]
        self._answers += 1
        return response

    @contextmanager
    def _marking(self) -> Iterator[None]:
        # Now: a connection closes itself before it raises.
        reset = Reset.OF_USED if self._answers else Reset.OF_NEW
        try:
            yield
        except _CLOSED as error:
            setattr(error, _RESET, reset)
            raise


class _Connection(_KnowsReuse, AWSHTTPConnection):  # type: ignore[misc] # the stubs'
    response_class = _Response  # type: ignore[assignment] # botocore declares its own


class _TlsConnection(_KnowsReuse, AWSHTTPSConnection):  # type: ignore[misc] # the stubs'
    response_class = _Response  # type: ignore[assignment] # botocore declares its own

    def connect(self) -> None:
        context: ssl.SSLContext | None = self.ssl_context
        if context and self.ca_certs and not self.proxy and _trusts(context, self.ca_certs):
            self.ca_certs = None  # else urllib3 reads the file again, for each connection
        super().connect()


_trusted: weakref.WeakKeyDictionary[ssl.SSLContext, set[str]] = weakref.WeakKeyDictionary()
_trusting = threading.Lock()


def _trusts(context: ssl.SSLContext, ca_certs: str) -> bool:
    """Let ``context`` trust the certificates of a file, read once; return False if it cannot be.

    That takes longer than a request, and all connections of a pool share the context.
    """
    with _trusting:
        files = _trusted.setdefault(context, set())
        if ca_certs not in files:
            try:
                context.load_verify_locations(ca_certs)
            except OSError:  # urllib3 tries as well, and tells of it
                return False
            files.add(ca_certs)
    return True


class _CountedPool:
    """Hands connections out with a permit, and closes idle ones where others need their place."""

    pool: Any  # urllib3's queue of idle connections, the one that was used last at the end

    def __init__(self, *args: Any, opened: Opened, **settings: Any) -> None:
        super().__init__(*args, **settings)
        process_budget().add_pool(self)
        opened.on_close(self.close)  # type: ignore[attr-defined] # of the pool

    def close_idle(self, count: int) -> int:
        """Close at most ``count`` idle connections; return how many were closed."""
        pool = self.pool
        if pool is None:  # it is closed
            return 0
        with pool.mutex:
            idle = [one for one in pool.queue if getattr(one, "sock", None)][:count]
            for connection in idle:
                pool.queue.remove(connection)
        for connection in idle:
            connection.close()
        return len(idle)

    def _get_conn(self, *args: Any, **kwargs: Any) -> Any:
        share = None
        if _thread.permits:
            share, stop = _thread.permits
            share.acquire(stop)
        try:
            connection = super()._get_conn(*args, **kwargs)  # type: ignore[misc]
            if _thread.wants_new:
                connection.close()  # it is opened again by its next request
        except BaseException:
            if share:
                share.release()
            raise
        connection.with_permit(share)
        _thread.wants_new, _thread.permits = False, None
        return connection

    def _put_conn(self, connection: Any) -> None:
        share = connection and connection.without_permit()  # before another request has it
        super()._put_conn(connection)  # type: ignore[misc]
        if share:
            share.release()


class _Pool(_CountedPool, AWSHTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(_CountedPool, AWSHTTPSConnectionPool):
    ConnectionCls = _TlsConnection
