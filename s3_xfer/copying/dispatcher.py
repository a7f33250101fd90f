"""Keeps many single-request copies under way without a thread for each.

What an answer means, which requests are repeated and what counts as copied is decided by the same
:mod:`.answers`, :mod:`.request_policy` and :mod:`.settlement` as for the other engine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from s3_xfer.copying import answers, verify
from s3_xfer.copying.answers import Answer
from s3_xfer.copying.copier import ObjectCopier
from s3_xfer.copying.request_sender import InflightRequest, OnCrash
from s3_xfer.copying.retrying_sender import RetryingSender
from s3_xfer.errors import ObjectError
from s3_xfer.model import Copied, CopyTask, NotAttempted, Outcome
from s3_xfer.pipeline.slots import Slots

if TYPE_CHECKING:
    from s3_xfer.copying.crt import CrtCopyClient  # awscrt is optional

ObjectRequest: TypeAlias = InflightRequest[Outcome]


class AsyncDispatcher:
    """Copies what :meth:`start` is given, single requests by ``copy_client``. Thread-safe.

    At most ``limit`` of these are under way, and twice ``options.threads`` objects are on the
    blocking pool. ``on_crash`` is called with unexpected errors.
    """

    def __init__(
        self, copier: ObjectCopier, copy_client: CrtCopyClient, *, limit: int, on_crash: OnCrash
    ) -> None:
        context = copier.context
        self._copier = copier
        self._settler = copier.settler
        self._engine = copy_client.name
        self._stop = context.hooks.requests.stop
        self._blocking_slots: Slots[ObjectRequest] = Slots(2 * context.options.threads, self._stop)
        self._answers: RetryingSender[Outcome] = RetryingSender(
            copy_client,
            context,
            limit=limit,
            on_success=self._copied,
            on_failure=self._conclude,
            on_crash=on_crash,
        )
        self._sender = self._answers.sender

    def expect(self, answer_s: float) -> None:
        """Begin with as many copies at a time as suit answers that take ``answer_s``."""
        self._sender.slots.expect(answer_s)

    @property
    def waiting(self) -> int:
        """How many single requests wait for their turn to be sent."""
        return self._sender.slots.waiting

    def preconnect(self, count: int) -> None:
        """Open connections now for the first ``count`` single requests, as far as is allowed."""
        self._sender.preconnect(count)

    def start(self, task: CopyTask, on_done: Callable[[CopyTask, Outcome], None]) -> None:
        """Begin to copy ``task``; wait only for room. ``on_done`` is called once, by any thread."""
        is_second_try = task.earlier_error is not None
        request: ObjectRequest = InflightRequest(
            task, partial(on_done, task), ambiguous=is_second_try
        )
        if self._copier.is_ready(task):
            self._enqueue(request)
        elif self._blocking_slots.enqueue(request):
            self._begin_blocking()
        else:
            request.done(NotAttempted(task))

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything that was started has ended; return False after ``timeout_s``."""
        until_s = time.monotonic() + timeout_s
        if self._stop.is_set():
            self._begin_blocking()
            self._sender.end_queued()
        # In this order: prepared objects may still be dispatched.
        if not self._blocking_slots.wait_until_empty(timeout_s):
            return False
        return self._sender.slots.wait_until_empty(max(0.0, until_s - time.monotonic()))

    def close(self) -> None:
        """Give up what is still under way; its outcome is not reported."""
        self._sender.close()

    def _enqueue(self, request: ObjectRequest) -> None:
        try:
            is_queued = self._sender.enqueue(request)
        except ObjectError as error:  # no credentials: an end like any other
            request.done(self._settler.conclude(request.task, request.transfer, error))
            return
        if not is_queued:
            request.done(NotAttempted(request.task))

    # ---------------------------------------------- in the copy client's thread: nothing waits

    def _copied(self, request: ObjectRequest, answer: Answer, etag: str) -> None:
        source = request.task.source
        if etag != source.etag and verify.contradicts(
            source.etag, etag, answers.encryption_of(answer)
        ):
            self._sender.complete(self._verify, request, etag)
        else:
            self._end(request, Copied(request.task, source.size, etag, engine=self._engine))

    def _end(self, request: ObjectRequest, outcome: Outcome) -> None:
        self._answers.end(request, outcome, success=isinstance(outcome, Copied))

    # -------------------------------------------------------------- on threads that may block

    def _begin_blocking(self) -> None:
        while (request := self._blocking_slots.next()) is not None:
            self._sender.prepare(self._prepare, request)

    def _prepare(self, request: ObjectRequest) -> None:
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

    def _conclude(self, request: ObjectRequest, error: Exception) -> None:
        """Complete a request whose last answer was ``error``; may ask S3."""
        if not request.is_repeated_without and self._settler.drops_condition(request.task, error):
            request.is_repeated_without = True
            self._sender.send_again(request)
            return
        self._end(request, self._settler.conclude(request.task, request.transfer, error))

    def _verify(self, request: ObjectRequest, etag: str) -> None:
        self._end(request, self._settler.verified(request.task, etag, engine=self._engine))
