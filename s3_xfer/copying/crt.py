"""``CopyObject`` through the AWS Common Runtime (awscrt). The only importer of awscrt.

boto3's own ``crt`` extra uses it for uploads and downloads; copies have no such path there. HTTP
and TLS happen in C, outside the GIL, in one thread; a request costs Python some 20 microseconds
instead of a millisecond, and no thread waits for its answer. Of awscrt only the connections are
used: its ``S3Client`` is made for bodies, hands each answer through three threads, and keeps the
words of some errors to itself.

Refuses to repeat a request (ours wait, pace and count), to read credentials by itself (they come
from botocore, refreshed as botocore does it), and to send anything that botocore would send
differently: :func:`obstacle` names what it cannot express.
"""

from __future__ import annotations

import ctypes
import functools
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import awscrt.exceptions
import awscrt.http
import awscrt.io
import botocore.exceptions as bc
from botocore.utils import get_environ_proxies

from s3_xfer.copying.answers import Answer
from s3_xfer.copying.signing import SignedHeaders, Signer
from s3_xfer.copying.template import CopyTemplate, Header
from s3_xfer.model import CopyTask
from s3_xfer.version import VERSION

_SIGNATURES = frozenset({"v4", "s3v4"})
_CALLED_BY_AWSCRT = ("_on_response", "_on_body", "_on_complete")
_DEFAULT_PORTS = {True: 443, False: 80}  # with TLS, without


def obstacle(template: CopyTemplate, client: Any) -> str | None:
    """Return why awscrt cannot send what ``client`` would, or None if it can."""
    config = client.meta.config
    proxies = config.proxies or get_environ_proxies(client.meta.endpoint_url)
    obstacles = {
        "this process was forked from one that used awscrt, which does not survive that": (
            _used_by and os.getpid() not in _used_by
        ),
        f"awscrt {awscrt.__version__} is not known to s3-xfer {VERSION}": not all(
            hasattr(awscrt.http.HttpClientStream, name) for name in _CALLED_BY_AWSCRT
        ),
        f"requests are signed another way ({template.auth_type})": (
            template.auth_type not in _SIGNATURES
        ),
        "requests are signed for more than one region": template.region in ("", "*"),
        "a proxy is configured": proxies,
        "a client certificate is configured": config.client_cert,
    }
    return next((why for why, found in obstacles.items() if found), None)


class CrtSender:
    """Sends single copies made from ``template``. Thread-safe.

    ``credentials`` are botocore's, of the destination account; ``ca_bundle`` replaces the
    system's certificates.
    """

    name = "crt"

    def __init__(
        self,
        template: CopyTemplate,
        credentials: Any,
        *,
        connect_timeout_s: float,
        ca_bundle: str | None,
    ) -> None:
        self._template = template
        self._signer = Signer(template, credentials)
        self.refresh = self._signer.refresh
        self._connections = _Connections(template, connect_timeout_s, ca_bundle)

    def send(self, task: CopyTask, on_answer: Callable[[Answer], None]) -> Callable[[], None]:
        """Send the copy of ``task``, and return how to give it up.

        ``on_answer`` is called once, from awscrt's thread, and must neither raise nor wait.
        """
        path = self._template.path(task)
        headers = self._signer.headers(task, path)
        exchange = _Exchange(path, headers, on_answer, self._connections)
        self._connections.lend(exchange)
        return exchange.give_up

    def close(self) -> None:
        """Let go of the connections. Requests still under way are given up by their owners."""
        self._connections.close()


class _Connections:
    """The connections to one host, each lent to one exchange at a time. Thread-safe.

    As many are opened as there are exchanges at the same time, which is for others to bound.
    """

    def __init__(
        self, template: CopyTemplate, connect_timeout_s: float, ca_bundle: str | None
    ) -> None:
        address = urlsplit(f"//{dict(template.common_headers)['host']}")
        assert address.hostname  # noqa: S101 - botocore has composed a request to it
        self.endpoint = f"{'https' if template.tls else 'http'}://{address.netloc}"
        socket_options = awscrt.io.SocketOptions()
        socket_options.connect_timeout_ms = int(connect_timeout_s * 1000)
        socket_options.keep_alive = True
        self._open = functools.partial(
            awscrt.http.HttpClientConnection.new,
            address.hostname,
            address.port or _DEFAULT_PORTS[template.tls],
            bootstrap=_bootstrap(),
            socket_options=socket_options,
            tls_connection_options=_tls(address.hostname, ca_bundle) if template.tls else None,
        )
        self._idle: deque[_Line] = deque()
        self._closed = False

    def lend(self, exchange: _Exchange) -> None:
        """Let ``exchange`` begin, on an open connection if one is idle."""
        while line := self._take_idle():
            if exchange.begin(line):
                return
        self._open().add_done_callback(functools.partial(self._opened, exchange))

    def give_back(self, line: _Line) -> None:
        """Keep ``line`` for another exchange."""
        if self._closed:
            line.connection.close()
        else:
            self._idle.append(line)

    def close(self) -> None:
        """Close what is idle now, and what is given back later."""
        self._closed = True
        while line := self._take_idle():
            line.connection.close()

    def _take_idle(self) -> _Line | None:
        """Return the line that was used last, which is open most likely; None without one."""
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _opened(self, exchange: _Exchange, opening: Any) -> None:
        _keep_thread_state()
        error = opening.exception()
        if error:
            exchange.fail(error)
        elif not exchange.begin(_Line(opening.result())):
            exchange.fail(ConnectionResetError("closed as soon as it was open"))


