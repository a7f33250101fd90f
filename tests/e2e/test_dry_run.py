"""A dry run tells what the copy would do, with all its options, and what it did not check."""

from __future__ import annotations

import pytest

from tests.e2e.program import COPY, PREFIX, PROFILES, QUICK, Program
from tests.fault_server import Fault
from tests.reports import lines_of
from tests.world import DESTINATION_ACCOUNT, DST, LARGE, SRC, World

WRITES = {"CopyObject", "CreateMultipartUpload", "UploadPartCopy", "PutObject", "PutObjectTagging"}
# What would be copied of the six objects, and the bytes of that.
CASES: dict[str, tuple[tuple[str, ...], int, int]] = {
    "all": ((), 6, 140 + LARGE),
    "no-overwrite": (("--no-overwrite",), 3, 20 + LARGE),
    "identical": (("--skip-identical",), 4, 40 + LARGE),
}


@pytest.fixture(autouse=True)
def some(world: World) -> None:
    """Store six objects, one of them large; of three there is a copy, two are identical."""
    for number, size in enumerate((50, 50, 20, 10, 10, LARGE)):
        world.server.put(SRC, f"in/{number}", size=size, etag=f"{number:032x}")
    for number, size in enumerate((50, 50, 21)):
        world.server.put(DST, f"out/{number}", size=size, etag=f"{number:032x}")


@pytest.mark.parametrize("case", CASES)
def test_it_counts_what_would_really_be_copied(world: World, program: Program, case: str) -> None:
    """Objects, bytes and requests are those of the copy that follows; nothing is written."""
    options, objects, size_bytes = CASES[case]

    planned = program.run(*COPY, *QUICK, *options, "--dry-run", "--json").json()
    told = program.run(*COPY, *QUICK, *options, "--dry-run")
    written = WRITES & {request.operation for request in world.server.requests}
    copied = program.run(*COPY, *QUICK, *options, "--json", "--no-preflight").json()

    assert written == set()
    assert planned["skips_by_reason"]["dry run"] == copied["files_copied_successfully"] == objects
    assert planned["planned_bytes"] == copied["total_bytes_transferred"] == size_bytes
    assert planned["planned_requests"] == copied["requests"]
    assert f"Dry run: would copy {objects} objects, nothing was written" in told.out
    last = told.err.splitlines()[-1]
    assert f" skipped={6 - objects} " in last
    assert last.endswith(f" would_copy={objects}")


def test_interactive_asks_about_what_would_really_be_copied(program: Program) -> None:
    """The plan and the question count what is left, and say what is left alone."""
    with program.terminal("interactive", *PREFIX, *PROFILES, *QUICK, "--no-overwrite") as terminal:
        plan = terminal.until("Copy 3 objects, 40.0 MiB? [y/N]:")
        assert "and 3 left alone: already exists at the destination" in " ".join(plan.split())
        terminal.child.sendline("n")
        assert terminal.end() == 0


def test_the_report_names_what_would_be_copied(program: Program) -> None:
    """And what would not, with the reason."""
    program.run(*COPY, *QUICK, "--no-overwrite", "--dry-run", "--report", "plan.jsonl")

    reasons = [line["reason"] for line in lines_of(program.directory / "plan.jsonl")]
    assert sorted(reasons) == [*["already exists at the destination"] * 3, *["dry run"] * 3]


def test_reading_with_the_destinations_credentials_is_tried(world: World, program: Program) -> None:
    """The copy would be refused, so the dry run is, too."""
    world.server.deny(SRC, DESTINATION_ACCOUNT, ["s3:GetObject"])

    done = program.run(*COPY, "--dry-run")

    assert (done.code, done.out) == (3, ""), done.said
    assert "cannot be read for a copy" in done.err
    assert "Diagnosis: s3:GetObject" in done.err


def test_what_was_not_checked_is_named(world: World, program: Program) -> None:
    """Writing, and what one HEAD does not prove; or reading too, where no object is known."""
    done = program.run(*COPY, "--dry-run")
    said = " ".join(done.said.split())

    assert "write access was not checked, nor was reading for a copy, except for one HEAD" in said
    assert "tags and KMS keys may still be denied" in said
    assert world.server.count("HeadObject") == 1


def test_a_look_that_fails_is_a_failure_of_the_object(world: World, program: Program) -> None:
    """As in the copy: after the repetitions. Listings alone do not tell whether it is there."""
    world.server.put(DST, "out/3", size=10, etag=f"{0:032x}-2")
    world.server.inject(
        Fault.error("HeadObject", 500, "InternalError", key=lambda key: key == "out/3")
    )

    done = program.run(*COPY, *QUICK, "--skip-identical", "--dry-run", "--json")

    assert done.code == 1, done.said
    assert done.json()["errors_by_class"] == {"ServerError": 1}
