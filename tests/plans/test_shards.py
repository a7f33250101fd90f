"""Shards on any engine: repeated, at once, killed, denied; and one exact account of them all."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.config import Config

from s3_xfer import PlanError, PreflightError, RunState, ValidationError
from s3_xfer.access.plan_storage import BucketStorage, FolderStorage, open_storage
from s3_xfer.ledger.metrics import MetricsCollector
from s3_xfer.model import S3Location
from s3_xfer.plans.merge import Merge
from s3_xfer.plans.progress_notes import ProgressNotes
from s3_xfer.plans.records import begun_name, done_name, progress_name
from s3_xfer.plans.shard_run import ShardCopy, shard_number
from tests.fault_server.faults import Fault
from tests.patience import PATIENCE_S, at_any_pace
from tests.plans.stage import CONTROL, URL, PlanStage
from tests.reports import lines_of
from tests.world import DESTINATION_ACCOUNT, DESTINATION_KEY, DST, SRC, World, session


def wait_until(is_true: Callable[[], bool]) -> None:
    """Return once it is true."""
    until_s = time.monotonic() + PATIENCE_S
    while not is_true():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def test_all_shards_together_are_the_copy(stage: PlanStage) -> None:
    """Every object once; the sums are those of one copy."""
    stage.fill(100)
    plan = stage.plan(shards=4)
    assert not stage.merge().is_complete
    results = [stage.copy(shard.number) for shard in plan.shards]
    merged = stage.merge()
    metrics = merged.to_dict()

    assert all(result and result.state is RunState.COMPLETED for result in results)
    assert set(stage.world.arrived()) == {f"out/{number:05}" for number in range(100)}
    assert stage.world.sent("CopyObject", bucket=DST) == 100
    assert (merged.is_complete, merged.missing, merged.changes()) == (True, (), [])
    assert metrics["total_files_found"] == metrics["files_copied_successfully"] == 100
    assert metrics["total_bytes_transferred"] == 100_000
    assert metrics["start_time"] == min(
        result.metrics.start_time.isoformat() for result in results if result
    )
    assert metrics["errors"] == []


def test_a_shard_that_is_done_is_not_copied_again(stage: PlanStage) -> None:
    """Whatever engine starts it once more."""
    stage.fill(10)
    stage.plan(shards=2)
    stage.copy(1)
    stage.world.server.forget_requests()

    assert stage.copy(1) is None
    assert (
        stage.world.sent("CopyObject") == stage.world.server.count("ListObjectsV2", bucket=SRC) == 0
    )


def test_a_number_behind_the_last_shard_is_nothing_to_do(stage: PlanStage) -> None:
    """An engine may be told of more shards than there are."""
    stage.fill(10)
    stage.plan(shards=2)

    assert [stage.copy(number) for number in (2, 10**9, str(10**30))] == [None] * 3


def test_a_shard_is_not_given_what_the_plan_says(folder: PlanStage) -> None:
    """A shard that leaves out everything would be done, with nothing copied."""
    folder.fill(2)
    folder.plan(shards=1)
    changes: tuple[dict[str, object], ...] = (
        {"filters": ("- *",)},
        {"mode": "dry-run"},
        {"storage_class": "GLACIER"},
        {"report_path": "r.jsonl"},
        {"files_from": "list"},
        {"no_such_option": 1},
    )
    for change in changes:
        with pytest.raises(ValidationError, match=f"a shard is not given {next(iter(change))}"):
            folder.copy(0, **change)

    assert folder.merge().missing == (0,)


def test_a_repeated_shard_copies_only_what_is_missing(stage: PlanStage) -> None:
    """The listing of the destination says what an earlier attempt has copied."""
    stage.fill(60)
    stage.plan(shards=2)
    stage.world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"], prefix="out/0000")
    first = stage.copy(0, retries=0)
    assert first
    assert first.metrics.files_failed == 10
    stage.world.server.revoke(DST, DESTINATION_ACCOUNT)
    stage.world.server.forget_requests()
    second = stage.copy(0)
    assert second

    assert second.metrics.files_copied_successfully == 10
    assert second.metrics.skips_by_reason == {"identical at the destination": 20}
    assert stage.world.sent("CopyObject") == 10
    assert stage.world.sent("HeadObject") == 0


def test_a_repeated_shard_copies_over_what_is_older_than_the_plan(folder: PlanStage) -> None:
    """The same content, but not with the options of the plan: no attempt at it has copied that."""
    folder.fill(30)
    server = folder.world.server
    yesterday = datetime.now(UTC) - timedelta(days=1)
    for key, found in server.objects(SRC).items():
        if key >= "in/00010":
            copy = key.replace("in/", "out/")
            server.put(DST, copy, size=1000, etag=found.etag, last_modified=yesterday)
    folder.plan(shards=1, storage_class="STANDARD_IA")
    server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"], prefix="out/0001")
    folder.copy(0)
    server.revoke(DST, DESTINATION_ACCOUNT)
    second = folder.copy(0)
    assert second

    assert second.metrics.skips_by_reason == {"identical at the destination": 20}
    arrived = folder.world.arrived()
    assert {found.storage_class for found in arrived.values()} == {"STANDARD_IA"}


def test_a_first_attempt_does_not_look_at_the_destination(folder: PlanStage) -> None:
    """It costs the listing of the source and a request for each object, as without a plan."""
    folder.fill(30)
    folder.plan(shards=1)
    folder.world.server.forget_requests()
    folder.copy(0)

    assert folder.world.server.count("ListObjectsV2", bucket=DST) == 0


def test_what_a_shard_could_not_copy_is_input_of_a_copy(stage: PlanStage, tmp_path: Path) -> None:
    """One report has the failures of all shards, and the ranges of those that never ended."""
    stage.fill(90)
    stage.plan(shards=3)
    stage.world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"], prefix="out/0000")
    for number in (0, 1):
        stage.copy(number)
    left = tmp_path / "left.jsonl"
    merged = stage.merge(report_path=left)
    lines = lines_of(left)
    stage.world.server.revoke(DST, DESTINATION_ACCOUNT)
    rest = stage.world.copy(from_report_path=left)

    assert merged.missing == (0, 2)
    assert merged.total("files_failed") == 10
    assert merged.to_dict()["errors_by_class"] == {"AccessDenied": 10}
    assert [line["status"] for line in lines].count("failed") == 10
    assert [line["status"] for line in lines].count("not_listed") == 1
    assert rest.metrics.files_copied_successfully == 10 + 30
    assert len(stage.world.arrived()) == 90


def test_two_attempts_at_once_do_no_harm(stage: PlanStage) -> None:
    """One of them completes the shard; all objects arrive, and are counted once."""
    stage.fill(40)
    stage.plan(shards=1)
    together = threading.Barrier(2)

    def attempt(_: int) -> None:
        together.wait(PATIENCE_S)
        stage.copy(0)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(attempt, range(2)))

    assert len(stage.world.arrived()) == 40
    assert stage.merge().total("total_files_found") == 40
    assert stage.merge().is_complete


def test_an_attempt_that_fails_after_another_has_completed_changes_nothing(
    stage: PlanStage,
) -> None:
    """An engine may have started a shard twice, and hear of the end of the first one last."""
    stage.fill(10)
    stage.plan(shards=1)
    account = stage.world.account(DESTINATION_KEY)
    storage = open_storage(str(stage.place), account)
    stage.world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"], prefix="out/00001")
    with ShardCopy(storage, 0, destination=(account, None), changes={}) as late:
        with late.start() as run:
            result = run.result()
        stage.world.server.revoke(DST, DESTINATION_ACCOUNT)
        assert stage.copy(0)
        late.finish(result)
    merged = stage.merge(wait=True)

    assert result.metrics.files_failed == 1
    assert merged.is_complete
    assert merged.total("files_failed") == 0
    assert stage.copy(0) is None


def test_a_marker_that_may_not_be_read_is_refused(world: World) -> None:
    """Nobody knows then whether the shard is done; the message names the file and the right."""
    stage = PlanStage(world, URL)
    stage.fill(2)
    stage.plan(shards=1)
    stage.copy(0)
    world.server.deny(CONTROL, DESTINATION_ACCOUNT, ["s3:GetObject"], prefix="plans/x/done/")

    for use in (lambda: stage.copy(0), stage.merge):
        with pytest.raises(PlanError, match=r"done/00000\.json.*AccessDenied") as refusal:
            use()
        assert refusal.value.is_permanent
        assert "s3:GetObject" in str(refusal.value)


def test_what_has_changed_since_the_plan_is_said(folder: PlanStage) -> None:
    """New objects are copied by the shard whose range they are in."""
    folder.fill(20)
    folder.plan(shards=2)
    folder.world.server.put(SRC, "in/00003-new", size=1)
    folder.world.server.delete(SRC, "in/00015")
    folder.world.server.put(SRC, "in/zz-new", size=1)
    for number in range(2):
        folder.copy(number)
    merged = folder.merge()

    assert merged.is_complete
    assert set(folder.world.arrived()) == {
        key.replace("in/", "out/", 1) for key in folder.world.server.objects(SRC)
    }
    assert sum(change["found"] - change["planned"] for change in merged.changes()) == 1


def test_each_shard_has_its_share_of_the_rate(folder: PlanStage) -> None:
    """As many as run at the same time share the plan's limit."""
    folder.fill(20)
    plan = folder.plan(shards=4, parallelism=2, max_requests_per_s=100)
    seen: list[float | None] = []

    account = folder.world.account(DESTINATION_KEY)
    with ShardCopy(open_storage(str(folder.place), account), 0, changes={}) as attempt:
        seen.append(attempt.operation.options.max_requests_per_s)
    changes = {"max_requests_per_s": 7.0}
    with ShardCopy(open_storage(str(folder.place), account), 0, changes=changes) as attempt:
        seen.append(attempt.operation.options.max_requests_per_s)

    assert plan.parallelism == 2
    assert seen == [50, 7]


