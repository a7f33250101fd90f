"""Several runs that share what can be shared."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Sequence
from types import TracebackType
from typing import Any, Self, overload

from s3_xfer.comparison import CompareField, CompareResult, Extra, FailOn
from s3_xfer.copying.request_policy import RequestPolicy, Shared
from s3_xfer.errors import ValidationError, checked_call, not_accepted
from s3_xfer.ledger.comparison import CheckResult
from s3_xfer.ledger.metrics import MetricsCollector, TransferMetrics
from s3_xfer.ledger.result import CopyResult
from s3_xfer.model import AccountContext, Outcome, S3Location
from s3_xfer.operations import (
    S3CheckOperation,
    S3CopyOperation,
    S3SyncOperation,
    location,
    locations,
    observers_of,
    options_of,
)
from s3_xfer.options import CopyOptions
from s3_xfer.pipeline.limits import RateLimiter
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.run_log import LOGGER
from s3_xfer.runs.check import CheckRun
from s3_xfer.runs.copy import CopyRun
from s3_xfer.runs.observers import Observers
from s3_xfer.runs.run_end import in_child_of


class Session:
    """Starts runs that share credentials, connections and a limit of requests per second.

    Sides with equal accounts have one session of boto3: roles are assumed, and renewed, once. Runs
    that begin later find connections open. All runs together send at most ``max_requests_per_s``
    requests to S3 (None: no limit), each as many as the others if they want to; a run's own limit
    holds besides. ``logger`` takes what they log, in place of ``s3_xfer``.

    Metrics, journals, retries, failures and stops are each run's own. Every method may be called
    from any thread of the process that made the session.

    Leaving the ``with`` block waits for the runs that are under way. An exception cancels them
    first. Then connections are closed.

    Raises:
        ValidationError: the limit is not above 0.
    """

    @checked_call
    def __init__(
        self, *, max_requests_per_s: float | None = None, logger: logging.Logger | None = None
    ) -> None:
        if max_requests_per_s is not None and not max_requests_per_s > 0:
            raise not_accepted("max_requests_per_s", max_requests_per_s, "a number above 0")
        self._logger = logger or LOGGER
        never = StopFlag()
        requests = RequestPolicy.of(CopyOptions(), counter=MetricsCollector("session"), stop=never)
        limiter = RateLimiter(max_requests_per_s, never) if max_requests_per_s else None
        self._shared = Shared(requests=requests, limiter=limiter)
        self._runs: list[CopyRun | CheckRun] = []
        self._is_closed = False
        self._lock = threading.Lock()
        self._process_id = os.getpid()

    @overload
    def start(
        self,
        operation: S3CopyOperation,
        *,
        on_outcome: Callable[[Outcome], object] | None = None,
        on_progress: Callable[[TransferMetrics], object] | None = None,
        progress_interval_s: float = 1.0,
    ) -> CopyRun: ...

    @overload
    def start(
        self,
        operation: S3CheckOperation,
        *,
        on_outcome: Callable[[CompareResult], object] | None = None,
        on_progress: Callable[[TransferMetrics], object] | None = None,
        progress_interval_s: float = 1.0,
    ) -> CheckRun: ...

    @checked_call
    def start(
        self,
        operation: S3CopyOperation | S3CheckOperation,
        *,
        on_outcome: Callable[[Any], object] | None = None,
        on_progress: Callable[[TransferMetrics], object] | None = None,
        progress_interval_s: float = 1.0,
    ) -> CopyRun | CheckRun:
        """Begin in the background and return the run; see ``start`` of the operation.

        Raises:
            ValidationError: an argument is wrong, the session is closed, or this is a forked child.
        """
        observers = observers_of(on_outcome, on_progress, progress_interval_s)
        with self._lock:
            if os.getpid() != self._process_id:
                raise in_child_of(self._process_id)
            if self._is_closed:
                raise ValidationError("the session is closed", remedy="start it in an open one")
            run = self._begin(operation, observers)
            self._runs = [*(each for each in self._runs if not each.has_ended), run]
        return run

    def _begin(
        self, operation: S3CopyOperation | S3CheckOperation, observers: Observers
    ) -> CopyRun | CheckRun:
        shared, logger = self._shared, self._logger
        if isinstance(operation, S3CheckOperation):
            return CheckRun(operation, observers=observers, shared=shared, logger=logger)
        return CopyRun(operation, observers=observers, shared=shared, logger=logger)

    def copy(
        self,
        source: str | S3Location | Sequence[str | S3Location],
        destination: str | S3Location,
        *,
        recursive: bool = False,
        overwrite: bool = True,
        source_account: AccountContext | None = None,
        destination_account: AccountContext | None = None,
        on_progress: Callable[[TransferMetrics], object] | None = None,
        **options: Any,
    ) -> CopyResult:
        """Do what :func:`s3_xfer.copy` does, as one of the session's runs."""
        operation = S3CopyOperation.between(
            locations(source, source_account),
            location("destination", destination, destination_account),
            recursive=recursive,
            overwrite=overwrite,
            options=options_of(options),
        )
        with self.start(operation, on_progress=on_progress) as run:
            return run.result()

    def sync(
        self,
        source: str | S3Location | Sequence[str | S3Location],
        destination: str | S3Location,
        *,
        source_account: AccountContext | None = None,
        destination_account: AccountContext | None = None,
        on_progress: Callable[[TransferMetrics], object] | None = None,
        **options: Any,
    ) -> CopyResult:
        """Do what :func:`s3_xfer.sync` does, as one of the session's runs."""
        operation = S3SyncOperation.between(
            locations(source, source_account),
            location("destination", destination, destination_account),
            options=options_of(options),
        )
        with self.start(operation, on_progress=on_progress) as run:
            return run.result()

    def check(
        self,
        source: str | S3Location | Sequence[str | S3Location],
        destination: str | S3Location,
        *,
        recursive: bool = False,
        compare: Collection[CompareField | str] = (),
        extra: Extra = Extra.COUNT,
        fail_on: FailOn = FailOn.DIFFERENCE,
        source_account: AccountContext | None = None,
        destination_account: AccountContext | None = None,
        on_progress: Callable[[TransferMetrics], object] | None = None,
        **options: Any,
    ) -> CheckResult:
        """Do what :func:`s3_xfer.check` does, as one of the session's runs."""
        operation = S3CheckOperation.between(
            locations(source, source_account),
            location("destination", destination, destination_account),
            recursive=recursive,
            compare=compare,
            extra=extra,
            fail_on=fail_on,
            options=options_of(options),
        )
        with self.start(operation, on_progress=on_progress) as run:
            return run.result()

    def close(self) -> None:
        """Start nothing more, wait for the runs under way, close the connections."""
        self.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if os.getpid() != self._process_id:
            return
        with self._lock:
            self._is_closed = True
            runs = list(self._runs)
        try:
            if error is None:
                for run in runs:
                    run.wait()
        except BaseException as interruption:
            _cancel(runs, interruption)
            raise
        else:
            if error is not None:
                _cancel(runs, error)
        finally:
            self._shared.requests.opened.close()


def _cancel(runs: Collection[CopyRun | CheckRun], error: BaseException) -> None:
    """Cancel ``runs``, and wait for their ends as long as these may take."""
    for run in runs:
        run.cancel(type(error).__name__)
    until_s = time.monotonic() + max((run.end_timeout_s for run in runs), default=0.0)
    for run in runs:
        run.wait(max(0.0, until_s - time.monotonic()))
