"""A core that copies nothing: scripted runs behind the real command line.

Stands in for ``s3_xfer.operations`` in a process of its own, so that signals, exit codes and
output can be tested without a server. The numbers go through the real MetricsCollector.
"""

from __future__ import annotations

import enum
import os
import signal
import sys
import threading
import time
import types
from dataclasses import dataclass, field
from datetime import UTC, datetime

from s3_xfer.errors import ErrorClass, ErrorInfo, ObjectError, PreflightError, RunAborted
from s3_xfer.ledger.metrics import MetricsCollector, TransferMetrics
from s3_xfer.ledger.result import CopyResult, RunState
from s3_xfer.model import (
    AccountContext,
    Copied,
    CopyTask,
    Failed,
    NotAttempted,
    S3Location,
    S3Object,
    Skipped,
    SkipReason,
)
from s3_xfer.options import CopyOptions, RunMode
from s3_xfer.planning.mapping import KeyMap, KeyMaps, plan_keys

OBJECTS = 400
CHECKED = -1  # the gate between the checks and the first object
SIZE = 5 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class FakeOperation:
    """Has the attributes of an S3CopyOperation; its runs follow ``FAKE_SCENARIO``."""

    source_location: S3Location
    destination_location: S3Location
    recursive: bool = False
    more_sources: tuple[str, ...] = ()
    batch_size: int = 100
    overwrite: bool = True
    options: CopyOptions = field(default_factory=CopyOptions)

    @classmethod
    def between(
        cls, source: S3Location, destination: S3Location, **settings: object
    ) -> FakeOperation:
        """Describe a copy."""
        return cls(source_location=source, destination_location=destination, **settings)  # type: ignore[arg-type]

    @property
    def source(self) -> AccountContext:
        """The account of the source."""
        return self.source_location.account

    @property
    def destination(self) -> AccountContext:
        """The account of the destination."""
        return self.destination_location.account

    @property
    def is_of_prefix(self) -> bool:
        """Whether the source is a prefix."""
        return self.recursive

    def key_map(self) -> KeyMap:
        """Return the key of every copy."""
        return plan_keys(self.source_location, self.destination_location, recursive=self.recursive)

    def key_maps(self) -> KeyMaps:
        """Return the same, as that of the only source."""
        return KeyMaps([self.key_map()])

    def start(self) -> FakeRun:
        """Begin in the background."""
        return FakeRun(self, os.environ.get("FAKE_SCENARIO", "ok"))


class _Gates:
    """Numbers of objects before which the run waits until its test sends it SIGUSR2."""

    def __init__(self, numbers: str) -> None:
        self._numbers = {int(number) for number in numbers.split()}
        self._opened = threading.Semaphore(0)
        if self._numbers:
            signal.signal(signal.SIGUSR2, lambda *_: self._opened.release())

    def pass_by(self, number: int) -> None:
        """Wait, if there is a gate."""
        if number in self._numbers:
            self._opened.acquire()


