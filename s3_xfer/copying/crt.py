"""``CopyObject`` and ``UploadPartCopy`` through the AWS Common Runtime (awscrt).

HTTP and TLS happen in C, outside the GIL, in one thread; a request costs Python a small part of
what botocore's costs, and no thread waits for its answer. Of awscrt only the connections are used:
its ``S3Client`` is made for bodies, passes each answer through three threads, and drops the error
body of some failures. Retries, pace and counting are the program's.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import awscrt.exceptions
import awscrt.http
import awscrt.io

from s3_xfer.copying.answers import Answer, Reset
from s3_xfer.copying.crt_adapter import (
    NO_HTTP,
    HttpStream,
    bootstrap,
    connection_error,
    keep_thread_state,
    tls,
)
from s3_xfer.copying.opened import Opened
from s3_xfer.copying.signing import SignedHeaders, Signer
from s3_xfer.copying.template import CopyTemplate, Header, PartCopy
from s3_xfer.model import CopyTask
from s3_xfer.pipeline.connections import process_budget

GiveUp: TypeAlias = Callable[[float], None]  # unless anything was heard since that time

_DEFAULT_PORTS = {True: 443, False: 80}  # with TLS, without


class CrtCopyClient:
    """Sends requests made from ``template``, with botocore's ``credentials``. Thread-safe.

    Each request under way has a connection; ``opened`` keeps those of its endpoint, and closes
    them. ``ca_bundle`` replaces the system's certificates.
    """

    name = "crt"

    def __init__(
        self,
        template: CopyTemplate,
        credentials: Any,
        *,
        connect_timeout_s: float,
        ca_bundle: str | None,
        opened: Opened,
    ) -> None:
        address = urlsplit(f"//{dict(template.common_headers)['host']}")
        host = address.hostname or ""
        assert host  # noqa: S101 - botocore has composed a request to it
        self.endpoint = f"{'https' if template.tls else 'http'}://{address.netloc}"
        self.template = template
        self.with_template = partial(  # the same client, for other copies
            type(self),
            credentials=credentials,
            connect_timeout_s=connect_timeout_s,
            ca_bundle=ca_bundle,
            opened=opened,
        )
        self._signer = Signer(template, credentials)
        self._left_out: frozenset[str] = frozenset()
        self._connections = opened.get(
            ("crt", self.endpoint, ca_bundle, connect_timeout_s),
            lambda: _Connections(
                host,
                address.port or _DEFAULT_PORTS[template.tls],
                connect_timeout_s=connect_timeout_s,
                tls_options=tls(host, ca_bundle) if template.tls else None,
                opened=opened,
            ),
        )

    def refresh(self) -> None:
        """Renew credentials that are about to expire: may wait for STS; raises if that fails."""
        self._signer.refresh()

    def leave_out(self, names: frozenset[str]) -> None:
        """Send the headers ``names``, in lower case, no more."""
        if names is not self._left_out:
            self._left_out = names
            self._signer = self._signer.without(names)

    def send(
        self,
        copy: CopyTask | PartCopy,
        on_answer: Callable[[Answer], None],
        *,
        use_idle: bool = True,
    ) -> GiveUp:
        """Send the request for ``copy``, without waiting; return how to give it up.

        ``copy`` is what the template's requests copy. ``on_answer`` is called once, from awscrt's
        thread; it must neither raise nor wait. Without ``use_idle`` a new connection is opened.
        """
        if isinstance(copy, PartCopy):
            path = self.template.path(copy.task)
            headers = self._signer.part_headers(copy, path)
            stream = _RequestStream(f"{path}?{copy.query}", headers, on_answer, self)
        else:
            path = self.template.path(copy)
            stream = _RequestStream(path, self._signer.headers(copy, path), on_answer, self)
        while use_idle and (connection := self._connections.take_idle()):
            if stream.begin(connection):
                return stream.give_up
        open_one = self._connections.get if use_idle else self._connections.open
        open_one(partial(self._opened, stream))
        return stream.give_up

    def preconnect(self, count: int) -> None:
        """Begin to open connections, so that ``count`` requests find one; waits for none."""
        self._connections.preconnect(count)

    def release(self, connection: _Connection) -> None:
        """Keep ``connection``, which has brought an answer, for another request."""
        self._connections.keep(connection)

    def _opened(self, stream: _RequestStream, opening: Any) -> None:
        keep_thread_state()
        error = opening.exception()
        if error:
            stream.fail(error)
        elif not stream.begin(_Connection(opening.result())):
            stream.fail(ConnectionResetError("closed as soon as it was open"), Reset.OF_NEW)


class _Connections:
    """Opens connections to one endpoint, and keeps those that are idle. Thread-safe."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        connect_timeout_s: float,
        tls_options: Any | None,
        opened: Opened,
    ) -> None:
        socket_options = awscrt.io.SocketOptions()
        socket_options.connect_timeout_ms = int(connect_timeout_s * 1000)
        socket_options.keep_alive = True
        self._open = partial(
            awscrt.http.HttpClientConnection.new,
            host,
            port,
            bootstrap=bootstrap(),
            socket_options=socket_options,
            tls_connection_options=tls_options,
        )
        self._idle: deque[_Connection] = deque()
        self._connecting = 0  # being opened for nobody in particular
        self._waiting: deque[Callable[[Any], None]] = deque()  # for one of these
        self._lock = threading.Lock()  # of both
        self._is_closed = False
        self._budget = process_budget()
        self._budget.add_pool(self)
        opened.on_close(self.close)

    def preconnect(self, count: int) -> None:
        """Begin to open so many that there are ``count``, idle ones included."""
        for _ in range(count - len(self._idle) - self._connecting):
            with self._lock:
                self._connecting += 1
            try:
                self.open(self._preconnected)
            except Exception as error:  # noqa: BLE001 - for who waits for it
                failed: Future[Any] = Future()
                failed.set_exception(error)
                self._preconnected(failed)

    def _preconnected(self, opening: Any) -> None:
        """Give a new connection to who waits for one; who finds none opens it, and sees why."""
        with self._lock:
            self._connecting -= 1
            on_opened = self._waiting.popleft() if self._waiting else None
        if on_opened:
            on_opened(opening)
        elif not opening.exception():
            self.keep(_Connection(opening.result()))

    def get(self, on_opened: Callable[[Any], None]) -> None:
        """Call ``on_opened`` with a connection that is being opened already, or with a new one."""
        with self._lock:
            is_coming = len(self._waiting) < self._connecting
            if is_coming:
                self._waiting.append(on_opened)
        if not is_coming:
            self.open(on_opened)

    def open(self, on_opened: Callable[[Any], None]) -> None:
        """Open one; ``on_opened`` is called with a future of it, in awscrt's thread."""
        self._budget.opening()
        try:
            opening = self._open()
        except BaseException:
            self._budget.closed()
            raise
        opening.add_done_callback(self._count)
        opening.add_done_callback(on_opened)

    def take_idle(self) -> _Connection | None:
        """Return the connection that was used last: the one most likely to be open still."""
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def keep(self, connection: _Connection) -> None:
        """Keep ``connection``, which nobody uses, until it is taken or closed."""
        connection.was_idle = True
        self._idle.append(connection)
        if self._is_closed:
            self.close()

    def close_idle(self, count: int) -> int:
        """Close at most ``count``, those first that were used longest ago; return how many."""
        for closed in range(count):
            try:
                connection = self._idle.popleft()
            except IndexError:
                return closed
            connection.http.close()
        return count

    def close(self) -> None:
        """Close those that are idle now, and each other one when it is kept."""
        self._is_closed = True
        self.close_idle(len(self._idle))

    def _count(self, opening: Any) -> None:
        """Count the connection as closed when it is, or now if it could not be opened."""
        if opening.exception():
            self._budget.closed()
        else:
            opening.result().shutdown_future.add_done_callback(lambda _: self._budget.closed())


