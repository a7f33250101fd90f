"""Checks of what a list or an inventory names, and of nothing else."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from s3_xfer import CheckResult, CompareStatus, S3CheckOperation
from tests.reports import lines_of
from tests.sources.inventories import DATED, files_of, write
from tests.world import DST, QUICK, SRC, World


def check(world: World, **options: Any) -> CheckResult:
    """Compare what the options name."""
    operation = world.operation()
    return S3CheckOperation(
        source_bucket=SRC,
        source_key="in/",
        destination_bucket=DST,
        destination_key="out/",
        source=operation.source,
        destination=operation.destination,
        options=dataclasses.replace(QUICK, **options),
    ).run()


def fill(world: World) -> None:
    """Put objects of every status on both sides, and others beside them."""
    for name in ("same", "different", "missing", "beside"):
        world.server.put(SRC, f"in/{name}", size=3)
    world.copy()
    world.server.put(SRC, "in/different", size=4)
    world.server.delete(DST, "out/missing")
    world.server.put(DST, "out/extra", size=1)
    world.server.put(DST, "out/gone", size=1)
    world.server.put(DST, "out/beside", size=1)
    world.server.forget_requests()


def test_only_what_a_list_names_is_compared(world: World, tmp_path: Path) -> None:
    """What is beside it is not; a key that the source lacks cannot be compared."""
    fill(world)
    path, report = tmp_path / "list", tmp_path / "report.jsonl"
    path.write_text("in/same\nin/different\nin/missing\nin/gone\n")

    result = check(world, files_from=str(path), report_path=report)

    assert {status: count for status, count in result.totals.counts.items() if count} == {
        CompareStatus.SAME: 1,
        CompareStatus.DIFFERENT: 1,
        CompareStatus.MISSING: 1,
        CompareStatus.NOT_COMPARED: 1,
    }
    by_key = {line["source_key"]: line["status"] for line in lines_of(report)}
    assert by_key == {
        "in/different": "different",
        "in/missing": "missing",
        "in/gone": "not_compared",
    }
    assert world.copy(from_report_path=report).metrics.files_copied_successfully == 2


@pytest.mark.parametrize("is_inventory", [False, True])
def test_what_differs_from_a_row_is_compared_with_the_source(
    world: World, tmp_path: Path, is_inventory: bool
) -> None:
    """Rows are old: one HEAD where the copy is what the row says, one more where it is not."""
    rows = []
    for name in ("same", "changed"):
        etag = world.server.put(SRC, f"in/{name}", size=3).etag.strip('"')
        rows.append({"Bucket": SRC, "Key": f"in/{name}", "Size": 3, "ETag": etag})
    world.server.put(SRC, "in/changed", size=5)
    world.copy()
    world.server.forget_requests()
    path = tmp_path / "list.csv"
    path.write_text("\n".join(["key,size,etag", *(f"{r['Key']},3,{r['ETag']}" for r in rows)]))
    folder = write(tmp_path, files_of(rows, bucket=SRC))
    manifest = str(folder / DATED / "manifest.json")

    result = check(
        world, **({"inventory": manifest} if is_inventory else {"files_from": str(path)})
    )

    assert result.no_difference
    assert result.totals.counts[CompareStatus.SAME] == 2
    assert world.sent("HeadObject") == 3
