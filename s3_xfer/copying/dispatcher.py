"""Keeps many single-request copies under way without a thread for each.

What an answer means, which requests are repeated and what counts as copied is decided by the same
:mod:`.answers`, :mod:`.request_policy` and :mod:`.settlement` as for the other engine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from s3_xfer.copying import answers, verify
from s3_xfer.copying.answers import Answer
from s3_xfer.copying.copier import ObjectCopier
from s3_xfer.copying.request_policy import SERVER_AWAY, Again, CutOff, Renew, Resend, Stand
from s3_xfer.copying.request_sender import (
    OPERATION,
    InflightRequest,
    OnCrash,
    RequestSender,
)
from s3_xfer.copying.request_state import cut_off
from s3_xfer.errors import ErrorClass, ErrorInfo, ObjectError, RetryAction
from s3_xfer.model import Copied, CopyTask, NotAttempted, Outcome
from s3_xfer.pipeline.slots import Slots

if TYPE_CHECKING:
    from s3_xfer.copying.crt import CrtCopyClient  # awscrt is optional


class AsyncDispatcher:
    """Copies what :meth:`start` is given, single requests by ``copy_client``. Thread-safe.

    At most ``limit`` of these are under way, and twice ``options.threads`` objects are on the
    blocking pool. ``on_crash`` is called with unexpected errors.
    """

    def __init__(
        self, copier: ObjectCopier, copy_client: CrtCopyClient, *, limit: int, on_crash: OnCrash
    ) -> None:
        context, hooks = copier.context, copier.context.hooks
        self._copier = copier
        self._settler = copier.settler
        self._engine = copy_client.name
        self._requests = hooks.requests
        self._renewal = hooks.renewal
        self._pacer = hooks.pacer
        self._optional = hooks.optional
        self._outage = hooks.outage
        model = context.destination.meta.service_model.operation_model(OPERATION)
        self._output_shape = model.output_shape
        self._blocking_slots: Slots[InflightRequest] = Slots(
            2 * context.options.threads, hooks.requests.stop
        )
        self._sender = RequestSender(
            copy_client,
            context,
            limit=limit,
            on_answer=self._judge,
            on_unsent=self._conclude,
            on_crash=on_crash,
        )
        self._slots = self._sender.slots

    def expect(self, answer_s: float) -> None:
        """Begin with as many copies at a time as suit answers that take ``answer_s``."""
        self._slots.expect(answer_s)

    def preconnect(self, count: int) -> None:
        """Open connections now for the first ``count`` single requests, as far as is allowed."""
        self._sender.preconnect(count)

    def start(self, task: CopyTask, on_done: Callable[[CopyTask, Outcome], None]) -> None:
        """Begin to copy ``task``; wait only for room. ``on_done`` is called once, by any thread."""
        is_second_try = task.earlier_error is not None
        request = InflightRequest(task, partial(on_done, task), ambiguous=is_second_try)
        if self._copier.is_ready(task):
            self._enqueue(request)
        elif self._blocking_slots.enqueue(request):
            self._begin_blocking()
        else:
            request.done(NotAttempted(task))

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything that was started has ended; return False after ``timeout_s``."""
        until_s = time.monotonic() + timeout_s
        if self._requests.stop.is_set():
            self._begin_blocking()
            self._sender.end_queued()
        # In this order: prepared objects may still be dispatched.
        return self._blocking_slots.wait_until_empty(timeout_s) and self._slots.wait_until_empty(
            max(0.0, until_s - time.monotonic())
        )

    def close(self) -> None:
        """Give up what is still under way; its outcome is not reported."""
        self._sender.close()

    def _enqueue(self, request: InflightRequest) -> None:
        try:
            is_queued = self._sender.enqueue(request)
        except ObjectError as error:  # no credentials: an end like any other
            request.done(self._settler.conclude(request.task, request.transfer, error))
            return
        if not is_queued:
            request.done(NotAttempted(request.task))

    # ---------------------------------------------- in the copy client's thread: nothing waits

    def _judge(self, request: InflightRequest, answer: Answer) -> None:
        source, etag = request.task.source, answers.copied_etag(answer)
        if etag is None:
            self._refused(request, answer)
            return
        self._pacer.accepted(request.sent_at_s)
        self._outage.answered()
        if etag != source.etag and verify.contradicts(
            source.etag, etag, answers.encryption_of(answer)
        ):
            self._sender.complete(self._verify, request, etag)
        else:
            self._complete(request, Copied(request.task, source.size, etag, engine=self._engine))

    def _refused(self, request: InflightRequest, answer: Answer) -> None:
        error, info = answers.refusal_of(
            answer, OPERATION, self._output_shape, attempts=request.attempts
        )
        if self._optional.refused(info, self._optional.offered - request.left_out):
            request.attempts -= 1  # another request than the one that was refused
            self._sender.repeat(request, 0.0)
            return
        request.error = error
        request.ambiguous |= info.error_class in answers.AMBIGUOUS
        request.was_throttled = info.error_class.retry_action is RetryAction.SLOW_DOWN
        if request.was_throttled and self._pacer.throttled(request.sent_at_s):
            self._slots.shrink()
        can_resend = answer.died_unused and not request.is_resent
        if info.error_class not in SERVER_AWAY:
            self._outage.answered()
        elif not can_resend and self._outage.failed(request.task.destination_key):
            self._sender.complete(self._wait_for_server, request, info, error)
            return
        self._go_on(request, info, error, can_resend=can_resend)

    def _go_on(
        self,
        request: InflightRequest,
        info: ErrorInfo,
        error: Exception,
        *,
        can_resend: bool = False,
    ) -> None:
        decision = self._requests.decide(
            info,
            attempts=request.attempts - request.attempts_in_outages,
            can_renew=not request.is_renewed,
            can_resend=can_resend,
        )
        match decision:
            case Resend():
                request.is_resent = True
                request.attempts -= 1
                self._sender.repeat(request, 0.0)
            case Again():
                request.is_retry = True
                self._sender.repeat(request, self._requests.pass_time(decision.delay_s))
            case Renew():
                self._sender.complete(self._renew, request, error)
            case Stand():
                is_elsewhere = info.error_class is ErrorClass.WRONG_REGION
                may_move = is_elsewhere and not request.is_relocated
                end = self._relocate if may_move else self._conclude
                self._sender.complete(end, request, error)
            case CutOff():
                stopped = cut_off(self._requests.stop, info, attempts=request.attempts)
                self._sender.complete(self._conclude, request, stopped)

    def _complete(self, request: InflightRequest, outcome: Outcome) -> None:
        try:
            request.done(outcome)
        finally:
            self._slots.free(success=isinstance(outcome, Copied))

    # -------------------------------------------------------------- on threads that may block

    def _begin_blocking(self) -> None:
        while (request := self._blocking_slots.next()) is not None:
            self._sender.prepare(self._prepare, request)

    def _prepare(self, request: InflightRequest) -> None:
        """Ask S3 what must be known first; then enqueue the request, or copy in parts here."""
        try:
            ready = self._copier.prepare(request.task)
            if not isinstance(ready, CopyTask):
                request.done(ready)
            elif self._copier.context.is_single(ready):
                request.task = ready
                self._enqueue(request)
            else:
                request.done(self._copier.copy_prepared(ready))
        finally:
            self._blocking_slots.free(success=True)
            self._begin_blocking()

    def _wait_for_server(self, request: InflightRequest, info: ErrorInfo, error: Exception) -> None:
        """Find out whether the server is away; if it is, send the request again when it is not."""
        if not self._outage.is_away():
            self._go_on(request, info, error)
            return
        request.attempts_in_outages = request.attempts
        request.is_retry = True
        self._sender.hold(request)

    def _conclude(self, request: InflightRequest, error: Exception) -> None:
        """Complete a request whose last answer was ``error``; may ask S3."""
        if not request.is_repeated_without and self._settler.drops_condition(request.task, error):
            request.is_repeated_without = True
            self._sender.send_again(request)
            return
        self._complete(request, self._settler.conclude(request.task, request.transfer, error))

    def _relocate(self, request: InflightRequest, error: Exception) -> None:
        """Send a request again to the region of its bucket, as boto3 does by itself."""
        request.is_relocated = True
        if self._sender.relocate(request):
            self._sender.send_again(request)
        else:
            self._conclude(request, error)

    def _renew(self, request: InflightRequest, error: Exception) -> None:
        """Send a request again that was refused as expired, if the credentials were renewed."""
        request.is_renewed = True
        try:
            is_renewed = self._renewal.renew(request.sent_at_s)
        except ObjectError as failure:
            error, is_renewed = failure, False
        if is_renewed:
            request.is_retry = True
            self._sender.send_again(request)  # at once: until then others have the old ones
        else:
            self._conclude(request, error)

    def _verify(self, request: InflightRequest, etag: str) -> None:
        self._complete(request, self._settler.verified(request.task, etag, engine=self._engine))