def test_a_journal_of_one_shard_is_none_of_another(folder: PlanStage, tmp_path: Path) -> None:
    """A volume that was given to the wrong pod does not lose objects."""
    folder.fill(20)
    folder.plan(shards=2)
    journal = str(tmp_path / "shard.db")
    folder.copy(0, journal=journal)
    with pytest.raises(Exception, match="belongs to another copy"):
        folder.copy(1, journal=journal)
    folder.copy(1)

    assert folder.merge().is_complete


def test_a_refused_shard_leaves_its_reason(stage: PlanStage) -> None:
    """Nobody waits for a shard that the buckets' policies refuse."""
    stage.fill(10)
    stage.plan(shards=1)
    stage.world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"])
    with pytest.raises(PreflightError):
        stage.copy(0)
    merged = stage.merge(wait=True)
    (row,) = merged.to_dict()["shards_not_done"]

    assert row["permanent"] is True
    assert "AccessDenied" in row["why"]


def test_a_merge_waits_for_every_shard(folder: PlanStage) -> None:
    """It returns when the last one is done."""
    folder.fill(10)
    folder.plan(shards=2)
    folder.copy(0)
    merging = Merge(open_storage(str(folder.place), folder.world.account(DESTINATION_KEY)))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(merging.wait, poll_s=0.01)
        assert not waiting.done()
        folder.copy(1)

        assert waiting.result(PATIENCE_S).is_complete


