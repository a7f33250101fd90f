"""The flag that stops a run."""

from __future__ import annotations

import threading
import time

from s3_xfer.pipeline.stop import StopFlag
from tests.patience import PATIENCE_S


def test_first_reason_stands() -> None:
    """The first reason is kept, later ones change nothing."""
    stop = StopFlag()

    assert not stop.is_set()
    assert stop.set("Ctrl-C")
    assert not stop.set("SIGTERM")
    assert (stop.is_set(), stop.reason) == (True, "Ctrl-C")


def test_waiting_ends_at_once_when_stopped() -> None:
    """A wait of an hour is interrupted."""
    stop = StopFlag()
    threading.Timer(0.05, stop.set, ["cancelled"]).start()
    started = time.monotonic()

    assert stop.wait(3600)
    assert time.monotonic() - started < PATIENCE_S
