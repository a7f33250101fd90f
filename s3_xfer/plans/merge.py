"""Reads what the shards of a plan have left, waits for the rest, and makes one result of it.

A shard counts as its completing record says, or else its last ended attempt. Nothing is counted
twice: the ranges of the shards have every key exactly once, which is checked.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from s3_xfer.access.plan_storage import PlanStorage
from s3_xfer.errors import PlanError, not_accepted
from s3_xfer.ledger.report import END, FAILED, NOT_ATTEMPTED, NOT_LISTED, ReportWriter
from s3_xfer.model import S3Location
from s3_xfer.options import ReportScope
from s3_xfer.planning.shards import Shard
from s3_xfer.plans.merged_result import MergedResult
from s3_xfer.plans.records import (
    ATTEMPTS,
    BEGUN,
    DONE,
    ShardRecord,
    begun_name,
    done_name,
    latest_attempts,
    read_record,
    unusable_record,
)
from s3_xfer.plans.shard_run import read_plan

POLL_S = 10.0
WAIT_LIMIT_S = 3600.0
_LEFT = (FAILED, NOT_ATTEMPTED, NOT_LISTED)

_log = logging.getLogger("s3_xfer")


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
        return self._result(self._entries())

    def _entries(self) -> dict[str, str]:
        """Return what the shards have left, with what changes when it is replaced."""
        # In this order: an attempt that ends in between is seen by what it writes last.
        return {
            name: stamp
            for folder in (BEGUN, ATTEMPTS, DONE)
            for name, stamp in self._storage.entries(folder)
        }

    def _result(self, entries: Collection[str]) -> MergedResult:
        numbers = [shard.number for shard in self.plan.shards]
        names = latest_attempts(entries)
        names |= {number: name for number in numbers if (name := done_name(number)) in entries}
        found = {
            shard.number: record
            for shard in self.plan.shards
            if shard.number in names and (record := self._record(names[shard.number], shard))
        }
        begun = frozenset(number for number in numbers if begun_name(number) in entries)
        return MergedResult(plan=self.plan, records=found, begun=begun)

    def _record(self, name: str, shard: Shard) -> ShardRecord | None:
        if name not in self._records:
            record = read_record(self._storage, name, self.plan, shard)
            if record is None:  # removed since it was listed
                return None
            self._records[name] = record
        return self._records[name]

    def wait(self, *, limit_s: float = WAIT_LIMIT_S, poll_s: float = POLL_S) -> MergedResult:
        """Return how the shards stand when each is done, or has failed for good.

        Or when nothing has happened in any of them for ``limit_s``: none has begun, gone on or
        ended. Clocks of other machines do not matter.

        Raises:
            PlanError: a record cannot be used, or nothing could be read for ``limit_s``.
            ValidationError: it is no limit.
        """
        if not limit_s > 0:
            raise not_accepted("wait_limit_s", limit_s, "a number of seconds above 0")
        seen: dict[str, str] | None = None
        changed_s = time.monotonic()
        while True:
            silent_s = time.monotonic() - changed_s
            try:
                entries = self._entries()
                result = self._result(entries)
            except PlanError as error:
                if error.is_permanent or silent_s >= limit_s:
                    raise
                _log.warning("waiting goes on: %s", error)
            else:
                if result.is_final:
                    return result
                if entries != seen:
                    seen, changed_s = entries, time.monotonic()
                elif silent_s >= limit_s:
                    return replace(result, stalled_for_s=round(silent_s, 1))
            time.sleep(min(poll_s, limit_s))

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
