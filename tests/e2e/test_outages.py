"""A server that goes away under the program; rows of docs/semantics.md, "The process around it"."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.program import COPY, Program, end_of
from tests.fault_server import Fault
from tests.reports import lines_of
from tests.world import SRC, World

OBJECTS = 100
AWAY = "has not answered since"
# A request is repeated for longer than it takes to notice that the server is away.
PATIENT = ("--retry-delay", "1", "--concurrency", "8", "--progress", "plain")


def fill(world: World) -> None:
    """Store objects whose copies take a moment each."""
    for number in range(OBJECTS):
        world.server.put(SRC, f"in/{number:03}", size=1)
    world.server.forget_requests()
    world.server.inject(Fault.slow("CopyObject", delay_s=0.2))


def test_a_server_that_comes_back_costs_no_object(world: World, program: Program) -> None:
    """The program says since when it waits, goes on, and ends as if nothing had been."""
    fill(world)
    child = program.start(*COPY, *PATIENT)
    world.server.wait_for("CopyObject", count=8)
    world.server.go_away()
    assert child.stderr
    said = ""
    for line in child.stderr:
        said += line
        if AWAY in line:
            break
    world.server.come_back()
    done = end_of(child)

    assert done.code == 0, said + done.said
    assert AWAY in said
    assert "giving up at" in said
    assert len(world.arrived()) == OBJECTS
    assert "failed: " not in said + done.err
    assert f"The server {world.server.url} answers again" in said + done.err


def test_a_server_that_stays_away_ends_the_run_with_a_report(
    world: World, program: Program, tmp_path: Path
) -> None:
    """After ``--outage-limit``; the report has what is missing."""
    fill(world)
    report = tmp_path / "r.jsonl"
    child = program.start(*COPY, *PATIENT, "--outage-limit", "3s", "--report", str(report))
    world.server.wait_for("CopyObject", count=8)
    world.server.go_away()
    done = end_of(child)
    world.server.come_back()

    assert done.code == 4, done.said
    assert "did not answer from" in done.out
    assert "--from-report" in done.out
    again = program.run(*COPY, *PATIENT, "--from-report", str(report))
    assert again.code == 0, again.said
    assert len(world.arrived()) == OBJECTS
    assert lines_of(report)
