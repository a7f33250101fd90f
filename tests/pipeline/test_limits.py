"""What somebody has set: a ceiling on requests, a limit on failures, a moment to stop at."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from s3_xfer.pipeline.alarm import BY_DEADLINE, set_alarm
from s3_xfer.pipeline.ceiling import Ceiling
from s3_xfer.pipeline.failure_limit import TRIED_MIN, WINDOW, FailureLimit
from s3_xfer.pipeline.stop import StopFlag

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s


@given(
    per_s=st.floats(0.5, 5000),
    pauses=st.lists(st.floats(0, 2), max_size=60),
)
def test_no_second_has_more_requests_than_the_ceiling(per_s: float, pauses: list[float]) -> None:
    """In any window the requests are at most its length times the rate, and a short burst."""
    clock = Clock()
    ceiling = Ceiling(per_s, StopFlag(), monotonic=clock)
    sent_s = []
    for pause_s in pauses:
        clock.now_s += pause_s
        sent_s.append(clock.now_s + ceiling.reserve())

    for first, start_s in enumerate(sent_s):
        for count, end_s in enumerate(sent_s[first:], start=1):
            assert count <= (end_s - start_s + 0.1) * per_s + 1 + 1e-6


def test_a_ceiling_does_not_keep_who_is_slower_waiting() -> None:
    """Below the ceiling every request goes at once."""
    clock = Clock()
    ceiling = Ceiling(10, StopFlag(), monotonic=clock)

    for _ in range(50):
        clock.now_s += 0.1
        assert ceiling.reserve() == 0


def test_a_stopped_run_does_not_wait_for_its_ceiling() -> None:
    """A stop ends a wait of many minutes, also one that has begun."""
    stop = StopFlag()
    ceiling = Ceiling(0.001, stop)
    ceiling.wait()
    waiting = threading.Thread(target=ceiling.wait, daemon=True)
    waiting.start()

    stop.set("test")
    waiting.join(60)

    assert not waiting.is_alive()


def test_one_failure_more_than_allowed_is_told() -> None:
    """The limit itself is allowed; what succeeds does not count."""
    limit = FailureLimit(2, None)

    told = [limit.note(failed=failed) for failed in (True, False, True, False, True)]

    assert told[:4] == [None] * 4
    assert told[4] == "3 failed, more than the 2 allowed"


def test_no_share_is_told_of_a_few() -> None:
    """The first ninety-nine say nothing, the hundredth does."""
    limit = FailureLimit(None, 50)

    told = [limit.note(failed=True) for _ in range(TRIED_MIN)]

    assert told[:-1] == [None] * (TRIED_MIN - 1)
    assert told[-1] == "100 % of the last 100 failed, more than the 50 % allowed"


def test_the_share_is_that_of_the_last_thousand() -> None:
    """A right that is taken away late is noticed soon, however much went well before."""
    limit = FailureLimit(None, 10)
    for _ in range(20 * WINDOW):
        assert limit.note(failed=False) is None

    failures = next(n for n in range(1, WINDOW) if limit.note(failed=True))

    assert failures == WINDOW // 10 + 1


def test_failures_that_are_long_past_do_not_count() -> None:
    """One in twenty, for ever, is never one in ten."""
    limit = FailureLimit(None, 10)

    assert not any(limit.note(failed=number % 20 == 19) for number in range(10 * WINDOW))


@given(st.lists(st.booleans(), max_size=3 * TRIED_MIN), st.integers(0, 99))
def test_the_share_is_counted_right(outcomes: list[bool], percent: int) -> None:
    """What is told is what a recount of the window says."""
    limit = FailureLimit(None, percent)
    for number, failed in enumerate(outcomes, start=1):
        share = 100 * sum(outcomes[:number]) / number
        expected = number >= TRIED_MIN and share > percent
        assert bool(limit.note(failed=failed)) is expected


def test_without_limits_nothing_is_counted() -> None:
    """Without a limit there is no object that counts; a limit of zero has one."""
    assert FailureLimit.of(None, None) is None
    assert FailureLimit.of(0, None) is not None


def test_an_alarm_stops_the_run() -> None:
    """The deadline stops a run with the reason that results and exit codes know."""
    stop = StopFlag()

    assert set_alarm(stop, None, NOW) is None
    alarm = set_alarm(stop, NOW + timedelta(seconds=0.02), NOW)

    assert alarm is not None
    assert alarm.daemon
    assert stop.wait(10)
    assert stop.reason == BY_DEADLINE
