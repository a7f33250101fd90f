"""Which requests a fault hits, how often, and short names for the usual ones.

Write ``server.inject(Fault.error("CopyObject", 503, "SlowDown", times=2))``. Faults are asked in
the order of injection; the first that answers ends it, delays and callbacks let the request go on.
Chance is seeded: the same sequence of requests meets the same faults.

Refuses to touch requests that match no fault, and to guess: without ``times`` a fault is for ever.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TypedDict, Unpack

from tests.fault_server.actions import (
    Action,
    Body,
    Call,
    Cut,
    Delay,
    RateLimit,
    Reply,
    Rewrite,
    Truncate,
    When,
    WrongLength,
)
from tests.fault_server.wire import Answer, Request

Operations = str | Iterable[str] | None
_INTERNAL_ERROR = "We encountered an internal error. Please try again."


class Where(TypedDict, total=False):
    """Which requests a fault is for; what is left out matches everything."""

    bucket: str
    key: str | Callable[[str], bool]
    account: str  # the requesting account
    part_number: int
    times: int | None  # the first so many of the matching requests (None: all)
    after: int  # that come after so many others
    probability: float  # and each only with this chance
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An action, and the requests it is for. The named constructors say it shorter."""

    action: Action
    operations: frozenset[str] | None = None
    where: Where = field(default_factory=Where)

    @classmethod
    def of(cls, operations: Operations, action: Action, where: Where) -> Fault:
        """Return a fault for one operation, several, or (None) any."""
        names = [operations] if isinstance(operations, str) else operations
        return cls(
            action=action, operations=None if names is None else frozenset(names), where=where
        )

    @classmethod
    def error(
        cls,
        operations: Operations,
        status: int,
        code: str,
        message: str = "",
        *,
        body: Body = "xml",
        executed: bool = False,
        **where: Unpack[Where],
    ) -> Fault:
        """Answer an error; ``executed`` does the work all the same."""
        return cls.of(operations, Reply(status, code, message, body, executed), where)

    @classmethod
    def error_in_200(
        cls,
        operations: Operations,
        code: str = "InternalError",
        message: str = _INTERNAL_ERROR,
        *,
        body: Body = "xml",
        executed: bool = False,
        **where: Unpack[Where],
    ) -> Fault:
        """Answer 200 with an error in the body, as S3 does when it notices late."""
        return cls.of(operations, Reply(200, code, message, body, executed), where)

    @classmethod
    def empty_200(
        cls, operations: Operations, *, executed: bool = False, **where: Unpack[Where]
    ) -> Fault:
        """Answer 200 without a body, whether or not anything was done."""
        return cls.of(operations, Reply(200, "", body="empty", executed=executed), where)

    @classmethod
    def reset(cls, operations: Operations, **where: Unpack[Where]) -> Fault:
        """Reset the connection before the work."""
        return cls.of(operations, Cut("before"), where)

    @classmethod
    def lost_response(cls, operations: Operations, **where: Unpack[Where]) -> Fault:
        """Do the work, then reset the connection."""
        return cls.of(operations, Cut("after"), where)

    @classmethod
    def slow(
        cls,
        operations: Operations,
        *,
        delay_s: float,
        when: When = "before",
        **where: Unpack[Where],
    ) -> Fault:
        """Answer late; stopping the server ends the wait."""
        return cls.of(operations, Delay(delay_s, when), where)

    @classmethod
    def wrong_length(
        cls, operations: Operations, *, extra_bytes: int = 100, **where: Unpack[Where]
    ) -> Fault:
        """Announce more bytes than come (fewer, if negative), and close the connection."""
        return cls.of(operations, WrongLength(extra_bytes), where)

    @classmethod
    def cut_body(
        cls, operations: Operations, *, sent_bytes: int = 0, **where: Unpack[Where]
    ) -> Fault:
        """Do the work, then end the connection after so many bytes of the body.

        botocore 1.44 does not compare a body with its announced length: with ``sent_bytes=0`` it
        sees an empty 200, which it takes for success.
        """
        return cls.of(operations, WrongLength(sent_bytes=sent_bytes), where)

    @classmethod
    def truncated(cls, operations: Operations, **where: Unpack[Where]) -> Fault:
        """Do the work, and answer half of the document, under a length that fits the half."""
        return cls.of(operations, Truncate(), where)

    @classmethod
    def rewritten(
        cls,
        operations: Operations,
        change: Callable[[bytes], bytes],
        **where: Unpack[Where],
    ) -> Fault:
        """Do the work, and answer what ``change`` makes of the document."""
        return cls.of(
            operations, Rewrite(lambda _, answer: replace(answer, body=change(answer.body))), where
        )

    @classmethod
    def call(
        cls,
        operations: Operations,
        do: Callable[[Request], object],
        *,
        when: When = "before",
        **where: Unpack[Where],
    ) -> Fault:
        """Run ``do`` with the request, on the server's thread, for instance to delete a source."""
        return cls.of(operations, Call(do, when), where)

    @classmethod
    def rewrite(
        cls, operations: Operations, change: Callable[[Answer], Answer], **where: Unpack[Where]
    ) -> Fault:
        """Do the work, and send what ``change`` makes of the answer."""
        return cls.of(operations, Rewrite(lambda _, answer: change(answer)), where)

    @classmethod
    def rate_limit(
        cls,
        operations: Operations,
        *,
        per_second: float,
        burst: float | None = None,
        **where: Unpack[Where],
    ) -> Fault:
        """Answer SlowDown beyond a rate; ``burst`` is one second's worth unless given."""
        limit = RateLimit(per_second, max(1.0, per_second if burst is None else burst))
        return cls.of(operations, limit, where)


class InjectedFault:
    """A fault at work in a server: the handle that ``inject`` returns."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self._where = fault.where
        self._random = random.Random(self._where.get("seed", 0))
        self._lock = threading.Lock()
        self._seen = 0
        self._hits = 0
        self._is_active = True

    @property
    def hits(self) -> int:
        """How many requests it has acted on."""
        return self._hits

    def remove(self) -> None:
        """End it; requests that it is delaying stay delayed."""
        self._is_active = False

    def takes(self, request: Request) -> bool:
        """Return whether to act on ``request``, and count that."""
        if not self._is_active or not self._matches(request):
            return False
        with self._lock:
            if not self._is_due():
                return False
            self._hits += 1
            return True

    def _matches(self, request: Request) -> bool:
        names, where = self.fault.operations, self._where
        key = where.get("key", request.key)
        return (
            (names is None or request.operation in names)
            and (key(request.key) if callable(key) else key == request.key)
            and where.get("bucket", request.bucket) == request.bucket
            and where.get("account", request.account_id) == request.account_id
            and where.get("part_number", request.part_number) == request.part_number
        )

    def _is_due(self) -> bool:
        self._seen += 1
        times = self._where.get("times")
        if self._seen <= self._where.get("after", 0) or (times is not None and self._hits >= times):
            return False
        if self._random.random() >= self._where.get("probability", 1.0):
            return False
        return self.fault.action.is_due()
