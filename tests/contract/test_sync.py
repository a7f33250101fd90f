"""A sync: what is new or different is copied, by the rule that was asked for; the rest is left."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from s3_xfer import (
    CompareBy,
    CopyResult,
    RunMode,
    S3CopyOperation,
    S3SyncOperation,
)
from tests.fault_server import Fault
from tests.world import DST, SRC, World, check_accounts

OLD, NEW = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)
MD5, OTHER, PARTS, OTHER_PARTS = "ab" * 16, "cd" * 16, "ab" * 16 + "-2", "ab" * 16 + "-3"
CRC = {"x-amz-checksum-crc64nvme": "Zm9vYmFyCg==", "x-amz-checksum-type": "FULL_OBJECT"}
OTHER_CRC = {**CRC, "x-amz-checksum-crc64nvme": "Zm9vYmF6Cg=="}
S, D, U = "same", "different at the destination", "could not be compared"


def sync_of(world: World, **changes: Any) -> S3SyncOperation:
    """Return a sync from one account to the other."""
    copy = world.operation(**changes)
    return S3SyncOperation(
        source_bucket=copy.source_bucket,
        source_key=copy.source_key,
        destination_bucket=copy.destination_bucket,
        destination_key=copy.destination_key,
        source=copy.source,
        destination=copy.destination,
        overwrite=copy.overwrite,
        options=copy.options,
    )


def synced(world: World, **changes: Any) -> CopyResult:
    """Run a sync to its end."""
    result = sync_of(world, **changes).run()
    check_accounts(result)
    return result


@pytest.mark.parametrize(
    ("source", "copy", "expected"),
    [
        # by:                                                    auto size etag checksum newer
        pytest.param({}, {"size": 9}, (D, D, D, D, D), id="size"),
        pytest.param({}, {}, (S, S, S, U, D), id="ETag"),
        pytest.param({"headers": CRC}, {"headers": CRC}, (S, S, S, S, D), id="both"),
        pytest.param({}, {"etag": OTHER}, (D, S, D, U, D), id="other MD5"),
        pytest.param({"etag": PARTS}, {"etag": OTHER_PARTS}, (U, S, U, U, D), id="parts"),
        pytest.param(
            {"headers": CRC}, {"etag": OTHER, "headers": CRC}, (S, S, D, S, D), id="checksum"
        ),
        pytest.param(
            {"headers": CRC}, {"headers": OTHER_CRC}, (S, S, S, D, D), id="other checksum"
        ),
        pytest.param({"size": 0}, {"size": 0, "etag": OTHER}, (S, S, S, S, D), id="empty"),
        pytest.param({"when": OLD}, {"when": NEW}, (S, S, S, U, S), id="later copy"),
        pytest.param({"when": OLD}, {"when": OLD}, (S, S, S, U, S), id="at the same time"),
    ],
)
@pytest.mark.parametrize("listed", [True, False], ids=["by listing", "by HEAD"])
def test_every_rule_of_comparing(
    world: World,
    *,
    source: dict[str, Any],
    copy: dict[str, Any],
    expected: tuple[str, ...],
    listed: bool,
) -> None:
    """A listing and a HEAD come to the same; nothing but a proof keeps from copying."""
    for number, _ in enumerate(CompareBy):
        put(world, SRC, f"{number}/in/x", **{"when": NEW, **source})
        put(world, DST, f"{number}/out/x", **{"when": OLD, **copy})
    if not listed:
        world.server.inject(Fault.error("ListObjectsV2", 403, "AccessDenied", bucket=DST))

    for number, (by, outcome) in enumerate(zip(CompareBy, expected, strict=True)):
        seen = synced(
            world, source_key=f"{number}/in/", destination_key=f"{number}/out/", compare_by=by
        ).metrics
        said = "same" if seen.files_skipped else next(iter(seen.copies_by_reason))
        assert (by, said, seen.total_files_found) == (by, outcome, 1)


def put(world: World, bucket: str, key: str, *, when: datetime, **settings: Any) -> None:
    """Put an object that was written at some time."""
    given = {"size": 10, "etag": MD5, **settings}
    world.server.put(bucket, key, last_modified=when, **given)


def test_a_sync_copies_below_the_prefix_alone(world: World) -> None:
    """A prefix means a directory, as in a copy; nothing is ever deleted without being asked."""
    for key in ("in/a", "in/b/c", "in", "inside"):
        world.server.put(SRC, key, size=1)
    world.server.put(DST, "out/extra", size=1)

    result = synced(world, source_key="in", destination_key="out")

    assert set(world.arrived()) == {"out/a", "out/b/c", "out/extra"}
    assert result.metrics.files_copied_successfully == 2
    assert world.sent("DeleteObject") == 0


def test_a_sync_that_was_stopped_goes_on_from_its_journal(world: World, tmp_path: Path) -> None:
    """The journal knows by which rule it compares; another rule is another sync."""
    for number in range(6):
        world.server.put(SRC, f"in/{number}", size=1)
    world.server.put(DST, "out/5", size=1)
    journal = str(tmp_path / "sync.db")
    fault = world.server.inject(Fault.error("CopyObject", 500, "InternalError", key="out/3"))
    options: dict[str, Any] = {"retries": 0, "compare_by": CompareBy.SIZE}

    first = synced(world, journal=journal, **options)
    fault.remove()
    rest = S3CopyOperation.resume(
        journal, source=world.account("AKIASOURCE"), destination=world.account("AKIADESTINATION")
    )

    assert (first.metrics.files_failed, first.metrics.files_skipped) == (1, 1)
    assert rest.compare_by is CompareBy.SIZE
    assert rest.run().metrics.files_failed == 0
    assert len(world.arrived()) == 6


def test_a_dry_run_says_why(world: World) -> None:
    """It counts what would be copied by its reason, and writes nothing."""
    put(world, SRC, "in/new", when=NEW)
    put(world, SRC, "in/same", when=NEW)
    put(world, DST, "out/same", when=NEW)

    seen = synced(world, mode=RunMode.DRY_RUN).metrics

    assert seen.copies_by_reason == {"not at the destination": 1}
    assert seen.planned_files == 1
    assert set(world.arrived()) == {"out/same"}
