"""Accepts connections, passes them on, and lets the first effect that is due act on a request."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.fault_server.wire import ProtocolError, Request
from tests.tcp_faults.effects import Effect, pass_on
from tests.tcp_faults.exchange import ConnectionEnded, Exchange, read_message

_BACKLOG = 512


@dataclass(frozen=True, slots=True)
class WireFault:
    """An effect, and the requests it is for: the first ``times`` that come after ``after`` others.

    ``operations`` None are all; each request is hit with the ``probability``. ``key`` is a part of
    the key.
    """

    effect: Effect
    operations: str | Iterable[str] | None = None
    times: int | None = None
    after: int = 0
    probability: float = 1.0
    seed: int = 0
    key: str = ""


class InjectedWireFault:
    """A fault at work in a proxy: counts its hits."""

    def __init__(self, fault: WireFault) -> None:
        self.effect = fault.effect
        self.hits = 0
        names = fault.operations
        self._operations = {names} if isinstance(names, str) else set(names or ())
        self._fault = fault
        self._random = random.Random(fault.seed)
        self._seen = 0
        self._lock = threading.Lock()

    def takes(self, request: Request) -> bool:
        """Return whether to act on ``request``, and count that."""
        if self._operations and request.operation not in self._operations:
            return False
        if self._fault.key not in request.key:
            return False
        with self._lock:
            self._seen += 1
            times = self._fault.times
            is_due = (
                self._seen > self._fault.after
                and (times is None or self.hits < times)
                and self._random.random() < self._fault.probability
            )
            self.hits += is_due
            return is_due


class TcpFaultProxy:
    """A proxy on a free port of the loopback interface, as long as the ``with`` block lasts.

    All methods may be called at any time from any thread.
    """

    def __init__(self, upstream_url: str) -> None:
        address = urlsplit(upstream_url)
        self._upstream = (address.hostname or "", address.port or 80)
        self._faults: tuple[InjectedWireFault, ...] = ()
        self._stopping = threading.Event()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._crashes: list[BaseException] = []

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        self.url = "http://{}:{}".format(*self._listener.getsockname())
        self._acceptor = threading.Thread(target=self._accept, name="tcp-faults", daemon=True)
        self._acceptor.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):  # the portable way to wake up accept()
            socket.create_connection(self._listener.getsockname()).close()
        self._acceptor.join()
        self._listener.close()
        with self._lock:
            served = dict(self._open)
        for connection in served:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in served.values():
            thread.join()
        if error is None and self._crashes:
            raise self._crashes[0]

    def inject(self, fault: WireFault) -> InjectedWireFault:
        """Let ``fault`` act from now on; the handle counts its hits."""
        handle = InjectedWireFault(fault)
        with self._lock:
            self._faults = (*self._faults, handle)
        return handle

    def heal(self) -> None:
        """Let every fault act no more."""
        self._faults = ()

    @property
    def hits(self) -> int:
        """How many requests the faults have met that are at work now."""
        return sum(fault.hits for fault in self._faults)

    def _accept(self) -> None:
        while True:
            client, _address = self._listener.accept()
            if self._stopping.is_set():
                client.close()
                return
            thread = threading.Thread(
                target=self._serve, args=(client,), name="tcp-faults-client", daemon=True
            )
            with self._lock:
                self._open[client] = thread
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError, ConnectionEnded, ProtocolError):
                self._converse(client)
        except BaseException as error:  # noqa: BLE001 - raised again when the test ends
            self._crashes.append(error)
        finally:
            with self._lock:
                del self._open[client]
            client.close()

    def _converse(self, client: socket.socket) -> None:
        """Pass on the requests of one connection until it ends, on one connection of ours."""
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with (
            socket.create_connection(self._upstream) as server,
            server.makefile("rb") as answers,
            client.makefile("rb") as requests,
        ):
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while raw := read_message(requests, client):
                exchange = Exchange(
                    raw, client=client, server=server, answers=answers, stopping=self._stopping
                )
                self._effect_on(exchange.request)(exchange)

    def _effect_on(self, request: Request) -> Effect:
        taking = (fault for fault in self._faults if fault.takes(request))
        return next((fault.effect for fault in taking), pass_on)
