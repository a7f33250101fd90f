"""What a check found: one verdict per object, counted while it works, and its end.

"Same" means proven by S3: an equal ETag, an equal checksum, or nothing in either. What has the same
size and no proof is counted by itself and never added to the same. Refuses to grow with the number
of objects: of what differs it keeps the first hundred (the report has all).
"""

from __future__ import annotations

import enum
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from s3_xfer.accounting.metrics import ERRORS_KEPT, TransferMetrics
from s3_xfer.errors import ObjectError, RunAborted
from s3_xfer.model import CopyTask, S3Object


class Likeness(enum.Enum):
    """How an object compares. The value is what reports and JSON show."""

    SAME = "same"  # proven
    SAME_SIZE = "same_size"  # and nothing to compare the content by
    DIFFERENT = "different"
    MISSING = "missing"  # at the destination
    EXTRA = "extra"  # at the destination, and not at the source
    NOT_COMPARED = "not_compared"  # S3 did not tell what had to be asked


DIFFERENCES = (Likeness.MISSING, Likeness.DIFFERENT, Likeness.EXTRA)
_UNREMARKABLE = (Likeness.SAME, Likeness.SAME_SIZE)


class Aspect(enum.Enum):
    """What is compared besides sizes and ETags. Each asks S3 about objects one by one."""

    CHECKSUMS = "checksums"  # of the content, where ETags prove nothing: two HEADs
    METADATA = "metadata"  # user metadata and the standard headers: two HEADs
    TAGS = "tags"  # two GetObjectTagging


class Extra(enum.Enum):
    """Whether what only the destination has is a difference."""

    COUNT = "count"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The verdict on one object.

    ``task`` is the copy that it is about; None for an extra object, which is ``destination``.
    ``reasons`` say what differs (size, content, metadata, tags), ``detail`` which names do;
    ``proof`` is why it is the same. ``error`` belongs to what was not compared.
    """

    likeness: Likeness
    task: CopyTask | None = None
    destination: S3Object | None = None
    reasons: tuple[str, ...] = ()
    detail: str = ""
    proof: str = ""
    error: ObjectError | None = None

    @property
    def size_bytes(self) -> int:
        """The source's size, or that of an extra object."""
        found = self.task.source if self.task else self.destination
        return found.size if found else 0


class Comparison:
    """Counts verdicts. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[Likeness] = Counter()
        self._sizes_bytes: Counter[Likeness] = Counter()
        self._reasons: Counter[str] = Counter()
        self._proofs: Counter[str] = Counter()
        self._remarkable: list[Compared] = []

    def add(self, compared: Compared) -> None:
        """Count one object; call it once for each."""
        with self._lock:
            self._counts[compared.likeness] += 1
            self._sizes_bytes[compared.likeness] += compared.size_bytes
            self._reasons.update(compared.reasons)
            self._proofs.update([compared.proof] if compared.proof else [])
            if compared.likeness not in _UNREMARKABLE and len(self._remarkable) < ERRORS_KEPT:
                self._remarkable.append(compared)

    def totals(self) -> Totals:
        """Return the numbers of this instant, consistent among themselves."""
        with self._lock:
            return Totals(
                counts={one: self._counts[one] for one in Likeness},
                sizes_bytes={one: self._sizes_bytes[one] for one in Likeness},
                reasons=dict(self._reasons),
                proofs=dict(self._proofs),
                remarkable=tuple(self._remarkable),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """How many objects, and bytes, got which verdict; what differs, what proved the same."""

    counts: Mapping[Likeness, int]
    sizes_bytes: Mapping[Likeness, int]
    reasons: Mapping[str, int]
    proofs: Mapping[str, int]
    remarkable: tuple[Compared, ...]

    @property
    def differences(self) -> int:
        """How many objects are missing, different or extra."""
        return sum(self.counts[one] for one in DIFFERENCES)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The end of one check.

    ``metrics`` has its requests and how long it took; ``total_files_found`` are source objects.
    ``aborted_by`` is set when an error ended it early, ``cancelled_by`` when a person, a signal or
    a deadline did; the totals are then those of a part. ``report_path`` is None if it did not end.
    """

    metrics: TransferMetrics
    totals: Totals
    notes: tuple[str, ...] = ()
    aborted_by: RunAborted | None = None
    cancelled_by: str | None = None
    report_path: Path | None = None
    aspects: frozenset[Aspect] = field(default_factory=frozenset)

    @property
    def complete(self) -> bool:
        """Whether both listings were compared to their ends."""
        return not (self.aborted_by or self.cancelled_by)

    @property
    def no_difference(self) -> bool:
        """Whether every object was compared and none differs, as far as there was a proof.

        ``totals.counts[Likeness.SAME_SIZE]`` is how many have the same size and no proof.
        """
        unknown = self.totals.counts[Likeness.NOT_COMPARED]
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
            "objects": {one.value: count for one, count in totals.counts.items()},
            "bytes": {one.value: size for one, size in totals.sizes_bytes.items()},
            "differs_in": dict(totals.reasons),
            "proven_by": dict(totals.proofs),
            "compared_besides": sorted(aspect.value for aspect in self.aspects),
            "duration_seconds": round(metrics.duration_s, 3),
            "requests": dict(metrics.requests),
            "retries": metrics.retries,
            "throttles": metrics.throttles,
            "notes": list(self.notes),
            "report": str(self.report_path) if self.report_path else None,
            "start_time": metrics.start_time.isoformat(),
            "end_time": metrics.end_time.isoformat() if metrics.end_time else None,
        }
