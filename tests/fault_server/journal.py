"""What arrived, kept for assertions: every request, once per attempt, in the order of arrival.

Refuses to interpret: whether two requests are one object's attempts is the test's to say.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from tests.fault_server.wire import Request


@dataclass(slots=True, kw_only=True)
class RequestRecord:
    """One request. ``status`` is None while it is worked on, and if it never got an answer."""

    operation: str
    bucket: str
    key: str
    account_id: str
    headers: Mapping[str, str]  # names in lower case
    query: Mapping[str, str]
    part_number: int | None
    time_s: float  # time.monotonic() at arrival
    status: int | None = None
    executed: bool = False  # it took effect, whatever the client was told


class Journal:
    """The records, and how many requests were worked on at once. Safe to share."""

    def __init__(self) -> None:
        self._records: list[RequestRecord] = []
        self._in_flight = 0
        self._in_flight_max = 0
        self._changed = threading.Condition()

    @property
    def in_flight_max(self) -> int:
        """The most requests that were between arrival and answer at the same time."""
        return self._in_flight_max

    def open(self, request: Request) -> RequestRecord:
        """Note the arrival of a request."""
        record = RequestRecord(
            operation=request.operation,
            bucket=request.bucket,
            key=request.key,
            account_id=request.account_id,
            headers=request.headers,
            query=request.query,
            part_number=request.part_number,
            time_s=time.monotonic(),
        )
        with self._changed:
            self._records.append(record)
            self._in_flight += 1
            self._in_flight_max = max(self._in_flight_max, self._in_flight)
            self._changed.notify_all()
        return record

    def close(self) -> None:
        """Note that a request is dealt with."""
        with self._changed:
            self._in_flight -= 1

    def records(self) -> list[RequestRecord]:
        """Return the records so far."""
        with self._changed:
            return list(self._records)

    def count(self, operation: str | None, **filters: object) -> int:
        """Return how many records are of ``operation`` (None: any) and equal in ``filters``."""
        return sum(_fits(record, operation, filters) for record in self.records())

    def wait_for(self, operation: str, count: int, timeout_s: float) -> bool:
        """Wait until ``count`` requests of ``operation`` have arrived; return whether they did."""
        with self._changed:
            return self._changed.wait_for(
                lambda: sum(r.operation == operation for r in self._records) >= count, timeout_s
            )

    def clear(self) -> None:
        """Forget the records, and restart the maximum from what is in flight now."""
        with self._changed:
            self._records.clear()
            self._in_flight_max = self._in_flight


def _fits(record: RequestRecord, operation: str | None, filters: Mapping[str, object]) -> bool:
    if operation is not None and record.operation != operation:
        return False
    return all(getattr(record, name) == value for name, value in filters.items())
