"""What happens around every request: headers, stop, counting, retry, and what S3 answered.

A few handlers on botocore's events. They see each HTTP request of a client, also those that
s3transfer sends from its own threads, which is why retry, pinning and accounting live here and
not around the calls. (botocore documents the events in ``botocore/hooks.py`` and the user guide,
"Extensibility"; that ``needs-retry`` may wait and answer 0 is how its own retry works.)

Refuses to know what is copied: a :class:`Trail` carries what differs from object to object, found
again by the destination key, because thread-locals do not reach s3transfer's threads.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from s3_xfer.copying import answers
from s3_xfer.copying.counting import TransferCounter
from s3_xfer.copying.headers import Headers
from s3_xfer.copying.renewal import Renewal
from s3_xfer.copying.retry import RetryPolicy
from s3_xfer.copying.uploads import Intent, UploadBook
from s3_xfer.errors import (
    ErrorClass,
    ErrorInfo,
    ObjectError,
    RetryAction,
)
from s3_xfer.model import OpenUpload
from s3_xfer.pipeline.pacing import Pacer
from s3_xfer.pipeline.stop import StopFlag

_NOT_XML = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|x0*(?:[0-8bBcCeEfF]|1[\da-fA-F]));"
)
PACED = frozenset({"CopyObject", "UploadPartCopy", "CreateMultipartUpload"})
_TURN_S = 0.02
_WHEN_STOPPED = ("AbortMultipartUpload", "ListMultipartUploads")  # nothing is to stay behind
_HALF_A_ROLE = (
    b"<ErrorResponse><Error><Code>InternalError</Code><Message>STS answered 200 without complete "
    b"credentials</Message></Error></ErrorResponse>"
)
_UPLOAD_ENDS = ("CompleteMultipartUpload", "AbortMultipartUpload")
_TRAIL = "s3_xfer.trail"
_ATTEMPTS = "s3_xfer.attempts"
_PARAMS = "s3_xfer.params"
_SIGNED_AT_S = "s3_xfer.signed_at_s"
_RENEWED = "s3_xfer.renewed"


@dataclass(slots=True)
class Trail:
    """What one object adds to its requests, and what their answers were.

    ``create_headers`` go into ``CreateMultipartUpload``. ``answer`` is the parsed answer that
    finished the copy. ``ambiguous`` says that S3 may have finished it without our knowing.
    """

    create_headers: Headers = field(default_factory=dict)
    answer: Mapping[str, Any] = field(default_factory=dict)
    part_etags: dict[int, str] = field(default_factory=dict)
    ambiguous: bool = False


class RequestHooks:
    """The handlers of one client. ``headers`` are added by operation, see :mod:`.headers`.

    Thread-safe. All clients of a run share ``retry``, ``stop`` and ``metrics``; the pacer
    belongs to one bucket, ``renewal`` to the credentials of the client.
    """

    def __init__(
        self,
        *,
        headers: Mapping[str, Headers],
        retry: RetryPolicy,
        pacer: Pacer,
        stop: StopFlag,
        metrics: TransferCounter,
        renewal: Renewal,
    ) -> None:
        self.retry = retry
        self.renewal = renewal
        self.pacer = pacer
        self._headers = headers
        self._stop = stop
        self._metrics = metrics
        self._trails: dict[str, Trail] = {}
        self._open_uploads: dict[str, OpenUpload] = {}
        self._lost_uploads: dict[str, Intent] = {}
        self._book: UploadBook | None = None
        self._leaves_uploads = False
        self._lock = threading.Lock()

    def attach(self, client: Any) -> None:
        """Register the handlers on ``client`` (an S3 client whose own retries are off)."""
        events = client.meta.events
        events.register("before-parameter-build.s3", self._find_trail)
        events.register("before-call.s3", self._add_headers)
        events.register("before-sign.s3", self._before_sign)
        events.register("before-send.s3", self._before_send)
        events.register("needs-retry.s3", self._needs_retry)
        events.register("after-call.s3", self._after_call)
        events.register("before-parse.s3.*", _make_parsable)

    @contextmanager
    def trail(self, destination_key: str) -> Iterator[Trail]:
        """Collect what the requests that write ``destination_key`` are answered.

        Two copies to the same key (a report that names an object twice) take turns.
        """
        trail = Trail()
        while self._trails.setdefault(destination_key, trail) is not trail:
            time.sleep(_TURN_S)
        try:
            yield trail
        finally:
            del self._trails[destination_key]

    def write_down(self, book: UploadBook) -> None:
        """Keep uploads in ``book`` from now on."""
        self._book = book

    def leave_uploads(self) -> None:
        """Let a stopped run leave its uploads open: another one will go on with them."""
        self._leaves_uploads = True

    def lost_uploads(self) -> tuple[Intent, ...]:
        """Return where S3 may have opened uploads whose answer was lost."""
        with self._lock:
            return tuple(self._lost_uploads.values())

    def open_uploads(self) -> tuple[OpenUpload, ...]:
        """Return the multipart uploads that were created and not finished since."""
        with self._lock:
            return tuple(self._open_uploads.values())

    # ------------------------------------------------------------- in the order of one request

    def _find_trail(self, params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        context[_PARAMS] = params
        context[_TRAIL] = self._trails.get(params.get("Key", ""))

    def _add_headers(
        self, model: Any, params: dict[str, Any], context: dict[str, Any], **_: object
    ) -> None:
        params["headers"].update(self._headers.get(model.name, {}))
        if self._book and model.name == "CreateMultipartUpload":
            self._book.begins(context[_PARAMS]["Key"])
        trail: Trail | None = context.get(_TRAIL)
        if trail and model.name == "CreateMultipartUpload":
            params["headers"].update(trail.create_headers)

    def _before_sign(self, request: Any, **_: object) -> None:
        self.renewal.keep_fresh()
        request.context[_SIGNED_AT_S] = time.monotonic()

    def _before_send(self, event_name: str, **_: object) -> None:
        operation = event_name.rpartition(".")[2]
        if operation in PACED:
            self.pacer.wait()
        elif self.pacer.ceiling:
            self.pacer.ceiling.wait()
        if self._stop.is_set() and (self._leaves_uploads or operation not in _WHEN_STOPPED):
            raise ObjectError.of(ErrorClass.INTERRUPTED, f"stopped: {self._stop.reason}")
        self._metrics.request_sent(operation)

    def _needs_retry(
        self,
        response: tuple[Any, dict[str, Any]] | None,
        operation: Any,
        caught_exception: Exception | None,
        request_dict: dict[str, Any],
        **_: object,
    ) -> int | None:
        """Answer 0 (send again now, the wait is over) or None (this answer stands)."""
        parsed = response[1] if response else None
        info = answers.facts_of(operation.name, parsed, caught_exception)
        if info is None:
            if operation.name in PACED:
                self.pacer.accepted(request_dict["context"][_SIGNED_AT_S])
            return None
        context = request_dict["context"]
        attempts = _count_attempt(context, caught_exception, sent=_was_sent(info))
        trail: Trail | None = context.get(_TRAIL)
        if (
            trail
            and operation.name in answers.ETAG_PLACES
            and info.error_class in answers.AMBIGUOUS
        ):
            trail.ambiguous = True
        if operation.name == "CreateMultipartUpload" and info.error_class in answers.AMBIGUOUS:
            key = context[_PARAMS]["Key"]
            with self._lock:
                self._lost_uploads.setdefault(key, Intent(key, datetime.now(UTC)))
        throttled = info.error_class.retry_action is RetryAction.SLOW_DOWN
        if throttled:
            self.pacer.throttled(context[_SIGNED_AT_S])
        again = self._has_new_credentials(info, context) or self.retry.wait_to_retry(
            info.error_class, attempts
        )
        if not again:
            return None
        self._metrics.retried(throttled=throttled)
        return 0

    def _has_new_credentials(self, info: ErrorInfo, context: dict[str, Any]) -> bool:
        """Renew the credentials of a request that was refused as expired, once."""
        expired = info.error_class is ErrorClass.CREDENTIALS_EXPIRED and _was_sent(info)
        if not expired or self._stop.is_set() or context.get(_RENEWED):
            return False
        context[_RENEWED] = True
        return self.renewal.renew(context[_SIGNED_AT_S])

    def _after_call(
        self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: object
    ) -> None:
        """Keep what the answer proves; raise if it proves nothing (the call then raises)."""
        if parsed.get("Error"):
            self._note_uploads(model.name, context, parsed)
            return
        info = answers.missing_proof(model.name, parsed)
        if info:
            raise ObjectError(info)
        self._note_uploads(model.name, context, parsed)
        trail: Trail | None = context.get(_TRAIL)
        if trail is None:
            return
        if model.name == "UploadPartCopy":
            part_number = context[_PARAMS]["PartNumber"]
            trail.part_etags[part_number] = parsed["CopyPartResult"]["ETag"]
        elif model.name in answers.ETAG_PLACES:
            trail.answer = parsed

    def _note_uploads(
        self, operation: str, context: dict[str, Any], parsed: dict[str, Any]
    ) -> None:
        failed = parsed.get("Error", {}).get("Code")
        params = context[_PARAMS]
        if operation == "CreateMultipartUpload" and not failed:
            upload = OpenUpload(params["Bucket"], params["Key"], parsed["UploadId"])
            with self._lock:
                self._open_uploads[upload.upload_id] = upload
            if self._book:
                self._book.opened(upload, doubtful=upload.key in self._lost_uploads)
        elif operation in _UPLOAD_ENDS and failed in (None, "NoSuchUpload"):
            with self._lock:
                self._open_uploads.pop(params["UploadId"], None)
            if self._book:
                self._book.closed(params["UploadId"])


def repeat_sts(client: Any, retry: RetryPolicy) -> None:
    """Let ``client``, an STS client whose own retries are off, follow the run's policy."""
    client.meta.events.register("before-parse.sts.AssumeRole", _refuse_half_a_role)

    def needs_retry(
        response: tuple[Any, dict[str, Any]] | None,
        operation: Any,
        caught_exception: Exception | None,
        request_dict: dict[str, Any],
        **_: object,
    ) -> int | None:
        parsed = response[1] if response else None
        info = answers.facts_of(operation.name, parsed, caught_exception)
        if info is None:
            return None
        attempts = _count_attempt(request_dict["context"], caught_exception, sent=1)
        if retry.wait_to_retry(info.error_class, attempts):
            return 0
        if parsed and response and response[0].status_code == HTTPStatus.OK:
            raise answers.error_of(parsed, operation.name)  # botocore looks at the status only
        return None

    client.meta.events.register("needs-retry.sts", needs_retry)


