"""OpenTelemetry: a span for each run and its numbers as metrics, where it is in use.

Only the API is used: what becomes of spans and metrics is a matter of the SDK that the program, or
``opentelemetry-instrument``, has configured; without one nothing is kept. Names and attributes are
the semantic conventions' where there are any. No attribute has a key or a message in it, and those
of metrics have no more values than there are outcomes, classes of errors and operations of S3.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from s3_xfer.errors import ErrorClass, S3XferError
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.result import RunState
from s3_xfer.options import RunMode
from s3_xfer.spec import CheckSpec, TransferSpec
from s3_xfer.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.metrics import CallbackOptions, Observation
    from opentelemetry.trace import Span

SCOPE = "s3_xfer"
_API = "opentelemetry.context"  # the module that every other one of the API imports
_OTHER = "_OTHER"  # the conventions' word for an error without a class
_STOPPED = ErrorClass.INTERRUPTED.value
_OPERATION, _ERROR = "s3_xfer.operation", "error.type"
_Labels: TypeAlias = tuple[tuple[str, str], ...]
_Count: TypeAlias = tuple[str, _Labels]  # the instrument, and the attributes of one of its values
_COUNTERS: Mapping[str, tuple[str, str]] = {
    "s3_xfer.objects": ("{object}", "Objects by how they ended."),
    "s3_xfer.objects.failed": ("{object}", "Objects that failed, by class of error."),
    "s3_xfer.copied": ("By", "Bytes of copied objects."),
    "s3_xfer.requests": ("{request}", "Requests sent to S3."),
    "s3_xfer.requests.retried": ("{request}", "Requests that were sent again."),
    "s3_xfer.requests.throttled": ("{request}", "Those that S3 had asked to slow down."),
}


class RunTelemetry:
    """What one run reports; nothing, where nobody in the process uses OpenTelemetry.

    Whoever configures an SDK imports the API first, so that a run need not look for it. Made in the
    thread whose span is to be the parent of the run's; begun and ended in any.
    """

    def __init__(self, spec: TransferSpec, snapshot: Callable[[], TransferMetrics]) -> None:
        self.spec = spec
        self.operation = "check" if isinstance(spec, CheckSpec) else "copy"
        self.snapshot = snapshot
        self._span: Span | None = None
        self._parent: Context | None = None
        if _API in sys.modules:
            from opentelemetry import context  # noqa: PLC0415 - an extra

            self._parent = context.get_current()

    def begin(self) -> None:
        """Open the span, and count the run's numbers from now on."""
        if self._parent is None:
            return
        from opentelemetry import trace  # noqa: PLC0415 - an extra

        source, destination = self.spec.source_bucket, self.spec.destination_bucket
        self._span = trace.get_tracer(SCOPE, VERSION).start_span(
            f"{SCOPE}.{self.operation}",
            context=self._parent,
            attributes={
                _OPERATION: self.operation,
                "aws.s3.bucket": destination,
                "s3_xfer.source.bucket": source,
                "s3_xfer.run.id": self.snapshot().operation_id,
                "s3_xfer.dry_run": self.spec.options.mode is RunMode.DRY_RUN,
            },
        )
        _numbers().begin(self)

    def end(self, state: RunState, error: BaseException | None) -> None:
        """Close the span; ``error`` refused or ended the run."""
        if self._span is None:
            return
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 - an extra

        metrics = self.snapshot()
        span, error_type = self._span, _error_type(state, error, metrics)
        span.set_attribute("s3_xfer.state", state.value)
        span.set_attribute("s3_xfer.copied", _bytes_copied(metrics))
        for outcome, count in _outcomes(metrics).items():
            span.set_attribute(f"s3_xfer.objects.{outcome}", count)
        if error_type:
            span.set_attribute(_ERROR, error_type)
            span.set_status(StatusCode.ERROR, error_type)
        span.end()
        _numbers().end(self, metrics, error_type)


