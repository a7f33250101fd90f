"""What a plan says, what it refuses, and that it is kept as it was made."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest

from s3_xfer import (
    AccountContext,
    Encryption,
    PlanError,
    S3XferError,
    StorageClass,
    ValidationError,
    copy_shard,
    make_plan,
    merge_plan,
)
from s3_xfer.planning.shards import is_tiling
from s3_xfer.units import GIB, MIB
from tests.plans.stage import CONTROL, URL, PlanStage
from tests.sources.inventories import DATED, files_of, write
from tests.world import DESTINATION_ACCOUNT, DST, SRC, World


def test_a_plan_lists_once_and_copies_nothing(stage: PlanStage) -> None:
    """Its counts are exact, its ranges are all keys."""
    stage.fill(2500)
    stage.world.server.forget_requests()
    plan = stage.plan(shards=4)

    listed = stage.world.server.count("ListObjectsV2", bucket=SRC)
    assert listed <= 3 + 1  # the preflight's page, too
    assert is_tiling([keys for shard in plan.shards for keys in shard.ranges])
    assert sum(shard.objects for shard in plan.shards) == 2500
    assert sum(shard.size_bytes for shard in plan.shards) == plan.survey["bytes"] == 2_500_000
    stage.world.assert_untouched()


def test_a_plan_says_what_the_copy_takes(folder: PlanStage) -> None:
    """Requests, dollars, time, sizes, classes, and what will not be copied."""
    server = folder.world.server
    folder.fill(10)
    server.put(SRC, "in/large", size=40 * MIB)  # five parts
    server.put(SRC, "in/archived", size=100, storage_class="GLACIER")
    server.put(SRC, "in/long" + "x" * 1000, size=100)
    server.put(SRC, "in/leave.tmp", size=100)
    plan = folder.plan(
        destination_key="o" * 40 + "/",
        filters=("- *.tmp",),
        storage_class=StorageClass.GLACIER_IR,
        max_requests_per_s=10,
        sse=Encryption.KMS,
    )
    survey = plan.survey

    assert survey["objects"] == 12
    assert survey["requests"] == {
        "CopyObject": 11,
        "HeadObject": 1,
        "GetObjectTagging": 1,
        "CreateMultipartUpload": 1,
        "UploadPartCopy": 5,
        "CompleteMultipartUpload": 1,
        "ListObjectsV2": 1,
    }
    assert survey["estimated_request_cost_usd"] == pytest.approx(
        18 * 0.02 / 1000 + 2 * 0.0004 / 1000 + 0.005 / 1000, abs=1e-6
    )
    assert survey["kms_cost_usd"] == pytest.approx(12 * 0.03 / 10_000)
    assert survey["duration_seconds"] == 2.1
    assert survey["archived"] == {"objects": 1, "bytes": 100}
    assert survey["refused"] == {"KeyTooLong": 1}
    assert survey["left_out"] == {"- *.tmp": 1}
    assert survey["storage_classes"]["GLACIER"] == {"objects": 1, "bytes": 100}
    assert sum(row["objects"] for row in survey["sizes"]) == 12


def test_a_plan_is_never_replaced(stage: PlanStage) -> None:
    """Its shards may be under way."""
    stage.fill(3)
    first = stage.plan()
    stage.world.server.forget_requests()
    with pytest.raises(PlanError, match="there is a plan in"):
        stage.plan()

    assert stage.world.server.count("ListObjectsV2") == 0  # no long listing in vain
    assert stage.merge().plan == first


def test_a_plan_holds_no_secret(folder: PlanStage, tmp_path: Path) -> None:
    """Profiles and roles are in it, sessions and external ids are not."""
    folder.fill(1)
    account = folder.world.account("AKIADESTINATION")
    folder.plan(destination=dataclasses.replace(account, bucket_owner="222222222222"))

    text = (tmp_path / "plan" / "plan.json").read_text()
    assert "222222222222" in text
    assert "AKIADESTINATION" not in text
    assert "external_id" not in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recursive": False, "source_key": "in/00000"}, "a single object cannot be cut"),
        ({"objects": ["a"]}, "a plan cannot keep objects"),
        ({"where": lambda _: True}, "a plan cannot keep where"),
        ({"rename": lambda found: found.key}, "a plan cannot keep rename"),
        ({"from_report_path": "r.jsonl"}, "a shard lists its range"),
        ({"files_from": "list"}, "from what names some of"),
        ({"identical": "skip", "delete": "extra"}, "none can delete"),
        ({"mode": "dry-run"}, "a plan copies nothing"),
        ({"shards": 0}, "shards is 0; it must be a number from 1"),
        ({"shards": -1}, "shards is -1"),
        ({"shards": 10_001}, "shards is 10001"),
        ({"parallelism": 0}, "parallelism is 0"),
        ({"parallelism": -3}, "parallelism is -3"),
        ({"source_bucket": "x-s3alias", "destination_key": "in/out/"}, "may lie inside"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_what_cannot_be_done_in_shards_is_refused(
    folder: PlanStage, changes: dict[str, Any], message: str
) -> None:
    """Before anything is listed or written."""
    folder.fill(1)
    with pytest.raises(ValidationError, match=message):
        folder.plan(**changes)

    assert folder.world.server.count("ListObjectsV2") == 0


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("", "no place of a plan"),
        ("S3://control/x", "no place of a plan"),
        ("gs://control/x", "no place of a plan"),
        ("file:///tmp/x", "no place of a plan"),
        ("s3:/control/x", "no place of a plan"),
        ("s3:control/x", "no place of a plan"),
        ("a\0b", "no place of a plan"),
        ("s3://", "is not an S3 URL"),
        (f"s3://{SRC}/in", "would lie inside"),
        (f"s3://{SRC}/in/plan/", "would lie inside"),
        (f"s3://{DST}/out/plan", "would lie inside"),
    ],
)
def test_a_plan_is_refused_where_it_cannot_be(world: World, place: str, message: str) -> None:
    """No folder is made of a URL, and no document of a plan is copied with the objects."""
    stage = PlanStage(world, place)
    stage.fill(1)
    with pytest.raises(ValidationError, match=message):
        stage.plan()

    assert world.server.count("ListObjectsV2") == 0


@pytest.mark.parametrize(
    "place", [URL, f"{URL}/", f"{URL}//", f"s3://{CONTROL}", f"s3://{DST}/output"]
)
def test_a_place_may_be_written_in_several_ways(world: World, place: str) -> None:
    """With a slash at the end or without, or a whole bucket, or beside what is copied."""
    stage = PlanStage(world, place)
    stage.fill(3)
    plan = stage.plan(shards=1)
    stage.place = place.rstrip("/")
    stage.copy(0)

    assert stage.merge().plan == plan
    assert stage.merge().is_complete


def test_objects_of_every_kind_of_key_are_in_one_shard_each(folder: PlanStage) -> None:
    """Cuts follow the order of UTF-8, in which a surrogate pair of UTF-16 is no exception."""
    keys = ["a", "a\x01", "a ", "a%20", "a+", "a//b", "a\n", "\x7f", "\ud7ff", "\ue000", "\uffff"]
    keys += ["\U00010000", "\U0010fffe", "\U0010ffff", "e\u0301", "\xe9", "b" * 900, "<&>\"'"]
    for key in keys:
        folder.world.server.put(SRC, f"in/{key}", size=10)
    plan = folder.plan(shards=len(keys))
    for shard in plan.shards:
        folder.copy(shard.number)

    assert [shard.objects for shard in plan.shards] == [1] * len(keys)
    assert set(folder.world.arrived()) == {f"out/{key}" for key in keys}
    assert folder.world.sent("CopyObject") == len(keys)


def test_a_plan_from_an_inventory_is_that_of_the_listing(folder: PlanStage, tmp_path: Path) -> None:
    """Its rows are in no order; filters apply; shards copy what is there then."""
    folder.fill(2500)
    folder.world.server.put(SRC, "in/00007.tmp", size=10)
    rows = [
        {"Bucket": SRC, "Key": key, "Size": found.size, "ETag": found.etag.strip('"')}
        for key, found in folder.world.server.objects(SRC).items()
    ]
    random.Random(1).shuffle(rows)
    dated = write(tmp_path / "inventory", files_of(rows, bucket=SRC)) / DATED
    listed = folder.plan(shards=3, filters=("- *.tmp",))
    folder.place = tmp_path / "other"
    folder.world.server.forget_requests()
    planned: dict[str, Any] = {"filters": ("- *.tmp",), "inventory": str(dated / "manifest.json")}
    plan = folder.plan(shards=3, **planned)
    lists = folder.world.server.count("ListObjectsV2", bucket=SRC)
    again = make_plan(folder.world.operation(**planned), folder.place, reuse=True)
    folder.world.server.put(SRC, "in/new", size=10)
    for shard in plan.shards:
        folder.copy(shard.number)

    assert (plan.shards, again) == (listed.shards, plan)
    assert plan.survey["left_out"] == {"- *.tmp": 1}
    assert lists <= 1
    assert len(folder.world.arrived()) == 2501
    assert folder.merge().is_complete


def test_durations_in_filters_become_moments(folder: PlanStage) -> None:
    """A shard that runs a week later copies what the plan has counted."""
    folder.fill(2)
    plan = folder.plan(newer_than="1h", shards=1)

    assert plan.description["identity"]["newer_than"].endswith("+00:00")


def _without_a_shard(document: dict[str, Any]) -> None:
    document["plan"]["shards"].pop()


def _of_a_later_version(document: dict[str, Any]) -> None:
    document["version"] = 2


def _with_another_bucket(document: dict[str, Any]) -> None:
    document["plan"]["copy"]["identity"]["destination_bucket"] = "other-bucket"


@pytest.mark.parametrize("damage", [_without_a_shard, _of_a_later_version, _with_another_bucket])
def test_a_damaged_plan_is_refused(folder: PlanStage, tmp_path: Path, damage: Any) -> None:
    """Nothing is copied from it."""
    folder.fill(5)
    folder.plan()
    path = tmp_path / "plan" / "plan.json"
    document = json.loads(path.read_text())
    damage(document)
    path.write_text(json.dumps(document))

    for use in (lambda: folder.copy(0), folder.merge):
        with pytest.raises(PlanError, match=r"damaged|format"):
            use()
    folder.world.assert_untouched()


def _set(document: dict[str, Any], path: str, value: object) -> None:
    *folders, name = path.split(".")
    for folder in folders:
        document = document[folder]
    document[name] = value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("parallelism", "2", "cannot be used"),
        ("parallelism", 0, "cannot be used"),
        ("created_at", "2026-01-01", "cannot be used"),
        ("created_at", 5, "cannot be used"),
        ("plan_id", None, "cannot be used"),
        ("survey", [], "cannot be used"),
        ("shards", None, "cannot be used"),
        ("shards", [], "every key exactly once"),
        ("source", "http://x", "cannot be used"),
        ("copy", {}, "it lacks 'identity'"),
        ("copy", None, "cannot be used"),
        ("copy.identity", {}, "it lacks"),
        ("copy.identity.storage_class", "NO_SUCH", "cannot be used"),
        ("copy.identity.option_of_later", True, "does not know: option_of_later"),
        ("copy.options.option_of_later", None, "does not know: option_of_later"),
    ],
)
def test_a_plan_with_a_value_that_is_none_is_refused(
    folder: PlanStage, tmp_path: Path, path: str, value: object, message: str
) -> None:
    """Its checksum fits: a program has made it, a later version or none of ours."""
    folder.fill(2)
    folder.plan(shards=1)
    file = tmp_path / "plan" / "plan.json"
    document = json.loads(file.read_text())
    _set(document["plan"], path, value)
    text = json.dumps(document["plan"], sort_keys=True)
    document["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    file.write_text(json.dumps(document))

    for use in (lambda: folder.copy(0), folder.merge):
        with pytest.raises(PlanError, match=message) as refusal:
            use()
        assert refusal.value.is_permanent
        assert "plan.json" in str(refusal.value)
    folder.world.assert_untouched()


@pytest.mark.parametrize("contents", [b"", b"{", b"[]", b'{"format": "s3_xfer/shard"}', b"\xff"])
def test_what_is_no_plan_is_refused(tmp_path: Path, contents: bytes) -> None:
    """A file that was cut off, or something else."""
    (tmp_path / "plan.json").write_bytes(contents)

    for use in (lambda: copy_shard(tmp_path, 0), lambda: merge_plan(tmp_path)):
        with pytest.raises(PlanError, match="is not a plan"):
            use()


def test_a_missing_plan_is_refused(stage: PlanStage) -> None:
    """So is one whose folder or bucket does not exist."""
    with pytest.raises(PlanError, match="there is no plan"):
        stage.copy(0)


def test_a_place_that_may_not_be_read_is_refused_with_advice(world: World) -> None:
    """The message names what to grant."""
    stage = PlanStage(world, URL)
    world.server.deny(CONTROL, DESTINATION_ACCOUNT, ["s3:GetObject"])
    with pytest.raises(S3XferError, match="grant the destination's credentials"):
        stage.copy(0)


def test_shards_of_a_plan_of_large_objects(folder: PlanStage) -> None:
    """What would dominate a shard is copied apart."""
    folder.fill(50)
    folder.world.server.put(SRC, "in/00020-large", size=200 * GIB)
    plan = folder.plan(shards=4, part_size_bytes=5 * GIB)
    apart, *others = plan.shards

    assert (apart.is_of_large, apart.objects) == (True, 1)
    assert not any(shard.is_of_large for shard in others)
    for shard in plan.shards:
        assert folder.copy(shard.number)
    assert len(folder.world.arrived()) == 51
    assert folder.merge().is_complete


def test_an_account_may_be_another_for_each_shard(folder: PlanStage) -> None:
    """The plan names profiles, which a pod does not have."""
    folder.fill(2)
    folder.plan(shards=1, source=folder.world.account("AKIASOURCE"))

    with pytest.raises(S3XferError):
        copy_shard(folder.place, 0, destination=AccountContext(profile="not-here"))
    assert folder.copy(0)
    assert len(folder.world.server.objects(DST)) == 2
