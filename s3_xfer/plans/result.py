"""How planning ended: the value that its summary and its exit code are made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from s3_xfer.errors import RunAborted
from s3_xfer.html import short_table
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.plans.document import Plan, shard_dict
from s3_xfer.text import printable
from s3_xfer.units import format_count, format_duration


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PlanResult:
    """The end of planning. Without a ``plan``, an error or a stop came before it was complete."""

    location: str
    plan: Plan | None
    metrics: TransferMetrics
    notes: tuple[str, ...] = ()
    aborted_by: RunAborted | None = None
    cancelled_by: str | None = None

    def __repr__(self) -> str:
        numbers = ", ".join(f"{name}={value}" for name, value in self._numbers())
        return f"<PlanResult {numbers}>"

    def _repr_html_(self) -> str:
        return short_table("Plan" if self.plan else "No plan was made", self._numbers())

    def _numbers(self) -> Iterator[tuple[str, str]]:
        """Yield what a short form shows."""
        yield "location", printable(self.location)
        if self.plan:
            yield "shards", format_count(len(self.plan.shards))
            yield "objects", format_count(sum(shard.objects for shard in self.plan.shards))
        yield "duration", format_duration(self.metrics.duration_s)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values: the survey, and all shards."""
        plan = self.plan
        return {
            "plan": self.location,
            "plan_id": plan.plan_id if plan else None,
            "source": plan.source_url if plan else None,
            "destination": plan.destination_url if plan else None,
            "parallelism": plan.parallelism if plan else None,
            **(plan.survey if plan else {}),
            "shard_count": len(plan.shards) if plan else 0,
            "balance": round(balance(plan), 4) if plan else None,
            "shards": [shard_dict(shard) for shard in plan.shards] if plan else [],
            "listing_requests": self.metrics.requests.get("ListObjectsV2", 0),
            "duration_of_planning_seconds": round(self.metrics.duration_s, 3),
            "notes": list(self.notes),
            "aborted_by": self.aborted_by.problem if self.aborted_by else None,
            "cancelled_by": self.cancelled_by,
        }


def balance(plan: Plan) -> float:
    """Return the weight of the heaviest shard, as a multiple of the ideal."""
    weights = [shard.weight for shard in plan.shards]
    return max(weights) * len(weights) / max(1, sum(weights))
