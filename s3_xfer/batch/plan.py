"""A plan of a job: a folder, and the value that its ``plan.json`` holds.

====================  ============================================================
``plan.json``         written last: a folder without it has no plan
``manifest.csv``      the objects of the job, as S3 Batch Operations takes them
``objects.jsonl``     the same objects as a report of ours, with sizes and ETags
``rest.jsonl``        what the job cannot copy, as a report of ours
``policies/``         who has to be allowed what
``job.json``          the id of the job, once it is submitted
====================  ============================================================
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from s3_xfer.errors import ValidationError
from s3_xfer.model import AccountContext, S3Location
from s3_xfer.planning.mapping import KeyMap, plan_keys
from s3_xfer.text import printable

FORMAT = 1
PLAN, MANIFEST, OBJECTS = "plan.json", "manifest.csv", "objects.jsonl"
REST, POLICIES, JOB = "rest.jsonl", "policies", "job.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPlan:
    """What one job is to copy. ``request`` is CreateJob's, but the ETag of the manifest.

    ``token`` makes S3 create one job, however often it is asked. ``rest`` counts, by reason, what
    is left to a copy of ours. ``costs_usd`` are estimates by what they are for.
    """

    token: str
    created: str
    account_id: str
    region: str | None
    source: tuple[str, str]  # bucket and effective prefix
    destination: tuple[str, str]
    manifest: tuple[str, str]  # bucket and key
    manifest_md5: str
    report: tuple[str, str]  # bucket and prefix
    objects: int
    bytes: int
    rest: Mapping[str, int]
    costs_usd: Mapping[str, float]
    request: Mapping[str, Any]

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
        return {"format": FORMAT, **asdict(self)}


def write_plan(folder: Path, plan: BatchPlan) -> None:
    """Write ``plan.json``, which makes the folder a plan."""
    text = json.dumps(plan.to_dict(), indent=1) + "\n"
    partial = folder / f"{PLAN}.partial"
    partial.write_text(text, encoding="ascii")
    partial.replace(folder / PLAN)


def read_plan(folder: Path) -> BatchPlan:
    """Return the plan in ``folder``.

    Raises:
        ValidationError: there is none, or another version has written it.
    """
    values = _json(folder / PLAN)
    if values is None:
        raise ValidationError(
            f"{printable(str(folder))} has no plan of a job",
            remedy="give the folder that s3-xfer batch plan has written",
        )
    if values.pop("format", None) != FORMAT:
        raise _damaged(folder / PLAN)
    try:
        places = ("source", "destination", "manifest", "report")
        pairs = {name: (str(values[name][0]), str(values[name][1])) for name in places}
        return BatchPlan(**(values | pairs))
    except (KeyError, TypeError, IndexError) as error:
        raise _damaged(folder / PLAN) from error


def job_of(folder: Path) -> str | None:
    """Return the id of the job that was submitted; None if none was.

    Raises:
        ValidationError: ``job.json`` cannot be read.
    """
    values = _json(folder / JOB)
    if values is None:
        return None
    if not isinstance(values.get("job_id"), str):
        raise _damaged(folder / JOB)
    return str(values["job_id"])


def keep_job(folder: Path, job_id: str) -> str:
    """Note the id of the job, unless another process has done so; return the one that is noted."""
    try:
        with (folder / JOB).open("x", encoding="ascii") as file:
            file.write(json.dumps({"job_id": job_id}) + "\n")
    except FileExistsError:
        return job_of(folder) or job_id
    return job_id


def _json(path: Path) -> dict[str, Any] | None:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _damaged(path) from error
    if not isinstance(values, dict):
        raise _damaged(path)
    return values


def _damaged(path: Path) -> ValidationError:
    return ValidationError(
        f"{printable(str(path))} cannot be read, or another version of this program has written it",
        remedy="plan the job again, in another folder",
    )
