"""A run against a simulated server, with a clock set by hand: nothing sleeps, nothing is sent.

The slots, the window and the pacer are the real ones; what a dispatcher does with them is short
enough to be repeated here. So the pace can be judged in thousands of requests a second, and a
result does not depend on the machine.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from s3_xfer.pipeline.pacing import Pacer
from s3_xfer.pipeline.slots import QUEUE_MAX, Slots
from s3_xfer.pipeline.stop import StopFlag

BURST_S = 0.1  # what the server's token bucket holds
RETRIES = 3
RETRY_DELAY_S = 1.0
SLOTS_MAX = 1000
LISTED_AHEAD = 8192
WAKE_S = 0.003
CPU_S = 0.0002
CONNECT_S = 0.0003  # of the processor, for a request that needs another connection
COLD_S, COLD = 0.0006, 150  # more for each of the first requests
LATE_S = 0.0005  # a thread that is woken runs so much later
JITTER = 0.1  # of what takes time

OK, THROTTLED, FAILED = 200, 503, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Accepts ``limit_per_s`` copies, and of these fails shares at random.

    ``throttled_ratio`` are answered 503, ``failed_ratio`` 500. An answer takes ``latency_s``.
    """

    limit_per_s: float = math.inf
    throttled_ratio: float = 0.0
    failed_ratio: float = 0.0
    latency_s: float = 0.02


@dataclass(frozen=True, slots=True)
class Span:
    """What happened during ``length_s``."""

    length_s: float
    copied: int
    sent: int
    over_limit: int

    @property
    def wasted(self) -> float:
        """The share of the requests that was above the limit."""
        return self.over_limit / max(1, self.sent)


@dataclass(slots=True, eq=False)
class _Copy:
    attempts: int = 0
    sent_at_s: float = 0.0


