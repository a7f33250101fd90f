"""A journal that is not what was written is named as damaged, or does no harm."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s3_xfer import JournalError, RunState, S3CopyOperation
from s3_xfer.ledger.journal.journal import Journal
from s3_xfer.ledger.journal.store import Store
from s3_xfer.model import S3Location
from s3_xfer.planning.mapping import KeyMap, KeyMaps
from tests.fault_server import Fault
from tests.journal.steps import fill, resume, stopped_after
from tests.world import World

SAFE_WAY = 'identical="skip"'


@pytest.fixture
def unfinished(world: World, tmp_path: Path) -> Path:
    """A journal of a copy that was stopped."""
    fill(world, 60)
    stopped_after(world, "CopyObject", 20, tmp_path / "j.db")
    return tmp_path / "j.db"


def refusal(journal: Path) -> JournalError:
    """Return how a journal is refused."""
    with pytest.raises(JournalError) as refused:
        S3CopyOperation.resume(journal)
    return refused.value


@pytest.mark.parametrize("contents", [b"x" * 10_000, b"SQLite format 3\0" + b"y" * 5000])
def test_garbage_is_no_journal(tmp_path: Path, contents: bytes) -> None:
    """Whatever file it is."""
    (tmp_path / "j.db").write_bytes(contents)

    error = refusal(tmp_path / "j.db")

    assert "is damaged" in error.problem
    assert SAFE_WAY in error.remedy


def test_another_database_is_no_journal(tmp_path: Path) -> None:
    """It is left as it is."""
    with sqlite3.connect(tmp_path / "j.db") as database:
        database.execute("CREATE TABLE letters (a)")
    database.close()

    assert "is no journal of s3-xfer" in refusal(tmp_path / "j.db").problem


@pytest.mark.parametrize("version", [1, 99])
def test_another_format_is_refused(unfinished: Path, version: int) -> None:
    """Neither an older format nor a newer one is read; the message names both numbers."""
    with sqlite3.connect(unfinished) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (4,)
        database.execute(f"PRAGMA user_version={version}")
    database.close()

    error = refusal(unfinished)

    assert error.problem.endswith(f" has format {version}, and this s3-xfer reads 4")
    assert error.remedy.startswith("resume it with the version that began it, or begin anew: ")
    assert SAFE_WAY in error.remedy


@pytest.mark.parametrize("share", [0.3, 0.6, 0.8])
def test_a_truncated_journal_is_damaged(unfinished: Path, share: float) -> None:
    """As after a copy of the file that was cut off."""
    os.truncate(unfinished, int(unfinished.stat().st_size * share))

    error = refusal(unfinished)

    assert "is damaged" in error.problem
    assert SAFE_WAY in error.remedy


def test_a_changed_row_is_damage(unfinished: Path) -> None:
    """SQLite would not notice: a key that is wrong by a letter would be a lost object."""
    with sqlite3.connect(unfinished) as database:
        database.execute("UPDATE facts SET value = replace(value, 'in/', 'im/')")
    database.close()

    assert "a row of facts is not what was written" in refusal(unfinished).problem


def test_a_lost_row_of_a_failure_is_damage(world: World, tmp_path: Path) -> None:
    """What failed is counted, because a missing row would be a lost object."""
    fill(world, 3)
    world.server.inject(Fault.error("CopyObject", 403, "AccessDenied", times=1))
    world.copy(journal=str(tmp_path / "j.db"))
    with sqlite3.connect(tmp_path / "j.db") as database:
        database.execute("DELETE FROM pending")
    database.close()

    with pytest.raises(JournalError, match="has lost some of what is to be done"):
        resume(world, tmp_path / "j.db")


def test_flipped_bytes_never_lose_an_object(
    world: World, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Wherever a byte changes: the journal is refused, or the copy is complete in the end."""
    folder = tmp_path_factory.mktemp("flipped")
    fill(world, 1100)
    stopped_after(world, "CopyObject", 1030, tmp_path / "j.db", delay_s=0.001)
    whole = (tmp_path / "j.db").read_bytes()
    expected = {f"out/{number:04}" for number in range(1100)}
    resumed = 0

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(place=st.integers(0, len(whole) - 1), bit=st.integers(0, 7))
    def flip(place: int, bit: int) -> None:
        nonlocal resumed
        journal = folder / "j.db"
        for old in folder.iterdir():
            old.unlink()
        journal.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << bit)]) + whole[place + 1 :])
        try:
            listing, done = left_of(journal)
        except JournalError:
            return
        resumed += 1
        finished = set(world.arrived())
        copied = {key for key in expected if not listing(key) or key in done}
        assert copied <= finished

    flip()
    assert resumed > 0


def left_of(journal: Path) -> tuple[Callable[[str], bool], set[str]]:
    """Return which keys a journal would list again, and which it takes for finished."""
    store = Store(journal, name="j.db")
    keys = KeyMaps([KeyMap(S3Location(bucket="src-bucket"), S3Location(bucket="dst-bucket"))])
    try:
        store.fact("description")
        known = Journal(store, keys, save=lambda: None)
        ranges = known.pending_ranges
        done = {
            f"out/{key.removeprefix('in/')}" for (key,) in store.rows("SELECT key FROM finished")
        }
    finally:
        store.close()

    def is_listed(destination_key: str) -> bool:
        key = "in/" + destination_key.removeprefix("out/")
        return any(r.after < key and (r.until is None or key <= r.until) for r in ranges)

    return is_listed, done


def test_a_killed_beginning_is_no_journal_yet(world: World, tmp_path: Path) -> None:
    """An empty file, or an empty database, is as good as none."""
    fill(world, 3)
    (tmp_path / "empty.db").touch()
    database = sqlite3.connect(tmp_path / "blank.db")
    database.execute("PRAGMA journal_mode=WAL")
    database.close()

    for name in ("empty.db", "blank.db"):
        assert "there is no journal" in refusal(tmp_path / name).problem
        assert world.copy(journal=str(tmp_path / name)).state is RunState.COMPLETED


def test_a_full_disk_ends_the_run_and_loses_nothing(world: World, tmp_path: Path) -> None:
    """The result says why, everything is accounted for, and with room the copy goes on."""
    journal = tmp_path / "j.db"
    fill(world, 1100)
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    world.server.inject(
        Fault.call(
            "CopyObject",
            lambda _: resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, unlimited[1])),
            times=1,
            after=50,
        )
    )
    try:
        first = world.copy(journal=str(journal))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    shutil.copytree(tmp_path, tmp_path / "kept")
    before = set(world.arrived())
    world.server.forget_requests()

    last = resume(world, journal)

    assert first.aborted_by
    assert "cannot be written" in first.aborted_by.problem
    assert "make room" in first.aborted_by.remedy
    assert 0 < first.metrics.files_copied_successfully <= len(before) < 1100
    assert last.state is RunState.COMPLETED
    assert len(world.arrived()) == 1100
    assert world.sent("CopyObject") <= 1100 - len(before) + 4 + 2
