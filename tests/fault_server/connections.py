"""Sockets and threads: accept, one thread per connection, and a clean end.

Unlike ``socketserver`` it can be stopped in the middle of everything: open connections are shut
down, delayed answers wake up, and no thread is left. Refuses to know S3.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import threading
from collections.abc import Callable
from typing import BinaryIO, cast

from tests.fault_server.actions import ConnectionCut, ConnectionEnd
from tests.fault_server.wire import (
    Answer,
    ProtocolError,
    Request,
    read_request,
    serialise,
)

_BACKLOG = 512
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: close() sends RST
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Listener:
    """Serves ``respond`` on a port (0: a free one) of the loopback interface until stopped."""

    def __init__(self, respond: Callable[[Request], Answer], port: int = 0) -> None:
        self._respond = respond
        self._socket = socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)
        self.port = int(self._socket.getsockname()[1])
        self._open: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self.accepted = 0
        self._is_stopping = False
        self._acceptor = threading.Thread(target=self._accept, name="fault-server", daemon=True)
        self._acceptor.start()

    @property
    def open_now(self) -> int:
        """How many connections are open."""
        return len(self._open)

    def stop(self) -> None:
        """Refuse connections, end the open ones, and wait for every thread."""
        self._is_stopping = True
        with contextlib.suppress(OSError):  # the portable way to wake up accept()
            socket.create_connection(("127.0.0.1", self.port)).close()
        self._acceptor.join()
        self._socket.close()
        with self._lock:
            served = dict(self._open)
        for connection in served:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in served.values():
            thread.join()

    def _accept(self) -> None:
        while True:
            connection, _address = self._socket.accept()
            if self._is_stopping:
                connection.close()
                return
            thread = threading.Thread(
                target=self._serve, args=(connection,), name="fault-server-client", daemon=True
            )
            with self._lock:
                self.accepted += 1
                self._open[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = connection.makefile("rb")
        try:
            with contextlib.suppress(OSError):  # the client went away: its business
                self._converse(connection, cast("BinaryIO", stream))
        finally:
            with self._lock:
                del self._open[connection]
            stream.close()
            connection.close()

    def _converse(self, connection: socket.socket, stream: BinaryIO) -> None:
        """Answer the requests of one connection until it ends."""
        numbers = itertools.count(1)
        try:
            while request := read_request(stream, lambda: connection.sendall(_CONTINUE)):
                request.number_on_connection = next(numbers)
                answer = self._respond(request)
                connection.sendall(serialise(answer, request))
                if answer.close or request.headers.get("connection", "").lower() == "close":
                    return
        except ConnectionEnd:
            return
        except ConnectionCut:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        except ProtocolError:
            connection.sendall(_BAD_REQUEST)