@pytest.mark.parametrize("is_begun", [True, False])
def test_a_merge_waits_no_longer_than_nothing_happens(stage: PlanStage, *, is_begun: bool) -> None:
    """An engine that has given up leaves no word; the numbers of its shards are told."""
    stage.fill(30)
    stage.plan(shards=3)
    stage.world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"], prefix="out/0000")
    stage.copy(0)
    stage.copy(2)
    storage = open_storage(str(stage.place), stage.world.account(DESTINATION_KEY))
    if is_begun:
        storage.write_new(begun_name(1), b"{}")
    merged = stage.merge(wait=True, wait_limit_s=0.05)
    by_number = {row["shard"]: row["state"] for row in merged.to_dict()["shards_not_done"]}

    assert merged.unfinished == (1,)
    assert merged.stalled_for_s >= 0.05
    assert merged.stall.endswith("in any of the shards that are not done: 1")
    assert by_number[1] == ("begun, no attempt has ended" if is_begun else "not begun")
    assert not stage.merge().stall


def test_a_merge_waits_while_something_happens(folder: PlanStage) -> None:
    """The note of a shard that goes on is enough, on any clock; then silence is too much."""
    folder.fill(10)
    folder.plan(shards=1)
    storage = open_storage(str(folder.place), folder.world.account(DESTINATION_KEY))

    def attempt(pace: float) -> None:
        limit_s, until_s = 0.2 * pace, time.monotonic() + 0.5 * pace
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(Merge(storage).wait, limit_s=limit_s, poll_s=0.01)
            while time.monotonic() < until_s:
                storage.replace(progress_name(0), str(time.monotonic()).encode())
                assert not waiting.done()
                time.sleep(0.01)

            assert waiting.result(PATIENCE_S).unfinished == (0,)

    at_any_pace(attempt)