class Simulation:
    """Copies ``objects`` objects, with one processor, which is busy with each for ``CPU_S``."""

    def __init__(self, server: Server, *, objects: int = 10**9, seed: int = 1) -> None:
        self.now_s = 0.0
        self.server = server
        self.copied = self.failed = self.sent = self.over_limit = 0
        self.copied_at_s: list[float] = []
        self.frozen_until_s = 0.0  # nothing arrives and nothing is answered before
        self._left, self._queued = objects, 0
        self._random = random.Random(seed)
        self._cpu_free_s = self._filled_s = 0.0
        self._in_flight = self._connections = 0
        self._tokens = math.inf
        self._numbers = itertools.count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._wakes = False
        self._inbox: deque[tuple[_Copy, int]] = deque()
        stop = StopFlag()
        self.pacer = Pacer(stop, monotonic=lambda: self.now_s)
        self.pacer.expect_end(self._known_left)
        self.slots: Slots[_Copy] = Slots(SLOTS_MAX, stop, monotonic=lambda: self.now_s)
        self._at(0.0, self._dispatch)

    # ------------------------------------------------------------------------------- the clock

    def run(self, until_s: float = math.inf) -> None:
        """Let time pass until ``until_s``, or until nothing is left to do."""
        while self._due and self._due[0][0] < until_s:
            self.now_s, _, event = heapq.heappop(self._due)
            event()

    def measure(self, until_s: float) -> Span:
        """Let time pass, and return what happened meanwhile."""
        since_s, copied, sent, over_limit = self.now_s, self.copied, self.sent, self.over_limit
        self.run(until_s)
        return Span(
            until_s - since_s, self.copied - copied, self.sent - sent, self.over_limit - over_limit
        )

    def _at(self, time_s: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._due, (max(time_s, self.now_s), next(self._numbers), event))

    # -------------------------------------------------------------------------- the dispatcher

    def _dispatch(self) -> None:
        while True:
            while self._left and self._queued < QUEUE_MAX:
                self._left -= 1
                self._queued += 1
                self.slots.enqueue(_Copy())
            if not self.slots.has_waiting:
                return
            delay_s = self.pacer.turn_in_s()
            if delay_s:
                break
            copy = self.slots.next()
            if copy is None:
                self.pacer.return_turn()
                return
            self._send(copy)
        if not self._wakes:
            self._wakes = True
            late_s = self._random.expovariate(1 / LATE_S)
            self._at(self.now_s + max(delay_s, WAKE_S) + late_s, self._woken)

    def _known_left(self) -> int | None:
        """Return how many objects are waiting, once the listing has ended."""
        return self._queued + self._left if self._left <= LISTED_AHEAD else None

    def _woken(self) -> None:
        self._wakes = False
        self._dispatch()

    def _send(self, copy: _Copy) -> None:
        self._in_flight += 1
        opens = self._in_flight > self._connections
        self._connections += opens
        is_cold = self.sent < COLD
        busy_s = (CPU_S + opens * CONNECT_S + is_cold * COLD_S) * self._about_one()
        self._cpu_free_s = max(self._cpu_free_s, self.now_s) + busy_s
        self._queued -= not copy.attempts
        copy.attempts += 1
        copy.sent_at_s = self.now_s
        self._at(self._cpu_free_s, lambda: self._arrived(copy))

    def _answered(self, copy: _Copy, status: int) -> None:
        self._inbox.append((copy, status))
        if len(self._inbox) == 1:
            self._at(max(self._cpu_free_s, self.frozen_until_s), self._work)

    def _work(self) -> None:
        """Handle one answer, and go on with the next when the processor is free for it."""
        self._handle(*self._inbox[0])
        self._inbox.popleft()
        if self._inbox:
            self._at(max(self._cpu_free_s, self.frozen_until_s), self._work)

    def _handle(self, copy: _Copy, status: int) -> None:
        """Do what a dispatcher does with an answer."""
        self._in_flight -= 1
        if status == OK:
            self.copied += 1
            self.copied_at_s.append(self.now_s)
            self.pacer.accepted(copy.sent_at_s)
            self.slots.free(success=True)
        else:
            if status == THROTTLED and self.pacer.throttled(copy.sent_at_s):
                self.slots.close_one()
            if copy.attempts > RETRIES:
                self.failed += 1
                self.slots.free(success=False)
            else:
                self.slots.defer()
                delay_s = RETRY_DELAY_S * 2.0 ** (copy.attempts - 1)
                self._at(self.now_s + delay_s, lambda: self._repeat(copy))
        self._dispatch()

    def _repeat(self, copy: _Copy) -> None:
        self.slots.requeue_front(copy)
        self._dispatch()

    # ------------------------------------------------------------------------------ the server

    def _arrived(self, copy: _Copy) -> None:
        if self.now_s < self.frozen_until_s:
            self._at(self.frozen_until_s, lambda: self._arrived(copy))
            return
        server = self.server
        limit_per_s, depth = server.limit_per_s, max(1.0, server.limit_per_s * BURST_S)
        refill = (self.now_s - self._filled_s) * limit_per_s if limit_per_s < math.inf else math.inf
        self._tokens = min(depth, self._tokens + refill)
        self._filled_s = self.now_s
        self.sent += 1
        luck = self._random.random()
        if self._tokens < 1:
            self.over_limit += 1
            status = THROTTLED
        else:
            self._tokens -= 1
            status = OK
            if luck < server.throttled_ratio:
                status = THROTTLED
            elif luck < server.throttled_ratio + server.failed_ratio:
                status = FAILED
        latency_s = server.latency_s * self._about_one()
        self._at(self.now_s + latency_s, lambda: self._answered(copy, status))

    def _about_one(self) -> float:
        """Return a factor for what takes no two times the same."""
        return self._random.uniform(1 - JITTER, 1 + JITTER)

    # ------------------------------------------------------------------------------ the result

    def done_s(self, share: float) -> float:
        """Return when ``share`` of the objects were copied."""
        return self.copied_at_s[math.ceil(share * len(self.copied_at_s)) - 1]

    def useful(self, share: float) -> float:
        """Return how much of its limit the server copied until ``share`` of the objects were."""
        return share * self.copied / self.done_s(share) / self.server.limit_per_s

    @property
    def wasted(self) -> float:
        """The share of the requests that was above the limit."""
        return self.over_limit / self.sent
