"""What a fault does to a request, before the operation runs and after it.

An action sees one request at a time and holds no lock; ``pause`` sleeps until the time is over or
the server stops. Refuses to choose requests: :mod:`faults` does that.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from tests.fault_server import documents
from tests.fault_server.refusals import Refusal
from tests.fault_server.wire import Answer, Request

Body = Literal["xml", "empty", "whitespace", "truncated", "content"]
When = Literal["before", "after"]
Pause = Callable[[float], object]


class ConnectionCut(Exception):  # noqa: N818 - not an error of the server: it was asked to
    """Reset the connection instead of answering."""


class ConnectionEnd(ConnectionCut):
    """End the connection in order, without a byte of an answer."""


class Action:
    """A fault's effect. The base does nothing; each subclass overrides what it needs."""

    def is_due(self) -> bool:
        """Return whether to act on a matching request at all."""
        return True

    def before(self, request: Request, pause: Pause) -> Answer | None:
        """Act before the operation; an answer replaces the operation."""
        return None

    def after(self, request: Request, answer: Answer, pause: Pause) -> Answer:
        """Act after the operation, and return the answer to send."""
        return answer


@dataclass(slots=True)
class Reply(Action):
    """Answer something else, after the operation ran (``executed``) or instead of it."""

    status: int
    code: str
    message: str = ""
    body: Body = "xml"
    executed: bool = False

    def before(self, request: Request, pause: Pause) -> Answer | None:
        """Reply at once, unless the operation is to run first."""
        return None if self.executed else self._answer(request)

    def after(self, request: Request, answer: Answer, pause: Pause) -> Answer:
        """Withhold the true answer."""
        return self._answer(request)

    def _answer(self, request: Request) -> Answer:
        xml = documents.error_body(request, Refusal(self.status, self.code, self.message))
        bodies = {
            "xml": xml,
            "empty": b"",
            "whitespace": b" \n ",
            "truncated": xml[: len(xml) // 2],
            "content": b"id;name\n1;one\n",
        }
        return Answer(self.status, {"content-type": "application/xml"}, bodies[self.body])


@dataclass(slots=True)
class Cut(Action):
    """Reset the connection: before the operation, or after it (the answer is lost)."""

    when: When

    def before(self, request: Request, pause: Pause) -> Answer | None:
        """Cut before anything happened."""
        if self.when == "before":
            raise ConnectionCut
        return None

    def after(self, request: Request, answer: Answer, pause: Pause) -> Answer:
        """Cut after everything happened."""
        raise ConnectionCut


@dataclass(slots=True)
class Delay(Action):
    """Take longer, before the operation or between it and its answer."""

    delay_s: float
    when: When

    def before(self, request: Request, pause: Pause) -> Answer | None:
        """Wait first."""
        if self.when == "before":
            pause(self.delay_s)
        return None

    def after(self, request: Request, answer: Answer, pause: Pause) -> Answer:
        """Wait with the answer."""
        if self.when == "after":
            pause(self.delay_s)
        return answer


@dataclass(slots=True)
class Call(Action):
    """Run a function of the test, which may change the world or inspect the request."""

    do: Callable[[Request], object]
    when: When

    def before(self, request: Request, pause: Pause) -> Answer | None:
        """Call before the operation."""
        if self.when == "before":
            self.do(request)
        return None

    def after(self, request: Request, answer: Answer, pause: Pause) -> Answer:
        """Call after it, before the answer is sent."""
        if self.when == "after":
            self.do(request)
        return answer


@dataclass(slots=True)
class WrongLength(Action):
    """Announce another length than the body has, or send only the beginning of it, and close."""

    extra_bytes: int = 0
    sent_bytes: int | None = None

    def after(self, request: Request, answer: Answer, pause: Pause) -> Answer:
        """Lie in Content-Length."""
        length = {"content-length": str(len(answer.body) + self.extra_bytes)}
        sent = answer.body[: self.sent_bytes]
        return replace(answer, headers={**answer.headers, **length}, body=sent, close=True)


class Truncate(Action):
    """Send the first half of the true answer as if it were all of it."""

    def after(self, request: Request, answer: Answer, pause: Pause) -> Answer:
        """Cut the body; the length that is announced is that of what is sent."""
        return replace(answer, body=answer.body[: len(answer.body) // 2])


@dataclass(slots=True)
class Rewrite(Action):
    """Send the true answer as ``rewrite`` changes it."""

    rewrite: Callable[[Request, Answer], Answer]

    def after(self, request: Request, answer: Answer, pause: Pause) -> Answer:
        """Change the answer."""
        return self.rewrite(request, answer)


class RateLimit(Action):
    """Let so many requests per second through, and answer SlowDown to the others.

    A bucket of ``burst`` tokens that refills at ``per_second``; it starts full.
    """

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._tokens = burst
        self._filled_s = time.monotonic()
        self._lock = threading.Lock()
        self._slow_down = Reply(503, "SlowDown", "Please reduce your request rate.")

    def is_due(self) -> bool:
        """Take a token; without one the request is refused."""
        with self._lock:
            now_s = time.monotonic()
            refill = (now_s - self._filled_s) * self._per_second
            self._tokens = min(self._burst, self._tokens + refill)
            self._filled_s = now_s
            if self._tokens < 1:
                return True
            self._tokens -= 1
            return False

    def before(self, request: Request, pause: Pause) -> Answer | None:
        """Refuse."""
        return self._slow_down.before(request, pause)
