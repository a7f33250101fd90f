"""``s3-xfer sync`` as a process: the question, the words, the codes."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from tests.e2e.program import PREFIX, PROFILES, Program
from tests.e2e.shop import Shop
from tests.reports import lines_of
from tests.world import DST, SRC, World

SYNC = ("sync", "s3://src-bucket/in/", "s3://dst-bucket/out/", *PROFILES)
DELETE = (*SYNC, "--delete")


def fill(world: World) -> None:
    """Put an object that is the same at both sides, a new one, and one that is extra."""
    found = world.server.put(SRC, "in/same", size=1)
    world.server.put(DST, "out/same", size=1, etag=found.etag)
    world.server.put(SRC, "in/new", size=1)
    world.server.put(DST, "out/extra", size=1)


def test_without_a_terminal_yes_is_needed(world: World, program: Program) -> None:
    """Nothing is copied, either, until it is clear what is meant."""
    fill(world)

    refused = program.run(*DELETE)
    looked = program.run(*DELETE, "--dry-run")
    untouched = set(world.arrived())
    done = program.run(*DELETE, "--yes", "--json")
    again = program.run(*DELETE, "--yes")

    assert (refused.code, looked.code) == (2, 0), refused.said + looked.said
    assert "Give --yes" in refused.err
    assert "would delete" in looked.out
    assert untouched == {"out/same", "out/extra"}
    assert done.code == 0, done.said
    assert (done.json()["files_copied_successfully"], done.json()["files_deleted"]) == (1, 1)
    assert set(world.arrived()) == {"out/same", "out/new"}
    assert again.code == 0, again.said


def test_the_command_for_a_check_compares_what_a_sync_made(world: World, program: Program) -> None:
    """On a service that is not AWS it is offered, and it can be typed as it is."""
    fill(world)

    done = program.run(*DELETE, "--yes", "--exclude", "*.tmp")
    line = next(line for line in done.out.splitlines() if "s3-xfer check" in line)
    checked = program.run(*shlex.split(line)[1:])

    assert "Copied 1 of 3 objects, 1 skipped, 1 deleted" in done.out
    assert "--exclude '*.tmp'" in line
    assert checked.code == 0, checked.said


@pytest.mark.parametrize("answer", ["y", "n", ""])
def test_the_question_shows_the_plan(world: World, program: Program, answer: str) -> None:
    """Exactly what is shown is deleted after a yes; nothing is written after anything else."""
    fill(world)

    with program.terminal(*DELETE, columns=100) as terminal:
        terminal.answer("Delete 1 object?", answer)
        said = terminal.text
        code = terminal.end()

    assert "s3://dst-bucket/out/extra" in said
    assert code == 0
    expected = {"out/same", "out/new"} if answer == "y" else {"out/same", "out/extra"}
    assert set(world.arrived()) == expected


def test_above_the_limit_the_exit_code_is_7(world: World, program: Program) -> None:
    """Everything was copied; the message says what to do."""
    fill(world)

    done = program.run(*DELETE, "--yes", "--max-delete", "0")

    assert done.code == 7, done.said
    assert "1 object of 3 would be deleted, and 0 may be: nothing was deleted" in done.out
    assert "raise --max-delete" in " ".join(done.out.split())
    assert set(world.arrived()) == {"out/same", "out/new", "out/extra"}


def test_a_versioned_bucket_keeps_what_is_deleted(shop: Shop) -> None:
    """Against moto: the report has the version of the marker, whose removal is the undo."""
    shop.fill({"in/a": b"a"})
    shop.destination.put_bucket_versioning(
        Bucket=DST, VersioningConfiguration={"Status": "Enabled"}
    )
    shop.destination.put_object(Bucket=DST, Key="out/extra", Body=b"precious")

    done = shop.program.run(*DELETE, "--yes", "--report", "r.jsonl")

    (row,) = (
        line for line in lines_of(shop.program.directory / "r.jsonl") if line["status"] == "deleted"
    )
    assert done.code == 0, done.said
    shop.destination.delete_object(Bucket=DST, Key="out/extra", VersionId=row["version_id"])
    restored = shop.destination.get_object(Bucket=DST, Key="out/extra")["Body"].read()
    assert restored == b"precious"


@pytest.mark.parametrize(
    ("status", "says"),
    [("", "deletes are irreversible"), ("Enabled", "deletes add markers"), ("Suspended", "irrev")],
)
def test_the_doctor_says_what_deletes_do(shop: Shop, status: Any, says: str) -> None:
    """Against moto, which tells of versions; a delete alone would prove its permission: code 6."""
    shop.fill({"in/a": b"a"})
    if status:
        shop.destination.put_bucket_versioning(
            Bucket=DST, VersioningConfiguration={"Status": status}
        )

    done = shop.program.run("doctor", *PREFIX, *PROFILES, "--skip-identical", "--delete")

    assert done.code == 6, done.said
    assert says in done.out
    assert "only a delete shows" in done.out


def test_what_was_typed_before_the_question_is_no_answer(world: World, program: Program) -> None:
    """A line that waits in the terminal does not confirm what nobody has seen."""
    fill(world)

    with program.terminal(*DELETE, columns=100) as terminal:
        terminal.child.sendline("y")
        terminal.answer("Delete 1 object?", "n")
        code = terminal.end()

    assert code == 0
    assert set(world.arrived()) == {"out/same", "out/extra"}
