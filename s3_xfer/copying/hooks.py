"""What happens around the requests of one client, on botocore's events.

botocore calls its event handlers for each HTTP request of a client, also for those that s3transfer
sends from its own threads (user guide, "Extensibility"). botocore's own retries are off; its
``needs-retry`` event may wait and answer 0, which sends the request again at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from s3_xfer.copying import answers, exact_signing, transport
from s3_xfer.copying.answers import Reset
from s3_xfer.copying.headers import Headers
from s3_xfer.copying.optional_headers import OptionalHeaders
from s3_xfer.copying.renewal import Renewal
from s3_xfer.copying.request_policy import Again, CutOff, Renew, RequestPolicy, Resend, Stand
from s3_xfer.copying.request_state import (
    RequestState,
    TransferStates,
    cut_off,
    state_of,
    stopped,
)
from s3_xfer.copying.retry_rules import AskOutage, Hold, RetryRules
from s3_xfer.copying.upload_registry import UploadTracker
from s3_xfer.errors import ErrorInfo, RetryAction
from s3_xfer.pipeline.pacing import Pacer
from s3_xfer.s3_client import S3Client

_PACED = frozenset({"CopyObject", "UploadPartCopy", "CreateMultipartUpload", "DeleteObject"})
_SENT_WHEN_STOPPED = ("AbortMultipartUpload", "ListMultipartUploads")  # they remove what is left


class RequestHooks:
    """The handlers of one client. Thread-safe.

    All clients of a run share ``requests``; ``headers`` are added by operation. Writes wait for
    the ``pacer``, all other requests for the rate limit alone. While ``outage`` knows the server
    to be away, all wait; ``probe`` tells it whether the server answers, see there. ``rules`` decide
    what follows a failure.
    """

    def __init__(
        self,
        requests: RequestPolicy,
        *,
        renewal: Renewal,
        headers: Mapping[str, Headers],
        probe: Callable[[], bool] | None = None,
    ) -> None:
        self.requests = requests
        self.outage = requests.outages.of("", None)  # until a client is attached
        self.rules = RetryRules(requests, self.outage)
        self._probe = probe
        self.renewal = renewal
        self.pacer = Pacer(requests.stop, limiter=requests.limiter)
        self.transfers = TransferStates(requests.stop)
        self.uploads = UploadTracker(requests.log)
        self.optional = OptionalHeaders()
        self._headers = headers
        self.keeps_uploads_when_stopped = False  # True if another run will go on with them

    def attach(self, client: S3Client) -> None:
        """Register the handlers on ``client`` (an S3 client whose own retries are off)."""
        self.outage = self.requests.outages.of(client.meta.endpoint_url, self._probe)
        self.rules = RetryRules(self.requests, self.outage)
        transport.attach(client, self.requests.opened)
        exact_signing.attach(client, "CreateMultipartUpload")
        events = client.meta.events
        # The wildcards put these before botocore's own, which looks for errors in the answer.
        events.register_first("before-parse.*.GetObjectTagging", answers.require_tagging)
        events.register("before-parse.*.*", answers.make_canonical)
        events.register("after-call.s3", answers.require_proof)  # before those that read answers
        self.uploads.attach(client)
        self.transfers.attach(client)
        events.register("before-call.s3", self._add_headers)
        events.register("before-sign.s3", self._before_sign)
        events.register("before-send.s3", self._before_send)
        events.register("needs-retry.s3", self._needs_retry)  # type: ignore[arg-type] # returns

    def _add_headers(
        self, model: Any, params: dict[str, Any], context: dict[str, Any], **_: object
    ) -> None:
        params["headers"].update(self._headers.get(model.name, {}))
        transfer = state_of(context).transfer
        if transfer and model.name == "CreateMultipartUpload":
            # As bytes: botocore would encode text once more.
            exact = {name: text.encode("latin-1") for name, text in transfer.create_headers.items()}
            params["headers"].update(exact)
        self.optional.strip(params["headers"])

    def _before_sign(self, request: Any, **_: object) -> None:
        self.outage.wait()  # before the signature, which would grow too old
        self.renewal.keep_fresh()
        state_of(request.context).signed_at_s = time.monotonic()

    def _before_send(self, event_name: str, **_: object) -> None:
        operation = event_name.rpartition(".")[2]
        if operation in _PACED:
            self.pacer.wait()
        elif self.requests.limiter:
            self.requests.limiter.wait()
        if self.requests.refuses_requests() and (
            self.keeps_uploads_when_stopped or operation not in _SENT_WHEN_STOPPED
        ):
            raise stopped(self.requests.stop)
        transport.take_permit_of(self.requests.connections, self.requests.stop)
        self.requests.counter.request_sent(operation)

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
        info = answers.facts_of(operation.name, response and response[1], caught_exception)
        if info is None:
            self.outage.answered()
            if operation.name in _PACED:
                self.pacer.accepted(state.signed_at_s)
            return None
        if self.optional.refused(info, request_dict["headers"]):
            self.optional.strip(request_dict["headers"])
            return 0
        if response and "Body" in response[1]:  # of a GetObject that nobody will read
            response[1]["Body"].close()
        state.count_attempt(caught_exception, info)
        self.transfers.note_error(operation.name, state, info)
        self.uploads.note_error(operation.name, state, info)
        reset = transport.reset_of(caught_exception)
        return 0 if self._is_repeated(operation.name, state, info, reset) else None

    def _is_repeated(
        self, operation: str, state: RequestState, info: ErrorInfo, reset: Reset | None
    ) -> bool:
        """Wait as long as is due; return whether the request is sent again.

        Raises:
            ObjectError: it would be, but the run was stopped.
        """
        throttled = info.error_class.retry_action is RetryAction.SLOW_DOWN
        if throttled:
            self.pacer.throttled(state.signed_at_s)
        after = self.rules.after(state, info, key=state.params.get("Key", ""), reset=reset)
        if isinstance(after, AskOutage):
            after = self.rules.after_suspicion(state, info)
        match after:
            case Resend():
                transport.use_new_connection()
                return True
            case Again():
                again = self.requests.wait(after.delay_s)
            case Hold():
                again = True  # it waits before it is signed
            case Renew():
                again = self.renewal.renew(state.signed_at_s)
            case Stand():
                return False
            case CutOff():
                again = False
        if again:
            self.requests.counter.retried(throttled=throttled)
        elif self.requests.refuses_requests() and operation not in _SENT_WHEN_STOPPED:
            raise cut_off(self.requests.stop, info, attempts=state.attempts)
        return again