@pytest.mark.parametrize("limit_s", [0, -1, float("nan")])
def test_what_is_no_limit_of_waiting_is_refused(folder: PlanStage, limit_s: float) -> None:
    """Nobody means to wait for no time."""
    folder.fill(1)
    folder.plan(shards=1)
    with pytest.raises(ValidationError, match="wait_limit_s is"):
        folder.merge(wait=True, wait_limit_s=limit_s)


def test_a_merge_waits_while_the_service_is_away(world: World) -> None:
    """It ends the wait only if it stays away; what is denied is said at once."""
    stage = PlanStage(world, URL)
    stage.fill(10)
    stage.plan(shards=1)
    once = Config(retries={"total_max_attempts": 1})
    client = session(DESTINATION_KEY).client("s3", endpoint_url=world.server.url, config=once)
    merging = Merge(BucketStorage(S3Location.parse(URL), client))
    away = world.server.inject(Fault.error("ListObjectsV2", 503, "SlowDown"))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(merging.wait, poll_s=0.01)
        world.server.wait_for("ListObjectsV2", count=3)
        away.remove()
        stage.copy(0)

        assert waiting.result(PATIENCE_S).is_complete
    away = world.server.inject(Fault.error("ListObjectsV2", 503, "SlowDown"))
    with pytest.raises(PlanError, match="SlowDown"):
        merging.wait(limit_s=0.05, poll_s=0.01)
    away.remove()
    world.server.deny(CONTROL, DESTINATION_ACCOUNT, ["s3:ListBucket"])
    with pytest.raises(PlanError, match="AccessDenied"):
        Merge(BucketStorage(S3Location.parse(URL), client)).wait()


def test_a_shard_notes_how_far_it_has_come(stage: PlanStage) -> None:
    """Beside the plan, where a merge sees it."""
    stage.fill(10)
    stage.plan(shards=1)
    account = stage.world.account(DESTINATION_KEY)
    storage = open_storage(str(stage.place), account)

    def noted() -> int:
        note = json.loads(storage.read(progress_name(0)) or b"{}")
        return int(note.get("files_copied_successfully", 0))

    attempt = ShardCopy(storage, 0, destination=(account, None), changes={}, note_interval_s=0.01)
    with attempt, attempt.start() as run:
        wait_until(lambda: noted() == 10)
        assert run.result().state is RunState.COMPLETED


def test_a_note_is_replaced_when_something_has_happened(folder: PlanStage) -> None:
    """And not before: an attempt that hangs is no sign of life."""
    collector = MetricsCollector("one")
    storage = open_storage(str(folder.place), folder.world.account(DESTINATION_KEY))
    name = progress_name(0)
    notes = ProgressNotes(storage, name, collector.snapshot, interval_s=0.01)
    wait_until(lambda: storage.read(name) is not None)
    first = dict(storage.entries("begun"))
    time.sleep(0.05)
    assert dict(storage.entries("begun")) == first
    collector.request_sent("CopyObject")
    wait_until(lambda: dict(storage.entries("begun")) != first)
    notes.close()

    assert json.loads(storage.read(name) or b"")["requests"] == 1


