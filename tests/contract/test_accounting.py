"""One account, told alike everywhere: result, JSON, report, journal and progress line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from s3_xfer import JournalUse, ReportScope, RunMode
from s3_xfer.ledger.rate import Rates
from s3_xfer.render.progress import Phase, progress_line
from tests.contract.test_sync_deletes import DELETE, deleting, fill
from tests.fault_server import Fault
from tests.reports import lines_of
from tests.world import DST, SRC, World

COUNTED = {
    "copied": "files_copied_successfully",
    "skipped": "files_skipped",
    "failed": "files_failed",
    "deleted": "files_deleted",
    "left_out": "files_left_out",
}


def prepare(world: World) -> None:
    """Put objects of every fate: same, new, extra, left out at the source."""
    fill(world)
    for key in ("new", "newer"):
        world.server.put(SRC, f"in/{key}", size=10)
    for key in ("1.tmp", "2.tmp"):
        world.server.put(SRC, f"in/{key}", size=10)
    world.server.put(SRC, "in/large", size=1000)


def test_every_object_has_one_line_and_the_numbers_agree(world: World, tmp_path: Path) -> None:
    """Found = copied + skipped + deleted + failed + not attempted; left out is beside it."""
    prepare(world)
    report = tmp_path / "r.jsonl"
    options: dict[str, Any] = {"filters": ("- *.tmp",), "max_size_bytes": 500}

    result = deleting(world, **options, report_path=report, report_scope=ReportScope.ALL)

    told = result.to_dict()
    lines = Counter(line["status"] for line in lines_of(report))
    assert {name: lines[name] for name in COUNTED} == {
        name: told[field] for name, field in COUNTED.items()
    }
    assert lines.total() == told["total_files_found"] + told["files_left_out"]
    assert (told["files_deleted"], told["files_left_out"]) == (3, 3)
    rules = Counter(line["reason"] for line in lines_of(report) if line["status"] == "left_out")
    assert rules == told["left_out_by_rule"] == {"- *.tmp": 2, "larger than 500": 1}
    line = progress_line(
        Phase.ENDED, result.metrics, Rates(objects_per_s=0.0, bytes_per_s=0.0, eta_s=None)
    )
    assert "left_out=3" in line


def test_a_journal_carries_the_account_from_run_to_run(world: World, tmp_path: Path) -> None:
    """What a first run has finished is in the numbers of the second; nothing counts twice."""
    prepare(world)
    options = {**DELETE, "filters": ("- *.tmp",), "journal": str(tmp_path / "j.db")}
    denial = world.server.inject(Fault.error("CopyObject", 403, "AccessDenied", key="out/new"))

    first = deleting(world, **options).metrics
    denial.remove()
    second = deleting(world, **options, journal_use=JournalUse.RESUME).metrics

    assert (first.files_copied_successfully, first.files_failed, first.files_deleted) == (2, 1, 0)
    assert (second.files_copied_successfully, second.files_failed) == (3, 0)
    assert (second.files_skipped, second.files_deleted) == (3, 3)
    assert second.total_files_found == 9


def test_a_dry_run_says_what_is_listed(world: World) -> None:
    """A prefix that all includes share is all that costs requests."""
    prepare(world)

    result = world.copy(filters=("+ /ne*",), mode=RunMode.DRY_RUN)

    assert f"only s3://{SRC}/in/ne… is listed: the filters include nothing else" in result.notes
    assert result.metrics.planned_files == 2
    assert world.server.objects(DST).keys() == {"outside", *(f"out/{key}" for key in "abcxyz")}
