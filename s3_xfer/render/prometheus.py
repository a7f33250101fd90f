"""The numbers of a run in Prometheus' text format, for node exporter's textfile collector.

Counts are those of one run: they begin at zero with the next one, which ``rate()`` and
``increase()`` take for a restart. No label has more values than there are outcomes, classes of
errors, operations of S3 and phases; ``name`` tells one file from the others.

Source of the format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.render.progress import Phase
from s3_xfer.version import VERSION

_Labels: TypeAlias = tuple[tuple[str, str], ...]
LAST_SUCCESS = "s3_xfer_last_success_timestamp_seconds"
COPIED, SKIPPED, FAILED = "copied", "skipped", "failed"
# What the counts of a check mean, by the names that a copy has for them.
OUTCOMES_OF_CHECK: Mapping[str, str] = MappingProxyType(
    {COPIED: "same", SKIPPED: "same_size", FAILED: "different"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What the file says at one moment.

    ``outcomes`` renames those of a copy. ``exit_code`` is None while the run lasts.
    ``last_success_s`` is when a run last ended well, in seconds since 1970; None if that is not
    known.
    """

    name: str
    command: str
    phase: Phase
    metrics: TransferMetrics
    outcomes: Mapping[str, str] = field(default_factory=dict)
    exit_code: int | None = None
    last_success_s: float | None = None


@dataclass(frozen=True, slots=True)
class _Family:
    """One metric with its values, by the labels that it has besides the name of the file."""

    name: str
    kind: str
    help: str
    values: Mapping[_Labels, float]


def prometheus_text(sample: Sample) -> str:
    """Return the whole file."""
    return "".join(_lines(sample))


def _lines(sample: Sample) -> Iterator[str]:
    for family in _families(sample):
        if family.values:
            yield f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.kind}\n"
        for labels, value in family.values.items():
            text = ",".join(f'{key}="{_escaped(one)}"' for key, one in _named(sample, labels))
            yield f"{family.name}{{{text}}} {float(value)!r}\n"


def _named(sample: Sample, labels: _Labels) -> _Labels:
    return (("name", sample.name), *labels)


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _families(sample: Sample) -> Iterator[_Family]:
    yield from _of_objects(sample)
    yield from _of_requests(sample.metrics)
    yield from _of_run(sample)


def _of_objects(sample: Sample) -> Iterator[_Family]:
    metrics = sample.metrics
    outcomes = {
        COPIED: metrics.files_copied_successfully,
        SKIPPED: metrics.files_skipped - metrics.planned_files,
        FAILED: metrics.files_failed,
        "deleted": metrics.files_deleted,
        "not_attempted": metrics.files_not_attempted,
        "planned": metrics.planned_files,
    }
    named = {sample.outcomes.get(name, name): count for name, count in outcomes.items()}
    yield _counter(
        "s3_xfer_objects_found_total", "Objects found so far.", metrics.total_files_found
    )
    yield _counters("s3_xfer_objects_total", "Objects by how they ended.", "outcome", named)
    yield _counter("s3_xfer_found_bytes_total", "Bytes found so far.", metrics.total_bytes_found)
    yield _counter(
        "s3_xfer_copied_bytes_total", "Bytes of copied objects.", metrics.total_bytes_transferred
    )
    yield _gauge(
        "s3_xfer_in_progress_bytes",
        "Finished parts of objects that are not finished.",
        metrics.bytes_in_progress,
    )
    yield _counters(
        "s3_xfer_errors_total",
        "Failed objects by class of error, see the runbook.",
        "error_class",
        metrics.errors_by_class,
    )
    listed = int(metrics.listing_complete)
    yield _gauge("s3_xfer_listing_complete", "Whether everything was listed.", listed)


def _of_requests(metrics: TransferMetrics) -> Iterator[_Family]:
    yield _counters("s3_xfer_requests_total", "Requests sent to S3.", "operation", metrics.requests)
    yield _counter("s3_xfer_retries_total", "Requests sent again.", metrics.retries)
    yield _counter(
        "s3_xfer_throttles_total", "Those that S3 had asked to slow down.", metrics.throttles
    )
    yield _counter("s3_xfer_outages_total", "How often a server was away.", metrics.outages)
    yield _counter(
        "s3_xfer_outage_seconds_total", "Time waited for such servers.", metrics.outage_s
    )


def _of_run(sample: Sample) -> Iterator[_Family]:
    metrics = sample.metrics
    info: _Labels = (("command", sample.command), ("version", VERSION))
    yield _Family("s3_xfer_info", "gauge", "What runs.", {info: 1})
    phases: dict[_Labels, float] = {
        (("phase", phase.value),): int(phase is sample.phase) for phase in Phase
    }
    yield _Family("s3_xfer_phase", "gauge", "What the run does: 1 for its phase.", phases)
    yield _gauge(
        "s3_xfer_start_timestamp_seconds", "When it began.", metrics.start_time.timestamp()
    )
    yield _gauge("s3_xfer_duration_seconds", "How long it has taken.", metrics.duration_s)
    if sample.exit_code is not None:
        yield _gauge("s3_xfer_exit_code", "The exit code, once it has ended.", sample.exit_code)
    if sample.last_success_s is not None:
        text = "When a run with this file last ended with exit code 0."
        yield _gauge(LAST_SUCCESS, text, sample.last_success_s)


def _counter(name: str, text: str, value: float) -> _Family:
    return _Family(name, "counter", text, {(): value})


def _counters(name: str, text: str, label: str, counts: Mapping[str, int]) -> _Family:
    values: dict[_Labels, float] = {
        ((label, key),): float(count) for key, count in sorted(counts.items())
    }
    return _Family(name, "counter", text, values)


def _gauge(name: str, text: str, value: float) -> _Family:
    return _Family(name, "gauge", text, {(): value})