def test_a_note_that_cannot_be_written_does_not_end_the_shard(
    folder: PlanStage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said in the log."""
    (tmp_path / "begun").touch()
    storage = FolderStorage(tmp_path)
    notes = ProgressNotes(
        storage, progress_name(0), MetricsCollector("one").snapshot, interval_s=0.01
    )
    wait_until(lambda: "sees no progress" in caplog.text)
    notes.close()


def test_a_merge_asks_for_each_record_once(stage: PlanStage) -> None:
    """And lists the attempts of all shards together, not shard by shard."""
    stage.fill(40)
    plan = stage.plan(shards=8)
    for shard in plan.shards[:6]:
        stage.copy(shard.number)
    merging = Merge(open_storage(str(stage.place), stage.world.account(DESTINATION_KEY)))
    stage.world.server.forget_requests()
    first, second = merging.read(), merging.read()

    assert first.missing == second.missing
    assert stage.world.server.count("ListObjectsV2") <= 6
    assert stage.world.server.count("GetObject") <= 6


def test_what_others_have_left_beside_the_attempts_is_no_record(stage: PlanStage) -> None:
    """The marker of a folder, as consoles make it, or a file of an editor."""
    stage.fill(4)
    stage.plan(shards=1)
    stage.world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"], prefix="out/00001")
    stage.copy(0)
    storage = open_storage(str(stage.place), stage.world.account(DESTINATION_KEY))
    for name in ("attempts/00000/zzz.json~", "attempts/note.txt", "attempts/00007/z.json"):
        storage.write_new(name, b"")

    assert stage.merge().total("files_failed") == 1


def test_a_damaged_report_of_a_shard_is_refused(folder: PlanStage, tmp_path: Path) -> None:
    """Nothing that is left would be missing in the report of all."""
    folder.fill(4)
    folder.plan(shards=1)
    folder.world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"], prefix="out/00001")
    folder.copy(0)
    (report,) = (tmp_path / "plan" / "reports").iterdir()
    for damage in (b"", b'{"status": "failed"', b"[]\n", b'{"status": "failed"}\n'):
        report.write_bytes(damage)
        with pytest.raises(PlanError, match=r"the record .*reports.* (is damaged|was cut off)"):
            folder.merge(report_path=tmp_path / "left.jsonl")


def test_a_record_with_strange_values_is_refused(folder: PlanStage, tmp_path: Path) -> None:
    """Sums and pages are not made of them, and no shard is done by them."""
    folder.fill(2)
    folder.plan(shards=1)
    folder.copy(0)
    path = tmp_path / "plan" / done_name(0)
    record = json.loads(path.read_text())
    of_result: tuple[dict[str, object], ...] = (
        {"files_failed": None},
        {"files_failed": "1"},
        {"total_files_found": -1},
        {"retries": "many"},
        {"errors_by_class": []},
        {"errors_by_class": {"AccessDenied": "x"}},
        {"errors": [1]},
        {"start_time": "yesterday"},
        {"end_time": "2026-01-01"},
        {"state": 1},
        {"state": "NO_SUCH"},
        {"duration_seconds": None},
        {"estimated_request_cost_usd": "x"},
        {"sizes": None},
        {"storage_classes": []},
    )
    changes: list[dict[str, object]] = [{"result": record["result"] | one} for one in of_result]
    changes += [{name: None} for name in ("done", "permanent", "report", "attempt", "result")]
    changes += [{"done": "yes"}, {"attempt": 7}]
    for change in changes:
        path.write_text(json.dumps(record | change))
        for use in (lambda: folder.copy(0), folder.merge):
            with pytest.raises(PlanError, match=r"done/00000\.json is damaged"):
                use()


def test_a_shard_is_not_done_by_the_record_of_an_attempt_that_failed(
    folder: PlanStage, tmp_path: Path
) -> None:
    """Somebody has put it there: shard and merge say the same of it."""
    folder.fill(2)
    folder.plan(shards=1)
    folder.world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"], prefix="out/00001")
    folder.copy(0)
    (attempt,) = (tmp_path / "plan" / "attempts" / "00000").iterdir()
    done = tmp_path / "plan" / done_name(0)
    done.parent.mkdir()
    done.write_bytes(attempt.read_bytes())

    for use in (lambda: folder.copy(0), folder.merge):
        with pytest.raises(PlanError, match="an attempt which has not completed it"):
            use()


@pytest.mark.parametrize("damage", [b"{", b"{}", b'{"format": "s3_xfer/shard", "version": 1}'])
def test_a_damaged_record_is_refused(folder: PlanStage, tmp_path: Path, damage: bytes) -> None:
    """A shard is not done because of a file that says nothing."""
    folder.fill(4)
    folder.plan(shards=1)
    folder.copy(0)
    (tmp_path / "plan" / done_name(0)).write_bytes(damage)

    for use in (lambda: folder.copy(0), folder.merge):
        with pytest.raises(PlanError, match="is damaged"):
            use()


def test_a_record_of_another_plan_is_refused(folder: PlanStage, tmp_path: Path) -> None:
    """Folders that were mixed up are noticed."""
    folder.fill(4)
    folder.plan(shards=1)
    folder.copy(0)
    path = tmp_path / "plan" / done_name(0)
    record = json.loads(path.read_text()) | {"plan_id": "another"}
    path.write_text(json.dumps(record))

    with pytest.raises(PlanError, match="belongs to another plan"):
        folder.merge()


@pytest.mark.parametrize(
    ("shard", "env", "number"),
    [
        (3, {}, 3),
        ("3", {"JOB_COMPLETION_INDEX": "5"}, 3),
        ("auto", {"JOB_COMPLETION_INDEX": "5"}, 5),
        ("auto", {"AWS_BATCH_JOB_ARRAY_INDEX": "0"}, 0),
        ("auto", {"S3_XFER_SHARD": "7"}, 7),
        ("auto", {"S3_XFER_SHARD": "7", "JOB_COMPLETION_INDEX": "5"}, 7),
        ("auto", {"JOB_COMPLETION_INDEX": "5", "AWS_BATCH_JOB_ARRAY_INDEX": "5"}, 5),
        ("auto", {"S3_XFER_SHARD": "", "JOB_COMPLETION_INDEX": "5"}, 5),
        ("auto", {"AWS_BATCH_JOB_ID": "an-array-of-one"}, 0),
    ],
)
def test_the_environment_says_which_shard_it_is(
    shard: int | str, env: Mapping[str, str], number: int
) -> None:
    """That of Kubernetes, of AWS Batch, or one's own, which comes first."""
    assert shard_number(shard, env) == number


@pytest.mark.parametrize(
    ("shard", "env", "message"),
    [
        ("auto", {}, "does not say which shard"),
        ("auto", {"JOB_COMPLETION_INDEX": "1", "AWS_BATCH_JOB_ARRAY_INDEX": "2"}, "several"),
        ("auto", {"JOB_COMPLETION_INDEX": "x"}, "JOB_COMPLETION_INDEX is 'x'"),
        ("", {}, "not the number of a shard"),
        (" 1", {}, "not the number of a shard"),
        ("+1", {}, "not the number of a shard"),
        ("auto", {"JOB_COMPLETION_INDEX": "1\n"}, "not the number of a shard"),
        ("-1", {}, "not the number of a shard"),
        ("1.5", {}, "not the number of a shard"),
        ("²", {}, "not the number of a shard"),
    ],
)
def test_what_names_no_shard_is_refused(shard: str, env: Mapping[str, str], message: str) -> None:
    """Never another shard than was meant."""
    with pytest.raises(ValidationError, match=message):
        shard_number(shard, env)
