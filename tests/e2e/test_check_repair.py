"""The command that a check offers for the repair is one that the program takes."""

from __future__ import annotations

import shlex

from tests.e2e.program import PREFIX, PROFILES, Program
from tests.world import DST, SRC, World


def test_the_repair_of_a_check_of_everything_can_be_typed(world: World, program: Program) -> None:
    """``--tags`` asks a question in a check and is a policy in a copy, so it is not repeated."""
    for name in ("x", "y"):
        world.server.put(SRC, f"in/{name}", size=1, tags={"t": "1"})
    world.server.put(DST, "out/x", size=1, etag=world.server.objects(SRC)["in/x"].etag)
    everything = ("--checksums", "--metadata", "--tags", "--report", "c.jsonl")

    found = program.run("check", *PREFIX, *PROFILES, *everything)
    (command,) = [line for line in found.out.splitlines() if line.startswith("  s3-xfer copy ")]
    repaired = program.run(*shlex.split(command)[1:])

    assert found.code == 5, found.said
    assert repaired.code == 0, repaired.said
    assert [world.arrived()[key].tags for key in ("out/x", "out/y")] == [{"t": "1"}] * 2
