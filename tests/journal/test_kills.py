"""The process is killed again and again, under faults, and resumed until the copy is complete.

``S3_XFER_KILLS=100`` kills that often (the default suite: a handful), ``S3_XFER_SEED`` chooses the
faults and the moments, as far as threads allow; both are printed. ``make fuzz`` takes a new seed.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest

from s3_xfer.units import MIB
from tests.e2e.program import COPY, PROFILES, QUICK, Done, Program, end_of
from tests.fault_server import Fault, RequestRecord
from tests.patience import PATIENCE_S
from tests.world import DST, SRC, World

KILLS = int(os.environ.get("S3_XFER_KILLS", "5"))
SEED = int(os.environ.get("S3_XFER_SEED", "0"))
SMALL, LARGE = 1300, 8
IN_FLIGHT = 4  # --concurrency of QUICK
JOURNAL = "copy.db"
RESUME = ("resume", JOURNAL, *PROFILES)
ENDINGS = {"kill": signal.SIGKILL, "term": signal.SIGTERM}


def fill(world: World) -> None:
    """Store small and large objects, with metadata and tags."""
    for number in range(SMALL):
        world.server.put(SRC, f"in/{number:05}", size=number, tags={"number": str(number)})
    for number in range(LARGE):
        world.server.put(
            SRC,
            f"in/{number * 190:05}-large",
            size=(17 + 11 * number) * MIB,
            metadata={"number": str(number)},
            tags={"large": "yes"},
        )


def disturb(world: World, seed: int) -> None:
    """Let a good part of the requests fail in passing, before or after their work."""
    copies = ("CopyObject", "UploadPartCopy")
    for fault in (
        Fault.slow("CopyObject", delay_s=0.003),
        Fault.slow("UploadPartCopy", delay_s=0.03),
        Fault.error(copies, 500, "InternalError", probability=0.02, seed=seed),
        Fault.reset(copies, probability=0.01, seed=seed + 1),
        Fault.lost_response(copies, probability=0.01, seed=seed + 2),
        Fault.lost_response("CreateMultipartUpload", probability=0.2, seed=seed + 3),
        Fault.lost_response("CompleteMultipartUpload", probability=0.2, seed=seed + 4),
        Fault.error("ListObjectsV2", 500, "InternalError", probability=0.2, seed=seed + 5),
        Fault.error("UploadPartCopy", 503, "SlowDown", probability=0.01, seed=seed + 6),
        Fault.error_in_200("CopyObject", probability=0.01, seed=seed + 7),
    ):
        world.server.inject(fault)


@dataclass
class Story:
    """What the runs of one copy did, seen from the server; ``begin`` is its command."""

    world: World
    program: Program
    begin: tuple[str, ...] = (*COPY, *QUICK)
    runs: list[list[RequestRecord]] = field(default_factory=list)

    def run_and_stop(self, requests: int, number: signal.Signals) -> Done:
        """Start or resume the copy, and send a signal after so many requests to S3."""
        self.world.server.forget_requests()
        child = self.program.start(*self.arguments(), "--json")
        end_s = time.monotonic() + PATIENCE_S
        while len(self.world.server.requests) < requests and child.poll() is None:
            assert time.monotonic() < end_s
            time.sleep(0.002)
        child.send_signal(number)
        done = end_of(child)
        self.note()
        return done

    def run_to_the_end(self) -> Done:
        """Resume until everything is copied: what failed in one run is tried in the next."""
        for _ in range(5):
            self.world.server.forget_requests()
            done = self.program.run(*self.arguments(), "--json")
            self.note()
            if done.code == 0:
                return done
            assert done.code == 1, done.said
        raise AssertionError(done.said)

    def arguments(self) -> tuple[str, ...]:
        """Return the command that begins or goes on."""
        journal = self.program.directory / JOURNAL
        log = journal.with_name(f"{JOURNAL}-wal")  # where the head may still be
        if any(path.exists() and b"S3XF" in path.read_bytes() for path in (journal, log)):
            return (*RESUME, "--concurrency", str(IN_FLIGHT), "--retry-delay", "0.01")
        return (*self.begin, "--journal", JOURNAL)

    def note(self) -> None:
        """Keep what the last run asked for."""
        self.runs.append(self.world.server.requests)

    def copied_again(self) -> int:
        """Return how many copies were made although an earlier run knew that they had succeeded."""
        times: Counter[str] = Counter()
        for run in self.runs:
            times.update(
                {
                    record.key
                    for record in run
                    if record.operation in ("CopyObject", "CompleteMultipartUpload")
                    and record.executed
                    and record.status == 200
                }
            )
        return sum(count - 1 for count in times.values())


def assert_equal(world: World) -> None:
    """Assert that the destination is the source, and that nothing else is left of the copy."""
    source, copies = world.server.objects(SRC), world.arrived()
    assert {"in/" + key.removeprefix("out/") for key in copies} == set(source)
    for key, copy in copies.items():
        original = source["in/" + key.removeprefix("out/")]
        assert (copy.size, copy.tags, copy.metadata) == (
            original.size,
            original.tags,
            original.metadata,
        ), key
        assert copy.etag == original.etag or key.endswith("-large")
    assert world.server.uploads(DST) == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_copy_survives_being_killed_at_random_moments(
    world: World, program: Program, ending: str
) -> None:
    """Equal in the end, nothing counted that is not there, and repeated what was in flight."""
    sys.stdout.write(f"S3_XFER_SEED={SEED} S3_XFER_KILLS={KILLS}\n")
    rng = random.Random(SEED)
    fill(world)
    disturb(world, SEED)
    story = Story(world, program)
    most = 2 * (SMALL + LARGE * 10) // KILLS
    for _ in range(KILLS if ending == "kill" else 2):
        began_s = time.monotonic()
        done = story.run_and_stop(rng.randrange(1, most), ENDINGS[ending])
        if ending == "term" and done.code == 143:
            metrics = done.json()
            assert time.monotonic() - began_s < PATIENCE_S / 2
            assert metrics["files_copied_successfully"] <= len(world.arrived())
            assert metrics["total_files_found"] == sum(
                metrics[f"files_{end}"]
                for end in ("copied_successfully", "failed", "skipped", "not_attempted")
            )

    metrics = story.run_to_the_end().json()

    assert_equal(world)
    assert metrics["files_copied_successfully"] == metrics["total_files_found"] == SMALL + LARGE
    assert story.copied_again() <= (len(story.runs) - 1) * IN_FLIGHT
