"""What a run did over time, and what its objects were like: bounded, and nothing lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_xfer.errors import ErrorClass, ObjectError
from s3_xfer.ledger.breakdown import SIZE_BOUNDS, Breakdown, BreakdownRecorder, ObjectCount
from s3_xfer.ledger.metrics import MetricsCollector
from s3_xfer.ledger.timeline import INTERVALS_MAX, TimelineRecorder
from s3_xfer.model import Copied, CopyTask, Failed, S3Object

MONTH_S = 30 * 86_400


@given(st.lists(st.floats(0, MONTH_S), max_size=60))
def test_a_timeline_is_bounded_and_loses_nothing(moments_s: list[float]) -> None:
    """Whenever things happen, and in whatever order their times are told."""
    recorder = TimelineRecorder()
    for at_s in moments_s:
        recorder.add(at_s, objects=1, size_bytes=7, failed=2, retries=3)

    timeline = recorder.timeline()

    assert len(timeline.intervals) <= INTERVALS_MAX
    count = len(moments_s)
    for name, each in (("objects", 1), ("size_bytes", 7), ("failed", 2), ("retries", 3)):
        assert sum(getattr(one, name) for one in timeline.intervals) == each * count
    if moments_s:
        last = int(max(moments_s) / timeline.interval_s)
        assert timeline.intervals[last].objects >= 1
        assert len(timeline.intervals) == last + 1


@pytest.mark.parametrize(
    ("duration_s", "interval_s"), [(1.0, 0.1), (59.0, 0.1), (61.0, 0.2), (3600.0, 6.4)]
)
def test_the_longer_a_run_the_longer_its_intervals(duration_s: float, interval_s: float) -> None:
    """They double when there is no room."""
    recorder = TimelineRecorder()
    recorder.add(0, objects=1)
    recorder.add(duration_s, objects=1)

    timeline = recorder.timeline()

    assert timeline.interval_s == pytest.approx(interval_s)
    assert timeline.intervals[0].objects == 1


def test_bytes_are_counted_when_their_part_is_done() -> None:
    """A large object is no peak at its end, and its bytes are not counted twice."""
    now_s = 0.0
    metrics = MetricsCollector("op", monotonic=lambda: now_s)
    task = CopyTask(S3Object(bucket="src", key="k", size=100), "dst", "k")
    metrics.found(2, 200)

    now_s = 1.0
    metrics.parts_finished(task, 40)
    now_s = 2.0
    metrics.parts_finished(task, 80)
    metrics.retried(throttled=True)
    now_s = 3.0
    metrics.record(Copied(task, 100, '"e"', parts=3))
    metrics.record(Failed(task, ObjectError.of(ErrorClass.ACCESS_DENIED, "no")))

    at = {
        number: (each.objects, each.size_bytes, each.failed, each.retries)
        for number, each in enumerate(metrics.history().timeline.intervals)
        if each.size_bytes or each.failed or each.retries
    }
    assert at == {10: (0, 40, 0, 0), 20: (0, 40, 0, 1), 30: (1, 20, 1, 0)}


@pytest.mark.parametrize(
    ("size_bytes", "place"),
    [(0, 0), (1, 1), (SIZE_BOUNDS[1], 1), (SIZE_BOUNDS[1] + 1, 2), (2**50, len(SIZE_BOUNDS))],
)
def test_sizes_have_upper_bounds_that_belong_to_them(size_bytes: int, place: int) -> None:
    """64 KiB is up to 64 KiB."""
    recorder = BreakdownRecorder()
    recorder.add(size_bytes, "GLACIER", failed=True)

    breakdown = recorder.breakdown()

    one = ObjectCount(objects=1, size_bytes=size_bytes, failed=1)
    assert breakdown.sizes[place] == one
    assert breakdown.storage_classes == {"GLACIER": one}
    assert Breakdown.from_dict(breakdown.to_dict()) + Breakdown() == breakdown


def test_a_service_may_name_any_number_of_storage_classes() -> None:
    """Only so many are told apart, and no object is left out."""
    recorder = BreakdownRecorder()
    for number in range(1000):
        recorder.add(1, f"CLASS-{number}", failed=False)

    classes = recorder.breakdown().storage_classes

    assert len(classes) <= 21
    assert sum(count.objects for count in classes.values()) == 1000
