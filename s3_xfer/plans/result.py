"""How planning ended: the value that its summary and its exit code are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from s3_xfer.errors import RunAborted
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.plans.document import Plan, shard_dict


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanResult:
    """The end of planning. Without a ``plan``, an error or a stop came before it was complete."""

    location: str
    plan: Plan | None
    metrics: TransferMetrics
    notes: tuple[str, ...] = ()
    aborted_by: RunAborted | None = None
    cancelled_by: str | None = None

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
