"""An undo of a sync's deletes: against moto, which keeps versions."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from s3_xfer import AccountContext, ReportError, RunMode, UndoResult, sync, undo
from s3_xfer.testing.two_accounts import DESTINATION_ACCOUNT, SOURCE_ACCOUNT
from tests.e2e.program import US, end_of
from tests.e2e.shop import Shop
from tests.reports import lines_of
from tests.world import DST, SRC

pytestmark = pytest.mark.one_in(1)  # what may delete is tried whole, always

UNDO = ("undo", "--dest-profile", US)


def side(shop: Shop, account: str) -> AccountContext:
    """Return how one side is reached."""
    return AccountContext(session=shop.accounts.session(account), endpoint_url=shop.accounts.url)


def deleted(
    shop: Shop, *, keys: Sequence[str] = ("x", "y"), versioned: bool = True, backup: bool = False
) -> Path:
    """Let a sync delete objects; return its report."""
    shop.fill({"in/a": b"a"})
    if versioned:
        shop.destination.put_bucket_versioning(
            Bucket=DST, VersioningConfiguration={"Status": "Enabled"}
        )
    for key in keys:
        shop.destination.put_object(
            Bucket=DST, Key=f"out/{key}", Body=b"old", Metadata={"a": "b"}, Tagging="team=blue"
        )
    report = shop.directory / "sync.jsonl"
    result = sync(
        f"s3://{SRC}/in/",
        f"s3://{DST}/out/",
        source_account=side(shop, SOURCE_ACCOUNT),
        destination_account=side(shop, DESTINATION_ACCOUNT),
        delete="extra",
        report_path=report,
        backup_prefix=f"s3://{DST}/gone/" if backup else None,
    )
    result.raise_for_failures()
    assert result.metrics.files_deleted == len(keys)
    return report


def undone(shop: Shop, report: Path, **options: Any) -> UndoResult:
    """Undo what the report names."""
    return undo(report, account=side(shop, DESTINATION_ACCOUNT), retries=0, **options)


def at(shop: Shop, key: str = "out/y") -> bytes | None:
    """Return what is at a key."""
    return shop.arrived().get(key)


def write(shop: Shop, content: bytes = b"new") -> None:
    """Write an object of the same key."""
    shop.destination.put_object(Bucket=DST, Key="out/y", Body=content)


def delete(shop: Shop) -> None:
    """Delete what is there; in a versioned bucket that adds a marker."""
    shop.destination.delete_object(Bucket=DST, Key="out/y")


def lose_versions(shop: Shop) -> None:
    """Remove the version below the marker, as a lifecycle rule does."""
    listed = shop.destination.list_object_versions(Bucket=DST, Prefix="out/y")
    for version in listed["Versions"]:
        shop.destination.delete_object(Bucket=DST, Key="out/y", VersionId=version["VersionId"])


def lose_backup(shop: Shop) -> None:
    """Delete the backup of the object."""
    shop.destination.delete_object(Bucket=DST, Key="gone/y")


def write_and_delete(shop: Shop) -> None:
    """Do one after the other."""
    write(shop)
    delete(shop)


def nothing(_: Shop) -> None:
    """Leave everything as it is."""


# What happened to one of the two objects meanwhile; what is there afterwards; why it is not back.
VERSIONED: dict[str, tuple[Callable[[Shop], None], bytes | None, str]] = {
    "nothing": (nothing, b"old", ""),
    "the same was written": (lambda shop: write(shop, b"old"), b"old", "it is there already"),
    "another was written": (write, b"new", "another object is there now"),
    "deleted again": (delete, None, "it was deleted once more since"),
    "written, deleted": (write_and_delete, None, "it was deleted once more since"),
    "no version is left": (lose_versions, None, "neither a version nor a backup of it is kept"),
}


@pytest.mark.parametrize("case", VERSIONED)
def test_markers_are_removed_only_where_that_brings_back_what_was_deleted(
    shop: Shop, case: str
) -> None:
    """What was written since stays; done twice, or dry, nothing more happens."""
    meanwhile, expected, reason = VERSIONED[case]
    report = deleted(shop)
    meanwhile(shop)
    before = at(shop)

    looked = undone(shop, report, mode=RunMode.DRY_RUN)
    assert (at(shop), at(shop, "out/x")) == (before, None)
    result = undone(shop, report, report_path=shop.directory / "undo.jsonl")
    again = undone(shop, report)

    assert at(shop) == expected
    assert at(shop, "out/x") == b"old"
    assert result.restored == looked.would_restore == 1 + (not reason)
    assert result.reasons == ({reason: 1} if reason else {})
    assert result.is_complete is (reason in ("", "it is there already"))
    assert again.there_already == 2 - result.not_restored
    rows = {row["destination_key"]: row for row in lines_of(shop.directory / "undo.jsonl")}
    assert rows["out/x"]["status"] == "restored"
    assert rows["out/y"].get("reason", "") == reason


BACKED_UP: dict[str, tuple[Callable[[Shop], None], bytes | None, str]] = {
    "nothing": (nothing, b"old", ""),
    "the same was written": (lambda shop: write(shop, b"old"), b"old", "it is there already"),
    "another was written": (write, b"new", "another object is there now"),
    "the backup is gone": (lose_backup, None, "an error"),
}


@pytest.mark.parametrize("case", BACKED_UP)
def test_without_versions_the_backups_come_back(shop: Shop, case: str) -> None:
    """With metadata and tags, and never over anything; the backup stays."""
    meanwhile, expected, reason = BACKED_UP[case]
    report = deleted(shop, versioned=False, backup=True)
    meanwhile(shop)

    looked = undone(shop, report, mode=RunMode.DRY_RUN)
    assert at(shop, "out/x") is None
    result = undone(shop, report)

    assert at(shop) == expected
    assert result.reasons == looked.reasons == ({reason: 1} if reason else {})
    assert at(shop, "out/x") == at(shop, "gone/x") == b"old"
    head = shop.destination.head_object(Bucket=DST, Key="out/x")
    assert head["Metadata"] == {"a": "b"}
    tags = shop.destination.get_object_tagging(Bucket=DST, Key="out/x")["TagSet"]
    assert tags == [{"Key": "team", "Value": "blue"}]


def test_where_the_version_is_gone_the_backup_comes_back(shop: Shop) -> None:
    """A versioned bucket may have both."""
    report = deleted(shop, backup=True)
    lose_versions(shop)

    assert undone(shop, report).restored == 2
    assert at(shop) == at(shop, "out/x") == b"old"


def test_what_a_lost_answer_may_have_deleted_comes_back(shop: Shop) -> None:
    """Its line has no marker; that the version below is what was listed is proof enough."""
    report = deleted(shop)
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    for line in lines:
        if line.get("destination_key") == "out/y":
            line |= {"status": "not_deleted", "version_id": None, "may_be_deleted": True}
    kinds = [line["status"] for line in lines[:-1]]
    lines[-1]["counts"] = {kind: kinds.count(kind) for kind in kinds}
    report.write_text("".join(json.dumps(line) + "\n" for line in lines))

    assert undone(shop, report).restored == 2
    assert at(shop) == b"old"


def test_without_versions_and_backup_it_is_refused(shop: Shop) -> None:
    """With the reason, before anything is asked."""
    report = deleted(shop, versioned=False)

    with pytest.raises(ReportError, match="the bucket kept no versions when it was deleted"):
        undone(shop, report)


ROW = {
    "status": "deleted",
    "destination_bucket": DST,
    "destination_key": "out/y",
    "size": 1,
    "etag": '"e"',
    "version_id": "v",
}
END = {"status": "end", "counts": {"deleted": 1}}


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([ROW], "lacks its last line"),
        ([], "is empty"),
        ([{"status": "end", "counts": {}}], "names nothing that was deleted"),
        ([ROW, {"status": "end", "counts": {"deleted": 2}}], "counts other lines"),
        ([ROW | {"destination_key": ""}, END], "lacks a bucket, a key, an ETag or a size"),
        ([ROW | {"etag": None}, END], "lacks a bucket, a key, an ETag or a size"),
        ([ROW | {"version_id": 7}, END], "has a version_id that is no text"),
        ([ROW | {"backup_key": "k"}, END], "names a backup, and not all of it"),
    ],
)
def test_a_wrong_report_is_refused_as_a_whole(
    tmp_path: Path, lines: list[dict[str, Any]], says: str
) -> None:
    """Before the first object is brought back; no server is needed for that."""
    report = tmp_path / "r.jsonl"
    report.write_text("".join(json.dumps(line) + "\n" for line in lines))

    with pytest.raises(ReportError, match=says):
        undo(report)


def test_the_command_asks_or_wants_yes(shop: Shop) -> None:
    """As a sync does; its exit code tells whether all is back."""
    report = deleted(shop)

    refused = shop.program.run(*UNDO, str(report))
    looked = shop.program.run(*UNDO, str(report), "--dry-run")
    assert at(shop) is None
    write(shop)
    done = shop.program.run(*UNDO, str(report), "--yes", "--json")

    assert (refused.code, looked.code) == (2, 0), refused.said + looked.said
    assert "2 would be restored" in looked.out
    assert done.code == 1, done.said
    assert (done.json()["restored"], done.json()["not_restored"]) == (1, 1)
    assert "another object is there now" in done.json()["errors"][0]
    assert at(shop, "out/x") == b"old"
    first, *_, last = done.err.splitlines()
    assert "restoring objects=0/2" in first, done.said
    assert "ended objects=2/2" in last, done.said
    assert "failed=1" in last, done.said


def test_a_stopped_command_says_how_far_it_came(shop: Shop) -> None:
    """What came back stays, and doing it again brings back the rest."""
    keys = [f"{number:03}" for number in range(200)]
    report = deleted(shop, keys=keys)

    child = shop.program.start(*UNDO, str(report), "--yes", "--concurrency", "1")
    assert child.stderr
    assert "restoring objects=0/200" in child.stderr.readline()
    child.send_signal(signal.SIGINT)
    stopped = end_of(child)
    back = len(shop.arrived()) - 1  # with what the sync has copied
    again = shop.program.run(*UNDO, str(report), "--yes", "--json")

    assert stopped.code == 130, stopped.said
    said = re.search(r"stopped; (\d+) of 200 objects restored; run it again", stopped.err)
    assert said, stopped.said
    assert int(said[1]) <= back < len(keys)
    assert (again.code, again.json()["restored"]) == (0, len(keys) - back)
    assert set(shop.arrived()) == {"out/a", *(f"out/{key}" for key in keys)}


@pytest.mark.parametrize("answer", ["y", "n", ""])
def test_on_a_terminal_it_asks(shop: Shop, answer: str) -> None:
    """Only a yes brings anything back."""
    report = deleted(shop)

    with shop.program.terminal(*UNDO, str(report), columns=100) as terminal:
        terminal.answer("Bring back 2 objects in s3://dst-bucket?", answer)
        code = terminal.end()
        said = terminal.text

    assert code == 0, said
    assert at(shop) == (b"old" if answer == "y" else None)
    assert ("2 restored" if answer == "y" else "nothing was written") in said


def test_ctrl_c_at_the_question_writes_nothing(shop: Shop) -> None:
    """And is told as a stop."""
    report = deleted(shop)

    with shop.program.terminal(*UNDO, str(report), columns=100) as terminal:
        terminal.until("Bring back 2 objects")
        code = terminal.interrupt()
        said = terminal.text

    assert code == 130, said
    assert "stopped; nothing was written" in said
    assert at(shop) is None
