"""The object whose key is the source prefix itself, where the destination is a bucket's root."""

from __future__ import annotations

from pathlib import Path

from s3_xfer import Engine, RunMode, SkipReason
from s3_xfer.cli.exit_codes import ExitCode, exit_code
from tests.check.test_checking import check, counts
from tests.reports import lines_of
from tests.world import DST, SRC, World

SKIPPED = {SkipReason.MARKER.value: 1}


def test_empty_marker_is_skipped_with_a_reason(world: World, tmp_path: Path) -> None:
    """Nothing fails, also not in the second run, in a dry run, or with a journal."""
    world.server.put(SRC, "in/", size=0)
    world.server.put(SRC, "in/a", size=1)
    report = tmp_path / "r.jsonl"

    first = world.copy(destination_key="", report_path=report)
    second = world.copy(destination_key="", overwrite=False, journal=str(tmp_path / "j.db"))
    dry = world.copy(destination_key="", mode=RunMode.DRY_RUN)

    assert exit_code(first) is exit_code(second) is exit_code(dry) is ExitCode.OK
    assert list(world.arrived()) == ["a"]
    assert first.metrics.skips_by_reason == SKIPPED
    assert second.metrics.skips_by_reason == SKIPPED | {SkipReason.EXISTS.value: 1}
    assert dry.metrics.skips_by_reason == SKIPPED | {SkipReason.DRY_RUN.value: 1}
    (line,) = lines_of(report)
    assert (line["source_key"], line["reason"]) == ("in/", SkipReason.MARKER.value)


def test_empty_marker_is_left_out_of_a_check(world: World) -> None:
    """A note says so; what it would be missing is nothing."""
    world.server.put(SRC, "in/", size=0)
    world.server.put(SRC, "in/a", size=1)
    world.copy(destination_key="")

    result = check(world, destination_key="")

    assert exit_code(result) is ExitCode.OK
    assert counts(result) == {"same": 1}
    assert any("s3://src-bucket/in/ was left out" in note for note in result.notes)


def test_marker_of_the_destination_is_left_out_of_a_check_of_a_whole_bucket(world: World) -> None:
    """It is no extra object either: no key of the source could be copied to it."""
    world.server.put(SRC, "a", size=1)
    world.copy("")
    world.server.put(DST, "out/", size=0)

    result = check(world, source_key="")

    assert exit_code(result) is ExitCode.OK
    assert counts(result) == {"same": 1}


def test_marker_with_content_fails_and_is_missing(world: World) -> None:
    """It has something to lose."""
    world.server.put(SRC, "in/", size=1)

    copied = world.copy(destination_key="")
    compared = check(world, destination_key="")

    assert copied.metrics.errors_by_class == {"EmptyKey": 1}
    assert exit_code(compared) is ExitCode.DIFFERENT


def test_other_markers_are_objects_as_any(world: World) -> None:
    """Only the prefix itself has no key; in another prefix it has one."""
    world.server.put(SRC, "in/", size=0)
    world.server.put(SRC, "in/sub/", size=0)

    world.copy(destination_key="", engine=Engine.MANAGED)
    assert list(world.arrived()) == ["sub/"]

    world.copy()
    assert list(world.arrived()) == ["out/", "out/sub/", "sub/"]
