"""Which journal a run may use, and what it says about one that it may not."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from s3_xfer import (
    AccountContext,
    CopyOptions,
    JournalError,
    JournalUse,
    RunMode,
    RunState,
    S3CopyOperation,
    StorageClass,
    ValidationError,
)
from tests.e2e.program import COPY, PROFILES, QUICK, Program
from tests.fault_server import Fault
from tests.journal.steps import fill, resume, stopped_after
from tests.patience import PATIENCE_S
from tests.world import SRC, World

CONTINUE = JournalUse.CONTINUE


@pytest.fixture
def unfinished(world: World, tmp_path: Path) -> Path:
    """A journal of a copy that was stopped."""
    fill(world, 60)
    stopped_after(world, "CopyObject", 20, tmp_path / "j.db")
    world.server.forget_requests()
    return tmp_path / "j.db"


def test_a_copy_does_not_begin_where_one_is_unfinished(world: World, unfinished: Path) -> None:
    """Whoever types the same command again is told the right one."""
    with pytest.raises(JournalError, match="is not finished") as refused:
        world.copy(journal=str(unfinished))

    assert refused.value.remedy == f"go on from it: S3CopyOperation.resume({str(unfinished)!r})"
    assert world.server.requests == []


def test_a_copy_does_not_begin_where_one_is_complete(world: World, tmp_path: Path) -> None:
    """A journal is not overwritten either."""
    world.server.put(SRC, "in/x", size=1)
    world.copy(journal=str(tmp_path / "j.db"))

    with pytest.raises(JournalError, match="belongs to a copy that is complete"):
        world.copy(journal=str(tmp_path / "j.db"))


def test_a_run_that_continues_begins_where_a_copy_is_complete(world: World, tmp_path: Path) -> None:
    """A scheduled copy with the same journal every day never does nothing in silence."""
    journal = str(tmp_path / "j.db")
    world.server.put(SRC, "in/x", size=1)
    world.copy(journal=journal, journal_use=CONTINUE)
    world.server.put(SRC, "in/y", size=1)

    second = world.copy(journal=journal, journal_use=CONTINUE)

    assert second.metrics.files_copied_successfully == 2
    assert second.metrics.files_copied_earlier == 0
    assert set(world.arrived()) == {"out/x", "out/y"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"storage_class": StorageClass.GLACIER_IR},
            "storage_class: journal says nothing, this run GLACIER_IR",
        ),
        ({"overwrite": False}, "overwrite: journal says True, this run False"),
        ({"destination_key": "else/"}, "destination_key: journal says out/, this run else/"),
        (
            {"part_size_bytes": 5 * 1024**2},
            "part_size_bytes: journal says 8388608, this run 5242880",
        ),
    ],
)
def test_another_copy_is_refused_with_the_differences(
    world: World, unfinished: Path, changes: dict[str, Any], words: str
) -> None:
    """Each option that decides about the copies, by name, with both values."""
    with pytest.raises(JournalError, match="belongs to another copy") as refused:
        world.copy(journal=str(unfinished), journal_use=CONTINUE, **changes)

    assert words in refused.value.problem
    assert world.server.requests == []


def test_what_does_not_decide_about_the_copies_may_differ(world: World, unfinished: Path) -> None:
    """Speed, retries and reports are each run's own."""
    last = world.copy(
        journal=str(unfinished),
        journal_use=CONTINUE,
        concurrency=7,
        retries=1,
        batch_size=3,
        report_path=unfinished.with_name("r.jsonl"),
    )

    assert last.state is RunState.COMPLETED


def test_there_must_be_a_journal_to_resume(tmp_path: Path) -> None:
    """A mistyped name is not a new copy."""
    with pytest.raises(JournalError, match="there is no journal"):
        S3CopyOperation.resume(tmp_path / "missing.db")
    assert not (tmp_path / "missing.db").exists()


def test_a_refused_copy_leaves_no_journal(world: World, tmp_path: Path) -> None:
    """The next try with the same command begins."""
    world.server.put(SRC, "in/x", size=1)
    denied = world.server.inject(Fault.error("CreateMultipartUpload", 403, "AccessDenied"))
    result = world.operation(journal=str(tmp_path / "j.db")).start()
    with pytest.raises(Exception, match="cannot be written"):
        result.result()
    assert list(tmp_path.iterdir()) == []
    denied.remove()

    assert world.copy(journal=str(tmp_path / "j.db")).state is RunState.COMPLETED


