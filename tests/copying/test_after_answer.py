"""What follows an answer: which requests are sent again, how often, and after which waits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_xfer import CopyOptions
from s3_xfer.copying.request_policy import (
    AfterAnswer,
    Again,
    CutOff,
    Renew,
    RequestPolicy,
    Resend,
    RetryPolicy,
    Stand,
)
from s3_xfer.errors import ErrorClass, ErrorInfo, RetryAction
from s3_xfer.ledger.metrics import MetricsCollector
from s3_xfer.pipeline.stop import StopFlag

RETRIED = [
    kind for kind in ErrorClass if kind.retry_action in (RetryAction.RETRY, RetryAction.SLOW_DOWN)
]
NOT_RETRIED = [kind for kind in ErrorClass if kind not in RETRIED]
THREE = RetryPolicy(retries=3, delay_s=1.0)


def info(error_class: ErrorClass) -> ErrorInfo:
    """Return the facts of an error of this class."""
    return ErrorInfo(error_class=error_class, code=error_class.value, message="")


def decide(
    error_class: ErrorClass,
    attempts: int = 1,
    *,
    retry: RetryPolicy = THREE,
    can_renew: bool = True,
    can_resend: bool = False,
    is_stopped: bool = False,
) -> AfterAnswer:
    """Return the decision about an error of this class."""
    stop = StopFlag()
    if is_stopped:
        stop.set("cancelled")
    requests = RequestPolicy(counter=MetricsCollector("test"), stop=stop, retry=retry)
    return requests.decide(
        info(error_class), attempts=attempts, can_renew=can_renew, can_resend=can_resend
    )


@pytest.mark.parametrize(
    ("error_class", "attempts", "can_renew", "is_stopped", "decision"),
    [
        (ErrorClass.SERVER_ERROR, 1, True, False, Again(1.0, throttled=False)),
        (ErrorClass.SERVER_ERROR, 2, True, False, Again(2.0, throttled=False)),
        (ErrorClass.SERVER_ERROR, 3, True, False, Again(4.0, throttled=False)),
        (ErrorClass.SERVER_ERROR, 4, True, False, Stand()),
        (ErrorClass.THROTTLED, 1, True, False, Again(1.0, throttled=True)),
        (ErrorClass.THROTTLED, 4, True, False, Stand()),
        (ErrorClass.CONFLICT, 1, True, False, Again(1.0, throttled=False)),
        (ErrorClass.EMPTY_RESPONSE, 1, True, False, Again(1.0, throttled=False)),
        (ErrorClass.CREDENTIALS_EXPIRED, 1, True, False, Renew()),
        (ErrorClass.CREDENTIALS_EXPIRED, 4, True, False, Renew()),
        (ErrorClass.CREDENTIALS_EXPIRED, 1, False, False, Stand()),
        (ErrorClass.CREDENTIALS_EXPIRED, 1, True, True, CutOff()),
        (ErrorClass.CREDENTIALS_EXPIRED, 1, False, True, Stand()),
        (ErrorClass.CREDENTIALS_REFUSED, 1, True, False, Stand()),
        (ErrorClass.UPLOAD_LOST, 1, True, False, Stand()),
        (ErrorClass.ACCESS_DENIED, 1, True, False, Stand()),
        (ErrorClass.INTERRUPTED, 0, True, False, Stand()),
        (ErrorClass.SERVER_ERROR, 1, True, True, CutOff()),
        (ErrorClass.THROTTLED, 1, True, True, CutOff()),
        (ErrorClass.THROTTLED, 4, True, True, Stand()),
        (ErrorClass.ACCESS_DENIED, 1, True, True, Stand()),
    ],
)
def test_decisions(
    error_class: ErrorClass,
    attempts: int,
    can_renew: bool,
    is_stopped: bool,
    decision: AfterAnswer,
) -> None:
    """The whole rule, as a table, with three retries after one, two and four seconds."""
    assert decide(error_class, attempts, can_renew=can_renew, is_stopped=is_stopped) == decision


@pytest.mark.parametrize(
    ("is_stopped", "decision"), [(False, Resend()), (True, CutOff())], ids=["running", "stopped"]
)
def test_what_an_idle_connection_lost_is_sent_again_at_once(
    is_stopped: bool, decision: AfterAnswer
) -> None:
    """Also where no retries are left; a stopped run sends nothing more."""
    assert decide(ErrorClass.NETWORK, 4, can_resend=True, is_stopped=is_stopped) == decision


@pytest.mark.parametrize("error_class", RETRIED)
def test_transient_errors_are_repeated_three_times_after_1_2_and_4_seconds(
    error_class: ErrorClass,
) -> None:
    """The mission's schedule, exactly."""
    decisions = [decide(error_class, attempts) for attempts in (1, 2, 3, 4)]

    delays_s = [decision.delay_s for decision in decisions if isinstance(decision, Again)]
    assert delays_s == [1.0, 2.0, 4.0]
    assert decisions[3] == Stand()


