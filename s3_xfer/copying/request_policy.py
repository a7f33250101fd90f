"""What all requests of a run share: one counter, one rate limit, one retry policy, one stop.

So the same error means the same everywhere, metrics and bill hold every request to S3, and
``--max-requests-per-second`` covers them together. The unit of a retry is the request, not the
object: a part that fails does not discard the other 9,999. Waits are exact (1, 2 and 4 seconds by
default): jitter that shortens them makes requests fail that would have succeeded.

Requests to STS follow the same policy, but are neither counted nor limited: STS is free.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias

from s3_xfer.copying.opened import Opened
from s3_xfer.errors import ErrorClass, ErrorInfo, RetryAction
from s3_xfer.model import CopyTask
from s3_xfer.options import CopyOptions
from s3_xfer.pipeline.connections import ConnectionShare, process_budget
from s3_xfer.pipeline.limits import RateLimiter, SharedRateLimiter
from s3_xfer.pipeline.outage import OutageMonitors
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.run_log import RunLog

PassTime = Callable[[float], float]

# What a server that is away fails every request with.
SERVER_AWAY = frozenset(
    {ErrorClass.NETWORK, ErrorClass.TIMEOUT, ErrorClass.SERVER_ERROR, ErrorClass.THROTTLED}
)


class TransferCounter(Protocol):
    """Receives the numbers of a run's requests. Thread-safe."""

    def request_sent(self, operation: str) -> None:
        """Count one HTTP request of the S3 ``operation``."""

    def retried(self, *, throttled: bool) -> None:
        """Count one repetition of a request; ``throttled`` if S3 had asked for fewer."""

    def parts_finished(self, task: CopyTask, done_bytes: int) -> None:
        """State that ``done_bytes`` of one object are copied so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """At most ``retries`` repetitions, after ``delay_s``, twice that, four times that."""

    retries: int
    delay_s: float

    def delay_after_s(self, attempts: int) -> float:
        """Return the wait after the ``attempts``-th failure in a row (counted from 1)."""
        return self.delay_s * 2.0 ** (attempts - 1)


@dataclass(frozen=True, slots=True)
class Stand:
    """The answer stands: the request is not sent again."""


@dataclass(frozen=True, slots=True)
class Again:
    """Send the same request again after ``delay_s``. ``throttled``: S3 asked for fewer requests."""

    delay_s: float
    throttled: bool


@dataclass(frozen=True, slots=True)
class Resend:
    """Send the request again at once, on a new connection; this one was no attempt."""


@dataclass(frozen=True, slots=True)
class Renew:
    """Renew the credentials and send the same request again; where they cannot be: stand."""


@dataclass(frozen=True, slots=True)
class CutOff:
    """It would be sent again, but the run was stopped: the copy was interrupted."""


AfterAnswer: TypeAlias = Stand | Again | Resend | Renew | CutOff


def in_full(wait_s: float) -> float:
    """Return the wait unchanged; only tests shorten it."""
    return wait_s


class AfterStop(enum.Enum):
    """What a stopped run does with a request."""

    REFUSE = enum.auto()  # raises instead of sending, except where it aborts an upload
    SEND = enum.auto()  # sends it, and repeats it without waiting: the last save of a journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What several runs have in common. ``requests``, for credentials, outlasts each of them."""

    requests: RequestPolicy
    limiter: RateLimiter | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPolicy:
    """How all clients of a run send requests. Thread-safe.

    ``pass_time`` returns how much of a wait before a repetition is really waited, in seconds;
    ``opened`` has what was opened to send them.
    """

    counter: TransferCounter
    stop: StopFlag
    retry: RetryPolicy
    limiter: RateLimiter | None = None
    pass_time: PassTime = in_full
    after_stop: AfterStop = AfterStop.REFUSE
    outages: OutageMonitors = field(default_factory=OutageMonitors)
    connections: ConnectionShare = field(default_factory=lambda: process_budget().share())
    opened: Opened = field(default_factory=Opened)
    log: RunLog = field(default_factory=RunLog)
    of_credentials: RequestPolicy | None = None  # where these outlast the run

    @classmethod
    def of(
        cls,
        options: CopyOptions,
        *,
        counter: TransferCounter,
        stop: StopFlag,
        pass_time: PassTime = in_full,
        outages: OutageMonitors | None = None,
        shared: Shared | None = None,
        log: RunLog | None = None,
    ) -> RequestPolicy:
        """Return the policy that ``options`` describe; without ``outages`` none is waited for."""
        return cls(
            counter=counter,
            stop=stop,
            retry=RetryPolicy(retries=options.retries, delay_s=options.retry_delay_s),
            limiter=_limiter(options.max_requests_per_s, stop, shared),
            pass_time=pass_time,
            outages=outages or OutageMonitors(),
            opened=shared.requests.opened if shared else Opened(),
            log=log or RunLog(),
            of_credentials=shared.requests if shared else None,
        )

    @property
    def for_credentials(self) -> RequestPolicy:
        """The policy of requests for credentials, which other runs may wait for, too."""
        return self.of_credentials or self

    def without_retries(self) -> RequestPolicy:
        """Return the same policy for requests that are sent once, even while the server is away."""
        return replace(self, retry=replace(self.retry, retries=0), outages=OutageMonitors())

    def beyond_stop(self) -> RequestPolicy:
        """Return the same policy for requests that a stopped run still sends."""
        return replace(self, after_stop=AfterStop.SEND)

    def refuses_requests(self) -> bool:
        """Return whether the run is stopped and this policy sends nothing more."""
        return self.after_stop is AfterStop.REFUSE and self.stop.is_set()

    def decide(
        self, info: ErrorInfo, *, attempts: int, can_renew: bool, can_resend: bool = False
    ) -> AfterAnswer:
        """Return what follows an answer that ``info`` describes.

        ``attempts`` is how often the request was sent so far, outages left out. ``can_renew`` is
        False if its credentials were renewed already, or cannot be; ``can_resend`` is True if its
        connection was reset, and it may be sent again at once for that.
        """
        after = (
            Resend()
            if can_resend
            else self._unless_stopped(info, attempts=attempts, can_renew=can_renew)
        )
        return CutOff() if self.refuses_requests() and after != Stand() else after

    def _unless_stopped(self, info: ErrorInfo, *, attempts: int, can_renew: bool) -> AfterAnswer:
        action = info.error_class.retry_action
        if can_renew and info.error_class is ErrorClass.CREDENTIALS_EXPIRED:
            return Renew()
        is_repeated = action in (RetryAction.RETRY, RetryAction.SLOW_DOWN)
        if not is_repeated or attempts > self.retry.retries:
            return Stand()
        delay_s = self.retry.delay_after_s(attempts)
        return Again(delay_s, throttled=action is RetryAction.SLOW_DOWN)

    def repeats(self, info: ErrorInfo, *, attempts: int) -> bool:
        """Wait as long as is due after ``attempts`` failures; return whether to send it again."""
        decision = self.decide(info, attempts=attempts, can_renew=False)
        if not isinstance(decision, Again) or not self.wait(decision.delay_s):
            return False
        self.counter.retried(throttled=decision.throttled)
        return True

    def wait(self, delay_s: float) -> bool:
        """Wait before a repetition; a stop ends the wait. Return whether to send it."""
        self.stop.wait(self.pass_time(delay_s))
        return not self.refuses_requests()


def _limiter(per_s: float | None, stop: StopFlag, shared: Shared | None) -> RateLimiter | None:
    if shared and shared.limiter:
        return SharedRateLimiter(per_s or math.inf, stop, shared=shared.limiter)
    return RateLimiter(per_s, stop) if per_s else None