class _Line:
    """A connection, and the request that it carries again and again, changed where it must be.

    For one exchange at a time: awscrt has written a request out before it can be changed.
    """

    __slots__ = ("_common", "_request", "connection")

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._common: tuple[Header, ...] | None = None
        self._request: Any = None

    def send(self, path: str, headers: SignedHeaders, to: _Exchange) -> None:
        """Send a request, and let its answer go ``to`` an exchange.

        Raises:
            Exception: awscrt does not take it, or the connection is closed.
        """
        common, own = headers
        if common is self._common:
            self._request.path = path
            for name, value in own:
                self._request.headers.set(name, value)
        else:
            every = awscrt.http.HttpHeaders([*common, *own])
            self._request = awscrt.http.HttpRequest("PUT", path, every)
            self._common = common
        _Stream(self.connection, self._request, to).activate()


class _Exchange:
    """One request and its answer, which is gathered in awscrt's thread."""

    __slots__ = ("_answer", "_connections", "_given_up", "_headers", "_line", "_on_answer", "_path")

    def __init__(
        self,
        path: str,
        headers: SignedHeaders,
        on_answer: Callable[[Answer], None],
        connections: _Connections,
    ) -> None:
        self._path = path
        self._headers = headers
        self._on_answer = on_answer
        self._connections = connections
        self._line: _Line | None = None
        self._given_up = False
        self._answer = Answer()

    def begin(self, line: _Line) -> bool:
        """Send the request; return False, having sent nothing, if the connection is closed.

        What cannot be sent through any connection has failed.
        """
        if not line.connection.is_open():
            return False
        self._line = line
        try:
            line.send(self._path, self._headers, self)
        except Exception as error:  # noqa: BLE001 - the answer to this request
            if not line.connection.is_open():  # it was being closed
                return False
            self._line = None
            self._connections.give_back(line)
            self.fail(error)
            return True
        if self._given_up:
            line.connection.close()
        return True

    def give_up(self) -> None:
        """End it, with a time-out as its answer, unless there is one already."""
        self._given_up = True
        line = self._line
        if line:
            line.connection.close()

    def fail(self, error: BaseException) -> None:
        """Answer with ``error`` in botocore's terms."""
        endpoint = self._connections.endpoint
        self._on_answer(Answer(error=_as_botocore(error, endpoint, given_up=self._given_up)))

    def on_response(self, status_code: int, headers: list[tuple[str, str]]) -> None:
        """Take everything in front of the body."""
        self._answer.status, self._answer.headers = status_code, headers

    def on_body(self, chunk: bytes) -> None:
        """Take a piece of the body."""
        self._answer.body += chunk

    def on_complete(self, error_code: int) -> None:
        """Take note of the end; 0 is no error."""
        line, self._line = self._line, None
        if error_code:
            self.fail(awscrt.exceptions.from_code(error_code))
        else:
            if line:
                self._connections.give_back(line)
            self._on_answer(self._answer)


class _WithoutFuture(awscrt.http.HttpStreamBase):  # type: ignore[misc] # awscrt has no types
    """Stands between awscrt's stream and its base, which would make a future for the answer."""

    __slots__ = ()

    def __init__(self, *_: object) -> None:
        awscrt.NativeResource.__init__(self)


class _Stream(awscrt.http.HttpClientStream, _WithoutFuture):  # type: ignore[misc]
    """Lets awscrt call an exchange itself, in place of methods of its own that complete a future.

    A future costs more than the signature. The methods are private, and have been the same for
    years; :func:`obstacle` looks whether they are there.
    """

    __slots__ = _CALLED_BY_AWSCRT

    def __init__(self, connection: Any, request: Any, exchange: _Exchange) -> None:
        self._on_response = exchange.on_response
        self._on_body = exchange.on_body
        self._on_complete = exchange.on_complete
        super().__init__(connection, request)


_used_by: set[int] = set()  # the process that has the event loop


@functools.cache
def _bootstrap() -> awscrt.io.ClientBootstrap:
    """Return the one event loop of this process, kept until its end."""
    _used_by.add(os.getpid())
    loop = awscrt.io.EventLoopGroup(1)
    return awscrt.io.ClientBootstrap(loop, awscrt.io.DefaultHostResolver(loop))


def _tls(host: str, ca_bundle: str | None) -> awscrt.io.TlsConnectionOptions:
    options = awscrt.io.TlsContextOptions()
    if ca_bundle:
        options.override_default_trust_store_from_path(None, ca_bundle)
    connection_options = awscrt.io.ClientTlsContext(options).new_connection_options()
    connection_options.set_server_name(host)
    return connection_options


_threads_kept = threading.local()


def _keep_thread_state() -> None:
    """Let the thread of awscrt keep its Python thread state between two callbacks.

    Python makes one for a foreign thread at every call and throws it away after it, stack and
    all: a third of the cost of a request. One acquisition that is never released keeps it (C API,
    "PyGILState_Ensure": calls nest).
    """
    if not hasattr(_threads_kept, "done"):
        _threads_kept.done = True
        ctypes.pythonapi.PyGILState_Ensure()


def _as_botocore(error: BaseException, endpoint: str, *, given_up: bool) -> Exception:
    """Return what botocore would have made of the same failure."""
    name = getattr(error, "name", type(error).__name__)
    said = f"{name}: {getattr(error, 'message', error)}"
    if given_up:
        return bc.ReadTimeoutError(endpoint_url=endpoint, error=said)
    if "TIMEOUT" in name:
        return bc.ConnectTimeoutError(endpoint_url=endpoint, error=said)
    if "_TLS_" in name:
        return bc.SSLError(endpoint_url=endpoint, error=OSError(said))
    if name != "AWS_IO_SOCKET_CLOSED" and ("_DNS_" in name or "_SOCKET_" in name):
        return bc.EndpointConnectionError(endpoint_url=endpoint, error=said)
    return bc.ConnectionClosedError(endpoint_url=endpoint, error=said, request=None)