@pytest.mark.parametrize("error_class", NOT_RETRIED)
def test_other_errors_are_never_repeated(error_class: ErrorClass) -> None:
    """A permanent error costs one request and no wait."""
    assert decide(error_class, can_renew=False) == Stand()


@given(retries=st.integers(0, 10), delay_s=st.floats(0, 100))
def test_setting_bounds_the_number_of_repetitions(retries: int, delay_s: float) -> None:
    """``retries`` repetitions and not one more, each wait twice the one before."""
    retry = RetryPolicy(retries=retries, delay_s=delay_s)

    decisions = [
        decide(ErrorClass.THROTTLED, attempts, retry=retry) for attempts in range(1, retries + 2)
    ]

    assert decisions == [
        *(Again(delay_s * 2**number, throttled=True) for number in range(retries)),
        Stand(),
    ]


class RecordingStop(StopFlag):
    """A stop flag whose waits take no time and are remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.waits_s: list[float] = []

    def wait(self, timeout_s: float) -> bool:
        """Remember the wait and return whether the run is stopped."""
        self.waits_s.append(timeout_s)
        return self.is_set()


class StopsMeanwhile(RecordingStop):
    """A stop flag that is set during the first wait."""

    def wait(self, timeout_s: float) -> bool:
        """Stop during this wait."""
        self.set("cancelled")
        return super().wait(timeout_s)


def policy(stop: StopFlag) -> RequestPolicy:
    """Return the policy of a run with the default options."""
    return RequestPolicy.of(CopyOptions(), counter=MetricsCollector("test"), stop=stop)


def test_a_run_waits_on_its_stop_flag() -> None:
    """Repetitions are counted, and the waits are those of the policy."""
    stop, counter = RecordingStop(), MetricsCollector("test")
    requests = RequestPolicy.of(CopyOptions(), counter=counter, stop=stop)

    repeated = [
        requests.repeats(info(ErrorClass.THROTTLED), attempts=attempts) for attempts in (1, 2, 3, 4)
    ]

    assert repeated == [True, True, True, False]
    assert stop.waits_s == [1.0, 2.0, 4.0]
    assert (counter.snapshot().retries, counter.snapshot().throttles) == (3, 3)


def test_a_stop_ends_the_wait_and_the_repetition() -> None:
    """Nothing is sent again after a stop that came while waiting."""
    assert not policy(StopsMeanwhile()).repeats(info(ErrorClass.TIMEOUT), attempts=1)


def test_a_stopped_run_does_not_repeat() -> None:
    """After a stop nothing is sent again, and nothing waits."""
    stop = RecordingStop()
    stop.set("cancelled")

    assert not policy(stop).repeats(info(ErrorClass.TIMEOUT), attempts=1)
    assert stop.waits_s == []


def test_beyond_a_stop_requests_are_still_repeated() -> None:
    """The last save of a journal has all its tries; the wait itself ends with the stop."""
    requests = policy(StopsMeanwhile()).beyond_stop()

    repeated = [
        requests.repeats(info(ErrorClass.TIMEOUT), attempts=attempts) for attempts in (1, 2, 3, 4)
    ]

    assert repeated == [True, True, True, False]


def test_without_retries_every_answer_stands() -> None:
    """As a diagnosis sends its requests."""
    stop = RecordingStop()

    assert not policy(stop).without_retries().repeats(info(ErrorClass.TIMEOUT), attempts=1)
    assert stop.waits_s == []
