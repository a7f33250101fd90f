"""The numbers of a run."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from s3_xfer.errors import ErrorClass, ObjectError
from s3_xfer.ledger.metrics import ERRORS_KEPT, MetricsCollector, TransferMetrics
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

START = datetime(2026, 1, 1, tzinfo=UTC)
COUNTERS = (
    "total_files_found",
    "files_copied_successfully",
    "files_skipped",
    "files_failed",
    "files_not_attempted",
    "total_bytes_transferred",
    "bytes_done",
    "retries",
    "duration_s",
)


def task(key: str = "k", size: int = 10) -> CopyTask:
    """Return a task of ``size`` bytes."""
    return CopyTask(S3Object(bucket="src", key=key, size=size), "dst", key)


def denied(key: str = "k") -> Failed:
    """Return a failure of ``key``."""
    return Failed(task(key), ObjectError.of(ErrorClass.ACCESS_DENIED, "no"))


class Accounting(RuleBasedStateMachine):
    """Any order of finding, progressing and ending keeps the accounts."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.metrics = MetricsCollector("op", monotonic=lambda: self.now_s, now=lambda: START)
        self.open: list[CopyTask] = []
        self.before = self.metrics.snapshot()
        self.number = 0

    @rule(sizes=st.lists(st.integers(0, 1000), min_size=1, max_size=5))
    def find(self, sizes: list[int]) -> None:
        """A page of the listing."""
        for size in sizes:
            self.number += 1
            self.open.append(task(f"key-{self.number}", size))
        self.metrics.found(len(sizes), sum(sizes))

    @rule(share=st.floats(0, 1))
    def progress(self, share: float) -> None:
        """A part, or a restart with fewer bytes than before."""
        if self.open:
            latest = self.open[-1]
            self.metrics.parts_finished(latest, int(latest.source.size * share))

    @rule(end=st.sampled_from(["copied", "skipped", "failed", "not attempted"]))
    def finish(self, end: str) -> None:
        """An outcome."""
        if not self.open:
            return
        ended = self.open.pop()
        error = ObjectError.of(ErrorClass.TIMEOUT, "late")
        outcomes: dict[str, Outcome] = {
            "copied": Copied(ended, ended.source.size, '"e"'),
            "skipped": Skipped(ended, SkipReason.EXISTS),
            "failed": Failed(ended, error),
            "not attempted": NotAttempted(ended),
        }
        self.metrics.record(outcomes[end])

    @rule(passed_s=st.floats(0, 10))
    def pass_time(self, passed_s: float) -> None:
        """Time only goes forward."""
        self.now_s += passed_s

    @invariant()
    def accounts_are_right(self) -> None:
        """Found = ended + open, and nothing ever decreases but what is given up."""
        now = self.metrics.snapshot()
        ended = now.files_done + now.files_not_attempted
        assert now.total_files_found == ended + len(self.open)
        for name in COUNTERS:
            if name == "bytes_done" and now.files_not_attempted > self.before.files_not_attempted:
                continue  # a run that is ending gives up parts in progress
            assert getattr(now, name) >= getattr(self.before, name), name
        assert now.bytes_done <= now.total_bytes_found
        self.before = now


TestAccounting = Accounting.TestCase
TestAccounting.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_many_threads_lose_nothing() -> None:
    """Sixteen threads that count at once count everything."""
    metrics = MetricsCollector("op")

    def work() -> None:
        for _ in range(500):
            metrics.found(1, 10)
            metrics.request_sent("CopyObject")
            metrics.record(Copied(task(), 10, '"e"'))

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    seen = metrics.snapshot()
    assert (seen.total_files_found, seen.files_copied_successfully) == (8000, 8000)
    assert (seen.total_bytes_transferred, seen.requests) == (80_000, {"CopyObject": 8000})


def test_errors_kept_are_bounded_and_the_rest_counted() -> None:
    """Memory does not grow with failures, the counts do."""
    metrics = MetricsCollector("op")
    for number in range(ERRORS_KEPT + 50):
        metrics.found(1, 10)
        metrics.record(denied(f"k{number}"))

    shown = metrics.snapshot().to_dict()

    assert len(shown["errors"]) == ERRORS_KEPT
    assert shown["errors_omitted"] == 50
    assert shown["errors_by_class"] == {"AccessDenied": ERRORS_KEPT + 50}


def test_hostile_key_cannot_forge_a_line() -> None:
    """A newline or an escape sequence in a key is spelled out."""
    metrics = MetricsCollector("op")
    metrics.found(1, 10)
    metrics.record(denied("a\nERROR \x1b[31mfake"))

    (line,) = metrics.snapshot().errors_encountered

    assert line == "s3://src/a\\nERROR \\x1b[31mfake -> AccessDenied: no"


def test_schema_of_the_mission_is_there_and_plain_json() -> None:
    """The keys that every user of the metrics relies on, with their types."""
    shown = json.loads(json.dumps(MetricsCollector("op-1").snapshot().to_dict()))

    schema: dict[str, type | tuple[type, ...]] = {
        "operation_id": str,
        "duration_seconds": (int, float),
        "total_files_found": int,
        "files_copied_successfully": int,
        "files_failed": int,
        "total_bytes_transferred": int,
        "errors": list,
    }
    assert all(isinstance(shown[name], kind) for name, kind in schema.items())


def test_end_never_precedes_the_start() -> None:
    """The end is start plus duration, also when the wall clock is set back meanwhile."""
    now_s = [100.0]
    metrics = MetricsCollector("op", monotonic=lambda: now_s[0], now=lambda: START)
    now_s[0] = 103.5
    metrics.finish()
    now_s[0] = 200.0

    ended = metrics.snapshot()

    assert isinstance(ended, TransferMetrics)
    assert ended.duration_s == 3.5
    assert ended.end_time is not None
    assert (ended.end_time - ended.start_time).total_seconds() == 3.5
