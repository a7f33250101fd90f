"""When the same request is worth sending again.

One policy for every request of a run: listing, HEAD, copy, each part. Waits are exact (1, 2, 4
seconds by default) because shortening them by jitter makes failures where there were none, and
they end at once when the run is stopped. The unit is the request, not the object: a part that
fails does not throw away the other 9,999. Refuses to sleep where nobody could wake it.
"""

from __future__ import annotations

from collections.abc import Callable

from s3_xfer.errors import ErrorClass, RetryAction
from s3_xfer.pipeline.stop import StopFlag

PassTime = Callable[[float], float]


def in_full(wait_s: float) -> float:
    """Return the wait as it is: nobody shortens it outside of tests."""
    return wait_s


class RetryPolicy:
    """At most ``retries`` repetitions, after ``delay_s``, twice that, four times that.

    ``pass_time`` is told each wait that begins, and says how much of it is really waited.
    """

    def __init__(
        self, *, retries: int, delay_s: float, stop: StopFlag, pass_time: PassTime = in_full
    ) -> None:
        self._retries = retries
        self._delay_s = delay_s
        self._stop = stop
        self._pass_time = pass_time

    def delay_s(self, attempts: int) -> float:
        """Return the wait after the ``attempts``-th failure in a row (counted from 1)."""
        return self._delay_s * 2.0 ** (attempts - 1)

    def delay_before_retry_s(self, error_class: ErrorClass, attempts: int) -> float | None:
        """Return how long to wait before sending again, or None if it must not be.

        ``attempts`` is how often the request has been sent so far.
        """
        if error_class.retry_action not in (RetryAction.RETRY, RetryAction.SLOW_DOWN):
            return None
        if attempts > self._retries or self._stop.is_set():
            return None
        return self._pass_time(self.delay_s(attempts))

    def wait_to_retry(self, error_class: ErrorClass, attempts: int) -> bool:
        """Wait as long as due and return True; or return False if it must not be sent again."""
        delay_s = self.delay_before_retry_s(error_class, attempts)
        return delay_s is not None and not self._stop.wait(delay_s)
