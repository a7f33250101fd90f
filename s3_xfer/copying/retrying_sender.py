"""What follows each answer to a request of the CRT engine, for objects and for parts alike.

What an answer means and which requests are repeated is decided by the same :mod:`.answers` and
:mod:`.retry_rules` as for the other engine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic

from s3_xfer.copying import answers
from s3_xfer.copying.answers import Answer
from s3_xfer.copying.context import CopyContext
from s3_xfer.copying.request_policy import Again, CutOff, Renew, Resend, Stand
from s3_xfer.copying.request_sender import End, InflightRequest, OnCrash, RequestSender
from s3_xfer.copying.request_state import cut_off
from s3_xfer.copying.retry_rules import AfterFailure, AskOutage, Hold
from s3_xfer.errors import ErrorClass, ErrorInfo, ObjectError, RetryAction
from s3_xfer.pipeline.slots import INITIAL_SLOTS

if TYPE_CHECKING:
    from s3_xfer.copying.crt import CrtCopyClient  # awscrt is optional


class RetryingSender(Generic[End]):
    """Sends each request until its answer stands. Thread-safe.

    ``on_success`` is called with a complete success and its ETag, in the copy client's thread;
    ``on_failure`` with an error that stands, where it may block. Both end in :meth:`end`, or in the
    ``sender``. ``limit``, ``at_first`` and ``on_crash`` are the ``sender``'s.
    """

    def __init__(
        self,
        copy_client: CrtCopyClient,
        context: CopyContext,
        *,
        limit: int,
        at_first: int = INITIAL_SLOTS,
        on_success: Callable[[InflightRequest[End], Answer, str], None],
        on_failure: Callable[[InflightRequest[End], Exception], None],
        on_crash: OnCrash,
    ) -> None:
        hooks = context.hooks
        self._requests = hooks.requests
        self._renewal = hooks.renewal
        self._pacer = hooks.pacer
        self._optional = hooks.optional
        self._outage = hooks.outage
        self._rules = hooks.rules
        self._on_success = on_success
        self._on_failure = on_failure
        template = copy_client.template
        self._header_names = frozenset(name for name, _ in template.common_headers)
        self._operation = template.request.value
        model = context.destination.meta.service_model.operation_model(self._operation)
        self.output_shape = model.output_shape
        self.sender: RequestSender[End] = RequestSender(
            copy_client,
            context,
            limit=limit,
            at_first=at_first,
            on_answer=self._judge,
            on_unsent=on_failure,
            on_crash=on_crash,
        )

    def end(self, request: InflightRequest[End], end: End, *, success: bool) -> None:
        """Report how ``request`` ended, and let another one have its slot."""
        try:
            request.done(end)
        finally:
            self.sender.slots.free(success=success)

    # ---------------------------------------------- in the copy client's thread: nothing waits

    def _judge(self, request: InflightRequest[End], answer: Answer) -> None:
        etag = answers.copied_etag(answer)
        if etag is None:
            self._refused(request, answer)
            return
        self._pacer.accepted(request.sent_at_s)
        self._outage.answered()
        self._on_success(request, answer, etag)

    def _refused(self, request: InflightRequest[End], answer: Answer) -> None:
        error, info = answers.refusal_of(
            answer, self._operation, self.output_shape, attempts=request.attempts
        )
        if self._optional.refused(info, self._header_names - request.left_out):
            request.attempts -= 1  # another request than the one that was refused
            self.sender.repeat(request, 0.0)
            return
        request.error = error
        request.ambiguous |= info.error_class in answers.AMBIGUOUS
        request.was_throttled = info.error_class.retry_action is RetryAction.SLOW_DOWN
        if request.was_throttled and self._pacer.throttled(request.sent_at_s):
            self.sender.slots.shrink()
        key = request.task.destination_key
        after = self._rules.after(request, info, key=key, reset=answer.reset)
        self._go_on(request, info, error, after)

    def _go_on(
        self, request: InflightRequest[End], info: ErrorInfo, error: Exception, after: AfterFailure
    ) -> None:
        match after:
            case AskOutage():
                self.sender.complete(self._ask_outage, request, info, error)
            case Hold():
                request.is_retry = True
                self.sender.hold(request)
            case Resend():
                self.sender.repeat(request, 0.0)
            case Again():
                request.is_retry = True
                self.sender.repeat(request, self._requests.pass_time(after.delay_s))
            case Renew():
                self.sender.complete(self._renew, request, error)
            case Stand():
                is_elsewhere = info.error_class is ErrorClass.WRONG_REGION
                may_move = is_elsewhere and not request.is_relocated
                end = self._relocate if may_move else self._on_failure
                self.sender.complete(end, request, error)
            case CutOff():
                stopped = cut_off(self._requests.stop, info, attempts=request.attempts)
                self.sender.complete(self._on_failure, request, stopped)

    # -------------------------------------------------------------- on threads that may block

    def _ask_outage(self, request: InflightRequest[End], info: ErrorInfo, error: Exception) -> None:
        """Find out whether the server is away, and go on then."""
        self._go_on(request, info, error, self._rules.after_suspicion(request, info))

    def _relocate(self, request: InflightRequest[End], error: Exception) -> None:
        """Send a request again to the region of its bucket, as boto3 does by itself."""
        request.is_relocated = True
        if self.sender.relocate(request):
            self.sender.send_again(request)
        else:
            self._on_failure(request, error)

    def _renew(self, request: InflightRequest[End], error: Exception) -> None:
        """Send a request again that was refused as expired, if the credentials were renewed."""
        try:
            is_renewed = self._renewal.renew(request.sent_at_s)
        except ObjectError as failure:
            error, is_renewed = failure, False
        if is_renewed:
            request.is_retry = True
            self.sender.send_again(request)  # at once: until then others have the old ones
        else:
            self._on_failure(request, error)
