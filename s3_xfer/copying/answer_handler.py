"""What the CRT engine does with an answer: complete the object, repeat the request, or ask S3.

The ordinary answer is handled in the copy client's thread, which must not wait. Everything that may
wait is handed to the completion pool.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from s3_xfer.copying import answers, verify
from s3_xfer.copying.after_answer import Again, Renew, Stand
from s3_xfer.copying.answers import Answer
from s3_xfer.copying.copier import ObjectCopier
from s3_xfer.copying.in_flight import BlockingPools, InFlightRequest
from s3_xfer.copying.renewal import Renewal
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.errors import ObjectError, RetryAction
from s3_xfer.model import Copied, Outcome
from s3_xfer.pipeline.pacing import Pacer
from s3_xfer.pipeline.slots import Slots

OPERATION = "CopyObject"

Repeat: TypeAlias = Callable[[InFlightRequest, float], None]
Send: TypeAlias = Callable[[InFlightRequest], None]


class AnswerHandler:
    """Handles the answers to requests that hold one of ``slots``. Thread-safe.

    ``engine`` is recorded in the outcome. ``output_shape`` is botocore's for ``CopyObject``.
    ``repeat`` sends a request again after so many seconds and does not wait; ``send_again`` sends
    it at once, with the newest credentials.
    """

    def __init__(
        self,
        *,
        copier: ObjectCopier,
        engine: str,
        output_shape: Any,
        requests: RequestPolicy,
        renewal: Renewal,
        pacer: Pacer,
        slots: Slots[InFlightRequest],
        pools: BlockingPools,
        repeat: Repeat,
        send_again: Send,
    ) -> None:
        self._copier = copier
        self._engine = engine
        self._output_shape = output_shape
        self._requests = requests
        self._renewal = renewal
        self._pacer = pacer
        self._slots = slots
        self._pools = pools
        self._repeat = repeat
        self._send_again = send_again

    def judge(self, request: InFlightRequest, answer: Answer) -> None:
        """Complete the request, or find out what else it takes. Does not wait."""
        source, etag = request.task.source, answers.copied_etag(answer)
        if etag is None:
            self._refused(request, answer)
            return
        self._pacer.accepted(request.sent_at_s)
        if etag != source.etag and _contradicts(source.etag, etag, answer):
            self._pools.complete(self._verify, request, etag)
        else:
            self._complete(request, Copied(request.task, source.size, etag, engine=self._engine))

    def conclude(self, request: InFlightRequest, error: Exception) -> None:
        """Complete a request whose last answer was ``error``; may ask S3."""
        self._complete(request, self._copier.conclude(request.task, request.transfer, error))

    def _refused(self, request: InFlightRequest, answer: Answer) -> None:
        """Schedule the repetition, or let the error stand."""
        error, info = answers.refusal_of(
            answer, OPERATION, self._output_shape, attempts=request.attempts
        )
        request.error = error
        request.ambiguous |= info.error_class in answers.AMBIGUOUS
        throttled = info.error_class.retry_action is RetryAction.SLOW_DOWN
        if throttled and self._pacer.throttled(request.sent_at_s):
            self._slots.shrink()
        decision = self._requests.decide(
            info, attempts=request.attempts, can_renew=not request.is_renewed
        )
        match decision:
            case Again():
                self._requests.counter.retried(throttled=decision.throttled)
                self._repeat(request, self._requests.pass_time(decision.delay_s))
            case Renew():
                self._pools.complete(self._renew, request, error)
            case Stand():
                self._pools.complete(self.conclude, request, error)

    def _renew(self, request: InFlightRequest, error: Exception) -> None:
        """Send a request again that was refused as expired, if the credentials were renewed."""
        request.is_renewed = True
        try:
            is_renewed = self._renewal.renew(request.sent_at_s)
        except ObjectError as failure:
            error, is_renewed = failure, False
        if is_renewed:
            self._requests.counter.retried(throttled=False)
            self._send_again(request)  # at once: until then others are signed with the old ones
        else:
            self.conclude(request, error)

    def _verify(self, request: InFlightRequest, etag: str) -> None:
        self._complete(request, self._copier.verified(request.task, etag, by=self._engine))

    def _complete(self, request: InFlightRequest, outcome: Outcome) -> None:
        try:
            request.done(outcome)
        finally:
            self._slots.free(success=isinstance(outcome, Copied))


def _contradicts(source_etag: str, etag: str, answer: Answer) -> bool:
    return not verify.may_differ(source_etag, etag, answers.encryption_of(answer))
