"""A sync that deletes is killed again and again, and resumed until both sides agree.

``S3_XFER_KILLS=30`` kills that often (the default suite: once), ``S3_XFER_SEED`` chooses the
moments, as far as threads allow; both are printed. ``make fuzz`` takes a new seed.
"""

from __future__ import annotations

import os
import random
import signal
import sys

from tests.e2e.program import PROFILES, QUICK, Program
from tests.fault_server import Fault
from tests.journal.test_kills import Story
from tests.world import DST, SRC, World

KILLS = int(os.environ.get("S3_XFER_KILLS", "1"))
SEED = int(os.environ.get("S3_XFER_SEED", "0"))
NEW, SAME, EXTRA, KEPT = 40, 10, 40, 5
SYNC = ("sync", "s3://src-bucket/in/", "s3://dst-bucket/out/", *PROFILES)
DELETE = ("--delete", "--yes", "--max-delete", "100%", "--exclude", "keep/**")
OUTSIDE = {"out", "out0", "other/a"}


def fill(world: World) -> None:
    """Store what is new, the same, extra, left out by the filter, and beside the prefix."""
    for number in range(NEW):
        world.server.put(SRC, f"in/new-{number:03}", size=number + 1)
    for number in range(SAME):
        found = world.server.put(SRC, f"in/same-{number:03}", size=1)
        world.server.put(DST, f"out/same-{number:03}", size=1, etag=found.etag)
    for number in range(EXTRA):
        world.server.put(DST, f"out/extra-{number:03}", size=1)
    for number in range(KEPT):
        world.server.put(DST, f"out/keep/{number:03}", size=1)
    for key in OUTSIDE:
        world.server.put(DST, key, size=1)


def check_nothing_lost(world: World) -> None:
    """Assert that only what is extra is gone, and that only once everything was copied."""
    source, arrived = world.server.objects(SRC), world.arrived()
    of_kinds = [sum(key.startswith(f"out/{kind}") for key in arrived) for kind in ("same", "keep/")]
    assert of_kinds == [SAME, KEPT]
    assert set(arrived) >= OUTSIDE
    if sum(key.startswith("out/extra") for key in arrived) < EXTRA:
        for key, found in source.items():
            assert arrived[f"out/{key.removeprefix('in/')}"].etag == found.etag


def test_a_sync_survives_being_killed_at_random_moments(world: World, program: Program) -> None:
    """In the end exactly what is extra is gone, however often the process died."""
    sys.stdout.write(f"S3_XFER_SEED={SEED} S3_XFER_KILLS={KILLS}\n")
    rng = random.Random(SEED)
    fill(world)
    world.server.inject(Fault.slow(("CopyObject", "DeleteObject"), delay_s=0.005))
    for operation in ("CopyObject", "DeleteObject"):
        world.server.inject(Fault.lost_response(operation, probability=0.05, seed=SEED))
    story = Story(world, program, begin=(*SYNC, *DELETE, *QUICK))
    requests = (NEW + EXTRA) // KILLS  # there are half as many more
    for _ in range(KILLS):
        story.run_and_stop(rng.randrange(10, 10 + requests), signal.SIGKILL)
        check_nothing_lost(world)

    metrics = story.run_to_the_end().json()

    check_nothing_lost(world)
    below = {key for key in world.arrived() if key.startswith("out/")}
    kept = {f"out/keep/{number:03}" for number in range(KEPT)}
    wanted = {f"out/{key.removeprefix('in/')}" for key in world.server.objects(SRC)}
    assert below == wanted | kept
    assert metrics["files_failed"] == metrics["files_not_attempted"] == 0
