"""The server that tests hold in their hands: build a world, inject faults, read what happened.

Refuses to hide its own bugs: an exception inside (or inside a test's callback) is answered with
500 and raised again when the ``with`` block ends.
"""

from __future__ import annotations

import itertools
import threading
from types import TracebackType
from typing import Self

from tests.fault_server import access, documents, operations
from tests.fault_server.actions import ConnectionCut
from tests.fault_server.connections import Listener
from tests.fault_server.faults import Fault, InjectedFault
from tests.fault_server.journal import Journal, RequestRecord
from tests.fault_server.refusals import Refusal
from tests.fault_server.stage import Stage
from tests.fault_server.wire import Answer, Request
from tests.patience import PATIENCE_S


class FaultServer(Stage):
    """A fake S3 (and STS) on loopback, for as long as the ``with`` block lasts.

    It is path-style and checks no signatures: who asks is the account of the access key in the
    ``Authorization`` header. All methods may be called at any time from any thread.
    """

    def __init__(self) -> None:
        super().__init__()
        self._journal = Journal()
        self._faults: tuple[InjectedFault, ...] = ()
        self._crashes: list[BaseException] = []
        self._request_numbers = itertools.count(1)
        self._stopping = threading.Event()
        self._listener: Listener | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self.come_back()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        if error is None and self._crashes:
            raise self._crashes[0]

    def stop(self) -> None:
        """End everything now, delayed answers included, and leave no thread. May be repeated."""
        self._stopping.set()
        self.go_away()

    def go_away(self) -> None:
        """End all connections and refuse new ones, until :meth:`come_back`."""
        if self._listener:
            self._listener.stop()
            self._listener = None

    def come_back(self) -> None:
        """Serve again, at the same address, with the same world."""
        self._listener = Listener(self._respond, self._port)
        self._port = self._listener.port

    @property
    def url(self) -> str:
        """The endpoint for S3 and STS alike."""
        if not self._port:
            raise RuntimeError("the server is not running: use it in a with statement")
        return f"http://127.0.0.1:{self._port}"

    # ------------------------------------------------------------------ faults and records

    def inject(self, fault: Fault) -> InjectedFault:
        """Let ``fault`` act from now on; the handle counts its hits and can remove it."""
        handle = InjectedFault(fault)
        with self._world.lock:
            self._faults = (*self._faults, handle)
        return handle

    @property
    def requests(self) -> list[RequestRecord]:
        """Every request so far, in the order of arrival."""
        return self._journal.records()

    @property
    def connections(self) -> int:
        """How many were opened, since it last came up."""
        return self._listener.accepted if self._listener else 0

    @property
    def open_connections(self) -> int:
        """How many are open now."""
        return self._listener.open_now if self._listener else 0

    def count(self, operation: str | None = None, **filters: object) -> int:
        """Return how many requests fit: ``count("CopyObject", status=200, bucket="b")``."""
        return self._journal.count(operation, **filters)

    def wait_for(self, operation: str, *, count: int = 1, timeout_s: float = PATIENCE_S) -> None:
        """Wait until so many requests have arrived, answered or not.

        Raises:
            AssertionError: they did not within ``timeout_s``.
        """
        if not self._journal.wait_for(operation, count, timeout_s):
            arrived = self.count(operation)
            raise AssertionError(f"{arrived} of {count} {operation} arrived in {timeout_s:g} s")

    def forget_requests(self) -> None:
        """Empty ``requests`` and restart ``in_flight_max``."""
        self._journal.clear()

    @property
    def in_flight_max(self) -> int:
        """The most requests that were between arrival and answer at the same time."""
        return self._journal.in_flight_max

    # ------------------------------------------------------------------ one request

    def _respond(self, request: Request) -> Answer:
        request.request_id = f"{next(self._request_numbers):016X}"
        request.operation = operations.name_of(request)
        request.account_id = access.account_of(self._world, request.access_key)
        record = self._journal.open(request)
        try:
            answer = self._answer(request, record)
            record.status = answer.status
            return answer
        finally:
            self._journal.close()

    def _answer(self, request: Request, record: RequestRecord) -> Answer:
        try:
            return self._with_faults(request, record)
        except ConnectionCut:
            raise
        except Exception as error:  # noqa: BLE001 - raised again when the test ends
            self._crashes.append(error)
            crash = Refusal(500, "InternalError", f"the fault server failed: {error!r}")
            return documents.refused(request, crash)

    def _with_faults(self, request: Request, record: RequestRecord) -> Answer:
        acting = []
        for fault in self._faults:
            if fault.takes(request):
                answer = fault.fault.action.before(request, self._pause)
                if answer is not None:
                    return answer
                acting.append(fault)
        answer = self._work(request, record)
        for fault in acting:
            answer = fault.fault.action.after(request, answer, self._pause)
        return answer

    def _pause(self, delay_s: float) -> None:
        """Wait; a request that the end of the server wakes up is dropped, not carried out."""
        if self._stopping.wait(delay_s):
            raise ConnectionCut

    def _work(self, request: Request, record: RequestRecord) -> Answer:
        try:
            answer = operations.perform(self._world, request)
        except Refusal as refusal:
            return documents.refused(request, refusal)
        record.executed = True
        return answer
