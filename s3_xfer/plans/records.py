"""What an attempt at a shard leaves beside the plan: that it began, how it ended, and its report.

``begun/N.json`` says that there was an attempt, ``begun/N-progress.json`` how far the last one has
come. ``attempts/N/`` has a record for every attempt that has ended, ``reports/`` their reports.
``done/N.json`` is the record of the attempt that completed the shard; it is written last, and only
once.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from s3_xfer.access.plan_storage import PlanStorage
from s3_xfer.errors import PlanError, ValidationError, check_fields
from s3_xfer.field_types import JsonObject
from s3_xfer.ledger.breakdown import Breakdown
from s3_xfer.ledger.result import RunState
from s3_xfer.planning.shards import Shard
from s3_xfer.plans.document import Plan, ranges_list
from s3_xfer.wording import message

BEGUN, ATTEMPTS, DONE = "begun", "attempts", "done"
SUMS = (
    "total_files_found",
    "files_copied_successfully",
    "files_failed",
    "total_bytes_transferred",
    "files_skipped",
    "files_not_attempted",
    "total_bytes_found",
    "bytes_skipped",
    "bytes_failed",
    "retries",
    "throttles",
)
COUNTERS = ("errors_by_class", "skips_by_reason", "requests", "copied_by_engine")
_FORMAT, _VERSION = "s3_xfer/shard", 1
_ATTEMPT = re.compile(rf"{ATTEMPTS}/([0-9]{{5,}})/[^/]+\.json")
_COUNTS = SUMS[:4]  # which every record has


def begun_name(number: int) -> str:
    """Return the name of the note that there was an attempt at a shard."""
    return f"{BEGUN}/{number:05}.json"


def progress_name(number: int) -> str:
    """Return the name of the note of how far the attempt at a shard has come."""
    return f"{BEGUN}/{number:05}-progress.json"


def done_name(number: int) -> str:
    """Return the name of the record of the attempt that completed a shard."""
    return f"{DONE}/{number:05}.json"


def attempt_name(number: int, attempt: str) -> str:
    """Return the name of the record of an attempt that has ended."""
    return f"{ATTEMPTS}/{number:05}/{attempt}.json"


def latest_attempts(names: Iterable[str]) -> dict[int, str]:
    """Return the name of the record of the last attempt by shard, of ``names`` in their order."""
    attempts = (_ATTEMPT.fullmatch(name) for name in names)
    return {int(found[1]): found[0] for found in attempts if found}  # the last one stays


def report_name(number: int, attempt: str) -> str:
    """Return the name of the report of an attempt."""
    return f"reports/{number:05}-{attempt}.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardRecord:
    """How one attempt at a shard ended.

    ``result`` is what a copy prints as JSON. ``is_permanent``: another attempt would end the same
    way. ``report`` is the name of its report beside the plan; empty if there is none.
    """

    shard: int
    """The number of the shard."""
    attempt: str
    """The id of the attempt."""
    is_done: bool
    """Whether the whole shard is copied."""
    is_permanent: bool
    """Whether another attempt would end the same way."""
    report: str
    """The name of its report beside the plan; empty if there is none."""
    result: JsonObject
    """What a copy prints as JSON."""

    def __post_init__(self) -> None:
        check_fields(self)

    def to_json(self, plan: Plan) -> bytes:
        """Return the record as a document that belongs to ``plan``."""
        return json.dumps(
            {
                "format": _FORMAT,
                "version": _VERSION,
                "plan_id": plan.plan_id,
                "shard": self.shard,
                "ranges": ranges_list(plan.shards[self.shard].ranges),
                "attempt": self.attempt,
                "host": socket.gethostname(),
                "ended_at": datetime.now(UTC).isoformat(),
                "done": self.is_done,
                "permanent": self.is_permanent,
                "report": self.report,
                "result": dict(self.result),
            }
        ).encode()


def read_record(storage: PlanStorage, name: str, plan: Plan, shard: Shard) -> ShardRecord | None:
    """Return the record called ``name``, of a shard of ``plan``; None if there is none.

    Raises:
        PlanError: it is damaged, of another version, or belongs to another plan.
    """
    contents = storage.read(name)
    if contents is None:
        return None
    try:
        record = json.loads(contents)
        kind = (record["format"], record["version"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise unusable_record(storage, name, "is damaged") from error
    if kind != (_FORMAT, _VERSION):
        raise unusable_record(storage, name, "has another format than this s3-xfer reads")
    try:
        same = (record["plan_id"], record["shard"], record["ranges"])
        found = ShardRecord(
            shard=shard.number,
            attempt=record["attempt"],
            is_done=record["done"],
            is_permanent=record["permanent"],
            report=record["report"],
            result=record["result"],
        )
        _require_result(found.result)
    except (AttributeError, KeyError, TypeError, ValueError, ValidationError) as error:
        raise unusable_record(storage, name, "is damaged") from error
    if same != (plan.plan_id, shard.number, ranges_list(shard.ranges)):
        raise unusable_record(storage, name, "belongs to another plan")
    if name == done_name(shard.number) and not found.is_done:
        raise unusable_record(storage, name, "is that of an attempt which has not completed it")
    return found


def _require_result(result: JsonObject) -> None:
    """Raise what Python and check_fields raise, unless a merge can read ``result``."""
    counts = [result[name] for name in _COUNTS]
    counts += [result.get(name, 0) for name in SUMS]
    counts += [number for name in COUNTERS for number in {**result.get(name, {})}.values()]
    if not all(type(count) is int and count >= 0 for count in counts):
        raise ValueError("a count")
    if not all(isinstance(text, str) for text in [*result["errors"], result["state"]]):
        raise TypeError("a text")
    numbers = [result["duration_seconds"]]
    if RunState(result["state"]) is not RunState.VALIDATION_FAILED:
        Breakdown.from_dict(result)
        numbers.append(result["estimated_request_cost_usd"])
    if not all(number >= 0 for number in numbers):
        raise ValueError("a number")
    for name in ("start_time", "end_time"):
        if not datetime.fromisoformat(result[name]).tzinfo:
            raise ValueError(name)


def unusable_record(storage: PlanStorage, name: str, why: str) -> PlanError:
    """Return the refusal of what a shard has left, and which says nothing that can be relied on."""
    return PlanError(
        f"the record {storage.name_of(name)} {why}",
        remedy=message("remove it and run its shard again, which leaves out what has arrived"),
    )
