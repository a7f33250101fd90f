"""What a listing shows about a copy before it begins: counts, sizes, requests, dollars, time."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from s3_xfer.ledger.prices import BATCH_JOB_USD, BATCH_OBJECT_USD, Prices
from s3_xfer.model import CopyTask, S3Object
from s3_xfer.options import CopyOptions, Encryption
from s3_xfer.planning.cost import RequestEstimate
from s3_xfer.planning.steps import Copy, Refuse, Skip, Step, decide
from s3_xfer.sources.prefix import KEYS_PER_PAGE
from s3_xfer.units import GIB, KIB, MIB

PARTITION_REQUESTS_PER_S = 3500.0  # S3 User Guide: writes to one partition of a bucket
NOT_INCLUDED = (
    "storage, data transfer between regions, retrieval from infrequent-access classes, requests to "
    "KMS for the source"
)
# https://aws.amazon.com/kms/pricing/, 2026-03
KMS_USD_PER_REQUEST = 0.03 / 10_000
_ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
# The upper bounds of the histogram, included; None for everything above.
SIZE_BOUNDS = (0, 64 * KIB, MIB, 16 * MIB, 128 * MIB, 5 * GIB)


@dataclass(slots=True)
class _Sum:
    objects: int = 0
    size_bytes: int = 0

    def add(self, size_bytes: int) -> None:
        self.objects += 1
        self.size_bytes += size_bytes

    def to_dict(self) -> dict[str, int]:
        return {"objects": self.objects, "bytes": self.size_bytes}


@dataclass(slots=True)
class Survey:
    """Adds up the objects of a listing. For one thread.

    ``steps`` decide which of them would be copied.
    """

    options: CopyOptions
    steps: Sequence[Step]
    to_copy: _Sum = field(default_factory=_Sum)
    archived: _Sum = field(default_factory=_Sum)
    refused: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    _classes: dict[str, _Sum] = field(default_factory=dict)
    _sizes: list[_Sum] = field(default_factory=lambda: [_Sum() for _ in (*SIZE_BOUNDS, None)])
    _requests: Counter[str] = field(default_factory=Counter)
    _small: int = 0

    def add(self, tasks: Sequence[CopyTask]) -> None:
        """Count the objects of a page."""
        for task in tasks:
            match decide(self.steps, task):
                case Copy():
                    self._add(task.source)
                case Skip(reason):
                    self.skipped[reason.value] += 1
                case Refuse(error):
                    self.refused[error.info.error_class.value] += 1

    def _add(self, found: S3Object) -> None:
        self.to_copy.add(found.size)
        self._sizes[bisect_left(SIZE_BOUNDS, found.size)].add(found.size)
        self._classes.setdefault(found.storage_class or "unknown", _Sum()).add(found.size)
        if found.storage_class in _ARCHIVES:
            self.archived.add(found.size)
        if found.size < self.options.multipart_threshold_bytes:
            self._small += 1  # which all take the same requests
        else:
            self._requests.update(self._estimate.requests_of(found))

    @property
    def _estimate(self) -> RequestEstimate:
        return RequestEstimate(self.options)

    def requests(self) -> dict[str, int]:
        """Return the requests of all shards together, by operation."""
        small = S3Object(bucket="any", key="any", size=0, etag='"any"')
        of_small = self._estimate.requests_of(small)
        found = self.to_copy.objects + self.skipped.total() + self.refused.total()
        total = Counter({name: count * self._small for name, count in of_small.items()})
        total.update(self._requests)
        total["ListObjectsV2"] += -(-found // KEYS_PER_PAGE)
        return dict(+total)

    def to_dict(self, prices: Prices) -> dict[str, Any]:
        """Return plain JSON values."""
        requests = self.requests()
        bill = prices.bill(requests, self.options.storage_class)
        rate = self.options.max_requests_per_s or PARTITION_REQUESTS_PER_S
        return {
            **self.to_copy.to_dict(),
            "requests": requests,
            "estimated_request_cost_usd": round(bill.usd, 6),
            "kms_cost_usd": round(self._kms_requests() * KMS_USD_PER_REQUEST, 6),
            "batch_operations_cost_usd": round(
                BATCH_JOB_USD + self.to_copy.objects * BATCH_OBJECT_USD, 6
            ),
            "price_list": bill.price_list,
            "not_included": NOT_INCLUDED,
            "requests_per_second": rate,
            "duration_seconds": round(sum(requests.values()) / rate, 1),
            "sizes": [
                {"up_to": bound, **counted.to_dict()}
                for bound, counted in zip((*SIZE_BOUNDS, None), self._sizes, strict=True)
            ],
            "storage_classes": {
                name: counted.to_dict() for name, counted in sorted(self._classes.items())
            },
            "archived": self.archived.to_dict(),
            "refused": dict(self.refused),
            "skipped": dict(self.skipped),
            "left_out": dict(self.left_out),
        }

    def _kms_requests(self) -> int:
        """Return how often the copies ask KMS for a key of the destination, at most."""
        uses_kms = self.options.sse in (Encryption.KMS, Encryption.KMS_DSSE)
        return self.to_copy.objects if uses_kms and not self.options.bucket_key else 0
