"""What a plan asks S3 for, which objects it leaves out, and when a copy counts as one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from s3_xfer import collect_batch_job, describe_batch_job, make_batch_plan, submit_batch_job
from s3_xfer.access.job_control import open_job_control, understood
from s3_xfer.access.plan_storage import FolderStorage
from s3_xfer.batch.job_objects import JobObject
from s3_xfer.batch.planner import JobSettings, make_plan
from s3_xfer.batch.verdict import Left, end_of
from s3_xfer.comparison import CompareResult, CompareStatus
from s3_xfer.errors import PlanError, ValidationError
from s3_xfer.model import AccountContext, Copied, CopyTask, Failed, S3Location, S3Object
from tests.batch.conftest import ROLE
from tests.batch.control_server import ControlServer
from tests.reports import lines_of
from tests.sources.inventories import DATED, files_of, write
from tests.world import (
    DESTINATION_ACCOUNT,
    DESTINATION_KEY,
    DST,
    SOURCE_KEY,
    SRC,
    World,
    session,
)

SETTINGS = JobSettings(
    role_arn=ROLE,
    manifest=S3Location(bucket=DST, key="ops"),
    report=S3Location(bucket=DST, key="ops"),
)
MD5 = '"0123456789abcdef0123456789abcdef"'
BEGAN = datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)


def test_plan_only_lists(world: World, tmp_path: Path) -> None:
    """One page for a thousand objects, and no other request; nothing is lost between the files."""
    for number in range(1500):
        world.server.put(SRC, f"in/{number:04}", size=10)
    world.server.put(SRC, "in/large", size=5 * 10**9 + 1)
    world.server.put(SRC, "in/not-yet-large", size=5 * 10**9)
    world.server.put(SRC, "in/cold", size=1, storage_class="DEEP_ARCHIVE")
    world.server.put(SRC, f"in/{'k' * 1015}", size=1)

    plan = make_plan(
        world.operation("in/", f"{'p' * 10}/in/"), SETTINGS, FolderStorage(tmp_path / "plan")
    )

    assert {request.operation for request in world.server.requests} == {"ListObjectsV2"}
    assert len(world.server.requests) <= 3
    rest = {line["source_key"]: line for line in lines_of(tmp_path / "plan" / "rest.jsonl")}
    assert set(rest) == {"in/large", "in/cold", f"in/{'k' * 1015}"}
    assert rest[f"in/{'k' * 1015}"]["error_class"] == "KeyTooLong"
    assert (plan.objects, plan.rest_objects) == (1501, 3)
    assert plan.bytes == 15_000 + 5 * 10**9
    rows = (tmp_path / "plan" / "manifest.csv").read_text().splitlines()
    assert len(rows) == len(set(rows)) == 1501
    assert json.loads((tmp_path / "plan" / "plan.json").read_text())["objects"] == 1501


def test_a_plan_in_s3_serves_every_step(world: World, tmp_path: Path) -> None:
    """Each step may run on another machine; the manifest is read from there, too."""
    for number in range(3):
        world.server.put(SRC, f"in/{number}", size=10)
    world.server.put(SRC, "in/large", size=6 * 10**9)
    world.server.create_bucket("control", owner=DESTINATION_ACCOUNT)
    account, place = world.account(DESTINATION_KEY), "s3://control/jobs/x/"
    client = session(DESTINATION_KEY).client("s3", endpoint_url=world.server.url)
    with ControlServer(client).serving() as api:
        reached: dict[str, Any] = {"destination": account, "control_endpoint": api.url}
        made = make_batch_plan(
            world.operation("in/", "p/in/"), place, role_arn=ROLE, report=f"{DST}/ops"
        )
        job = submit_batch_job(place, **reached)
        again = submit_batch_job(place, **reached)
        while not (progress := describe_batch_job(job, **reached)).has_ended:
            assert len(api.requests) < 10
        result = collect_batch_job(
            place, tmp_path / "r.jsonl", source=world.account(SOURCE_KEY), **reached
        )
    client.close()

    assert (made.objects, made.rest_objects) == (3, 1)
    assert (job.is_new, again.is_new, again.job_id) == (True, False, job.job_id)
    assert (progress.status, progress.succeeded) == ("Complete", 3)
    assert (result.copied, result.rest, result.left) == (3, 1, 1)
    assert {line["status"] for line in lines_of(tmp_path / "r.jsonl")} == {
        "copied",
        "not_attempted",
    }
    names = {key.removeprefix("jobs/x/") for key in world.server.objects("control")}
    assert {"plan.json", "manifest.csv", "rest.jsonl", "policies/role.json", "job.json"} <= names


def test_a_list_or_an_inventory_names_the_objects(world: World, tmp_path: Path) -> None:
    """What it does not say about an object is asked for."""
    sizes = {"in/a": 10, "in/b": 6 * 10**9, "in/c": 7, "in/not-named": 1}
    for key, size in sizes.items():
        world.server.put(SRC, key, size=size)
    rows = [{"Bucket": SRC, "Key": key, "Size": size} for key, size in sizes.items()]
    manifest = write(tmp_path, files_of(rows[:3], bucket=SRC)) / DATED / "manifest.json"
    (tmp_path / "list").write_text("a\nb\nc\na\n")
    for name, source in {
        "from-inventory": {"inventory": str(manifest)},
        "from-list": {"files_from": str(tmp_path / "list"), "files_from_keys": "relative"},
    }.items():
        operation = world.operation("in/", "p/in/", **source)
        plan = make_plan(operation, SETTINGS, FolderStorage(tmp_path / name))
        written = (tmp_path / name / "manifest.csv").read_text().splitlines()

        assert sorted(written) == [f"{SRC},in/a", f"{SRC},in/c"]
        assert (plan.objects, plan.bytes, plan.rest_objects) == (2, 17, 1)


def test_a_plan_begun_before_leaves_nothing_in_the_next(world: World, tmp_path: Path) -> None:
    """Its policies would name another manifest."""
    world.server.put(SRC, "in/a", size=10)
    storage = FolderStorage(tmp_path / "plan")
    make_plan(world.operation("in/", "p/in/"), SETTINGS, storage)
    (tmp_path / "plan" / "plan.json").unlink()  # as if it had been killed at the end
    plan = make_plan(world.operation("in/", "p/in/"), SETTINGS, storage)

    assert plan.token in (tmp_path / "plan" / "policies" / "role.json").read_text()
    with pytest.raises(PlanError, match="there is a plan in"):
        make_plan(world.operation("in/", "p/in/"), SETTINGS, storage)


@pytest.mark.parametrize("arn", ["arn:aws:iam::222222222222:user/me", "job", "222222222222"])
def test_only_a_role_can_be_assumed(world: World, tmp_path: Path, arn: str) -> None:
    """Before anything is listed."""
    settings = JobSettings(role_arn=arn, manifest=SETTINGS.manifest, report=SETTINGS.report)

    with pytest.raises(ValidationError, match="is not the ARN of"):
        make_plan(world.operation("in/", "in/"), settings, FolderStorage(tmp_path / "plan"))

    assert world.server.requests == []


def test_what_the_installed_botocore_does_not_know_is_left_out_and_named() -> None:
    """At every depth; a newer botocore asks for it."""
    account = AccountContext(session=session("AKIA"))
    client = open_job_control(account, region="us-east-1", endpoint_url="http://127.0.0.1:9")
    operation = {"TargetResource": "arn:aws:s3:::b", "NotYet": 1, "NewObjectTagging": []}

    known, unknown = understood(
        client, "CreateJob", {"Priority": 1, "Operation": {"S3PutObjectCopy": operation}}
    )

    copying = {"TargetResource": "arn:aws:s3:::b", "NewObjectTagging": []}
    assert known == {"Priority": 1, "Operation": {"S3PutObjectCopy": copying}}
    assert unknown == ("NotYet",)


def _shown(status: CompareStatus, *, etag: str, modified: datetime, size: int = 5) -> JobObject:
    source = S3Object(bucket=SRC, key="k", size=5, etag=MD5)
    copy = S3Object(bucket=DST, key="k", size=size, etag=etag, last_modified=modified)
    task = CopyTask(source, DST, "k")
    compared = CompareResult(status=status, task=task, destination=copy)
    return JobObject(task=task, is_tried=True, error=None, comparison=compared)


NEW, OLD = BEGAN.replace(microsecond=0), BEGAN - timedelta(seconds=2)
SAME_SIZE, EXTRA = CompareStatus.SAME_SIZE, CompareStatus.EXTRA


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (_shown(CompareStatus.SAME, etag='"x"', modified=OLD), Copied),
        (_shown(SAME_SIZE, etag='"x-2"', modified=NEW), Copied),
        (_shown(SAME_SIZE, etag='"x-2"', modified=OLD), Left),
        (_shown(CompareStatus.DIFFERENT, etag='"x"', modified=NEW), CompareResult),
        (_shown(EXTRA, etag=MD5, modified=OLD), Copied),
        (_shown(EXTRA, etag='"x-2"', modified=NEW), Copied),
        (_shown(EXTRA, etag='"x-2"', modified=OLD), Failed),
        (_shown(EXTRA, etag='"x-2"', modified=NEW, size=6), Failed),
    ],
)
def test_copied_is_what_a_comparison_bears_out(found: JobObject, kind: type) -> None:
    """By its content; where only the size can be compared, by that and its time."""
    assert isinstance(end_of(found, BEGAN), kind)


def test_copy_of_unknown_time_is_not_taken_on_trust() -> None:
    """S3 did not say when the job began."""
    assert isinstance(end_of(_shown(SAME_SIZE, etag='"x-2"', modified=NEW), None), Left)
