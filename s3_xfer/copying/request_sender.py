"""Sends the requests of the CRT engine, and sends them again, without a thread for each.

The answer arrives in the copy client's one thread, which must never wait: it handles the ordinary
answer and sends the next request right there, so threads hardly compete for the interpreter.
Repetitions and paced requests are sent by a timer thread. What may block (asking S3 first or again,
copies in parts, renewing credentials) runs on two thread pools.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from s3_xfer.copying.answers import Answer
from s3_xfer.copying.context import CopyContext
from s3_xfer.copying.relocation import relocated
from s3_xfer.copying.renewal import not_renewed
from s3_xfer.copying.request_state import SentRequest, TransferState, cut_off, stopped
from s3_xfer.copying.template import PartCopy
from s3_xfer.errors import ObjectError, translate
from s3_xfer.model import CopyTask
from s3_xfer.pipeline.slots import Slots
from s3_xfer.pipeline.timer import TimerThread

if TYPE_CHECKING:
    from s3_xfer.copying.crt import CrtCopyClient, GiveUp  # awscrt is optional

_OVERDUE_CHECK_S = 1.0
_HOLD_AGAIN_S = 0.5
_TURN_MIN_S = 0.003  # until the timer sends what waits for the pace: several at once, if it is high
# A connection takes 45 KiB, and its handshake as much processor time as five copies.
_LIMIT_AT_FIRST_OVER_TLS = 640
_CHECKS_PER_TIMEOUT = 4  # at least: a short time-out is checked more often

OnCrash: TypeAlias = Callable[[BaseException], None]
End = TypeVar("End")  # of what a request copies


@dataclass(slots=True, eq=False)
class InflightRequest(SentRequest, Generic[End]):
    """One object under way, or one ``part`` of it. ``done`` is called with how it ended."""

    task: CopyTask
    done: Callable[[End], None]
    part: PartCopy | None = None
    is_unwanted: bool = False  # another part has failed: it is not sent any more
    ambiguous: bool = False  # S3 may have copied it although no answer said so
    began_at_s: float = field(default_factory=time.monotonic)
    sent_at_s: float = 0.0
    is_retry: bool = False  # what is sent next
    was_throttled: bool = False  # by the last answer
    is_relocated: bool = False  # sent to the bucket's own region, after another had refused it
    sent_by: CrtCopyClient | None = None
    error: Exception | None = None  # of the last answer
    left_out: frozenset[str] = frozenset()  # headers that it was sent without
    is_repeated_without: bool = False  # without the condition not to overwrite
    give_up: GiveUp | None = None

    @property
    def transfer(self) -> TransferState:
        """The state that the other engine would have of it."""
        return TransferState(ambiguous=self.ambiguous, began_at_s=self.began_at_s)


class RequestSender(Generic[End]):
    """Sends queued requests while there are slots and the pace allows it. Thread-safe.

    At most ``limit`` requests are under way, ``at_first`` until some were answered. ``on_answer``
    is called in the copy client's thread with each answer, also with that of a request that got
    none before the read time-out; ``on_unsent`` with a request that is not sent (again), and why.
    Either ends in :meth:`repeat`, :meth:`hold`, :meth:`send_again` or a slot that is freed.
    ``on_crash`` gets unexpected errors.
    """

    def __init__(
        self,
        copy_client: CrtCopyClient,
        context: CopyContext,
        *,
        limit: int,
        at_first: int,
        on_answer: Callable[[InflightRequest[End], Answer], None],
        on_unsent: Callable[[InflightRequest[End], Exception], None],
        on_crash: OnCrash,
    ) -> None:
        self._copy_client = copy_client
        self._operation = copy_client.template.request.value
        self._relocating = threading.Lock()
        self._context = context
        hooks, threads = context.hooks, context.options.threads
        self._counter = hooks.requests.counter
        self._stop = hooks.requests.stop
        self._pacer = hooks.pacer
        self._optional = hooks.optional
        self._outage = hooks.outage
        self._read_timeout_s = context.options.read_timeout_s
        self._on_answer = on_answer
        self._on_unsent = on_unsent
        self._connections = hooks.requests.connections
        self.slots: Slots[InflightRequest[End]] = Slots(
            limit,
            self._stop,
            at_first=at_first,
            limit_at_first=_LIMIT_AT_FIRST_OVER_TLS if copy_client.template.tls else None,
            may_take=self._take_permit,
        )
        # Threads that prepare may wait for a slot, which only a completed request frees. So
        # completing has threads of its own.
        self._preparing = ThreadPoolExecutor(threads, thread_name_prefix="s3-xfer-blocking")
        self._completing = ThreadPoolExecutor(threads, thread_name_prefix="s3-xfer-completion")
        self._on_crash = on_crash
        self._timer = TimerThread(self._stop, on_crash=on_crash)
        # In the order in which they were sent. Without a lock: each use is one operation on it.
        self._in_flight: dict[InflightRequest[End], None] = {}
        self._closed = False
        self._is_dispatch_due = False  # the timer will dispatch
        self._overdue_check_s = min(_OVERDUE_CHECK_S, self._read_timeout_s / _CHECKS_PER_TIMEOUT)
        self._timer.call_later(self._overdue_check_s, self._give_up_overdue)
        self._outage.on_resume(self.dispatch)

    def enqueue(self, request: InflightRequest[End]) -> bool:
        """Queue ``request``, waiting for room, and send what can be sent; False once stopped.

        Raises:
            ObjectError: there are no credentials that are fresh enough.
        """
        try:
            self._copy_client.refresh()
        except Exception as error:
            raise not_renewed(error) from error
        is_queued = self.slots.enqueue(request)
        if is_queued:
            self.dispatch()
        return is_queued

    def preconnect(self, count: int) -> None:
        """Begin to open connections for the first requests, of which there are ``count``."""
        at_once = 1 if self._pacer.has_limiter else self.slots.open_at_first
        self._copy_client.preconnect(min(count, at_once, self._connections.budget.room()))

    def dispatch(self) -> None:
        """Send queued requests while there is room, the pace allows it, and the server is there."""
        if not self._pacer.has_limiter:
            self._dispatch_in_turn()
        elif self.slots.has_waiting:
            self._timer.call_later(0.0, self._dispatch_limited)

    def _dispatch_in_turn(self) -> None:
        while self.slots.has_waiting:
            delay_s = self._pacer.turn_in_s()
            if delay_s > 0:
                self._dispatch_at_next_turn(delay_s)
                return
            request = self.slots.next() if self._outage.may_send() else None
            if request is None:
                self._pacer.return_turn()
                return
            self._guarded(self._send, request)

    def repeat(self, request: InflightRequest[End], delay_s: float) -> None:
        """Send a request again after ``delay_s``; others use its slot meanwhile, if possible."""
        again = self._send_queued_again if self.slots.defer() else self.send_again
        self._timer.call_later(delay_s, partial(again, request))

    def hold(self, request: InflightRequest[End]) -> None:
        """Send a request again when the server is not away any more, behind those held before."""
        request.error = None  # if the run is stopped meanwhile, it was interrupted
        if self.slots.defer():
            self.slots.requeue_front(request)
            self.dispatch()
        else:
            self._timer.call_later(_HOLD_AGAIN_S, partial(self.hold, request))

    def send_again(self, request: InflightRequest[End]) -> None:
        """Send a request that has kept its slot, with the newest credentials."""
        if self._is_refreshed(request):
            self._pacer.wait()
            self._connections.acquire_anyway()
            self._send(request)

    def relocate(self, request: InflightRequest[End]) -> bool:
        """Look for the region that the bucket of ``request`` is in; return whether it is another.

        All requests go there from now on.
        """
        with self._relocating:
            if self._copy_client is request.sent_by:
                self._copy_client = relocated(self._copy_client, self._context, request.task)
            return self._copy_client is not request.sent_by

    def end_queued(self) -> None:
        """End the queued requests of a stopped run, for which no answer frees a slot any more."""
        while (request := self.slots.next()) is not None:
            self._guarded(self._send, request)

    def close(self) -> None:
        """Give up what is still under way; its answer is not reported."""
        self._closed = True
        self._timer.close()
        self._give_up(silent_since_s=float("inf"))
        self._preparing.shutdown(wait=False)
        self._completing.shutdown(wait=False)

    def prepare(self, work: Callable[..., None], *arguments: object) -> None:
        """Do ``work``, which may block, on a request that was not sent yet."""
        self._preparing.submit(self._run, work, *arguments)

    def complete(self, work: Callable[..., None], *arguments: object) -> None:
        """Do ``work`` on a request that was answered; it may block, but not wait for a slot."""
        self._completing.submit(self._run, work, *arguments)

    def _run(self, work: Callable[..., None], *arguments: object) -> None:
        self._guarded(work, *arguments)
        self.dispatch()

    def _guarded(self, work: Callable[..., None], *arguments: object) -> None:
        try:
            work(*arguments)
        except BaseException as error:  # noqa: BLE001 - it ends the run
            self._on_crash(error)

    def _dispatch_at_next_turn(self, delay_s: float) -> None:
        """Dispatch in the timer thread when the next turn comes, for all that wait for one."""
        if not self._is_dispatch_due:
            self._is_dispatch_due = True
            self._timer.call_later(max(delay_s, _TURN_MIN_S), self._dispatch_now)

    def _dispatch_now(self) -> None:
        self._is_dispatch_due = False  # before it looks: what is queued meanwhile asks again
        self._dispatch_in_turn()

    def _dispatch_limited(self) -> None:
        """Send the next queued request when all limits allow it, in the timer thread, which waits.

        So a run has one request at a time in the queue for a limit that runs share.
        """
        request = self.slots.next() if self._may_send() else None
        if request is not None:
            self._pacer.wait()
            self._guarded(self._send, request)
            self._timer.call_later(0.0, self._dispatch_limited)

    def _take_permit(self) -> bool:
        """Return whether a request may have a connection now; a stopped run sends none."""
        if not self._stop.is_set():
            return self._connections.try_acquire(self.dispatch)
        self._connections.acquire_anyway()
        return True

    def _may_send(self) -> bool:
        return self.slots.has_waiting and self._outage.may_send()

    def _send(self, request: InflightRequest[End]) -> None:
        """Send the request, for the first time or again. Waits for nothing.

        It has a permit for its connection, which is given back when it is answered, or not sent.
        """
        if self._stop.is_set() or request.is_unwanted:
            self._connections.release()
            self._on_unsent(request, self._why_unsent(request))
            return
        if request.is_retry:
            self._counter.retried(throttled=request.was_throttled)
            request.is_retry = False
        request.attempts += 1
        request.sent_at_s = time.monotonic()
        self._in_flight[request] = None
        self._counter.request_sent(self._operation)
        request.left_out = self._optional.left_out
        request.sent_by = self._copy_client
        request.sent_by.leave_out(request.left_out)
        try:
            request.give_up = request.sent_by.send(
                request.part or request.task,
                partial(self._answered, request),
                use_idle=not request.is_resent,
            )
        except BaseException:
            self._connections.release()
            raise

    def _why_unsent(self, request: InflightRequest[End]) -> ObjectError:
        """Return the error of a request that is not sent (again)."""
        if request.error is None:
            return stopped(self._stop)
        return cut_off(self._stop, translate(request.error), attempts=request.attempts)

    def _answered(self, request: InflightRequest[End], answer: Answer) -> None:
        """Take the answer, in the copy client's thread: nothing here may wait or raise."""
        self._in_flight.pop(request, None)
        request.give_up = None
        self._connections.release()
        if not self._closed:
            self._guarded(self._on_answer, request, answer)
            self.dispatch()

    def _send_queued_again(self, request: InflightRequest[End]) -> None:
        """Make a request that had given up its slot the next one to be sent."""
        if self._is_refreshed(request):
            self.slots.requeue_front(request)
            self.dispatch()
        else:
            self.slots.resume()

    def _is_refreshed(self, request: InflightRequest[End]) -> bool:
        """Return whether the credentials are fresh enough; if not, the request has failed."""
        try:
            self._copy_client.refresh()
        except Exception as error:  # noqa: BLE001 - no credentials: an end like any other
            self.complete(self._on_unsent, request, not_renewed(error))
            return False
        return True

    def _give_up_overdue(self) -> None:
        """Give up requests that wait too long for an answer; they then fail as timed out."""
        self._give_up(silent_since_s=time.monotonic() - self._read_timeout_s)
        if not self._stop.is_set():
            self._timer.call_later(self._overdue_check_s, self._give_up_overdue)

    def _give_up(self, *, silent_since_s: float) -> None:
        for request in list(self._in_flight):
            if request.sent_at_s > silent_since_s:
                break
            if request.give_up:
                request.give_up(silent_since_s)