class _Connection:
    """A connection, and its request, which is changed for each stream."""

    __slots__ = ("_common", "_request", "http", "was_idle")

    def __init__(self, http: Any) -> None:
        self.http = http
        self.was_idle = False  # so the server may have closed it
        self._common: tuple[Header, ...] | None = None
        self._request: Any = None

    def send(self, path: str, headers: SignedHeaders, to: _RequestStream) -> None:
        common, own = headers
        if common is self._common:
            self._request.path = path
            for name, value in own:
                self._request.headers.set(name, value)
        else:
            all_headers = awscrt.http.HttpHeaders([*common, *own])
            self._request = awscrt.http.HttpRequest("PUT", path, all_headers)
            self._common = common
        HttpStream(self.http, self._request, to).activate()


class _RequestStream:
    """One request and its answer, which is gathered in awscrt's thread."""

    __slots__ = (
        "_answer",
        "_connection",
        "_given_up",
        "_headers",
        "_heard_at_s",
        "_on_answer",
        "_owner",
        "_path",
    )

    def __init__(
        self,
        path: str,
        headers: SignedHeaders,
        on_answer: Callable[[Answer], None],
        owner: CrtCopyClient,
    ) -> None:
        self._path = path
        self._headers = headers
        self._on_answer = on_answer
        self._owner = owner
        self._connection: _Connection | None = None
        self._given_up = False
        self._heard_at_s = 0.0
        self._answer = Answer()

    def begin(self, connection: _Connection) -> bool:
        """Send the request; return False, having sent nothing, if the connection is closed.

        A request that awscrt does not take is answered with the error.
        """
        if not connection.http.is_open():
            return False
        self._connection = connection
        try:
            connection.send(self._path, self._headers, self)
        except Exception as error:  # noqa: BLE001 - the answer to this request
            if not connection.http.is_open():  # it was being closed
                return False
            self._connection = None
            self._owner.release(connection)
            self.fail(error)
            return True
        if self._given_up:
            connection.http.close()
        return True

    def give_up(self, silent_since_s: float) -> None:
        """End it, with a time-out as its answer, unless some of an answer came since that time.

        S3 sends white space while it copies, so that the connection is not taken for dead.
        """
        if self._heard_at_s > silent_since_s:
            return
        self._given_up = True
        connection = self._connection
        if connection:
            connection.http.close()

    def fail(self, error: BaseException, reset: Reset | None = None) -> None:
        endpoint = self._owner.endpoint
        of_botocore = connection_error(error, endpoint, given_up=self._given_up)
        self._on_answer(Answer(error=of_botocore, reset=reset))

    def on_response(self, status_code: int, headers: list[tuple[str, str]]) -> None:
        self._heard_at_s = time.monotonic()
        self._answer.status, self._answer.headers = status_code, headers

    def on_body(self, chunk: bytes) -> None:
        self._heard_at_s = time.monotonic()
        self._answer.body += chunk

    def on_complete(self, error_code: int) -> None:
        connection, self._connection = self._connection, None
        if error_code:
            error = awscrt.exceptions.from_code(error_code)
            self.fail(error, self._reset_of(connection, error))
        else:
            if connection:
                self._owner.release(connection)
            self._on_answer(self._answer)

    def _reset_of(self, connection: _Connection | None, error: Any) -> Reset | None:
        """Return whether ``error`` means that ``connection`` was reset, without an answer."""
        is_answered = self._answer.status or error.name == NO_HTTP
        if connection is None or is_answered or self._given_up:
            return None
        return Reset.OF_USED if connection.was_idle else Reset.OF_NEW
