"""Delayed calls, all in one thread."""

from __future__ import annotations

import queue
import time
from functools import partial

from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.pipeline.timer import TimerThread
from tests.patience import PATIENCE_S


def _unexpected(error: BaseException) -> None:
    raise AssertionError("crashed") from error


def test_functions_are_called_when_due_not_in_the_order_given() -> None:
    """A short delay does not wait for a long one."""
    timer = TimerThread(StopFlag(), on_crash=_unexpected)
    called: queue.Queue[tuple[str, float]] = queue.Queue()
    started_s = time.monotonic()

    def call(name: str) -> None:
        called.put((name, time.monotonic() - started_s))

    for name, delay_s in (("late", 0.2), ("soon", 0.05), ("now", 0.0)):
        timer.call_later(delay_s, partial(call, name))
    order = [called.get(timeout=PATIENCE_S) for _ in range(3)]
    timer.close()
    assert [name for name, _ in order] == ["now", "soon", "late"]
    assert all(at_s >= due_s for (_, at_s), due_s in zip(order, (0.0, 0.05, 0.2), strict=True))


def test_stop_makes_everything_due_at_once() -> None:
    """A stop does not wait for delayed calls."""
    stop = StopFlag()
    timer = TimerThread(stop, on_crash=_unexpected)
    called: queue.Queue[str] = queue.Queue()
    timer.call_later(600, lambda: called.put("called"))
    stop.set("enough")
    assert called.get(timeout=PATIENCE_S) == "called"
    timer.close()


def test_crash_is_reported_and_does_not_end_the_thread() -> None:
    """The exception of one function is reported; later ones are still called."""
    crashes: queue.Queue[BaseException] = queue.Queue()
    called: queue.Queue[str] = queue.Queue()
    timer = TimerThread(StopFlag(), on_crash=crashes.put)
    timer.call_later(0, lambda: 1 / 0)  # type: ignore[arg-type]
    timer.call_later(0.01, lambda: called.put("called"))
    assert isinstance(crashes.get(timeout=PATIENCE_S), ZeroDivisionError)
    assert called.get(timeout=PATIENCE_S) == "called"
    timer.close()
