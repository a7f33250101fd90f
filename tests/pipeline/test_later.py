"""Doing things later, in one thread."""

from __future__ import annotations

import queue
import time

from s3_xfer.pipeline.later import Later
from s3_xfer.pipeline.stop import StopFlag
from tests.patience import PATIENCE_S


def _unexpected(error: BaseException) -> None:
    raise AssertionError("crashed") from error


def test_functions_are_called_when_due_not_in_the_order_given() -> None:
    """A short wait does not stand behind a long one."""
    later = Later(StopFlag(), on_crash=_unexpected)
    called: queue.Queue[tuple[str, float]] = queue.Queue()
    started_s = time.monotonic()
    for name, delay_s in (("late", 0.2), ("soon", 0.05), ("now", 0.0)):
        later.call(delay_s, lambda name=name: called.put((name, time.monotonic() - started_s)))  # type: ignore[misc]
    order = [called.get(timeout=PATIENCE_S) for _ in range(3)]
    later.close()
    assert [name for name, _ in order] == ["now", "soon", "late"]
    assert all(at_s >= due_s for (_, at_s), due_s in zip(order, (0.0, 0.05, 0.2), strict=True))


def test_stop_makes_everything_due_at_once() -> None:
    """So that whoever waits for a repetition can account for it."""
    stop = StopFlag()
    later = Later(stop, on_crash=_unexpected)
    called: queue.Queue[str] = queue.Queue()
    later.call(600, lambda: called.put("called"))
    stop.set("enough")
    assert called.get(timeout=PATIENCE_S) == "called"
    later.close()


def test_crash_is_told_and_does_not_end_the_thread() -> None:
    """What must not raise is reported if it does; the rest is still called."""
    crashes: queue.Queue[BaseException] = queue.Queue()
    called: queue.Queue[str] = queue.Queue()
    later = Later(StopFlag(), on_crash=crashes.put)
    later.call(0, lambda: 1 / 0)  # type: ignore[arg-type]
    later.call(0.01, lambda: called.put("called"))
    assert isinstance(crashes.get(timeout=PATIENCE_S), ZeroDivisionError)
    assert called.get(timeout=PATIENCE_S) == "called"
    later.close()
