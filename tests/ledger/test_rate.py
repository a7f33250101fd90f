"""Speed and remaining time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.rate import RateMeter


def seen(at_s: float, **numbers: Any) -> TransferMetrics:
    """Return what a run looks like ``at_s`` seconds after its start."""
    values: dict[str, Any] = {"listing_complete": True, **numbers}
    return TransferMetrics(
        operation_id="op",
        start_time=datetime(2026, 1, 1, tzinfo=UTC),
        end_time=None,
        duration_s=at_s,
        **values,
    )


def test_no_eta_before_the_listing_is_complete() -> None:
    """A time computed from half a total would be a lie."""
    meter = RateMeter()
    meter.observe(seen(0))

    rates = meter.observe(
        seen(10, listing_complete=False, total_files_found=100, files_copied_successfully=50)
    )

    assert rates.eta_s is None
    assert rates.objects_per_s == pytest.approx(5)


def test_eta_from_the_recent_rate() -> None:
    """What was fast at first and is slow now takes as long as it is slow."""
    meter = RateMeter(window_s=10)
    meter.observe(seen(0, total_files_found=2000))
    for second in range(1, 31):
        done = 1000 if second <= 10 else 1000 + (second - 10) * 10
        rates = meter.observe(seen(second, total_files_found=2000, files_copied_successfully=done))

    assert rates.objects_per_s == pytest.approx(10)
    assert rates.eta_s == pytest.approx(80)


def test_eta_is_the_longer_of_objects_and_bytes() -> None:
    """One large object that is left counts by its bytes, not as one of a thousand."""
    meter = RateMeter()
    meter.observe(seen(0, total_files_found=1000, total_bytes_found=10_000))

    rates = meter.observe(
        seen(
            10,
            total_files_found=1000,
            files_copied_successfully=999,
            total_bytes_found=10_000,
            total_bytes_transferred=1_000,
        )
    )

    assert rates.eta_s == pytest.approx(90)


def test_nothing_left_means_zero_and_nothing_known_means_none() -> None:
    """A finished run has zero seconds left, and one without a speed an unknown time."""
    done = seen(5, total_files_found=3, files_copied_successfully=2, files_failed=1)

    assert RateMeter().observe(done).eta_s == 0
    assert RateMeter().observe(seen(5, total_files_found=3)).eta_s is None


def test_two_seconds_are_enough_for_an_eta() -> None:
    """A shorter span says more about the start than about the speed, so it gives no time."""
    meter, total = RateMeter(), {"total_files_found": 100}
    meter.observe(seen(0, **total))

    early = meter.observe(seen(1.99, files_copied_successfully=10, **total))
    later = meter.observe(seen(2, files_copied_successfully=10, **total))

    assert early.eta_s is None
    assert later.eta_s == pytest.approx(18)


def test_what_earlier_runs_have_copied_is_no_speed_of_this_run() -> None:
    """A resumed run begins at zero objects per second, however much is done already."""
    earlier = {
        "total_files_found": 1000,
        "total_bytes_found": 10_000,
        "files_copied_earlier": 800,
        "files_skipped_earlier": 100,
        "bytes_copied_earlier": 8000,
        "bytes_skipped_earlier": 1000,
        "files_skipped": 100,
        "bytes_skipped": 1000,
    }
    numbers = {"files_copied_successfully": 801, "total_bytes_transferred": 8010}

    rates = RateMeter().observe(seen(1, **numbers, **earlier))

    assert rates.objects_per_s == pytest.approx(1)
    assert rates.bytes_per_s == pytest.approx(10)


def test_the_time_before_the_first_copy_does_not_slow_the_rate_down() -> None:
    """Access was checked for ten seconds; since then ten objects were copied in two."""
    meter, total = RateMeter(), {"total_files_found": 100}
    for second in range(11):
        meter.observe(seen(second, **total))

    rates = meter.observe(seen(12, files_copied_successfully=10, **total))

    assert rates.objects_per_s == pytest.approx(5)
    assert rates.eta_s == pytest.approx(18)


def test_a_single_slow_look_still_has_a_rate() -> None:
    """Two looks are kept however long ago the first one was: between them is the speed."""
    meter = RateMeter(window_s=10)
    meter.observe(seen(1, total_files_found=100, files_copied_successfully=10))

    rates = meter.observe(seen(41, total_files_found=100, files_copied_successfully=50))

    assert rates.objects_per_s == pytest.approx(1)


def test_what_is_as_old_as_the_window_still_counts() -> None:
    """The window has its full length: only what is older is forgotten."""
    meter, total = RateMeter(window_s=10), {"total_files_found": 100}
    meter.observe(seen(1, files_copied_successfully=10, **total))
    meter.observe(seen(6, files_copied_successfully=20, **total))

    rates = meter.observe(seen(11, files_copied_successfully=70, **total))

    assert rates.objects_per_s == pytest.approx(6)


def test_a_copy_that_earlier_runs_have_finished_needs_no_time() -> None:
    """Nothing is left, although this run has no speed."""
    finished = {"files_copied_successfully": 5, "files_copied_earlier": 5}

    rates = RateMeter().observe(seen(1, total_files_found=5, **finished))

    assert (rates.objects_per_s, rates.eta_s) == (0, 0)
