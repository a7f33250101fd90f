"""A WSGI application on a loopback port, with connections that stay open.

Exists because werkzeug's development server closes every connection and first waits 10 ms for
stray bytes: an S3 client that copies thousands of objects would measure that, not itself.
Binds 127.0.0.1 and nothing else; needs the extra ``s3-xfer[testing]``.
"""

from __future__ import annotations

import http
import io
import logging
import socket
import threading
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer
from werkzeug.test import run_wsgi_app

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

_LOG = logging.getLogger(__name__)
_HOST = "127.0.0.1"
_POLL_S = 0.02  # how long a stop may go unnoticed
_NO_BODY = frozenset({http.HTTPStatus.NO_CONTENT, http.HTTPStatus.NOT_MODIFIED})


class LoopbackServer:
    """Serves one WSGI application from background threads between ``start`` and ``stop``.

    ``stop`` returns once every thread has ended; an answer being written is cut off.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._server = _Server(_HOST, 0, app, handler=_Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_S,), name="loopback-server"
        )

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://{_HOST}:{self._server.port}"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """End, with every connection and thread."""
        self._server.shutdown()
        self._server.drop_connections()
        self._thread.join()  # it joins the threads of the connections first


class _Server(ThreadedWSGIServer):
    """A thread per connection, each joined at the end."""

    daemon_threads = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._connections: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def drop_connections(self) -> None:
        """Wake every thread that waits for a next request; call it when none are accepted."""
        for connection in tuple(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # closed in this very moment, by either side
                _LOG.debug("a connection was gone already")


class _Handler(MotoRequestHandler):
    """Reads one whole request, writes one whole answer, waits for the next."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_expect_100(self) -> bool:
        """Let the client send its body."""
        self.send_response_only(http.HTTPStatus.CONTINUE)
        self.end_headers()
        return True

    def run_wsgi(self) -> None:
        """Answer the request whose head was just parsed (werkzeug calls this for any method)."""
        environ = self._whole_request()
        try:
            chunks, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
            body = b"".join(chunks)
        except Exception:  # noqa: BLE001 - moto's failure is an answer too, and is logged
            _LOG.exception("moto failed at %s", self.requestline)
            self._answer(
                "500 Internal Server Error", {}, b"<Error><Code>InternalError</Code></Error>"
            )
            return
        self._answer(status, dict(headers.items()), body)

    def _whole_request(self) -> WSGIEnvironment:
        """Return the environ with the body read, so that the next request starts where it ends."""
        environ = self.make_environ()
        size = None if "wsgi.input_terminated" in environ else int(self._header("Content-Length"))
        body = environ["wsgi.input"].read(size)
        return environ | {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}

    def _header(self, name: str) -> str:
        return self.headers.get(name) or "0"

    def _answer(self, status: str, headers: dict[str, str], body: bytes) -> None:
        by_name = {name.lower(): value for name, value in headers.items()}
        if self.command != "HEAD" and int(status[:3]) not in _NO_BODY:
            by_name["content-length"] = str(len(body))
        head = "".join(f"{name}: {value}\r\n" for name, value in by_name.items())
        payload = b"" if self.command == "HEAD" else body
        self.wfile.write(f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + payload)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002, ARG002 - werkzeug's
        """Keep the terminal for the program: requests are worth a debug line at most."""
        _LOG.debug(message, *args)
