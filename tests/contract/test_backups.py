"""``--backup-prefix``: nothing is deleted that was not copied before, whole and proven."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s3_xfer import RunMode, RunState, S3XferError, ValidationError
from s3_xfer.cli.exit_codes import ExitCode, exit_code
from s3_xfer.options import Delete
from s3_xfer.runs.copy import CopyRun
from tests.contract.test_sync import sync_of
from tests.contract.test_sync_deletes import DELETE, deleting, fill, left
from tests.fault_server import Fault
from tests.reports import lines_of
from tests.world import DESTINATION_ACCOUNT, DST, LARGE, SRC, World, check_accounts

pytestmark = pytest.mark.one_in(1)  # what may delete is tried whole, always

BACKUP: dict[str, Any] = DELETE | {"backup_prefix": f"s3://{DST}/gone"}
Y = "gone/y"  # the backup of the object that something happens to
BY_KEY: dict[str, Any] = {"key": Y}


@pytest.mark.parametrize("size", [10, LARGE])
def test_each_object_is_copied_whole_before_it_is_deleted(
    world: World, tmp_path: Path, size: int
) -> None:
    """With metadata, headers and tags, in parts where it is large; the line names the copy."""
    fill(world, extra="")
    world.server.put(
        DST,
        "out/deep/y",
        size=size,
        metadata={"a": "b"},
        headers={"content-type": "text/csv"},
        tags={"team": "blue"},
    )
    report = tmp_path / "r.jsonl"

    result = deleting(world, **BACKUP, report_path=report)

    assert exit_code(result) is ExitCode.OK
    assert left(world) == "abc"
    backup = world.arrived()["gone/deep/y"]
    assert (backup.size, backup.metadata, backup.tags) == (size, {"a": "b"}, {"team": "blue"})
    assert backup.headers["content-type"] == "text/csv"
    (row,) = (line for line in lines_of(report) if line["status"] == "deleted")
    assert (row["backup_bucket"], row["backup_key"]) == (DST, "gone/deep/y")
    assert row["backup_etag"] == backup.etag
    order = [one.operation for one in world.server.requests if one.key.endswith("deep/y")]
    finishes = "CopyObject" if size == 10 else "CompleteMultipartUpload"
    assert order.index(finishes) < order.index("DeleteObject")
    assert world.server.uploads(DST) == []


FAILS: dict[str, Callable[[World], object]] = {
    "denied": lambda world: world.server.inject(
        Fault.error("CopyObject", 403, "AccessDenied", **BY_KEY)
    ),
    "500": lambda world: world.server.inject(
        Fault.error("CopyObject", 500, "InternalError", **BY_KEY)
    ),
    "no answer": lambda world: world.server.inject(Fault.reset("CopyObject", **BY_KEY)),
    "empty answer": lambda world: world.server.inject(Fault.empty_200("CopyObject", **BY_KEY)),
    "error in a 200": lambda world: world.server.inject(Fault.error_in_200("CopyObject", **BY_KEY)),
    "another object is there": lambda world: world.server.put(DST, Y, size=7),
}


@pytest.mark.parametrize("how", FAILS)
def test_what_was_not_backed_up_is_not_deleted(world: World, tmp_path: Path, how: str) -> None:
    """The others are; the exit code and the line tell which one stays, and that it is whole."""
    fill(world)
    FAILS[how](world)
    report = tmp_path / "r.jsonl"

    result = deleting(world, **BACKUP, report_path=report, retries=1)

    assert exit_code(result) is ExitCode.FAILED_OBJECTS
    assert left(world) == "abcy"
    (row,) = (line for line in lines_of(report) if line["status"] == "not_deleted")
    assert row["destination_key"] == "out/y"
    assert row["error_class"] == "BackupFailed"
    assert "may_be_deleted" not in row
    assert world.sent("DeleteObject", key="out/y") == 0


SUCCEEDS: dict[str, Callable[[World], object]] = {
    "the answer is lost": lambda world: world.server.inject(
        Fault.lost_response("CopyObject", **BY_KEY, times=1)
    ),
    "500 at first": lambda world: world.server.inject(
        Fault.error("CopyObject", 500, "InternalError", **BY_KEY, times=1)
    ),
    "an earlier run has copied it": lambda world: world.server.put(
        DST, Y, size=10, etag=world.arrived()["out/y"].etag
    ),
}


@pytest.mark.parametrize("how", SUCCEEDS)
def test_what_is_proven_to_be_backed_up_is_deleted(world: World, how: str) -> None:
    """By whichever answer, or by an earlier run that was stopped before the delete."""
    fill(world)
    SUCCEEDS[how](world)

    result = deleting(world, **BACKUP, retries=1)

    assert exit_code(result) is ExitCode.OK
    assert left(world) == "abc"
    assert {"gone/x", "gone/y", "gone/z"} < set(world.arrived())


@pytest.mark.parametrize("operation", ["CopyObject", "DeleteObject"])
def test_what_changed_since_the_listing_survives(world: World, operation: str) -> None:
    """Before its backup, or between that and the delete."""
    fill(world)
    key = Y if operation == "CopyObject" else "out/y"
    world.server.inject(
        Fault.call(operation, lambda _: world.server.put(DST, "out/y", size=99), key=key, times=1)
    )

    result = deleting(world, **BACKUP)

    assert left(world) == "abcy"
    assert world.arrived()["out/y"].size == 99
    assert result.metrics.skips_by_reason["changed at the destination since it was listed"] == 1


@pytest.mark.parametrize(
    ("prefix", "is_refused"),
    [
        (f"s3://{DST}/out", True),
        (f"s3://{DST}/out/deeper/", True),
        (f"s3://{DST}", True),
        (f"s3://{DST}/", True),
        (f"s3://{SRC}/in/gone/", True),
        (f"s3://{SRC}", True),
        ("s3://some-alias-s3alias/gone/", True),
        ("somewhere", True),
        (f"s3://{DST}/outer/", False),
        (f"s3://{DST}/ou", False),
        ("s3://another-bucket", False),
    ],
)
def test_backups_lie_beside_both_sides(world: World, prefix: str, is_refused: bool) -> None:
    """Else the next sync would list them, copy them, or delete them."""
    if not is_refused:
        assert sync_of(world, **DELETE, backup_prefix=prefix).backup
        return
    with pytest.raises(ValidationError):
        sync_of(world, **DELETE, backup_prefix=prefix)


def test_without_deletes_there_is_nothing_to_back_up(world: World) -> None:
    """Who gives the one without the other means something else."""
    with pytest.raises(ValidationError, match="nothing is to be deleted"):
        sync_of(world, delete=Delete.NOTHING, backup_prefix="s3://backups/")


def test_a_prefix_that_cannot_be_written_is_refused_before_anything_is(world: World) -> None:
    """Not after an hour of copies."""
    fill(world)
    world.server.put(SRC, "in/new", size=1)
    world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"], prefix="gone/")

    with pytest.raises(S3XferError, match="cannot be written, where backups are to be"):
        deleting(world, **BACKUP)

    assert left(world) == "abcxyz"


def test_a_dry_run_writes_no_backup(world: World) -> None:
    """And says where they would be."""
    fill(world)

    result = deleting(world, **BACKUP, mode=RunMode.DRY_RUN)

    assert left(world) == "abcxyz"
    assert world.sent("CopyObject") == 0
    assert result.delete_plan
    assert result.delete_plan.effect == f"each is copied to s3://{DST}/gone/ first"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_stop_between_backup_and_delete_keeps_the_object(world: World, when: Any) -> None:
    """And the account; the next run goes on with what is backed up already."""
    fill(world)
    run = CopyRun(sync_of(world, **BACKUP, concurrency=1))
    stop = world.server.inject(
        Fault.call("CopyObject", lambda _: run.cancel("test"), when=when, **BY_KEY)
    )

    result = run.result()
    stop.remove()
    check_accounts(result)
    kept = left(world)
    again = deleting(world, **BACKUP)

    assert exit_code(result) is ExitCode.INTERRUPTED
    assert "y" in kept
    assert again.state is RunState.COMPLETED
    assert left(world) == "abc"