def _count_attempt(context: dict[str, Any], error: Exception | None, *, sent: int) -> int:
    """Return how often a request was sent, ``sent`` times more by now; let its ``error`` say so."""
    attempts: int = context.get(_ATTEMPTS, 0) + sent
    context[_ATTEMPTS] = attempts
    if error:
        answers.tell_attempts(error, attempts)
    return attempts


def _refuse_half_a_role(response_dict: dict[str, Any], **_: object) -> None:
    """Make an error of a 200 without credentials.

    botocore would raise what no retry sees, with the whole answer, secrets included, in its text.
    """
    body = response_dict["body"].rstrip()
    whole = b"<Credentials>" in body and body.endswith(b"</AssumeRoleResponse>")
    if response_dict["status_code"] == HTTPStatus.OK and not whole:
        words = body if body.endswith(b"</ErrorResponse>") else _HALF_A_ROLE
        response_dict.update(status_code=500, body=words)


def _make_parsable(operation_model: Any, response_dict: dict[str, Any], **_: object) -> None:
    """Replace what XML 1.0 cannot hold: these answers repeat the key, control characters and all.

    A listing asks for percent-encoded keys instead; here S3 offers no such choice, and botocore,
    which cannot parse the answer, has made a 500 of it (its handler comes before any of ours).
    """
    if operation_model.name not in ("CreateMultipartUpload", "CompleteMultipartUpload"):
        return
    body = _NOT_XML.sub(b"?", response_dict["body"])
    if body != response_dict["body"] and b"<Error>" not in body:
        response_dict.update(body=body, status_code=200)


def _was_sent(info: ErrorInfo) -> bool:
    """Return whether S3 may have seen the request: the stop gate raises before it goes out."""
    return info.error_class is not ErrorClass.INTERRUPTED