def test_a_stop_during_the_checks_leaves_a_journal_to_resume_or_none(
    world: World, tmp_path: Path
) -> None:
    """Whatever was there before the stop can be used after it."""
    world.server.put(SRC, "in/x", size=1)
    for number, operation in enumerate(("HeadBucket", "CreateMultipartUpload")):
        journal = tmp_path / f"{number}.db"
        slow = world.server.inject(Fault.slow(operation, delay_s=0.5))
        world.server.forget_requests()
        run = world.operation(journal=str(journal)).start()
        world.server.wait_for(operation)
        run.cancel("test")
        result = run.result()
        slow.remove()

        assert result.cancelled_by == "test"
        assert result.resumable is journal.exists()
        again = world.copy(journal=str(journal), journal_use=CONTINUE)
        assert again.state is RunState.COMPLETED
    assert world.server.uploads("dst-bucket") == []


@pytest.mark.parametrize(
    ("journal", "words"),
    [("no/such/folder/j.db", "no such folder"), (".", "not a regular file")],
)
def test_a_place_where_no_file_can_be_is_refused(
    world: World, tmp_path: Path, journal: str, words: str
) -> None:
    """Before anything is asked of S3."""
    with pytest.raises(JournalError, match=words):
        world.copy(journal=str(tmp_path / journal))
    assert world.server.requests == []


def test_a_dry_run_has_no_journal(world: World, tmp_path: Path) -> None:
    """It copies nothing that could be gone on from, and says so."""
    world.server.put(SRC, "in/x", size=1)

    result = world.copy(journal=str(tmp_path / "j.db"), mode=RunMode.DRY_RUN)

    assert "a dry run copies nothing, so it keeps no journal" in result.notes
    assert list(tmp_path.iterdir()) == []


def test_a_resume_needs_a_journal() -> None:
    """The use alone says nothing."""
    with pytest.raises(ValidationError, match="no journal to resume"):
        CopyOptions(journal_use=JournalUse.RESUME)


def test_two_runs_cannot_use_one_journal(world: World, tmp_path: Path) -> None:
    """In one process, and in two."""
    journal = tmp_path / "j.db"
    fill(world, 20)
    seen = threading.Event()
    late = world.server.inject(Fault.call("CopyObject", lambda _: seen.wait(PATIENCE_S)))
    run = world.operation(journal=str(journal)).start()
    world.server.wait_for("CopyObject")

    with pytest.raises(JournalError, match="is in use"):
        S3CopyOperation.resume(journal)
    with pytest.raises(JournalError, match="is in use"):
        world.copy(journal=str(journal), journal_use=CONTINUE)
    other = subprocess.run(
        [sys.executable, "-m", "s3_xfer.cli", "resume", str(journal)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert other.returncode == 3
    assert "another process has it open" in other.stderr
    assert "docs/runbook.md#journal-busy" in other.stderr
    late.remove()
    run.cancel("test")
    seen.set()
    run.result()
    assert resume(world, journal).state is RunState.COMPLETED


def test_no_secret_is_in_a_journal(world: World, program: Program) -> None:
    """Profiles and roles are, external ids and keys are not."""
    world.server.put(SRC, "in/x", size=1)

    done = program.run(*COPY, *QUICK, "--journal", "j.db")

    assert done.code == 0, done.said
    contents = (program.directory / "j.db").read_bytes()
    assert b"wJalrXUtnFEMI" not in contents
    assert b'"profile": "us"' in contents


def test_accounts_are_remembered_and_can_be_changed(world: World, unfinished: Path) -> None:
    """An operation to resume has what the journal says, except what is given."""
    operation = S3CopyOperation.resume(
        unfinished, destination=AccountContext(profile="other", region="eu-west-1"), concurrency=9
    )

    assert operation.destination.profile == "other"
    assert operation.destination.endpoint_url == world.server.url
    assert operation.options.concurrency == 9
    assert operation.options.part_size_bytes == 8 * 1024**2


def test_the_command_line_tells_how_to_go_on(world: World, program: Program) -> None:
    """The summary of an unfinished copy ends with the command; that command works."""
    fill(world, 20)
    denied = world.server.inject(
        Fault.error("CopyObject", 403, "AccessDenied", key="out/0007", times=1)
    )
    first = program.run(*COPY, *QUICK, "--journal", "j.db")
    again = program.run(*COPY, *QUICK, "--journal", "j.db")
    denied.remove()

    last = program.run("resume", "j.db")
    nothing = program.run("resume", "j.db", *PROFILES)

    assert first.code == 1
    assert "To resume this copy:\n  s3-xfer resume j.db" in first.out
    assert again.code == 3
    assert "Next: go on from it: s3-xfer resume j.db." in again.err
    assert last.code == 0, last.said
    assert "Copied all 20 objects" in last.out
    assert "19 objects by earlier runs" in last.out
    assert nothing.code == 0
    assert "nothing is left to do" in nothing.err
