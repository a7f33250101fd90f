"""A bound on what is in flight, for work that holds no thread while it waits for an answer.

The thread that frees a slot starts the next queued item, so no thread has to be woken for it. A
long queue blocks the threads that fill it, and they are woken in bursts: waking one for every free
slot costs more than the request that it sends.

There are few slots at first, and one more with every success, so a server with a low limit shows it
after dozens of requests instead of hundreds. Each doubling takes as long as an answer: where that
is long, there are more at first, no more than make up a rate that each prefix of S3 takes. How far
they grow is found by trial (:class:`Window`); how far without one depends on how long the first
answer takes. Throttles close slots, and they open again as they are needed. An item that
waits for its retry gives its slot back, or a throttled run would stand still until then.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from s3_xfer.pipeline.stop import StopFlag

INITIAL_SLOTS, INITIAL_SLOTS_MAX = 32, 256
_SLOW_ANSWER_S = 0.04
_INITIAL_PER_S = 2_500  # where answers are slow; S3's own limit is 3,500 writes/s of each prefix
SLOTS_MIN = 8  # left open by a throttle
QUEUE_MAX = 256
_DEFERRED_PER_SLOT = 8
_POLL_S = 0.1

INITIAL_SIZE = 96  # reached without a trial where answers are quick
INITIAL_SIZE_MAX = 256  # and where they are slow
_FASTEST_PER_S = 10_000  # more requests than one process sends
GAIN_MIN = 1.08  # ratio of successes per second that keeps a doubled window
TRIAL_PAUSE_S, TRIAL_PAUSE_MAX_S = 0.25, 60.0
LONG_RUN_S = 5.0  # a run that has lasted so long is worth what more connections cost
_GAIN_REJECTED, _GAIN_ACCEPTED = 1.0, 1.3  # below/above these one round decides
_ROUNDS_MAX = 3  # between them
_ROUND_MIN_S = 0.05  # a shorter round is too noisy to measure

T = TypeVar("T")


class Window:
    """Finds :attr:`size`, at most ``limit``: as many as make the run faster, and no more.

    A server next door is kept busy by a hundred requests, one that is fifty milliseconds away by a
    thousand. Latency tells nothing, because it also depends on the size of the objects. So the size
    is doubled on trial, and stays doubled if more requests succeed per second than before. A trial
    without gain is reverted and repeated after a pause, because conditions change: at first listing
    and connecting take the processor time that more requests need. Each failed trial doubles the
    pause: a trial opens connections, which take memory. Where these are costly, no more than
    ``limit_at_first`` are tried in the first :data:`LONG_RUN_S`. Not thread-safe.
    """

    def __init__(
        self,
        limit: int,
        *,
        limit_at_first: int | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.size = min(INITIAL_SIZE, limit)
        self._limit = limit
        self._limit_at_first = min(limit, limit_at_first or limit)
        self._monotonic = monotonic
        self._is_long_from_s = monotonic() + LONG_RUN_S
        self._before: tuple[int, float] | None = None  # size and rate, while a trial lasts
        self._next_trial_s = float("-inf")
        self._pause_s = TRIAL_PAUSE_S
        self._start_measuring()

    def first_answer(self, latency_s: float) -> None:
        """Begin with as many as keep the process busy while an answer is on its way."""
        busy = min(INITIAL_SIZE_MAX, int(_FASTEST_PER_S * latency_s), self._limit)
        self.size = max(self.size, busy)
        self._is_long_from_s = self._monotonic() + LONG_RUN_S
        self._start_measuring()

    def succeeded(self, *, is_reached: bool) -> None:
        """Count one success; ``is_reached`` if the window was full before."""
        self._successes += 1
        self._was_reached |= is_reached
        if self._successes >= self._round_ends_at:
            self._end_round(self._monotonic())

    def _start_measuring(self, *, skip_round: bool = True) -> None:
        """Count from zero; ``skip_round`` ignores the round in which a change takes effect."""
        self._skips_round = skip_round
        self._since_s = self._monotonic()
        self._successes, self._round_ends_at, self._rounds = 0, self.size, 0
        self._was_reached = False

    def _end_round(self, now_s: float) -> None:
        elapsed_s = now_s - self._since_s
        self._round_ends_at = self._successes + self.size
        if elapsed_s < _ROUND_MIN_S * (self._rounds + 1):
            return
        self._rounds += 1
        if self._skips_round:
            self._start_measuring(skip_round=False)
        else:
            self._decide(self._successes / elapsed_s, now_s)

    def _decide(self, rate_per_s: float, now_s: float) -> None:
        if self._before:
            size, rate_before_per_s = self._before
            self._end_trial(size, rate_per_s / rate_before_per_s, now_s)
        elif self._rounds >= _ROUNDS_MAX:
            self._start_measuring(skip_round=False)
        may_try = self._before is None and self._was_reached and now_s >= self._next_trial_s
        limit = self._limit if now_s >= self._is_long_from_s else self._limit_at_first
        if may_try and self.size < limit:
            self._before = (self.size, rate_per_s)
            self.size = min(limit, 2 * self.size)
            self._start_measuring()

    def _end_trial(self, size_before: int, gain: float, now_s: float) -> None:
        """Keep a trial that gained enough, revert one that did not, or go on measuring."""
        if _GAIN_REJECTED <= gain < _GAIN_ACCEPTED and self._rounds < _ROUNDS_MAX:
            return
        if gain < GAIN_MIN:
            self.size = size_before
            self._next_trial_s = now_s + self._pause_s
            self._pause_s = min(2 * self._pause_s, TRIAL_PAUSE_MAX_S)
            self._start_measuring()
        self._before = None


class Slots(Generic[T]):
    """At most ``limit`` slots, ``at_first`` of them open, and the queue for them. Thread-safe.

    ``limit_at_first`` is that of its first seconds, see :class:`Window`.
    ``may_take`` is asked before a waiting item gets a slot; who refuses asks for the :meth:`next`
    one later.
    """

    def __init__(
        self,
        limit: int,
        stop: StopFlag,
        *,
        at_first: int = INITIAL_SLOTS,
        limit_at_first: int | None = None,
        may_take: Callable[[], bool] = lambda: True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._may_take = may_take
        self._window = Window(limit, limit_at_first=limit_at_first, monotonic=monotonic)
        self._monotonic = monotonic
        self._first_at_s = 0.0  # when the first item got a slot
        self._has_answer = False
        self._is_full = False  # an item had to wait for a slot
        self._open = min(at_first, limit)
        self._taken = self._deferred = self._blocked_threads = 0
        self._queue: deque[T] = deque()
        self._front: deque[T] = deque()  # requeued items, before those of the queue
        self._stop = stop
        self._lock = threading.Lock()  # acquired directly: Condition.__enter__ adds a call
        self._changed = threading.Condition(self._lock)

    def expect(self, answer_s: float) -> None:
        """Begin with as many slots as are worth it where an answer takes ``answer_s``."""
        is_slow = answer_s >= _SLOW_ANSWER_S
        at_first = min(
            INITIAL_SLOTS_MAX, int(_INITIAL_PER_S * answer_s) if is_slow else INITIAL_SLOTS
        )
        with self._lock:
            if not self._first_at_s:
                self._open = min(at_first, self._limit)

    @property
    def open_at_first(self) -> int:
        """How many items get a slot before any has given its own back."""
        return self._open

    @property
    def has_waiting(self) -> bool:
        """Whether an item waits for a slot at this moment."""
        return bool(self._front or self._queue)

    @property
    def waiting(self) -> int:
        """How many items wait for a slot at this moment."""
        return len(self._front) + len(self._queue)

    def enqueue(self, item: T) -> bool:
        """Queue ``item``, waiting while the queue is full. Return False if the run is stopped."""
        with self._lock:
            while len(self._queue) >= QUEUE_MAX:
                if self._stop.is_set():
                    return False
                self._wait(_POLL_S)
            self._queue.append(item)
            return True

    def next(self) -> T | None:
        """Give a slot to the first waiting item and return it; None if there is none of either.

        In a stopped run, which sends nothing more, every waiting item gets a slot.
        """
        with self._lock:
            queue = self._front or self._queue
            if not queue:
                return None
            if self._taken >= self._open and not self._stop.is_set():
                self._is_full = True
                return None
            if not self._may_take():
                return None
            self._taken += 1
            if not self._first_at_s:
                self._first_at_s = self._monotonic()
            item = queue.popleft()
            if self._blocked_threads and len(self._queue) <= QUEUE_MAX // 4:
                self._changed.notify()
            return item

    def free(self, *, success: bool) -> None:
        """Give a slot back; after a ``success`` one more may open."""
        with self._lock:
            self._taken -= 1
            if success:
                if not self._has_answer:
                    self._has_answer = True
                    self._window.first_answer(self._monotonic() - self._first_at_s)
                self._window.succeeded(is_reached=self._is_full)
                if self._is_full:
                    self._is_full = False
                    self._open = min(self._open + 1, self._window.size)
            if self._blocked_threads and not self._taken:
                self._changed.notify_all()

    def close_one(self) -> None:
        """Open no slot in place of the next that is freed, down to :data:`SLOTS_MIN`."""
        with self._lock:
            self._open = max(min(self._open, SLOTS_MIN), min(self._open, self._taken) - 1)

    def defer(self) -> bool:
        """Give a slot back until :meth:`requeue_front` or :meth:`resume` is called.

        Returns False, keeping the slot, if too many items are deferred.
        """
        with self._lock:
            if self._deferred >= _DEFERRED_PER_SLOT * self._limit:
                return False
            self._deferred += 1
        self.free(success=False)
        return True

    def requeue_front(self, item: T) -> None:
        """Put a deferred item at the front of the queue, behind those requeued before."""
        with self._lock:
            self._deferred -= 1
            self._front.append(item)

    def resume(self) -> None:
        """Give a deferred item a slot at once: for a moment more than the limit may be taken."""
        with self._lock:
            self._deferred -= 1
            self._taken += 1

    def wait_until_empty(self, timeout_s: float) -> bool:
        """Wait until nothing is queued, in flight or deferred; return False after ``timeout_s``."""
        deadline_s = time.monotonic() + timeout_s
        with self._lock:
            while self._queue or self._front or self._taken or self._deferred:
                remaining_s = deadline_s - time.monotonic()
                if remaining_s <= 0:
                    return False
                self._wait(remaining_s)
            return True

    def _wait(self, timeout_s: float) -> None:
        self._blocked_threads += 1
        self._changed.wait(timeout_s)
        self._blocked_threads -= 1
