"""Two ways of starting copies: one that blocks until each is done, and one that does not.

:class:`AsyncDispatcher` keeps many single-request copies under way without a thread for each. A
worker enqueues an object and takes the next. The answer arrives in the copy client's thread and, in
the ordinary case, completes the object and sends the next request right there. So in a long copy
one thread does nearly everything, and threads hardly compete for the interpreter. What takes longer
leaves that thread at once: a repetition is scheduled for when it is due, a paced request is sent by
a timer thread, and what has to ask S3 again (a failed condition, another ETag) or is copied in
parts runs on a blocking thread pool.

What an answer means, which requests are repeated and what counts as copied is decided by the same
:mod:`.answers`, :mod:`.after_answer` and :class:`.copier.ObjectCopier` as for the other engine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from s3_xfer.copying.answer_handler import OPERATION, AnswerHandler
from s3_xfer.copying.answers import Answer
from s3_xfer.copying.copier import ObjectCopier
from s3_xfer.copying.engine import AsyncCopyClient
from s3_xfer.copying.in_flight import (
    BlockingPools,
    InFlightRequest,
    InFlightTable,
    OnCrash,
    OnDone,
)
from s3_xfer.copying.renewal import Renewal, not_renewed
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.copying.request_state import stopped
from s3_xfer.model import CopyTask, NotAttempted, Outcome
from s3_xfer.pipeline.pacing import Pacer
from s3_xfer.pipeline.slots import Slots
from s3_xfer.pipeline.timer import TimerThread

_OVERDUE_CHECK_S = 1.0
_CHECKS_PER_TIMEOUT = 4  # at least: a short time-out is checked more often


class BlockingDispatcher:
    """Starts copies by making them: each holds its thread until the object is copied."""

    def __init__(self, copy: Callable[[CopyTask], Outcome]) -> None:
        self._copy = copy

    def start(self, task: CopyTask, on_done: OnDone) -> None:
        """Copy ``task``, and call ``on_done`` with its outcome."""
        on_done(task, self._copy(task))

    def drain(self, timeout_s: float) -> bool:  # noqa: ARG002 - there is nothing to wait for
        """Return True: what was started has ended."""
        return True

    def close(self) -> None:
        """Do nothing."""


class AsyncDispatcher:
    """Copies what :meth:`start` is given. Thread-safe.

    At most ``limit`` single requests are under way, and twice ``blocking_threads`` objects are on
    the blocking pool; an answer may take ``read_timeout_s``. ``output_shape`` is botocore's for
    ``CopyObject``. ``on_crash`` is called with unexpected errors.
    """

    def __init__(
        self,
        *,
        copy_client: AsyncCopyClient,
        copier: ObjectCopier,
        output_shape: Any,
        requests: RequestPolicy,
        renewal: Renewal,
        pacer: Pacer,
        limit: int,
        blocking_threads: int,
        read_timeout_s: float,
        on_crash: OnCrash,
    ) -> None:
        self._copy_client = copy_client
        self._copier = copier
        self._requests = requests
        self._stop = requests.stop
        self._pacer = pacer
        self._read_timeout_s = read_timeout_s
        self._slots: Slots[InFlightRequest] = Slots(limit, self._stop)
        self._blocking_slots: Slots[InFlightRequest] = Slots(2 * blocking_threads, self._stop)
        self._pools = BlockingPools(blocking_threads, after_each=self._dispatch, on_crash=on_crash)
        self._timer = TimerThread(self._stop, on_crash=on_crash)
        self._in_flight = InFlightTable()
        self._answers = AnswerHandler(
            copier=copier,
            engine=copy_client.name,
            output_shape=output_shape,
            requests=requests,
            renewal=renewal,
            pacer=pacer,
            slots=self._slots,
            pools=self._pools,
            repeat=self._repeat,
            send_again=self._send_again,
        )
        self._closed = False
        self._overdue_check_s = min(_OVERDUE_CHECK_S, read_timeout_s / _CHECKS_PER_TIMEOUT)
        self._timer.call_later(self._overdue_check_s, self._give_up_overdue)

    def start(self, task: CopyTask, on_done: OnDone) -> None:
        """Begin to copy ``task``; wait only for room. ``on_done`` is called once, by any thread."""
        request = InFlightRequest(task, task, on_done)
        if self._copier.is_ready(task):
            self._enqueue(request)
        elif self._blocking_slots.enqueue(request):
            self._begin_blocking()
        else:
            request.done(NotAttempted(task))

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything that was started has ended; return False after ``timeout_s``."""
        until_s = time.monotonic() + timeout_s
        if self._stop.is_set():  # no answer frees a slot for the queued requests any more
            self._begin_blocking()
            while (request := self._slots.next()) is not None:
                self._pools.guarded(self._send, request)
        # In this order: prepared objects may still be dispatched.
        return self._blocking_slots.wait_until_empty(timeout_s) and self._slots.wait_until_empty(
            max(0.0, until_s - time.monotonic())
        )

    def close(self) -> None:
        """Give up what is still under way; its outcome is not reported."""
        self._closed = True
        self._timer.close()
        self._in_flight.give_up()
        self._pools.close()
        self._copy_client.close()

    # ---------------------------------------------------------------------------- sending

    def _enqueue(self, request: InFlightRequest) -> None:
        """Queue ``request``, with credentials that are fresh enough; send what can be sent."""
        try:
            self._copy_client.refresh()
        except Exception as error:  # noqa: BLE001 - no credentials: an end like any other
            request.done(self._copier.conclude(request.task, request.transfer, not_renewed(error)))
            return
        if self._slots.enqueue(request):
            self._dispatch()
        else:
            request.done(NotAttempted(request.task))

    def _dispatch(self) -> None:
        """Send queued requests while there is room; paced ones are sent by the timer thread."""
        while self._pacer.unthrottled:
            request = self._slots.next()
            if request is None:
                return
            self._pools.guarded(self._send, request)
        if self._slots.has_waiting:
            self._timer.call_later(0.0, self._dispatch_paced)

    def _dispatch_paced(self) -> None:
        """Send the next queued request when the pace allows it, and come back for another."""
        request = self._slots.next()
        if request is not None:
            self._pools.guarded(self._send, request)
            self._timer.call_later(0.0, self._dispatch_paced)

    def _send(self, request: InFlightRequest) -> None:
        """Send the request, for the first time or again. Waits for nothing but the pace."""
        self._pacer.wait()
        if self._stop.is_set():
            self._answers.conclude(request, request.error or stopped(self._stop))
            return
        request.attempts += 1
        request.sent_at_s = time.monotonic()
        self._in_flight.add(request)
        self._requests.counter.request_sent(OPERATION)
        request.give_up = self._copy_client.send(request.task, partial(self._answered, request))

    def _repeat(self, request: InFlightRequest, delay_s: float) -> None:
        """Send a request again after ``delay_s``; others use its slot meanwhile, if possible."""
        again = self._send_queued_again if self._slots.defer() else self._send_again
        self._timer.call_later(delay_s, partial(again, request))

    def _send_queued_again(self, request: InFlightRequest) -> None:
        """Make a request that had given up its slot the next one to be sent."""
        if self._is_refreshed(request):
            self._slots.requeue_front(request)
            self._dispatch()
        else:
            self._slots.resume()

    def _send_again(self, request: InFlightRequest) -> None:
        """Send a request that has kept its slot."""
        if self._is_refreshed(request):
            self._send(request)

    def _is_refreshed(self, request: InFlightRequest) -> bool:
        """Return whether the credentials are fresh enough; if not, the request has failed."""
        try:
            self._copy_client.refresh()
        except Exception as error:  # noqa: BLE001 - no credentials: an end like any other
            self._pools.complete(self._answers.conclude, request, not_renewed(error))
            return False
        return True

    def _give_up_overdue(self) -> None:
        """Give up requests that wait too long for an answer; they then fail as timed out."""
        self._in_flight.give_up(older_than_s=self._read_timeout_s)
        if not self._stop.is_set():
            self._timer.call_later(self._overdue_check_s, self._give_up_overdue)

    def _answered(self, request: InFlightRequest, answer: Answer) -> None:
        """Take the answer, in the copy client's thread: nothing here may wait or raise."""
        self._in_flight.remove(request)
        if not self._closed:
            self._pools.guarded(self._answers.judge, request, answer)
            self._dispatch()

    # ------------------------------------------------------------- on threads that may block

    def _begin_blocking(self) -> None:
        """Give queued objects to the blocking pool while there is room."""
        while (request := self._blocking_slots.next()) is not None:
            self._pools.prepare(self._prepare, request)

    def _prepare(self, request: InFlightRequest) -> None:
        """Ask S3 what must be known first; then enqueue the request, or copy in parts here."""
        try:
            ready = self._copier.prepare(request.task)
            if not isinstance(ready, CopyTask):
                request.done(ready)
            elif self._copier.is_single(ready):
                request.task = ready
                self._enqueue(request)
            else:
                request.done(self._copier.copy_prepared(ready))
        finally:
            self._blocking_slots.free(success=True)
            self._begin_blocking()
