"""Which requests are repeated, how often, and after which waits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_xfer.copying.retry import RetryPolicy
from s3_xfer.errors import ErrorClass, RetryAction
from s3_xfer.pipeline.stop import StopFlag


class RecordingStop(StopFlag):
    """A stop flag whose waits take no time and are remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.waits_s: list[float] = []

    def wait(self, timeout_s: float) -> bool:
        """Remember the wait and return whether the run is stopped."""
        self.waits_s.append(timeout_s)
        return self.is_set()


RETRIED = [
    kind for kind in ErrorClass if kind.retry_action in (RetryAction.RETRY, RetryAction.SLOW_DOWN)
]
NOT_RETRIED = [kind for kind in ErrorClass if kind not in RETRIED]


@pytest.mark.parametrize("error_class", RETRIED)
def test_transient_errors_are_repeated_three_times_after_1_2_and_4_seconds(
    error_class: ErrorClass,
) -> None:
    """The mission's schedule, exactly."""
    stop = RecordingStop()
    policy = RetryPolicy(retries=3, delay_s=1.0, stop=stop)

    answers = [policy.wait_to_retry(error_class, attempts) for attempts in (1, 2, 3, 4)]

    assert answers == [True, True, True, False]
    assert stop.waits_s == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("error_class", NOT_RETRIED)
def test_other_errors_are_never_repeated(error_class: ErrorClass) -> None:
    """A permanent error costs one request and no wait."""
    stop = RecordingStop()

    assert not RetryPolicy(retries=3, delay_s=1.0, stop=stop).wait_to_retry(error_class, 1)
    assert stop.waits_s == []


@given(retries=st.integers(0, 10), delay_s=st.floats(0, 100))
def test_setting_bounds_the_number_of_repetitions(retries: int, delay_s: float) -> None:
    """``retries`` repetitions and not one more, each wait twice the one before."""
    stop = RecordingStop()
    policy = RetryPolicy(retries=retries, delay_s=delay_s, stop=stop)

    attempts = 1
    while policy.wait_to_retry(ErrorClass.THROTTLED, attempts):
        attempts += 1

    assert attempts == retries + 1
    assert stop.waits_s == [delay_s * 2**n for n in range(retries)]


def test_stopped_run_does_not_repeat() -> None:
    """After a stop nothing is sent again, not even after a wait."""
    stop = RecordingStop()
    stop.set("cancelled")

    assert not RetryPolicy(retries=3, delay_s=1.0, stop=stop).wait_to_retry(ErrorClass.TIMEOUT, 1)
    assert stop.waits_s == []