class FakeRun:
    """One scripted run. Scenarios: ok, fails, slow, deaf, stuck, refused, aborted, bug."""

    def __init__(self, operation: FakeOperation, scenario: str) -> None:
        self.operation = operation
        self.scenario = scenario
        self.state = RunState.INITIALIZED
        self.notes: tuple[str, ...] = ()
        self._metrics = MetricsCollector("fake", now=lambda: datetime(2026, 1, 2, 3, tzinfo=UTC))
        self._failures: list[Failed] = []
        self._cancelled = threading.Event()
        self._reason: str | None = None
        self._ended = threading.Event()
        self._gates = _Gates(os.environ.get("FAKE_GATES", ""))
        threading.Thread(target=self._run, daemon=True).start()
        if scenario == "stuck":
            threading.Thread(target=time.sleep, args=(3600,)).start()

    @property
    def ends_at(self) -> datetime | None:
        """Has no deadline."""
        return None

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._cancelled.is_set()

    def snapshot(self) -> TransferMetrics:
        """Return the numbers; ``bug`` is an error that nobody expects."""
        if self.scenario == "bug":
            raise ZeroDivisionError("a bug")
        return self._metrics.snapshot()

    def recent_failures(self) -> tuple[Failed, ...]:
        """Return the failures so far."""
        return tuple(self._failures)

    def cancel(self, reason: str = "cancelled") -> None:
        """Ask the thread to stop."""
        self._reason = self._reason or reason
        self._cancelled.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end."""
        return self._ended.wait(timeout_s)

    def result(self) -> CopyResult:
        """Return the scripted end."""
        self._ended.wait()
        if self.state is RunState.VALIDATION_FAILED:
            raise PreflightError(
                "s3://nowhere does not exist", error_class=ErrorClass.BUCKET_MISSING
            )
        return CopyResult(
            state=self.state,
            metrics=self._metrics.snapshot(),
            failures=tuple(self._failures),
            notes=self.notes,
            cancelled_by=self._reason,
            aborted_by=self._aborted(),
            report_path=self.operation.options.report_path,
        )

    def _aborted(self) -> RunAborted | None:
        if self.scenario != "aborted":
            return None
        expired = ErrorClass.CREDENTIALS_EXPIRED
        return RunAborted(expired.description, error_class=expired)

    def _run(self) -> None:
        self.state = RunState.VALIDATING
        self._cancelled.wait(0.05)
        self._gates.pass_by(CHECKED)
        if self.scenario == "refused":
            self.state = RunState.VALIDATION_FAILED
        else:
            self._copy()
        self._metrics.finish()
        self._ended.set()

    def _copy(self) -> None:
        self.state = RunState.COPYING
        self.notes = ("the source prefix is taken as s3://src/data/",)
        for number in range(OBJECTS):
            if number % 100 == 0:
                self._metrics.request_sent("ListObjectsV2")
                self._metrics.found(100, 100 * SIZE)
            if number == OBJECTS - 100:
                self._metrics.listing_completed()
            self._gates.pass_by(number)
            self._object(number)
            if self._ends_early(number):
                break
        else:
            missing = any((self._failures, self._reason, self._aborted()))
            self.state = RunState.COPY_FAILED if missing else RunState.COMPLETED
            return
        found = self._metrics.snapshot().total_files_found
        for number_left in range(number + 1, found):
            self._metrics.record(NotAttempted(_task(number_left)))
        self.state = RunState.COPY_FAILED

    def _ends_early(self, number: int) -> bool:
        if self.scenario == "aborted" and number == 150:
            return True
        if self.scenario == "deaf":
            time.sleep(5)
            return False
        return self._cancelled.wait(0.05 if self.scenario == "slow" else 0.0005)

    def _object(self, number: int) -> None:
        task = _task(number)
        if self.operation.options.mode is RunMode.DRY_RUN:
            self._metrics.record(Skipped(task, SkipReason.DRY_RUN))
            return
        self._metrics.request_sent("CopyObject")
        if self.scenario == "fails" and number % 40 == 7:
            self._fail(task, ErrorClass.ACCESS_DENIED if number % 80 == 7 else ErrorClass.THROTTLED)
        elif not self.operation.overwrite and number % 10 == 0:
            self._metrics.record(Skipped(task, SkipReason.EXISTS))
        else:
            self._metrics.record(Copied(task, SIZE, '"etag"'))

    def _fail(self, task: CopyTask, kind: ErrorClass) -> None:
        throttled = kind is ErrorClass.THROTTLED
        for _ in range(3 if throttled else 0):
            self._metrics.retried(throttled=True)
        info = ErrorInfo(
            error_class=kind,
            code="SlowDown" if throttled else "AccessDenied",
            message="Reduce your request rate." if throttled else "Access Denied",
            http_status=503 if throttled else 403,
            request_id="TX0042",
            attempts=4 if throttled else 1,
        )
        failed = Failed(task, ObjectError(info))
        self._failures.append(failed)
        self._metrics.record(failed)


def _task(number: int) -> CopyTask:
    key = f"data/{number:06}.bin"
    return CopyTask(S3Object(bucket="src", key=key, size=SIZE), "dst", key)


class SourceKind(enum.Enum):
    """As in s3_xfer.locations, whose import takes seconds."""

    OBJECT, PREFIX, BOTH = "object", "prefix", "both"


def _look_at_source(source: S3Location, *_: object) -> SourceKind:
    if source.bucket == "nowhere":
        raise PreflightError("s3://nowhere does not exist", error_class=ErrorClass.BUCKET_MISSING)
    return SourceKind.OBJECT if source.key.endswith(".csv") else SourceKind.PREFIX


def _look_at_destination(destination: S3Location, *_: object) -> None:
    if destination.bucket == "nowhere":
        raise PreflightError("s3://nowhere does not exist", error_class=ErrorClass.BUCKET_MISSING)


def _principal_of(_: AccountContext, *, side: str) -> str:
    number = 1 if side == "source" else 2
    return f"arn:aws:iam::{str(number) * 12}:role/{side}"


def main() -> int:
    """Run the real program on the scripted core."""
    module = types.ModuleType("s3_xfer.operations")
    module.S3CopyOperation = FakeOperation  # type: ignore[attr-defined]
    sys.modules["s3_xfer.operations"] = module
    locations = types.ModuleType("s3_xfer.locations")
    locations.SourceKind = SourceKind  # type: ignore[attr-defined]
    locations.look_at_source = _look_at_source  # type: ignore[attr-defined]
    locations.look_at_destination = _look_at_destination  # type: ignore[attr-defined]
    locations.principal_of = _principal_of  # type: ignore[attr-defined]
    sys.modules["s3_xfer.locations"] = locations
    from s3_xfer.cli.main import main as program  # noqa: PLC0415 - after the core is replaced

    return program()


if __name__ == "__main__":
    sys.exit(main())