class _Numbers:
    """The metrics of all runs of this process: those that have ended, and those that have not."""

    def __init__(self) -> None:
        from opentelemetry import metrics  # noqa: PLC0415 - an extra

        self._lock = threading.Lock()
        self._ended: Counter[_Count] = Counter()
        self._active: set[RunTelemetry] = set()
        meter = metrics.get_meter(SCOPE, VERSION)
        for name, (unit, text) in _COUNTERS.items():
            meter.create_observable_counter(
                name, [partial(self._observe, name)], unit=unit, description=text
            )
        self._duration = meter.create_histogram(
            "s3_xfer.run.duration", unit="s", description="How long runs have taken."
        )

    def begin(self, run: RunTelemetry) -> None:
        with self._lock:
            self._active.add(run)

    def end(self, run: RunTelemetry, metrics: TransferMetrics, error_type: str) -> None:
        with self._lock:
            self._active.discard(run)
            self._ended.update(dict(_counts(run.operation, metrics)))
        attributes = {_OPERATION: run.operation} | ({_ERROR: error_type} if error_type else {})
        self._duration.record(metrics.duration_s, attributes)

    def _observe(self, name: str, _options: CallbackOptions) -> Iterable[Observation]:
        from opentelemetry.metrics import Observation  # noqa: PLC0415 - an extra

        with self._lock:
            counts = Counter(self._ended)
            for run in self._active:
                counts.update(dict(_counts(run.operation, run.snapshot())))
        return [
            Observation(count, dict(labels))
            for (counted, labels), count in counts.items()
            if counted == name
        ]


_lock = threading.Lock()
_of_process: list[_Numbers] = []


def _numbers() -> _Numbers:
    """Return the metrics of this process, made when they are first needed."""
    with _lock:
        if not _of_process:
            _of_process.append(_Numbers())
        return _of_process[0]


def _counts(operation: str, metrics: TransferMetrics) -> Iterator[tuple[_Count, int]]:
    """Yield what this run has done so far; what earlier runs of its journal did is theirs."""
    base: _Labels = ((_OPERATION, operation),)
    for outcome, count in _outcomes(metrics).items():
        yield ("s3_xfer.objects", (*base, ("s3_xfer.outcome", outcome))), count
    for error_class, count in metrics.errors_by_class.items():
        yield ("s3_xfer.objects.failed", (*base, (_ERROR, error_class))), count
    yield ("s3_xfer.copied", base), _bytes_copied(metrics)
    for method, count in metrics.requests.items():
        labels = (("rpc.system", "aws-api"), ("rpc.service", "S3"), ("rpc.method", method))
        yield ("s3_xfer.requests", (*base, *labels)), count
    yield ("s3_xfer.requests.retried", base), metrics.retries
    yield ("s3_xfer.requests.throttled", base), metrics.throttles


def _bytes_copied(metrics: TransferMetrics) -> int:
    return metrics.total_bytes_transferred - metrics.bytes_copied_earlier


def _outcomes(metrics: TransferMetrics) -> dict[str, int]:
    return {
        "copied": metrics.files_copied_successfully - metrics.files_copied_earlier,
        "skipped": metrics.files_skipped - metrics.files_skipped_earlier,
        "failed": metrics.files_failed,
        "deleted": metrics.files_deleted,
        "not_attempted": metrics.files_not_attempted,
    }


def _error_type(state: RunState, error: BaseException | None, metrics: TransferMetrics) -> str:
    """Return the class of what went wrong, of several failures that of the most; else nothing."""
    if state is RunState.COMPLETED:
        return ""
    if error is None:
        (most, _), *_ = Counter(metrics.errors_by_class).most_common(1) or [(_STOPPED, 0)]
        return most
    error_class = error.error_class if isinstance(error, S3XferError) else ErrorClass.UNEXPECTED
    return error_class.value if error_class else _OTHER
