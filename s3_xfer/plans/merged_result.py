"""One result from all shards of a plan: sums, failures, what is missing, what has changed since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from s3_xfer.errors import check_fields
from s3_xfer.html import short_table
from s3_xfer.ledger.metrics import ERRORS_KEPT
from s3_xfer.ledger.result import RunState
from s3_xfer.plans.document import Plan
from s3_xfer.plans.records import COUNTERS, SUMS, ShardRecord
from s3_xfer.units import format_count, format_duration, format_size

STALL_REMEDY = (
    "look in the log of what runs the shards why it starts none of them again, and start them: "
    "what has arrived is left out"
)
_NUMBERS_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class MergedResult:
    """All shards of a plan together. ``records`` are by shard, where an attempt has ended.

    ``missing`` are the numbers of the shards that are not done.
    """

    plan: Plan
    """The plan."""
    records: Mapping[int, ShardRecord]
    """How the last attempt at each shard ended, by its number."""
    begun: Set[int] = frozenset()
    """The numbers of the shards that an attempt was made at."""
    stalled_for_s: float = 0.0
    """For how long nothing had happened when the wait was given up; 0 if it was not."""
    report_path: Path | None = None
    """The report of all shards; None without one."""

    def __post_init__(self) -> None:
        check_fields(self)

    def __repr__(self) -> str:
        numbers = ", ".join(f"{name}={value}" for name, value in self._numbers())
        return f"<MergedResult {numbers}>"

    def _repr_html_(self) -> str:
        return short_table(
            "All shards are done" if self.is_complete else "Not done", self._numbers()
        )

    def _numbers(self) -> Iterator[tuple[str, str]]:
        """Yield what a short form shows."""
        shards = len(self.plan.shards)
        yield "shards_done", f"{shards - len(self.missing)}/{shards}"
        yield "copied", format_count(self.total("files_copied_successfully"))
        yield "failed", format_count(self.total("files_failed"))
        yield "size", format_size(self.total("total_bytes_transferred"))

    @property
    def missing(self) -> tuple[int, ...]:
        """The numbers of the shards that are not done."""
        return tuple(
            shard.number
            for shard in self.plan.shards
            if not (record := self.records.get(shard.number)) or not record.is_done
        )

    @property
    def is_complete(self) -> bool:
        """Whether all shards are done, which nothing has failed in."""
        return not self.missing

    @property
    def has_ended(self) -> bool:
        """Whether each shard was copied to its end, whatever failed in it."""
        return len(self.records) == len(self.plan.shards) and all(
            record.is_done
            or not (
                record.result.get("aborted_by")
                or record.result.get("cancelled_by")
                or record.result.get("files_not_attempted")
                or record.result["state"] == RunState.VALIDATION_FAILED.value
            )
            for record in self.records.values()
        )

    @property
    def is_final(self) -> bool:
        """Whether no other attempt would make a difference."""
        return not self.unfinished

    @property
    def unfinished(self) -> tuple[int, ...]:
        """The numbers of the shards that another attempt might complete."""
        return tuple(
            number
            for number in self.missing
            if not (record := self.records.get(number)) or not record.is_permanent
        )

    @property
    def stall(self) -> str:
        """Why the wait was given up; empty if it was not."""
        if not self.stalled_for_s:
            return ""
        numbers = ", ".join(map(str, self.unfinished[:_NUMBERS_SHOWN]))
        more = len(self.unfinished) - _NUMBERS_SHOWN
        return (
            f"nothing has happened for {format_duration(self.stalled_for_s)} in any of the shards "
            f"that are not done: {numbers}{f' and {more:,} more' if more > 0 else ''}"
        )

    def state_of(self, number: int) -> str:
        """Return how a shard stands: as its last attempt ended, if one has."""
        if record := self.records.get(number):
            return str(record.result["state"])
        return "begun, no attempt has ended" if number in self.begun else "not begun"

    def total(self, name: str) -> int:
        """Return the sum of a count of all shards."""
        return sum(record.result.get(name, 0) for record in self.records.values())

    def counts(self, name: str) -> dict[str, int]:
        """Return the sums of counts by their names."""
        total: Counter[str] = Counter()
        for record in self.records.values():
            total.update(record.result.get(name, {}))
        return dict(total)

    @property
    def errors(self) -> list[str]:
        """The first errors, at most as many as one copy keeps."""
        lines = (line for record in self._in_order() for line in record.result["errors"])
        return [line for line, _ in zip(lines, range(ERRORS_KEPT), strict=False)]

    def _in_order(self) -> Iterator[ShardRecord]:
        return (self.records[number] for number in sorted(self.records))

    @property
    def start_time(self) -> datetime | None:
        """When the first of the counted attempts began."""
        return min(self._times("start_time"), default=None)

    @property
    def end_time(self) -> datetime | None:
        """When the last of them ended."""
        return max(self._times("end_time"), default=None)

    def _times(self, name: str) -> Iterator[datetime]:
        return (datetime.fromisoformat(record.result[name]) for record in self.records.values())

    @property
    def duration_s(self) -> float:
        """The time from the first start to the last end."""
        start, end = self.start_time, self.end_time
        return (end - start).total_seconds() if start and end else 0.0

    def changes(self) -> list[dict[str, int]]:
        """Return what the shards that are done found, where it is not what was planned."""
        found = [
            {
                "shard": shard.number,
                "planned": shard.objects,
                "found": record.result["total_files_found"],
            }
            for shard in self.plan.shards
            if (record := self.records.get(shard.number)) and record.is_done
        ]
        return [change for change in found if change["planned"] != change["found"]]

    def _not_done(self, number: int) -> dict[str, Any]:
        """Return what is known about a shard that is not done."""
        record = self.records.get(number)
        state = self.state_of(number)
        if not record:
            return {"shard": number, "state": state, "permanent": False}
        result = record.result
        return {
            "shard": number,
            "state": state,
            "permanent": record.is_permanent,
            "files_failed": result["files_failed"],
            "why": result.get("aborted_by")
            or result.get("cancelled_by")
            or next(iter(result["errors"]), None),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values: the mission's schema first."""
        errors = self.errors
        sums = {name: self.total(name) for name in SUMS}
        start, end = self.start_time, self.end_time
        return {
            "operation_id": self.plan.plan_id,
            "duration_seconds": round(self.duration_s, 3),
            "total_files_found": sums.pop("total_files_found"),
            "files_copied_successfully": sums.pop("files_copied_successfully"),
            "files_failed": sums["files_failed"],
            "total_bytes_transferred": sums.pop("total_bytes_transferred"),
            "errors": errors,
            "errors_omitted": max(0, sums.pop("files_failed") - len(errors)),
            **sums,
            **{name: self.counts(name) for name in COUNTERS},
            "start_time": start.isoformat() if start else None,
            "end_time": end.isoformat() if end else None,
            "state": "COMPLETED" if self.is_complete else "COPY_FAILED",
            "source": self.plan.source_url,
            "destination": self.plan.destination_url,
            "shard_count": len(self.plan.shards),
            "shards_done": len(self.plan.shards) - len(self.missing),
            "shards_missing": list(self.missing),
            "shards_not_done": [self._not_done(number) for number in self.missing],
            "stalled_for_seconds": self.stalled_for_s,
            "ranges_are_complete": True,  # or the plan would have been refused
            "planned_objects": sum(shard.objects for shard in self.plan.shards),
            "changed_since_plan": self.changes(),
            "report": str(self.report_path) if self.report_path else None,
        }
