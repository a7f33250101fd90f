"""The requests of the CRT engine that wait for an answer, and the threads that may block for them.

awscrt's one thread must never wait. What may block (asking S3 first or again, copies in parts,
renewing credentials) runs on two pools of threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from s3_xfer.copying.request_state import TransferState
from s3_xfer.model import CopyTask, Outcome

OnDone = Callable[[CopyTask, Outcome], None]
OnCrash = Callable[[BaseException], None]


@dataclass(slots=True, eq=False)
class InFlightRequest:
    """One object under way. ``on_done`` gets its outcome, with the task as it was started."""

    started: CopyTask
    task: CopyTask
    on_done: OnDone
    ambiguous: bool = False  # S3 may have copied it although no answer said so
    attempts: int = 0
    sent_at_s: float = 0.0
    is_renewed: bool = False  # its credentials, after S3 called them expired
    error: Exception | None = None  # of the last answer
    give_up: Callable[[], None] | None = None

    @property
    def transfer(self) -> TransferState:
        """The state that the other engine would have of it."""
        return TransferState(ambiguous=self.ambiguous)

    def done(self, outcome: Outcome) -> None:
        """Report how the object ended."""
        self.on_done(self.started, outcome)


class InFlightTable:
    """The requests that wait for an answer, in the order in which they were sent. Thread-safe.

    Without a lock: each method is a single operation on a dict, or works on a copy of it.
    """

    def __init__(self) -> None:
        self._requests: dict[InFlightRequest, None] = {}

    def add(self, request: InFlightRequest) -> None:
        """Add a request that is sent now."""
        self._requests[request] = None

    def remove(self, request: InFlightRequest) -> None:
        """Remove a request that was answered."""
        self._requests.pop(request, None)
        request.give_up = None

    def give_up(self, *, older_than_s: float = float("-inf")) -> None:
        """Give up all requests, or those sent at least ``older_than_s`` seconds ago."""
        overdue_s = time.monotonic() - older_than_s
        for request in list(self._requests):
            if request.sent_at_s > overdue_s:
                break
            if request.give_up:
                request.give_up()


class BlockingPools:
    """Two pools of ``threads`` threads each, for work that may block. Thread-safe.

    Threads that prepare objects may wait for a slot, which becomes free only when a request has
    been completed. So completing has threads of its own. ``after_each`` is called after each piece
    of work, ``on_crash`` with an unexpected error.
    """

    def __init__(self, threads: int, *, after_each: Callable[[], None], on_crash: OnCrash) -> None:
        self._blocking_pool = ThreadPoolExecutor(threads, thread_name_prefix="s3-xfer-blocking")
        self._completion_pool = ThreadPoolExecutor(threads, thread_name_prefix="s3-xfer-completion")
        self._after_each = after_each
        self._on_crash = on_crash

    def prepare(self, work: Callable[..., None], request: InFlightRequest) -> None:
        """Run ``work`` on a request that was not sent yet."""
        self._submit(self._blocking_pool, work, request)

    def complete(
        self, work: Callable[..., None], request: InFlightRequest, *arguments: Any
    ) -> None:
        """Run ``work`` on a request that was answered; it must not wait for a slot."""
        self._submit(self._completion_pool, work, request, *arguments)

    def close(self) -> None:
        """Release the threads, without waiting for their work."""
        self._blocking_pool.shutdown(wait=False)
        self._completion_pool.shutdown(wait=False)

    def guarded(self, work: Callable[..., None], request: InFlightRequest, *arguments: Any) -> None:
        """Run ``work`` here; an unexpected error ends the run, and other requests continue."""
        try:
            work(request, *arguments)
        except BaseException as error:  # noqa: BLE001 - it ends the run
            self._on_crash(error)

    def _submit(
        self,
        pool: ThreadPoolExecutor,
        work: Callable[..., None],
        request: InFlightRequest,
        *arguments: Any,
    ) -> None:
        def run() -> None:
            self.guarded(work, request, *arguments)
            self._after_each()

        pool.submit(run)
