"""What a check found: one result per object, counted while it works, and its end.

Memory does not grow with the number of objects: of what differs the first hundred are kept (the
report has all).
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from s3_xfer.comparison import CompareField, CompareResult, CompareStatus, FailOn
from s3_xfer.errors import RunAborted, check_fields
from s3_xfer.ledger.metrics import ERRORS_KEPT, TransferMetrics


class Comparison:
    """Counts results. Thread-safe. ``fail_on`` is what counts as a difference."""

    def __init__(self, *, fail_on: FailOn = FailOn.DIFFERENCE) -> None:
        self._fail_on = fail_on
        self._lock = threading.Lock()
        self._counts: Counter[CompareStatus] = Counter()
        self._sizes_bytes: Counter[CompareStatus] = Counter()
        self._reasons: Counter[str] = Counter()
        self._proofs: Counter[str] = Counter()
        self._notable: list[CompareResult] = []

    def add(self, result: CompareResult) -> None:
        """Count one object; call it once for each."""
        with self._lock:
            self._counts[result.status] += 1
            self._sizes_bytes[result.status] += result.size_bytes
            self._reasons.update(result.reasons)
            if result.proof:
                self._proofs[result.proof] += 1
            if self.is_notable(result) and len(self._notable) < ERRORS_KEPT:
                self._notable.append(result)

    def is_notable(self, result: CompareResult) -> bool:
        """Return whether a result is a difference, or was not to be had."""
        return result.status in (*self._fail_on.differences, CompareStatus.NOT_COMPARED)

    def totals(self) -> CompareSummary:
        """Return the numbers of this instant, consistent among themselves."""
        with self._lock:
            return CompareSummary(
                counts={status: self._counts[status] for status in CompareStatus},
                sizes_bytes={status: self._sizes_bytes[status] for status in CompareStatus},
                reasons=dict(self._reasons),
                proofs=dict(self._proofs),
                notable=tuple(self._notable),
                fail_on=self._fail_on,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareSummary:
    """How many objects, and bytes, have which status; what differs, what proved the same."""

    counts: Mapping[CompareStatus, int]
    """How many objects have which status."""
    sizes_bytes: Mapping[CompareStatus, int]
    """Their sizes together, by status."""
    reasons: Mapping[str, int]
    """How many differ in what."""
    proofs: Mapping[str, int]
    """How many are proven the same by what."""
    notable: tuple[CompareResult, ...]
    """The first of those that the report lists."""
    fail_on: FailOn = FailOn.DIFFERENCE
    """What counts as a difference."""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def differences(self) -> int:
        """How many objects are missing, different or extra; or not proven, if that fails."""
        return sum(self.counts[status] for status in self.fail_on.differences)

    @property
    def not_proven(self) -> int:
        """How many objects have the same size and no proof, and are no differences for it."""
        is_difference = CompareStatus.SAME_SIZE in self.fail_on.differences
        return 0 if is_difference else self.counts[CompareStatus.SAME_SIZE]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The end of one check."""

    metrics: TransferMetrics
    """Requests and times; ``total_files_found`` are source objects."""
    totals: CompareSummary
    """How many objects compare how."""
    notes: tuple[str, ...] = ()
    """What the user should know, in order."""
    aborted_by: RunAborted | None = None
    """The error that ended it early; the totals are then those of a part."""
    cancelled_by: str | None = None
    """What stopped it early: a person, a signal, a deadline."""
    report_path: Path | None = None
    """The report; None if there is none, or the check did not end."""
    compare: frozenset[CompareField] = field(default_factory=frozenset)
    """What was compared besides sizes and ETags."""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def complete(self) -> bool:
        """Whether both listings were compared to their ends."""
        return not (self.aborted_by or self.cancelled_by)

    @property
    def no_difference(self) -> bool:
        """Whether every object was compared and none differs, as far as there was a proof.

        ``totals.not_proven`` is how many have the same size and no proof. With
        ``FailOn.SAME_SIZE`` these are differences.
        """
        unknown = self.totals.counts[CompareStatus.NOT_COMPARED]
        return self.complete and not self.totals.differences and not unknown

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        metrics, totals = self.metrics, self.totals
        return {
            "operation_id": metrics.operation_id,
            "no_difference": self.no_difference,
            "complete": self.complete,
            "aborted_by": self.aborted_by.problem if self.aborted_by else None,
            "cancelled_by": self.cancelled_by,
            "objects": {status.value: count for status, count in totals.counts.items()},
            "bytes": {status.value: size for status, size in totals.sizes_bytes.items()},
            "differs_in": dict(totals.reasons),
            "proven_by": dict(totals.proofs),
            "fail_on": totals.fail_on.value,
            "compared_besides": sorted(aspect.value for aspect in self.compare),
            "duration_seconds": round(metrics.duration_s, 3),
            "requests": dict(metrics.requests),
            "retries": metrics.retries,
            "throttles": metrics.throttles,
            "notes": list(self.notes),
            "report": str(self.report_path) if self.report_path else None,
            "start_time": metrics.start_time.isoformat(),
            "end_time": metrics.end_time.isoformat() if metrics.end_time else None,
        }
