"""The limits that a user sets: on requests per second, on failures, and a deadline."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from s3_xfer.pipeline.limits import TRIED_MIN, WINDOW, FailureLimit, RateLimiter
from s3_xfer.pipeline.stop import BY_DEADLINE, StopFlag, start_deadline_timer
from tests.patience import PATIENCE_S

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
def test_no_second_has_more_requests_than_the_rate_limit(per_s: float, pauses: list[float]) -> None:
    """In any window the requests are at most its length times the rate, and a short burst."""
    clock = Clock()
    limiter = RateLimiter(per_s, StopFlag(), monotonic=clock)
    sent_s = []
    for pause_s in pauses:
        clock.now_s += pause_s
        sent_s.append(clock.now_s + limiter.reserve())

    for first, start_s in enumerate(sent_s):
        for count, end_s in enumerate(sent_s[first:], start=1):
            assert count <= (end_s - start_s + 0.1) * per_s + 1 + 1e-6


def test_requests_below_the_rate_limit_do_not_wait() -> None:
    """Each of them is sent at once."""
    clock = Clock()
    limiter = RateLimiter(10, StopFlag(), monotonic=clock)

    for _ in range(50):
        clock.now_s += 0.1
        assert limiter.reserve() == 0


def test_a_stopped_run_does_not_wait_for_its_rate_limit() -> None:
    """A stop ends a wait of many minutes, also one that has begun."""
    stop = StopFlag()
    limiter = RateLimiter(0.001, stop)
    limiter.wait()
    waiting = threading.Thread(target=limiter.wait, daemon=True)
    waiting.start()

    stop.set("test")
    waiting.join(PATIENCE_S)

    assert not waiting.is_alive()


def test_one_failure_more_than_allowed_exceeds_the_limit() -> None:
    """The limit itself is allowed; successes do not count."""
    limit = FailureLimit(2, None)

    messages = [limit.note(failed=failed) for failed in (True, False, True, False, True)]

    assert messages[:4] == [None] * 4
    assert messages[4] == "3 failed, more than the 2 allowed"


def test_the_share_of_a_few_is_not_used() -> None:
    """The limit applies from the hundredth object on."""
    limit = FailureLimit(None, 50)

    messages = [limit.note(failed=True) for _ in range(TRIED_MIN)]

    assert messages[:-1] == [None] * (TRIED_MIN - 1)
    assert messages[-1] == "100 % of the last 100 failed, more than the 50 % allowed"


def test_the_share_is_that_of_the_last_thousand() -> None:
    """A right that is taken away late is noticed soon, after any number of successes."""
    limit = FailureLimit(None, 10)
    for _ in range(20 * WINDOW):
        assert limit.note(failed=False) is None

    failures = next(n for n in range(1, WINDOW) if limit.note(failed=True))

    assert failures == WINDOW // 10 + 1


def test_old_failures_do_not_count() -> None:
    """One in twenty, for any time, is never one in ten."""
    limit = FailureLimit(None, 10)

    assert not any(limit.note(failed=number % 20 == 19) for number in range(10 * WINDOW))


@given(st.lists(st.booleans(), max_size=3 * TRIED_MIN), st.integers(0, 99))
def test_the_share_is_counted_right(outcomes: list[bool], percent: int) -> None:
    """The limit is exceeded when a recount of the window says so."""
    limit = FailureLimit(None, percent)
    for number, failed in enumerate(outcomes, start=1):
        share = 100 * sum(outcomes[:number]) / number
        expected = number >= TRIED_MIN and share > percent
        assert bool(limit.note(failed=failed)) is expected


def test_without_limits_there_is_nothing_to_count() -> None:
    """There is no failure limit then."""
    assert FailureLimit.of(None, None) is None
    assert FailureLimit.of(0, None) is not None


def test_a_deadline_stops_the_run() -> None:
    """With the stop reason that results and exit codes use."""
    stop = StopFlag()

    assert start_deadline_timer(stop, None, NOW) is None
    timer = start_deadline_timer(stop, NOW + timedelta(seconds=0.02), NOW)

    assert timer is not None
    assert timer.daemon
    assert stop.wait(PATIENCE_S)
    assert stop.reason == BY_DEADLINE
