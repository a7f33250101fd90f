"""The deadline is announced when the speed says that it comes before the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from s3_xfer.cli.follow import ProgressLog
from s3_xfer.ledger.rate import Rates
from tests.render import samples


def rates(eta_s: float | None) -> Rates:
    """Return a speed with this remaining time."""
    return Rates(objects_per_s=1, bytes_per_s=1, eta_s=eta_s)


def test_a_deadline_that_comes_too_soon_is_told_once() -> None:
    """The warning comes as soon as the speed is known, and not again."""
    log = ProgressLog(0)
    early = replace(samples.ended(), end_time=None, duration_s=1.0)
    later = replace(early, duration_s=60.0)
    ends_at = early.start_time + timedelta(minutes=10)

    assert log.deadline_warning(ends_at, early, rates(3600)) == ""
    assert log.deadline_warning(ends_at, later, rates(None)) == ""
    assert log.deadline_warning(None, later, rates(3600)) == ""
    assert log.deadline_warning(ends_at, later, rates(540)) == ""
    told = log.deadline_warning(ends_at, later, rates(3600))
    assert told == "note: at this speed it takes 1 h 00 m more, and the deadline comes in 9 m 00 s"
    assert log.deadline_warning(ends_at, later, rates(3600)) == ""


def test_a_copy_that_just_makes_it_is_not_warned_of() -> None:
    """What ends at the deadline itself is not too late."""
    log = ProgressLog(0)
    now = replace(samples.ended(), end_time=None, duration_s=60.0)
    ends_at = now.start_time + timedelta(minutes=10)

    assert log.deadline_warning(ends_at, now, rates(540)) == ""
    assert log.deadline_warning(ends_at, now, rates(541)) != ""
