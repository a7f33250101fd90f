"""What is known about a request, and about the object it belongs to, while it is under way.

s3transfer takes no argument that it would hand through. So the state of an object's transfer is
found by the destination key, when botocore builds a request, and travels in its context from there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from s3_xfer.copying import answers
from s3_xfer.errors import ErrorClass, ErrorInfo, ObjectError
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.s3_client import S3Client

_STATE = "s3_xfer.request"
_STOP_POLL_S = 0.1
_FINISHING = frozenset({*answers.ETAG_RESULTS, "DeleteObject"})


@dataclass(slots=True)
class TransferState:
    """What one object adds to its requests, and what their answers were.

    ``create_headers`` go into ``CreateMultipartUpload``, a byte for each character. ``answer`` is
    the parsed answer that finished the copy. ``ambiguous``: S3 may have finished it although no
    answer said so. A part of ``whole_range`` is all of the object. ``began_at_s`` is on
    ``time.monotonic``'s clock.
    """

    create_headers: dict[str, str] = field(default_factory=dict)
    answer: Mapping[str, Any] = field(default_factory=dict)
    part_etags: dict[int, str] = field(default_factory=dict)
    ambiguous: bool = False
    whole_range: str = ""
    began_at_s: float = field(default_factory=time.monotonic)


@dataclass(slots=True, kw_only=True, eq=False)
class SentRequest:
    """What is known of one request with all its repetitions, whatever engine sends it."""

    attempts: int = 0
    attempts_in_outages: int = 0  # of these; they spend no repetition
    is_renewed: bool = False  # its credentials, after S3 called them expired
    is_resent: bool = False  # at once, because its connection was reset


@dataclass(slots=True, eq=False)
class RequestState(SentRequest):
    """A request of botocore. ``signed_at_s`` is on ``time.monotonic``'s clock."""

    params: Mapping[str, Any] = field(default_factory=dict)
    transfer: TransferState | None = None
    signed_at_s: float = 0.0

    def count_attempt(self, error: Exception | None, info: ErrorInfo) -> None:
        """Count one sending, unless the stop kept the request back; note the count in ``error``."""
        self.attempts += info.error_class is not ErrorClass.INTERRUPTED
        if error:
            answers.set_attempts(error, self.attempts)


def state_of(context: dict[str, Any]) -> RequestState:
    """Return the state in botocore's ``context`` of a request; a new one the first time."""
    state: RequestState = context.setdefault(_STATE, RequestState())
    return state


def stopped(stop: StopFlag) -> ObjectError:
    """Return the error of a request that a stopped run does not send."""
    return ObjectError.of(ErrorClass.INTERRUPTED, f"stopped: {stop.reason}")


def cut_off(stop: StopFlag, info: ErrorInfo, *, attempts: int) -> ObjectError:
    """Return the error of a request that a stopped run does not send again.

    ``info`` is about the last of its ``attempts`` answers.
    """
    message = f"stopped: {stop.reason}, before the request was sent again"
    return ObjectError(
        replace(info, error_class=ErrorClass.INTERRUPTED, message=message, attempts=attempts)
    )


class TransferStates:
    """The states of the objects that one client is copying, by destination key. Thread-safe."""

    def __init__(self, stop: StopFlag) -> None:
        self._stop = stop
        self._states: dict[str, TransferState] = {}
        self._changed = threading.Condition()

    def attach(self, client: S3Client) -> None:
        """Let the requests of ``client`` find their states and fill them."""
        events = client.meta.events
        events.register("before-parameter-build.s3", self._find)
        events.register("after-call.s3", self._keep_answer)

    @contextmanager
    def of(self, destination_key: str) -> Iterator[TransferState]:
        """Collect the answers to the requests that write ``destination_key``.

        Two copies to the same key (a report may name an object twice) take turns.

        Raises:
            ObjectError: the run was stopped while another copy to the key was under way.
        """
        with self._changed:
            while destination_key in self._states:
                if self._stop.is_set():
                    raise stopped(self._stop)
                self._changed.wait(_STOP_POLL_S)
            state = self._states[destination_key] = TransferState()
        try:
            yield state
        finally:
            with self._changed:
                del self._states[destination_key]
                self._changed.notify_all()

    def note_error(self, operation: str, state: RequestState, info: ErrorInfo) -> None:
        """Note that what finishes a copy, or deletes, may have done so without an answer."""
        may_be_done = operation in _FINISHING and info.error_class in answers.AMBIGUOUS
        if state.transfer and may_be_done:
            state.transfer.ambiguous = True

    def _find(self, params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        transfer = self._states.get(params.get("Key", ""))
        if transfer and params.get("CopySourceRange") == transfer.whole_range:
            # Ranges are for sources above 5 MiB only (API reference, UploadPartCopy).
            del params["CopySourceRange"]
        context[_STATE] = RequestState(params, transfer)

    def _keep_answer(
        self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: object
    ) -> None:
        state = state_of(context)
        if state.transfer is None or parsed.get("Error"):
            return
        if model.name == "UploadPartCopy":
            part_number = state.params["PartNumber"]
            state.transfer.part_etags[part_number] = parsed["CopyPartResult"]["ETag"]
        elif model.name in answers.ETAG_RESULTS:
            state.transfer.answer = parsed
