"""Repeats requests from inside botocore.

botocore's own retries are off; its ``needs-retry`` event may wait and answer 0, which sends the
request again at once (that is how its own retries work). The event comes for each answer, also to
requests that s3transfer sends from its own threads. What an answer calls for is decided in
:mod:`~s3_xfer.copying.after_answer`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from s3_xfer.copying import answers
from s3_xfer.copying.after_answer import Again, Renew, Stand
from s3_xfer.copying.renewal import Renewal
from s3_xfer.copying.request_gate import PACED
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.copying.request_state import RequestState, state_of
from s3_xfer.errors import ErrorInfo, RetryAction
from s3_xfer.pipeline.pacing import Pacer

OnError: TypeAlias = Callable[[str, RequestState, ErrorInfo], None]


class RequestRetry:
    """Repeats the requests of one client. Thread-safe.

    Each of ``on_error`` is called with the operation, the state and the facts of every answer that
    is an error, before it is decided whether the request is sent again.
    """

    def __init__(
        self,
        requests: RequestPolicy,
        *,
        pacer: Pacer,
        renewal: Renewal,
        on_error: tuple[OnError, ...] = (),
    ) -> None:
        self._requests = requests
        self._pacer = pacer
        self._renewal = renewal
        self._on_error = on_error

    def attach(self, client: Any) -> None:
        """Judge every answer to ``client``."""
        client.meta.events.register("needs-retry.s3", self._needs_retry)

    def _needs_retry(
        self,
        response: tuple[Any, dict[str, Any]] | None,
        operation: Any,
        caught_exception: Exception | None,
        request_dict: dict[str, Any],
        **_: object,
    ) -> int | None:
        """Return 0 (send again now; the wait is over) or None (the answer stands)."""
        state = state_of(request_dict["context"])
        parsed = response[1] if response else None
        info = answers.facts_of(operation.name, parsed, caught_exception)
        if info is None:
            if operation.name in PACED:
                self._pacer.accepted(state.signed_at_s)
            return None
        state.count_attempt(caught_exception, info)
        for note in self._on_error:
            note(operation.name, state, info)
        return 0 if self._is_repeated(state, info) else None

    def _is_repeated(self, state: RequestState, info: ErrorInfo) -> bool:
        """Wait as long as is due; return whether the request is sent again."""
        throttled = info.error_class.retry_action is RetryAction.SLOW_DOWN
        if throttled:
            self._pacer.throttled(state.signed_at_s)
        decision = self._requests.decide(
            info, attempts=state.attempts, can_renew=not state.is_renewed
        )
        match decision:
            case Again():
                again = self._requests.wait(decision.delay_s)
            case Renew():
                state.is_renewed = True
                again = self._renewal.renew(state.signed_at_s)
            case Stand():
                again = False
        if again:
            self._requests.counter.retried(throttled=throttled)
        return again
