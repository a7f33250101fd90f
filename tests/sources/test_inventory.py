"""Copies of what an S3 Inventory has: every format, what is stale, what is damaged."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from s3_xfer import ErrorClass, ListError, PreflightError, RunState, S3CopyOperation
from tests.fault_server import Fault
from tests.reports import lines_of
from tests.sources.inventories import DATED, FORMATS, files_of, write
from tests.world import DESTINATION_KEY, SOURCE_KEY, SRC, World

ODD = ["in/ a ", "in/+%2B%", "in/ü/日本", "in/a\nb", "in/'q\"uote,", "in/#;?&", "in//x"]


def row(world: World, key: str, size: int = 3, **changes: Any) -> dict[str, Any]:
    """Put an object; return its row in an inventory of current versions."""
    etag = world.server.put(SRC, key, size=size).etag.strip('"')
    return {
        "Bucket": SRC,
        "Key": key,
        "Size": size,
        "LastModifiedDate": "2026-11-26T12:00:00.000Z",
        "ETag": etag,
        "StorageClass": "STANDARD",
        **changes,
    }


def inventory(tmp_path: Path, rows: Sequence[dict[str, Any]], **settings: Any) -> str:
    """Write an inventory; return its manifest."""
    folder = write(tmp_path, files_of(rows, bucket=SRC, **settings))
    return str(folder / settings.get("dated", DATED) / "manifest.json")


@pytest.mark.parametrize("file_format", FORMATS)
def test_what_an_inventory_has_is_copied(world: World, tmp_path: Path, file_format: str) -> None:
    """Odd keys, of several files, below the prefix alone: one request each, and no listing."""
    rows = [row(world, key) for key in [*ODD, "other/x", "in"]]
    world.server.put(SRC, "in/later", size=1)
    manifest = inventory(tmp_path, rows, file_format=file_format, per_file=3)

    result = world.copy(inventory=manifest, recursive=False)

    assert result.state is RunState.COMPLETED
    assert set(world.arrived()) == {f"out/{key.removeprefix('in/')}" for key in ODD}
    assert world.sent("CopyObject") == len(ODD)
    assert world.sent("HeadObject") == world.sent("ListObjectsV2") == 0
    assert result.metrics.total_bytes_transferred == 3 * len(ODD)
    assert any("of 2026-11-" in note for note in result.notes)


@pytest.mark.parametrize("file_format", FORMATS)
def test_only_current_versions_are_copied(world: World, tmp_path: Path, file_format: str) -> None:
    """An inventory of all versions has old ones and delete markers, too."""
    now: dict[str, Any] = {"VersionId": "2", "IsLatest": True, "IsDeleteMarker": False}
    rows = [
        row(world, "in/a", **now) | {"IsLatest": False, "ETag": "0" * 32, "VersionId": "1"},
        row(world, "in/a", **now),
        row(world, "in/b", **now) | {"IsDeleteMarker": True, "Size": None, "ETag": None},
    ]
    world.server.put(SRC, "in/b", size=1)

    result = world.copy(inventory=inventory(tmp_path, rows, file_format=file_format))

    assert set(world.arrived()) == {"out/a"}
    assert result.metrics.total_files_found == 1


def test_what_has_changed_since_is_counted_and_no_failure(world: World, tmp_path: Path) -> None:
    """Overwritten or gone: skipped with the reason, in numbers and report; the rest is copied."""
    rows = [row(world, f"in/{name}") for name in ("same", "changed", "gone")]
    world.server.put(SRC, "in/changed", size=4)
    world.server.delete(SRC, "in/gone")
    report = tmp_path / "report.jsonl"

    result = world.copy(inventory=inventory(tmp_path, rows), report_path=report)

    assert result.state is RunState.COMPLETED
    assert set(world.arrived()) == {"out/same"}
    assert result.metrics.skips_by_reason == {"changed since the inventory": 2}
    assert {line["reason"] for line in lines_of(report)} == {"changed since the inventory"}
    assert any("2 objects changed since the inventory" in note for note in result.notes)


def test_without_etags_objects_are_looked_up(world: World, tmp_path: Path) -> None:
    """Then they are copied as they are now, and one that is gone is stale all the same."""
    rows = [{"Bucket": SRC, "Key": row(world, f"in/{name}")["Key"]} for name in ("a", "gone")]
    world.server.put(SRC, "in/a", size=9)
    world.server.delete(SRC, "in/gone")

    result = world.copy(inventory=inventory(tmp_path, rows))

    assert result.metrics.total_bytes_transferred == 9
    assert result.metrics.skips_by_reason == {"changed since the inventory": 1}
    assert any("has no ETags" in note for note in result.notes)


def test_of_a_folder_the_newest_complete_inventory_is_taken(world: World, tmp_path: Path) -> None:
    """One that is still being written has no checksum yet."""
    old = [row(world, "in/old")]
    new = [*old, row(world, "in/new")]
    inventory(tmp_path, old, dated="2026-11-25T01-00Z")
    manifest = Path(inventory(tmp_path, new, dated="2026-11-26T01-00Z"))
    unfinished = Path(inventory(tmp_path, new[:1], dated="2026-11-27T01-00Z"))
    unfinished.with_name("manifest.checksum").unlink()

    world.copy(inventory=str(manifest.parent.parent))

    assert set(world.arrived()) == {"out/old", "out/new"}


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_damaged_file_counts_for_nothing(world: World, tmp_path: Path, file_format: str) -> None:
    """Its MD5 is known before its first object is; what other files have is copied."""
    rows = [row(world, f"in/{number}") for number in range(6)]
    manifest = inventory(tmp_path, rows, file_format=file_format, per_file=3)
    data = sorted(Path(manifest).parent.parent.joinpath("data").iterdir())[1]
    data.write_bytes(data.read_bytes()[:-1] + b"x")

    result = world.copy(inventory=manifest, report_path=tmp_path / "report.jsonl")

    assert result.aborted_by
    assert result.aborted_by.error_class is ErrorClass.LIST_UNUSABLE
    assert "another MD5" in result.aborted_by.problem
    assert set(world.arrived()) <= {"out/0", "out/1", "out/2"}
    assert result.metrics.total_files_found == 3
    assert lines_of(tmp_path / "report.jsonl")[-1]["status"] == "not_listed"


def _edit(manifest: str, **changes: Any) -> None:
    path = Path(manifest)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _seal(manifest: str, **changes: Any) -> None:
    """Change a manifest, and let its checksum say so."""
    _edit(manifest, **changes)
    digest = hashlib.md5(Path(manifest).read_bytes(), usedforsecurity=False).hexdigest()
    Path(manifest).with_name("manifest.checksum").write_text(digest)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda manifest: _edit(manifest, files=[]), "is not what its checksum says"),
        (lambda manifest: _seal(manifest, sourceBucket="other"), "is of the bucket other, not of"),
        (lambda manifest: _seal(manifest, fileFormat="XML"), "in the format XML with"),
        (lambda manifest: _seal(manifest, fileSchema="Bucket, Size"), "with bucket, size"),
        (lambda manifest: _seal(manifest, files=[{"key": "x"}]), "is no manifest"),
        (lambda manifest: Path(manifest).unlink(), "cannot be read"),
        (lambda manifest: Path(manifest).with_name("manifest.checksum").unlink(), "checksum"),
    ],
)
def test_what_is_no_inventory_of_the_source_is_refused(
    world: World, tmp_path: Path, spoil: Any, message: str
) -> None:
    """Before a request is sent."""
    manifest = inventory(tmp_path, [row(world, "in/a")])
    spoil(manifest)

    with pytest.raises(ListError, match=message):
        world.copy(inventory=manifest)

    assert world.server.requests == []


def test_an_inventory_without_anything_there_is_refused(world: World, tmp_path: Path) -> None:
    """As an empty prefix is."""
    manifest = inventory(tmp_path, [row(world, "other/a")])

    with pytest.raises(PreflightError, match="the inventory has nothing under s3://src-bucket/in/"):
        world.copy(inventory=manifest)


def test_without_pyarrow_the_message_names_the_extra(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CSV needs nothing."""
    manifest = inventory(tmp_path, [row(world, "in/a")], file_format="Parquet")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)

    with pytest.raises(ListError, match="need pyarrow") as refused:
        world.copy(inventory=manifest)

    assert "s3-xfer[inventory]" in refused.value.remedy


def test_a_copy_of_an_inventory_can_be_resumed(world: World, tmp_path: Path) -> None:
    """From its journal alone; what is stale then is no failure either."""
    rows = [row(world, f"in/{number:02}") for number in range(20)]
    manifest, journal = inventory(tmp_path, rows), str(tmp_path / "copy.db")
    denied = world.server.inject(Fault.error("CopyObject", 403, "AccessDenied", after=5))
    first = world.copy(inventory=manifest, journal=journal)
    denied.remove()
    (tmp_path / "inv").rename(tmp_path / "gone")
    world.server.delete(SRC, "in/19")

    second = S3CopyOperation.resume(
        journal, source=world.account(SOURCE_KEY), destination=world.account(DESTINATION_KEY)
    ).run()

    assert first.resumable
    assert second.state is RunState.COMPLETED
    assert len(world.arrived()) == 20 - (second.metrics.files_skipped)
    assert world.sent("ListObjectsV2") == 0
