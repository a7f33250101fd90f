"""A plan of a job: a folder, or a prefix in S3, and the value that its ``plan.json`` holds.

====================  ============================================================
``plan.json``         written last: what has none is no plan
``manifest.csv``      the objects of the job, as S3 Batch Operations takes them
``objects.jsonl``     the same objects as a report of ours, with sizes and ETags
``rest.jsonl``        what the job cannot copy, as a report of ours
``policies/``         who has to be allowed what
``job.json``          the id of the job, once it is submitted
====================  ============================================================
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from s3_xfer.access.plan_storage import PlanStorage
from s3_xfer.errors import ValidationError, check_fields
from s3_xfer.field_types import JsonObject
from s3_xfer.model import AccountContext, S3Location
from s3_xfer.planning.mapping import KeyMap, plan_keys

_FORMAT, _VERSION = "s3_xfer/batch_plan", 1
PLAN, MANIFEST, OBJECTS = "plan.json", "manifest.csv", "objects.jsonl"
REST, POLICIES, JOB = "rest.jsonl", "policies", "job.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPlan:
    """What one job is to copy."""

    token: str
    """Makes S3 create one job, however often it is asked."""
    created: str
    """When the plan was made, in UTC, as ISO 8601."""
    account_id: str
    """The account whose job it is."""
    region: str | None
    """The region of the job; None where nothing names it."""
    source: tuple[str, str]
    """Bucket and effective prefix of the source."""
    destination: tuple[str, str]
    """Bucket and prefix that the copies go to."""
    manifest: tuple[str, str]
    """Bucket and key of the manifest."""
    manifest_md5: str
    """The MD5 of the manifest, in hexadecimal."""
    report: tuple[str, str]
    """Bucket and prefix of the completion report."""
    objects: int
    """How many objects the job is to copy."""
    bytes: int
    """Their sizes together."""
    rest: Mapping[str, int]
    """How many objects are left to a copy of ours, by reason."""
    costs_usd: Mapping[str, float]
    """Estimates in dollars, by what they are for."""
    request: JsonObject
    """What CreateJob is sent, but the ETag of the manifest."""
    identity: JsonObject
    """The identity of the copy, as in a journal."""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def rest_objects(self) -> int:
        """How many objects the job cannot copy."""
        return sum(self.rest.values())

    def key_map(self, source: AccountContext, destination: AccountContext) -> KeyMap:
        """Return the keys of all copies, reached with these accounts."""
        places = [
            S3Location(bucket=bucket, key=key, account=account)
            for (bucket, key), account in (
                (self.source, source),
                (self.destination, destination),
            )
        ]
        return plan_keys(places[0], places[1], recursive=True)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {"format": _FORMAT, "version": _VERSION, **asdict(self)}


def write_plan(storage: PlanStorage, plan: BatchPlan) -> None:
    """Write ``plan.json``, which makes the place a plan.

    Raises:
        PlanError: another process has written one meanwhile, or it cannot be written.
    """
    values = plan.to_dict()
    text = json.dumps(values | {"sha256": _digest(values)}, indent=1) + "\n"
    if not storage.write_new(PLAN, text.encode()):
        raise storage.taken()


def read_plan(storage: PlanStorage) -> BatchPlan:
    """Return the plan in ``storage``.

    Raises:
        ValidationError: there is none, it was changed, or another version has written it.
        PlanError: it cannot be read.
    """
    values = _json(storage, PLAN)
    if values is None or values.get("format") != _FORMAT:
        raise ValidationError(
            f"{storage.url} has no plan of a job", remedy="give the place of a plan"
        )
    is_whole = values.pop("sha256", None) == _digest(values)
    if values.get("version") != _VERSION or not is_whole:
        raise _damaged(storage, PLAN)
    del values["format"], values["version"]
    try:
        places = ("source", "destination", "manifest", "report")
        pairs = {name: (str(values[name][0]), str(values[name][1])) for name in places}
        return BatchPlan(**(values | pairs))
    except (KeyError, TypeError, IndexError, ValidationError) as error:
        raise _damaged(storage, PLAN) from error


def job_of(storage: PlanStorage) -> str | None:
    """Return the id of the job that was submitted; None if none was.

    Raises:
        ValidationError: ``job.json`` cannot be used.
        PlanError: it cannot be read.
    """
    values = _json(storage, JOB)
    if values is None:
        return None
    if not (isinstance(values.get("job_id"), str) and values["job_id"]):
        raise _damaged(storage, JOB)
    return str(values["job_id"])


def keep_job(storage: PlanStorage, job_id: str) -> str:
    """Note the id of the job, unless another process has done so; return the one that is noted."""
    text = json.dumps({"job_id": job_id}) + "\n"
    if storage.write_new(JOB, text.encode()):
        return job_id
    return job_of(storage) or job_id


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _json(storage: PlanStorage, name: str) -> dict[str, Any] | None:
    contents = storage.read(name)
    if contents is None:
        return None
    try:
        values = json.loads(contents)
    except (ValueError, RecursionError) as error:
        raise _damaged(storage, name) from error
    if not isinstance(values, dict):
        raise _damaged(storage, name)
    return values


def _damaged(storage: PlanStorage, name: str) -> ValidationError:
    return ValidationError(
        f"{storage.name_of(name)} was changed, or another version of this program has written it",
        remedy="plan the job again, in another place",
    )
