"""A sync that deletes: the rules that keep it from destroying data, and others' accidents."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from s3_xfer import CopyResult, ErrorClass, Preflight, RunMode, RunState, S3XferError
from s3_xfer.cli.exit_codes import ExitCode, exit_code
from s3_xfer.options import Delete, Identical, JournalUse
from s3_xfer.runs.copy import CopyRun
from s3_xfer.runs.deletion import NOTHING_DELETED
from tests.contract.test_sync import sync_of, synced
from tests.fault_server import Fault
from tests.fault_server.actions import When
from tests.fault_server.odd_listings import in_small_pages, paged
from tests.reports import lines_of
from tests.world import DESTINATION_ACCOUNT, DST, SRC, World, check_accounts

pytestmark = pytest.mark.one_in(1)  # what may delete is tried whole, always

DELETE: dict[str, Any] = {"delete": Delete.EXTRA, "identical": Identical.SKIP}


def fill(world: World, *, both: str = "abc", extra: str = "xyz") -> None:
    """Put objects that are the same at both sides, and some that only the destination has."""
    for key in both:
        found = world.server.put(SRC, f"in/{key}", size=10)
        world.server.put(DST, f"out/{key}", size=10, etag=found.etag)
    for key in extra:
        world.server.put(DST, f"out/{key}", size=10)
    world.server.put(DST, "outside", size=1)


def left(world: World) -> str:
    """Return what is below the destination prefix."""
    assert "outside" in world.arrived(), "nothing else is ever touched"
    return "".join(key.removeprefix("out/") for key in world.arrived() if key.startswith("out/"))


def deleting(world: World, **options: Any) -> CopyResult:
    """Run a sync that deletes."""
    return synced(world, **(DELETE | options))


def test_what_only_the_destination_has_is_deleted(world: World, tmp_path: Path) -> None:
    """After the copies, each on the condition that it is what was listed; the report has a line."""
    fill(world)
    world.server.put(SRC, "in/new", size=10)
    report = tmp_path / "r.jsonl"

    result = deleting(world, report_path=report)

    assert result.state is RunState.COMPLETED
    assert exit_code(result) is ExitCode.OK
    assert left(world) == "abcnew"
    seen = result.metrics
    assert (seen.files_copied_successfully, seen.files_skipped, seen.files_deleted) == (1, 3, 3)
    assert (seen.total_files_found, seen.bytes_deleted) == (7, 30)
    requests = world.server.requests
    order = [
        each.operation for each in requests if each.operation in ("CopyObject", "DeleteObject")
    ]
    assert order == ["CopyObject"] + 3 * ["DeleteObject"]
    assert all(headers["if-match"] for headers in world.headers_of("DeleteObject"))
    rows = [line for line in lines_of(report) if line["status"] == "deleted"]
    assert sorted(line["destination_key"] for line in rows) == ["out/x", "out/y", "out/z"]


def test_a_dry_run_says_what_would_be_deleted(world: World, tmp_path: Path) -> None:
    """And sends nothing that writes."""
    fill(world)
    report = tmp_path / "r.jsonl"

    result = deleting(world, mode=RunMode.DRY_RUN, report_path=report)

    assert left(world) == "abcxyz"
    assert world.sent("DeleteObject") == 0
    assert result.metrics.skips_by_reason["dry run, would be deleted"] == 3
    assert [line["status"] for line in lines_of(report)].count("would_delete") == 3
    assert result.delete_plan
    assert (result.delete_plan.count, result.delete_plan.of_objects) == (3, 6)


@pytest.mark.parametrize(("limit", "is_said"), [("2", True), ("3", False), ("40%", True)])
def test_a_dry_run_says_when_the_limit_would_stop_it(
    world: World, *, limit: str, is_said: bool
) -> None:
    """Else the limit is met after an hour of copies."""
    fill(world)

    result = deleting(world, mode=RunMode.DRY_RUN, max_delete=limit)

    assert result.state is RunState.COMPLETED
    assert any("a real run would delete nothing" in note for note in result.notes) is is_said
    assert result.delete_plan
    assert result.delete_plan.to_dict()["too_much"] is is_said


def test_without_being_asked_nothing_is_deleted_or_looked_at(world: World) -> None:
    """A sync alone never asks for more than a copy."""
    fill(world)
    world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:DeleteObject"])

    assert synced(world).state is RunState.COMPLETED
    assert left(world) == "abcxyz"
    assert world.sent("GetBucketVersioning") == 0


def test_a_delete_by_its_etag_needs_a_look_at_the_object(world: World) -> None:
    """S3 wants s3:GetObject for the condition; without it the sync is refused before it writes."""
    fill(world)
    world.server.put(SRC, "in/new", size=10)
    world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:GetObject"])

    with pytest.raises(S3XferError, match="may not be looked at, so it cannot be deleted"):
        deleting(world)

    assert left(world) == "abcxyz"


LISTING_FAILS: dict[str, Callable[..., Fault]] = {
    "500": lambda **where: Fault.error("ListObjectsV2", 500, "InternalError", **where),
    "denied": lambda **where: Fault.error("ListObjectsV2", 403, "AccessDenied", **where),
    "no bucket": lambda **where: Fault.error("ListObjectsV2", 404, "NoSuchBucket", **where),
    "reset": lambda **where: Fault.reset("ListObjectsV2", **where),
    "empty answer": lambda **where: Fault.empty_200("ListObjectsV2", **where),
    "cut answer": lambda **where: Fault.truncated("ListObjectsV2", **where),
}


@pytest.mark.parametrize("fails", LISTING_FAILS)
@pytest.mark.parametrize("side", [SRC, DST])
@pytest.mark.parametrize("after", range(0, 9, 2))
def test_a_listing_that_fails_anywhere_deletes_nothing(
    world: World, *, fails: str, side: str, after: int
) -> None:
    """Of either side, at once or midway, while copying or later: s5cmd emptied destinations so."""
    fill(world)
    for bucket in (SRC, DST):
        world.server.inject(in_small_pages(2, bucket=bucket))
    fault = world.server.inject(LISTING_FAILS[fails](bucket=side, after=after))

    try:
        result = deleting(world, retries=0, listing_threads=1)
    except S3XferError:
        assert left(world) == "abcxyz"
        return

    if fault.hits:
        assert exit_code(result) is not ExitCode.OK
        assert left(world) == "abcxyz"
        assert world.sent("DeleteObject") == 0
    else:
        assert left(world) == "abc"


@pytest.mark.parametrize("side", [SRC, DST])
def test_a_listing_in_another_order_deletes_nothing(world: World, side: str) -> None:
    """Its objects would wrongly be missing."""
    fill(world)
    prefix = "in/" if side == SRC else "out/"
    pages = [[f"{prefix}{key}" for key in "cba"], None]
    world.server.inject(paged(world.server, side, lambda number: pages[number]))

    result = deleting(world)

    assert result.aborted_by
    assert result.aborted_by.error_class is ErrorClass.UNORDERED_LISTING
    assert left(world) == "abcxyz"


@pytest.mark.parametrize("preflight", list(Preflight))
@pytest.mark.parametrize("source_key", ["in/", "typo/"])
def test_an_empty_source_deletes_nothing(
    world: World, preflight: Preflight, source_key: str
) -> None:
    """aws-cli emptied a backup whose source was not there."""
    fill(world, both="")

    run = sync_of(world, preflight=preflight, source_key=source_key, **DELETE).run
    if preflight is Preflight.FULL:
        with pytest.raises(S3XferError, match="there is nothing under"):
            run()
    else:
        assert exit_code(run()) is ExitCode.ABORTED
    assert left(world) == "xyz"


@pytest.mark.parametrize("preflight", list(Preflight))
def test_an_absent_bucket_deletes_nothing(world: World, preflight: Preflight) -> None:
    """Whether that is seen before the run or in it."""
    fill(world)
    operation = sync_of(world, preflight=preflight, **DELETE)
    object.__setattr__(operation, "source_bucket", "not-there")

    with contextlib.suppress(S3XferError):
        assert exit_code(operation.run()) is ExitCode.ABORTED
    assert left(world) == "abcxyz"


def test_a_copy_that_fails_keeps_everything(world: World) -> None:
    """Deletes begin when all copies have succeeded."""
    fill(world)
    world.server.put(SRC, "in/new", size=10)
    world.server.inject(Fault.error("CopyObject", 403, "AccessDenied", key="out/new"))

    result = deleting(world)

    assert exit_code(result) is ExitCode.FAILED_OBJECTS
    assert NOTHING_DELETED in result.notes
    assert left(world) == "abcxyz"


@pytest.mark.parametrize(
    ("options", "remaining"),
    [
        pytest.param({"filters": ("- x",)}, "abcx", id="excluded at the destination"),
        pytest.param({"filters": ("- b", "- x")}, "abcx", id="excluded at both sides"),
        pytest.param({"filters": ("+ a", "+ x")}, "abcyz", id="included"),
        pytest.param({"max_size_bytes": 9}, None, id="all too large"),
        pytest.param({"min_size_bytes": 5}, "abc", id="large enough"),
        pytest.param({"filters": ("- x",), "delete_excluded": True}, "abc", id="opted in"),
        pytest.param({"filters": ("- b",), "delete_excluded": True}, "ac", id="opted in, both"),
    ],
)
def test_filters_protect(world: World, options: dict[str, Any], remaining: str | None) -> None:
    """s5cmd deleted what was excluded. Where the filters choose nothing, nothing is deleted."""
    fill(world)

    result = deleting(world, **options)

    assert left(world) == (remaining or "abcxyz")
    assert exit_code(result) is (ExitCode.OK if remaining else ExitCode.ABORTED)


@pytest.mark.parametrize(
    ("limit", "extras", "is_done"),
    [
        ("3", 3, True),
        ("2", 3, False),
        ("0", 1, False),
        ("50%", 3, True),
        ("49%", 3, False),
        ("0", 0, True),
        (None, 20, True),
    ],
)
def test_above_the_limit_nothing_is_deleted(
    world: World, limit: str | None, extras: int, is_done: bool
) -> None:
    """Not some of it, either; the exit code says that all was copied."""
    fill(world, extra="klmnopqrstuvwxyzABCDEF"[:extras])

    result = deleting(world, max_delete=limit)

    assert exit_code(result) is (ExitCode.OK if is_done else ExitCode.TOO_MANY_DELETES)
    assert world.sent("DeleteObject") == (extras if is_done else 0)
    assert result.metrics.files_not_attempted == (0 if is_done else extras)


def test_the_default_limit_is_a_tenth_or_a_thousand(world: World) -> None:
    """Whichever is more."""
    fill(world, extra="")
    for number in range(1001):
        world.server.put(DST, f"out/x{number}", size=1)

    result = deleting(world)

    assert exit_code(result) is ExitCode.TOO_MANY_DELETES
    assert world.sent("DeleteObject") == 0
    assert result.aborted_by
    assert "1,001 objects of 1,004 would be deleted, and 1,000 may be" in result.aborted_by.problem


@pytest.mark.parametrize("when", ["HeadObject", "DeleteObject"])
def test_what_changed_since_the_listing_survives(world: World, when: str) -> None:
    """Whether the look before the delete shows it, or the condition of the delete itself."""
    fill(world)
    world.server.inject(
        Fault.call(
            when,
            lambda _: world.server.put(DST, "out/y", size=99),
            bucket=DST,
            key="out/y",
            times=1,
        )
    )

    result = deleting(world)

    assert left(world) == "abcy"
    assert world.arrived()["out/y"].size == 99
    assert result.metrics.skips_by_reason["changed at the destination since it was listed"] == 1
    assert result.metrics.files_deleted == 2
    assert exit_code(result) is ExitCode.OK


def test_what_somebody_else_has_deleted_is_no_failure(world: World) -> None:
    """It is counted by itself."""
    fill(world)
    world.server.inject(
        Fault.call("HeadObject", lambda _: world.server.delete(DST, "out/y"), key="out/y")
    )

    result = deleting(world)

    assert left(world) == "abc"
    assert result.metrics.files_deleted == 2
    assert result.metrics.files_failed == 0


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.error("DeleteObject", 403, "AccessDenied", key="out/y"), ExitCode.FAILED_OBJECTS),
        (Fault.error("DeleteObject", 500, "InternalError", key="out/y"), ExitCode.FAILED_OBJECTS),
        (Fault.error("DeleteObject", 503, "SlowDown", key="out/y", times=2), ExitCode.OK),
        (Fault.lost_response("DeleteObject", key="out/y", times=1), ExitCode.OK),
    ],
    ids=["denied", "500", "throttled", "lost answer"],
)
def test_an_object_that_cannot_be_deleted_is_a_failure_of_its_own(
    world: World, tmp_path: Path, fault: Fault, code: ExitCode
) -> None:
    """The others go on; requests are repeated as all others are."""
    fill(world)
    world.server.inject(fault)
    report = tmp_path / "r.jsonl"

    result = deleting(world, report_path=report)

    assert exit_code(result) is code
    assert left(world) == ("abc" if code is ExitCode.OK else "abcy")
    rows = [line for line in lines_of(report) if line["status"] == "not_deleted"]
    assert len(rows) == result.metrics.files_failed


def ignoring_conditions() -> Fault:
    """Take the condition of a delete for nothing, as services other than AWS may do."""
    return Fault.call(
        "DeleteObject", lambda request: cast("Any", request.headers).pop("if-match", None)
    )


def hidden(key: str = "out/y") -> Fault:
    """Answer HEADs of what is not there as a versioned bucket does whose newest is a marker."""
    marker = {"x-amz-delete-marker": "true", "x-amz-version-id": "marker"}
    return Fault.rewrite(
        "HeadObject",
        lambda answer: replace(answer, headers={**answer.headers, **marker}),
        key=key,
    )


# What a delete met, who had changed the object before the second look, and what the row says.
LOST: dict[str, tuple[Fault, str, dict[str, object]]] = {
    "repeated": (
        Fault.lost_response("DeleteObject", key="out/y", times=1),
        "",
        {"status": "deleted", "version_id": "marker", "answer_lost": True},
    ),
    "never answered": (
        Fault.lost_response("DeleteObject", key="out/y"),
        "",
        {"status": "deleted", "version_id": "marker", "answer_lost": True},
    ),
    "500, done": (
        Fault.error("DeleteObject", 500, "InternalError", key="out/y", executed=True),
        "",
        {"status": "deleted", "version_id": "marker", "answer_lost": True},
    ),
    "500, not done": (
        Fault.error("DeleteObject", 500, "InternalError", key="out/y"),
        "",
        {"status": "not_deleted", "error_class": "ServerError", "may_be_deleted": True},
    ),
    "denied": (
        Fault.error("DeleteObject", 403, "AccessDenied", key="out/y"),
        "",
        {"status": "not_deleted", "error_class": "AccessDenied", "may_be_deleted": None},
    ),
    "a 412 that is not true": (
        Fault.error("DeleteObject", 412, "PreconditionFailed", key="out/y"),
        "",
        {"status": "not_deleted", "error_class": "ConditionRefused"},
    ),
    "somebody writes meanwhile": (
        Fault.lost_response("DeleteObject", key="out/y", times=1),
        "written",
        {"status": "not_deleted", "reason": "changed at the destination since it was listed"},
    ),
    "a delete that nobody else sent": (
        Fault.slow("DeleteObject", key="out/y", delay_s=0),
        "deleted",
        {"status": "not_deleted", "reason": "gone from the destination before it was deleted"},
    ),
}


@pytest.mark.parametrize("is_aws", [True, False], ids=["AWS", "another service"])
@pytest.mark.parametrize("case", LOST)
def test_what_a_lost_answer_means_a_look_says(
    world: World, tmp_path: Path, *, case: str, is_aws: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row tells what happened to the object; what another has written is never deleted."""
    fault, meanwhile, expected = LOST[case]
    monkeypatch.setattr("s3_xfer.access.clients.is_aws", lambda _: is_aws)
    fill(world)
    act: dict[str, Callable[[object], object]] = {
        "": lambda _: None,
        "written": lambda _: world.server.put(DST, "out/y", size=99),
        "deleted": lambda _: world.server.delete(DST, "out/y"),
    }
    when: When = "before" if meanwhile == "deleted" else "after"
    before = "DeleteObject" if is_aws or when == "after" else "HeadObject"  # what tells of it
    world.server.inject(Fault.call(before, act[meanwhile], key="out/y", times=1, when=when))
    world.server.inject(hidden())
    if not is_aws:
        world.server.inject(ignoring_conditions())
    world.server.inject(fault)
    report = tmp_path / "r.jsonl"

    result = deleting(world, report_path=report, retries=1)

    (row,) = (one for one in lines_of(report) if one.get("destination_key") == "out/y")
    assert {name: row.get(name) for name in expected} == expected
    is_there = row["status"] == "not_deleted" and meanwhile != "deleted"
    assert left(world) == ("abcy" if is_there else "abc")
    assert result.metrics.files_deleted == 2 + (row["status"] == "deleted")
    failed = "error_class" in row
    assert exit_code(result) is (ExitCode.FAILED_OBJECTS if failed else ExitCode.OK)


