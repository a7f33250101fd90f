"""The plan as a document: a frozen description of a copy, cut into shards.

It is JSON with a format, a version and a checksum, written once. It holds no secret: accounts are
described as in a journal, by profiles and roles.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from s3_xfer.errors import PlanError, ValidationError, check_fields
from s3_xfer.field_types import JsonObject
from s3_xfer.ledger.journal.description import describe, operation_fields
from s3_xfer.model import AccountContext, S3Location
from s3_xfer.planning.ranges import KeyRange
from s3_xfer.planning.shards import Shard, is_tiling
from s3_xfer.spec import CopySpec
from s3_xfer.version import VERSION
from s3_xfer.wording import message

PLAN = "plan.json"
_FORMAT, _VERSION = "s3_xfer/plan", 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One copy, cut into ``shards``, which are numbered from 0.

    ``description`` is that of the copy, ``survey`` what the listing has shown, as plain JSON
    values. ``parallelism`` is how many shards run at the same time, at most: so many share the
    request rate of the copy.
    """

    plan_id: str
    """The id of the plan."""
    created_at: datetime
    """When it was made."""
    tool_version: str
    """The version that has made it."""
    source_url: str
    """Where the objects are."""
    destination_url: str
    """Where the copies go."""
    description: JsonObject
    """The copy, as plain JSON values."""
    parallelism: int
    """How many shards run at the same time, at most; they share the request rate."""
    survey: JsonObject
    """What the listing has shown, as plain JSON values."""
    shards: tuple[Shard, ...]
    """The shards, in the order of their keys."""

    def __post_init__(self) -> None:
        check_fields(self)

    def operation(self) -> CopySpec:
        """Return the copy, with accounts as far as they were written down."""
        nothing = (AccountContext(), None)
        return CopySpec(
            **operation_fields(
                dict(self.description), source=nothing, destination=nothing, changes={}
            )
        )

    def to_json(self) -> bytes:
        """Return the document."""
        plan = {
            "plan_id": self.plan_id,
            "created_at": self.created_at.isoformat(),
            "tool_version": self.tool_version,
            "source": self.source_url,
            "destination": self.destination_url,
            "copy": self.description,
            "parallelism": self.parallelism,
            "survey": dict(self.survey),
            "shards": [shard_dict(shard) for shard in self.shards],
        }
        return json.dumps(
            {"format": _FORMAT, "version": _VERSION, "sha256": _digest(plan), "plan": plan}
        ).encode()


def parse_plan(contents: bytes, *, name: str) -> Plan:
    """Return the plan that was written as ``contents``; messages call it ``name``.

    Raises:
        PlanError: they are no plan, a damaged one, or one of another version.
    """
    try:
        document = json.loads(contents)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise PlanError(
            f"{name} is not a plan", remedy="name the folder or prefix that the plan was written to"
        )
    version, plan = document.get("version"), document.get("plan") or {}
    if version != _VERSION:
        raise PlanError(
            f"the plan {name} has format {version}, and this s3-xfer reads {_VERSION}",
            remedy="run it with the version that made it, or make the plan again",
        )
    if _digest(plan) != document.get("sha256"):
        raise _damaged(name, "its contents do not match its checksum")
    try:
        found = _plan_of(plan, name)
        described = describe(found.operation())
    except KeyError as error:
        raise _damaged(name, f"it lacks {error}") from error
    except (AttributeError, TypeError, ValueError, ValidationError) as error:
        why = error.problem if isinstance(error, ValidationError) else str(error)
        raise _damaged(name, f"a value in it cannot be used ({why})") from error
    _require_known(found, described, name)
    return found


def _require_known(plan: Plan, described: Mapping[str, Any], name: str) -> None:
    """Refuse a plan with an option that this version does not have: it would be ignored."""
    strange = sorted(
        option
        for part in ("identity", "operation", "options")
        for option in plan.description[part].keys() - described[part].keys()
    )
    if strange:
        raise PlanError(
            f"the plan {name} was made by s3-xfer {plan.tool_version}, with what this version, "
            f"{VERSION}, does not know: {', '.join(strange)}",
            remedy="copy with the version that made it",
        )


def _plan_of(plan: Mapping[str, Any], name: str) -> Plan:
    shards = tuple(_shard_of(number, shard) for number, shard in enumerate(plan["shards"]))
    if not is_tiling([keys for shard in shards for keys in shard.ranges]):
        raise _damaged(name, "its shards do not have every key exactly once")
    created_at = datetime.fromisoformat(plan["created_at"])
    if created_at.tzinfo is None or plan["parallelism"] < 1:
        raise ValueError("created_at or parallelism")
    S3Location.parse(plan["source"])
    return Plan(
        plan_id=plan["plan_id"],
        created_at=created_at,
        tool_version=plan["tool_version"],
        source_url=plan["source"],
        destination_url=plan["destination"],
        description=plan["copy"],
        parallelism=plan["parallelism"],
        survey=plan["survey"],
        shards=shards,
    )


def shard_dict(shard: Shard) -> dict[str, Any]:
    """Return a shard as plain JSON values."""
    return {
        "shard": shard.number,
        "objects": shard.objects,
        "bytes": shard.size_bytes,
        "large": shard.is_of_large,
        "ranges": ranges_list(shard.ranges),
    }


def ranges_list(ranges: Sequence[KeyRange]) -> list[dict[str, str | None]]:
    """Return key ranges as plain JSON values."""
    return [{"after": keys.after, "until": keys.until} for keys in ranges]


def _shard_of(number: int, shard: Mapping[str, Any]) -> Shard:
    if shard["shard"] != number:
        raise ValueError(f"shard {number}")
    ranges = tuple(KeyRange(keys["after"], keys["until"]) for keys in shard["ranges"])
    return Shard(number, ranges, shard["objects"], shard["bytes"], shard["large"])


def _digest(plan: Any) -> str:
    return hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()


def _damaged(name: str, why: str) -> PlanError:
    return PlanError(
        f"the plan {name} is damaged: {why}",
        remedy=message(
            "make the plan again, in another place; {identical=skip} leaves out what has arrived"
        ),
    )
