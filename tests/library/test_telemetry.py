"""What OpenTelemetry gets of runs: read from the SDK's own exporters in memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed")

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from s3_xfer import PreflightError, S3CheckOperation, S3Location
from s3_xfer.runs.telemetry import SCOPE
from tests.world import DST, SRC, World

KEY = "in/secret-name"
SPANS, READER = InMemorySpanExporter(), InMemoryMetricReader()


@pytest.fixture(scope="module", autouse=True)
def _sdk() -> None:
    """The SDK of this process, which can be set once."""
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(SPANS))
    trace.set_tracer_provider(tracers)
    metrics.set_meter_provider(MeterProvider([READER]))


@pytest.fixture(autouse=True)
def _no_spans() -> Iterator[None]:
    SPANS.clear()
    yield
    SPANS.clear()


def the_span() -> ReadableSpan:
    """Return the one span of a run."""
    (span,) = [each for each in SPANS.get_finished_spans() if each.name.startswith(SCOPE)]
    return span


def numbers() -> dict[tuple[str, str], float]:
    """Return all values by the name of the metric and its attributes."""
    data = READER.get_metrics_data()
    found = {}
    for metric in (
        metric
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
    ):
        for point in metric.data.data_points:
            pairs = sorted((key, str(one)) for key, one in (point.attributes or {}).items())
            labels = " ".join(f"{key}={one}" for key, one in pairs)
            found[metric.name, labels] = (
                point.value if isinstance(point, NumberDataPoint) else point.count
            )
    return found


def growth(before: dict[Any, float]) -> dict[tuple[str, str], float]:
    """Return what has grown since ``before``, and by how much."""
    now = numbers()
    return {
        key: value - before.get(key, 0) for key, value in now.items() if value != before.get(key)
    }


def test_a_run_is_one_span_and_its_numbers(world: World) -> None:
    """With the caller's span as its parent, and the counts of the result."""
    world.server.put(SRC, KEY, size=1000)
    world.server.put(SRC, "in/cold", size=5, storage_class="GLACIER")
    before = numbers()

    with trace.get_tracer("caller").start_as_current_span("job") as job:
        result = world.copy()

    span = the_span()
    assert span.name == "s3_xfer.copy"
    assert span.parent is not None
    assert span.parent.span_id == job.get_span_context().span_id
    assert span.status.status_code is StatusCode.ERROR
    assert dict(span.attributes or {}) == {
        "s3_xfer.operation": "copy",
        "aws.s3.bucket": DST,
        "s3_xfer.source.bucket": SRC,
        "s3_xfer.run.id": result.metrics.operation_id,
        "s3_xfer.dry_run": False,
        "s3_xfer.state": "COPY_FAILED",
        "s3_xfer.copied": 1000,
        "s3_xfer.objects.copied": 1,
        "s3_xfer.objects.skipped": 0,
        "s3_xfer.objects.failed": 1,
        "s3_xfer.objects.deleted": 0,
        "s3_xfer.objects.not_attempted": 0,
        "error.type": "Archived",
    }
    grown = growth(before)
    base = "s3_xfer.operation=copy"
    assert grown["s3_xfer.objects", f"{base} s3_xfer.outcome=copied"] == 1
    assert grown["s3_xfer.objects.failed", f"error.type=Archived {base}"] == 1
    assert grown["s3_xfer.copied", base] == 1000
    assert grown["s3_xfer.run.duration", f"error.type=Archived {base}"] == 1
    copies = f"rpc.method=CopyObject rpc.service=S3 rpc.system=aws-api {base}"
    assert grown["s3_xfer.requests", copies] == result.metrics.requests["CopyObject"]
    assert KEY not in f"{span.to_json()} {numbers()}"


def test_a_check_is_a_span_of_its_own(world: World) -> None:
    """Without an error, whatever it finds."""
    world.server.put(SRC, KEY, size=10)
    operation = world.operation()

    S3CheckOperation.between(
        S3Location(bucket=SRC, key="in/", account=operation.source),
        S3Location(bucket=DST, key="out/", account=operation.destination),
        recursive=True,
    ).run()

    span = the_span()
    assert (span.name, span.status.status_code) == ("s3_xfer.check", StatusCode.UNSET)
    assert "error.type" not in (span.attributes or {})


def test_a_refused_run_ends_its_span_with_the_class_of_the_error(world: World) -> None:
    """Of the message, which may name a key, nothing."""
    with pytest.raises(PreflightError):
        world.copy(source_key="nothing/")

    span = the_span()
    attributes = span.attributes or {}
    assert attributes["error.type"] == span.status.description == "NothingToCopy"
    assert attributes["s3_xfer.state"] == "VALIDATION_FAILED"


def test_numbers_are_there_while_a_run_lasts(world: World) -> None:
    """Whoever reads meanwhile gets what is done so far; nothing counts twice at the end."""
    for number in range(3):
        world.server.put(SRC, f"in/{number}", size=10)
    before = numbers()

    with world.operation().start() as run:
        while not run.snapshot().files_copied_successfully:
            run.wait(0.01)
        copied = "s3_xfer.objects", "s3_xfer.operation=copy s3_xfer.outcome=copied"
        assert growth(before)[copied] >= 1

    assert growth(before)[copied] == 3


def test_nothing_needs_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody has imported it a run does not either, reports nothing, and is as it was."""
    world.server.put(SRC, KEY, size=10)
    monkeypatch.delitem(sys.modules, "opentelemetry.context")

    assert world.copy().metrics.files_copied_successfully == 1

    assert SPANS.get_finished_spans() == ()