@pytest.mark.parametrize("with_journal", [True, False])
def test_a_stop_between_deletes_keeps_the_account_and_can_be_resumed(
    world: World, tmp_path: Path, with_journal: bool
) -> None:
    """The rest is not attempted; the same again, or a resume, deletes it."""
    fill(world, extra="klmnopqrstuvwxyz")
    options = {**DELETE, "concurrency": 1}
    if with_journal:
        options["journal"] = str(tmp_path / "j.db")
    run = CopyRun(sync_of(world, **options))
    stop = world.server.inject(
        Fault.call("DeleteObject", lambda _: run.cancel("test"), after=3, times=1)
    )

    result = run.result()
    check_accounts(result)
    stop.remove()
    again = {"journal_use": JournalUse.RESUME} if with_journal else {}
    rest = synced(world, **options, **again)

    assert exit_code(result) is ExitCode.INTERRUPTED
    assert result.metrics.files_not_attempted > 0
    assert result.resumable is with_journal
    assert rest.state is RunState.COMPLETED
    assert left(world) == "abc"
    if with_journal:
        world.server.put(DST, "out/later", size=1)
        assert synced(world, **options, **again).metrics.files_deleted == 0


def test_the_mark_of_the_prefix_stays(world: World) -> None:
    """Consoles leave an empty object for a folder; a source has none."""
    fill(world, extra="")
    world.server.put(DST, "out/", size=0)

    included = {"filters": ("+ a",), "delete_excluded": True}
    assert deleting(world).metrics.files_deleted == 0
    assert deleting(world, **included).metrics.files_deleted == 2
    assert "out/" in world.arrived()


