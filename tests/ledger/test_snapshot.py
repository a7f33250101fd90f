"""What a snapshot of a run says: to callers, and as JSON."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest

from s3_xfer.errors import ErrorClass, ObjectError
from s3_xfer.ledger.metrics import MetricsCollector, TransferMetrics
from s3_xfer.model import (
    Copied,
    CopyTask,
    Failed,
    NotAttempted,
    Outcome,
    S3Object,
    Skipped,
    SkipReason,
)
from s3_xfer.pipeline.outage import Outage

START = datetime(2026, 1, 1, tzinfo=UTC)
EARLIER = {
    "copied": {"crt": [5, 600], "managed": [2, 400]},
    "skipped": {SkipReason.EXISTS.value: [3, 70]},
}


def task(key: str, size: int) -> CopyTask:
    """Return a task of ``size`` bytes."""
    return CopyTask(S3Object(bucket="src", key=key, size=size), "dst", key)


def test_json_shows_every_number_under_its_own_name() -> None:
    """No number of a snapshot stands under the name of another one."""
    snapshot = TransferMetrics(
        operation_id="op",
        start_time=START,
        end_time=START + timedelta(seconds=2),
        duration_s=1.23456,
        total_files_found=101,
        files_copied_successfully=102,
        files_skipped=103,
        files_failed=104,
        files_not_attempted=105,
        total_bytes_found=106,
        total_bytes_transferred=107,
        bytes_skipped=108,
        bytes_failed=109,
        bytes_in_progress=110,
        listing_complete=True,
        retries=111,
        throttles=112,
        requests={"CopyObject": 113},
        requests_of_checks={"HeadBucket": 122},
        copied_by_engine={"crt": 114},
        skips_by_reason={"exists": 115},
        errors_by_class={"Timeout": 116},
        errors_encountered=("first", "second"),
        files_copied_earlier=117,
        files_skipped_earlier=118,
        bytes_copied_earlier=119,
        bytes_skipped_earlier=120,
        outages=121,
        outage_s=1.23456,
        waiting_for=(Outage("http://s3", START, 1.0, START),),
    )
    renamed = {"duration_s", "errors_encountered", "start_time", "end_time", "outage_s"}
    left_out = {"bytes_in_progress", "in_parts", "waiting_for"}

    shown = snapshot.to_dict()

    same = {field.name for field in fields(snapshot)} - renamed - left_out
    assert {name: shown[name] for name in same} == {name: getattr(snapshot, name) for name in same}
    assert {name: value for name, value in shown.items() if name not in same} == {
        "duration_seconds": 1.235,
        "outage_seconds": 1.235,
        "errors": ["first", "second"],
        "errors_omitted": 102,
        "start_time": "2026-01-01T00:00:00+00:00",
        "end_time": "2026-01-01T00:00:02+00:00",
    }


def test_a_resumed_run_counts_what_earlier_runs_have_finished() -> None:
    """Objects and bytes of earlier runs are part of the totals, and stand by themselves too."""
    metrics = MetricsCollector("op")
    metrics.begin_with(EARLIER)
    metrics.found(1, 9)
    metrics.record(Copied(task("k", 9), 9, '"e"', engine="crt"))

    seen = metrics.snapshot()

    assert (seen.total_files_found, seen.total_bytes_found) == (11, 1079)
    assert (seen.files_copied_successfully, seen.total_bytes_transferred) == (8, 1009)
    assert (seen.files_skipped, seen.bytes_skipped) == (3, 70)
    assert seen.copied_by_engine == {"crt": 6, "managed": 2}
    assert seen.skips_by_reason == {SkipReason.EXISTS.value: 3}
    assert (seen.files_copied_earlier, seen.files_skipped_earlier) == (7, 3)
    assert (seen.bytes_copied_earlier, seen.bytes_skipped_earlier) == (1000, 70)
    assert (seen.files_earlier, seen.bytes_earlier) == (10, 1070)


@pytest.mark.parametrize(
    "outcome",
    [
        Copied(task("large", 100), 100, '"e"'),
        Skipped(task("large", 100), SkipReason.EXISTS),
        Failed(task("large", 100), ObjectError.of(ErrorClass.TIMEOUT, "late")),
        NotAttempted(task("large", 100)),
    ],
    ids=lambda outcome: type(outcome).__name__,
)
def test_parts_of_an_object_that_has_ended_are_not_in_progress(outcome: Outcome) -> None:
    """The bytes of an object are counted by its parts or by its end, never by both."""
    metrics = MetricsCollector("op")
    metrics.found(2, 150)
    metrics.parts_finished(task("large", 100), 60)
    metrics.parts_finished(task("other", 50), 20)
    before = metrics.snapshot()

    metrics.record(outcome)

    after = metrics.snapshot()
    attempted = not isinstance(outcome, NotAttempted)
    assert (before.bytes_in_progress, before.bytes_done) == (80, 80)
    assert (after.bytes_in_progress, after.bytes_done) == (20, 120 if attempted else 20)


def test_the_bytes_of_a_copy_are_those_that_were_copied() -> None:
    """What S3 copied counts, not what the listing had said of the size."""
    metrics = MetricsCollector("op")
    metrics.found(1, 10)
    metrics.record(Copied(task("k", 10), 25, '"e"'))

    assert metrics.snapshot().total_bytes_transferred == 25


def test_only_throttled_repetitions_are_throttles() -> None:
    """Every repetition is a retry; it is a throttle only if S3 asked for fewer requests."""
    metrics = MetricsCollector("op")
    for throttled in (True, False, False):
        metrics.retried(throttled=throttled)

    seen = metrics.snapshot()

    assert (seen.retries, seen.throttles) == (3, 1)


def test_the_first_end_stops_the_clock() -> None:
    """A second call of ``finish`` does not make the run longer."""
    now_s = [0.0]
    metrics = MetricsCollector("op", monotonic=lambda: now_s[0], now=lambda: START)
    now_s[0] = 2.0
    metrics.finish()
    now_s[0] = 9.0

    metrics.finish()

    assert metrics.snapshot().duration_s == 2.0
