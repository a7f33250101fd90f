"""What follows the answer to a request: one pure decision for every request of a run.

Both engines, the listing, look-ups, the journal's requests in S3 and STS ask here, so the same
error means the same everywhere. The unit is the request, not the object: a part that fails does not
discard the other 9,999. Waits are exact (1, 2 and 4 seconds by default), because jitter that
shortens them makes requests fail that would have succeeded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from s3_xfer.errors import ErrorClass, ErrorInfo, RetryAction


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
class Renew:
    """Renew the credentials and send the same request again; if they cannot be renewed: stand."""


Decision: TypeAlias = Stand | Again | Renew


def after_answer(
    info: ErrorInfo, retry: RetryPolicy, *, attempts: int, can_renew: bool, is_stopped: bool
) -> Decision:
    """Return what follows an answer that ``info`` describe.

    ``attempts`` is how often the request was sent so far. ``can_renew`` is False if its
    credentials were renewed already, or cannot be. In a stopped run every answer stands.
    """
    if is_stopped:
        return Stand()
    if can_renew and info.error_class is ErrorClass.CREDENTIALS_EXPIRED:
        return Renew()
    retry_action = info.error_class.retry_action
    if retry_action not in (RetryAction.RETRY, RetryAction.SLOW_DOWN) or attempts > retry.retries:
        return Stand()
    return Again(retry.delay_after_s(attempts), throttled=retry_action is RetryAction.SLOW_DOWN)
