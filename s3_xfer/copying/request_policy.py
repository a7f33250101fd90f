"""What all requests of a run share: one counter, one rate limit, one retry policy, one stop.

It is made before the first client and handed to every client of the run: those of both sides, of
the journal in S3 and of a diagnosis. So metrics and bill hold every request to S3, and
``--max-requests-per-second`` covers them together.

Requests to STS are retried by the same policy and end with the same stop. They are neither counted
nor limited: STS is free and has quotas of its own, and the sessions that callers pass in renew
themselves unseen.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, replace

from s3_xfer.copying.after_answer import Again, Decision, RetryPolicy, after_answer
from s3_xfer.copying.counting import TransferCounter
from s3_xfer.errors import ErrorInfo
from s3_xfer.options import CopyOptions
from s3_xfer.pipeline.limits import RateLimiter
from s3_xfer.pipeline.stop import StopFlag

PassTime = Callable[[float], float]


def in_full(wait_s: float) -> float:
    """Return the wait unchanged; only tests shorten it."""
    return wait_s


class AfterStop(enum.Enum):
    """What a stopped run does with a request."""

    REFUSE = enum.auto()  # raises instead of sending, except where it aborts an upload
    SEND = enum.auto()  # sends it, and repeats it without waiting: the last save of a journal


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPolicy:
    """How a run sends requests. Thread-safe; shared by all clients of a run.

    ``pass_time`` is called with each wait before a repetition, in seconds, and returns how much of
    it is really waited.
    """

    counter: TransferCounter
    stop: StopFlag
    retry: RetryPolicy
    limiter: RateLimiter | None = None
    pass_time: PassTime = in_full
    after_stop: AfterStop = AfterStop.REFUSE

    @classmethod
    def of(
        cls,
        options: CopyOptions,
        *,
        counter: TransferCounter,
        stop: StopFlag,
        pass_time: PassTime = in_full,
    ) -> RequestPolicy:
        """Return the policy that ``options`` describe."""
        per_s = options.max_requests_per_s
        return cls(
            counter=counter,
            stop=stop,
            retry=RetryPolicy(retries=options.retries, delay_s=options.retry_delay_s),
            limiter=RateLimiter(per_s, stop) if per_s else None,
            pass_time=pass_time,
        )

    def without_retries(self) -> RequestPolicy:
        """Return the same policy for requests that are sent once."""
        return replace(self, retry=replace(self.retry, retries=0))

    def beyond_stop(self) -> RequestPolicy:
        """Return the same policy for requests that a stopped run still sends."""
        return replace(self, after_stop=AfterStop.SEND)

    def refuses_requests(self) -> bool:
        """Return whether the run is stopped and this policy sends nothing more."""
        return self.after_stop is AfterStop.REFUSE and self.stop.is_set()

    def decide(self, info: ErrorInfo, *, attempts: int, can_renew: bool) -> Decision:
        """Return what follows an answer; see :func:`~s3_xfer.copying.after_answer.after_answer`."""
        return after_answer(
            info,
            self.retry,
            attempts=attempts,
            can_renew=can_renew,
            is_stopped=self.refuses_requests(),
        )

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
