"""What a plan asks S3 for, which objects it leaves out, and when a copy counts as one."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from s3_xfer import collect_batch_job, describe_batch_job, make_batch_plan, submit_batch_job
from s3_xfer.access.job_control import open_job_control, understood
from s3_xfer.access.plan_storage import FolderStorage
from s3_xfer.batch.completion import completion_rows
from s3_xfer.batch.job_objects import JobObject, JobObjects
from s3_xfer.batch.planner import JobSettings, make_plan
from s3_xfer.batch.verdict import Left, end_of
from s3_xfer.comparison import CompareResult, CompareStatus
from s3_xfer.errors import PlanError, ReportError, ValidationError
from s3_xfer.model import AccountContext, Copied, CopyTask, Failed, S3Location, S3Object
from s3_xfer.planning.mapping import plan_keys
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


@pytest.mark.parametrize("place", [f"{SRC}/in/", f"{SRC}/in", f"s3://{SRC}/in/jobs/x"])
@pytest.mark.parametrize("name", ["manifest", "report"])
def test_files_of_a_job_are_not_put_among_what_is_copied(
    world: World, tmp_path: Path, name: str, place: str
) -> None:
    """The next copy of the prefix would take them along."""
    world.server.put(SRC, "in/a", size=10)
    places: dict[str, Any] = {"manifest": f"{DST}/ops", "report": f"{DST}/ops"} | {name: place}
    with pytest.raises(ValidationError, match=f"the {name} of the job would lie inside"):
        make_batch_plan(world.operation("in/", "p/in/"), tmp_path / "plan", role_arn=ROLE, **places)

    assert world.server.requests == []
    assert not (tmp_path / "plan").exists()


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("objects", -1, "was changed"),
        ("request", {}, "was changed"),
        ("request.Operation", {}, "was changed"),
        ("destination", ["other-bucket", "in/"], "was changed"),
        ("version", 2, "was changed"),
        ("sha256", None, "was changed"),
        ("format", "s3_xfer/plan", "has no plan of a job"),
    ],
)
def test_a_plan_that_was_changed_is_not_submitted(
    world: World, tmp_path: Path, path: str, value: object, message: str
) -> None:
    """Another job than the planned one would be created, or another copy be taken for its work."""
    world.server.put(SRC, "in/a", size=10)
    place = tmp_path / "plan"
    make_batch_plan(world.operation("in/", "p/in/"), place, role_arn=ROLE, report=f"{DST}/ops")
    (place / "job.json").write_text('{"job_id": "job-1"}')
    document = json.loads((place / "plan.json").read_text())
    *outer, name = path.split(".")
    (document[outer[0]] if outer else document)[name] = value
    (place / "plan.json").write_text(json.dumps(document))

    account = world.account(DESTINATION_KEY)
    with pytest.raises(ValidationError, match=message):
        submit_batch_job(place, destination=account)
    with pytest.raises(ValidationError, match=message):
        collect_batch_job(place, tmp_path / "r.jsonl", destination=account)


@pytest.mark.parametrize(
    "line", [{}, {"source_key": "in/b", "etag": "x"}, {"source_key": "b", "size": "1", "etag": ""}]
)
def test_a_list_of_objects_that_was_changed_is_refused(
    tmp_path: Path, line: dict[str, object]
) -> None:
    """What the job has done is not counted by it."""
    lines = [line | {"status": "not_attempted"}, {"status": "end"}]
    (tmp_path / "objects.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    keys = plan_keys(
        S3Location(bucket=SRC, key="in/"), S3Location(bucket=DST, key="in/"), recursive=True
    )
    with pytest.raises(ReportError, match=r"objects\.jsonl of the plan was cut off or changed"):
        JobObjects(FolderStorage(tmp_path), keys)


@pytest.mark.parametrize("contents", [b"\xff\xfe\n", b'"' + b"x" * 200_000 + b'"\n'])
def test_a_completion_report_that_is_no_table_is_refused(
    world: World, tmp_path: Path, contents: bytes
) -> None:
    """Its MD5 fits all the same."""
    world.server.put(SRC, "in/a", size=10)
    operation = world.operation("in/", "p/in/")
    plan = make_batch_plan(operation, tmp_path / "plan", role_arn=ROLE, report=f"{DST}/ops")
    client = session(DESTINATION_KEY).client("s3", endpoint_url=world.server.url)
    digest = hashlib.md5(contents, usedforsecurity=False).hexdigest()
    result = {"TaskExecutionStatus": "failed", "Key": "rows.csv", "MD5Checksum": digest}
    files = {
        "rows.csv": contents,
        f"{plan.report[1]}/job-1/manifest.json": json.dumps({"Results": [result]}).encode(),
    }
    for key, body in files.items():
        client.put_object(Bucket=DST, Key=key, Body=body)

    with pytest.raises(ReportError, match=r"rows\.csv is no table in UTF-8"):
        list(completion_rows(client, plan, "1") or ())
    client.close()


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