def test_only_what_was_confirmed_is_deleted(world: World) -> None:
    """One object more, and it is another plan."""
    fill(world)
    plan = deleting(world, mode=RunMode.DRY_RUN).delete_plan
    assert plan
    world.server.put(DST, "out/later", size=1)
    operation = sync_of(world, **DELETE)
    object.__setattr__(operation, "confirmed_deletes", plan.fingerprint)

    changed = operation.run()
    world.server.delete(DST, "out/later")
    same = operation.run()

    assert exit_code(changed) is ExitCode.TOO_MANY_DELETES
    assert exit_code(same) is ExitCode.OK
    assert left(world) == "abc"


@pytest.mark.long
def test_memory_holds_no_more_than_a_batch_of_what_is_deleted(world: World) -> None:
    """The rest waits in a file."""
    fill(world, extra="")
    for number in range(3000):
        world.server.put(DST, f"out/x{number}", size=1)

    result = deleting(world, max_delete="100%", concurrency=32)

    assert result.metrics.files_deleted == 3000
    assert left(world) == "abc"


def test_where_the_condition_is_ignored_a_look_before_protects(world: World) -> None:
    """As services other than AWS may do."""
    fill(world)
    world.server.inject(ignoring_conditions())
    world.server.inject(
        Fault.call(
            "HeadObject", lambda _: world.server.put(DST, "out/y", size=99), key="out/y", times=1
        )
    )

    result = deleting(world)

    assert left(world) == "abcy"
    assert result.metrics.files_deleted == 2


@pytest.mark.parametrize("after", [1, 3, 5])
def test_a_stop_while_both_sides_are_listed_deletes_nothing(world: World, after: int) -> None:
    """In the copy or later; the exit code says that it was stopped."""
    fill(world)
    for bucket in (SRC, DST):
        world.server.inject(in_small_pages(2, bucket=bucket))
    run = CopyRun(sync_of(world, listing_threads=1, **DELETE))
    world.server.inject(
        Fault.call("ListObjectsV2", lambda _: run.cancel("test"), bucket=DST, after=after, times=1)
    )

    result = run.result()

    check_accounts(result)
    assert exit_code(result) is ExitCode.INTERRUPTED
    assert result.delete_plan is None, "what was not listed to its end is no plan"
    assert left(world) == "abcxyz"
