"""One result from all shards of a plan: sums, failures, what is missing, what has changed since.

A shard counts as its completing record says, or else its last ended attempt. Nothing is counted
twice: the ranges of the shards have every key exactly once, which is checked.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from s3_xfer.access.plan_storage import PlanStorage
from s3_xfer.errors import check_fields
from s3_xfer.ledger.metrics import ERRORS_KEPT
from s3_xfer.ledger.report import END, FAILED, NOT_ATTEMPTED, NOT_LISTED, ReportWriter
from s3_xfer.ledger.result import RunState
from s3_xfer.model import S3Location
from s3_xfer.options import ReportScope
from s3_xfer.planning.shards import Shard
from s3_xfer.plans.document import Plan
from s3_xfer.plans.records import (
    COUNTERS,
    SUMS,
    ShardRecord,
    done_name,
    latest_attempts,
    read_record,
    unusable_record,
)
from s3_xfer.plans.shard_run import read_plan

POLL_S = 10.0
_LEFT = (FAILED, NOT_ATTEMPTED, NOT_LISTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedResult:
    """All shards of a plan together. ``records`` are by shard, where an attempt has ended.

    ``missing`` are the numbers of the shards that are not done.
    """

    plan: Plan
    """The plan."""
    records: Mapping[int, ShardRecord]
    """How the last attempt at each shard ended, by its number."""
    report_path: Path | None = None
    """The report of all shards; None without one."""

    def __post_init__(self) -> None:
        check_fields(self)

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
        return all(
            record and (record.is_done or record.is_permanent)
            for record in (self.records.get(shard.number) for shard in self.plan.shards)
        )

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
        if not record:
            return {"shard": number, "state": "no attempt has ended", "permanent": False}
        result = record.result
        return {
            "shard": number,
            "state": result["state"],
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
            "ranges_are_complete": True,  # or the plan would have been refused
            "planned_objects": sum(shard.objects for shard in self.plan.shards),
            "changed_since_plan": self.changes(),
            "report": str(self.report_path) if self.report_path else None,
        }


class Merge:
    """Reads what the shards of the plan in ``storage`` have left. For one thread."""

    def __init__(self, storage: PlanStorage) -> None:
        self.plan = read_plan(storage)
        self._storage = storage
        self._records: dict[str, ShardRecord] = {}  # by name: what is written is never replaced

    def read(self) -> MergedResult:
        """Return how the shards stand now.

        Raises:
            PlanError: a record is damaged, or belongs to another plan.
        """
        # In this order: an attempt that ends in between is seen by what it writes last.
        names = latest_attempts(self._storage)
        done = set(self._storage.names("done"))
        names |= {
            shard.number: done_name(shard.number)
            for shard in self.plan.shards
            if done_name(shard.number) in done
        }
        found = {
            shard.number: record
            for shard in self.plan.shards
            if shard.number in names and (record := self._record(names[shard.number], shard))
        }
        return MergedResult(plan=self.plan, records=found)

    def _record(self, name: str, shard: Shard) -> ShardRecord | None:
        if name not in self._records:
            record = read_record(self._storage, name, self.plan, shard)
            if record is None:  # removed since it was listed
                return None
            self._records[name] = record
        return self._records[name]

    def wait(self, *, poll_s: float = POLL_S) -> MergedResult:
        """Return how the shards stand when each is done, or has failed for good."""
        while not (result := self.read()).is_final:
            time.sleep(poll_s)
        return result

    def write_report(self, result: MergedResult, path: Path) -> MergedResult:
        """Write everything that is left into one report; return the result with its path.

        What failed in a shard is in it by object; a shard of which nothing is known is listed anew
        by a copy from the report.

        Raises:
            PlanError: a report of a shard cannot be read.
            ReportError: the file cannot be written.
        """
        writer = ReportWriter(path, ReportScope.NOT_COPIED)
        try:
            for number in result.missing:
                record = result.records.get(number)
                if record and record.report:
                    self._repeat(record.report, writer)
                else:
                    self._leave_all(self.plan.shards[number], writer)
        except BaseException:
            writer.leave()
            raise
        return replace(result, report_path=writer.finish())

    def _repeat(self, name: str, writer: ReportWriter) -> None:
        """Repeat what a report of a shard has left."""
        is_ended = False
        try:
            for text in self._storage.lines(name):
                line = json.loads(text)
                is_ended = line["status"] == END
                if line["status"] in _LEFT:
                    writer.repeat(line)
        except (KeyError, TypeError, ValueError) as error:
            raise unusable_record(self._storage, name, "is damaged") from error
        if not is_ended:
            raise unusable_record(self._storage, name, "was cut off")

    def _leave_all(self, shard: Shard, writer: ReportWriter) -> None:
        source = S3Location.parse(self.plan.source_url)
        for keys in shard.ranges:
            writer.not_listed(
                bucket=source.bucket, prefix=source.key, after=keys.after, until=keys.until
            )
