"""A Python program of somebody else that uses the library, as a process of its own."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from s3_xfer import Engine
from tests.e2e.program import Done, Program, end_of
from tests.fault_server import Fault
from tests.reports import lines_of
from tests.world import SRC, World

OBJECTS = 300
SLOW_S = 0.05
_PRELUDE = """
import asyncio, os, signal, sys, threading, time
from s3_xfer import AccountContext, CopyOptions, S3CopyOperation

def slowly_copying(**changes):
    return S3CopyOperation(
        source_bucket="src-bucket", source_key="in/",
        destination_bucket="dst-bucket", destination_key="out/", recursive=True,
        source=AccountContext(profile="them"), destination=AccountContext(profile="us"),
        batch_size=10,
        options=CopyOptions(**{
            "engine": ENGINE, "concurrency": 2, "stop_grace_s": 2,
            "report_path": "report.jsonl", "journal": "copy.db", **changes,
        }),
    )

def until_it_copies(run):
    while run.snapshot().files_copied_successfully < 5:
        time.sleep(0.01)

def say(*words):
    print(*words, flush=True)
"""


class Embedded:
    """The program, and the world in which it copies three hundred objects, slowly."""

    def __init__(self, world: World, program: Program, engine: Engine) -> None:
        self.world = world
        self.engine = engine
        self._program = dataclasses.replace(program, command=(sys.executable, "-X", "dev"))
        for number in range(OBJECTS):
            world.server.put(SRC, f"in/{number:03}", size=3)
        self.slowness = world.server.inject(Fault.slow("CopyObject", delay_s=SLOW_S))

    @property
    def directory(self) -> Path:
        """Where it keeps its files."""
        return self._program.directory

    def start(self, code: str) -> subprocess.Popen[str]:
        """Start the program that ``code`` is, below what all of them begin with."""
        prelude = _PRELUDE.replace("ENGINE", repr(self.engine.value))
        script = self.directory / "program.py"
        script.write_text(prelude + textwrap.dedent(code))
        return self._program.start("-W", "error", str(script))

    def run(self, code: str) -> Done:
        """Run it to its end."""
        return end_of(self.start(code))

    def interrupted(self, code: str, *, number: signal.Signals = signal.SIGINT) -> Done:
        """Run it, and send it a signal once it copies."""
        child = self.start(code)
        self.world.server.wait_for("CopyObject", count=5)
        child.send_signal(number)
        return end_of(child)

    @property
    def copied(self) -> int:
        """How many objects have arrived."""
        return len(self.world.arrived())

    def assert_stopped_in_order(self) -> None:
        """Assert that a part was copied, and that report and journal account for the rest."""
        copied = self.copied
        assert 0 < copied < OBJECTS
        assert not (self.directory / "report.jsonl.partial").exists()
        listed = lines_of(self.directory / "report.jsonl")
        assert {line["status"] for line in listed} <= {"not_attempted", "not_listed", "failed"}
        self.slowness.remove()
        resumed = self.run(
            """
            seen = S3CopyOperation.resume("copy.db").run().metrics
            print(seen.files_copied_earlier, seen.files_failed)
            """
        )
        assert resumed.out == f"{copied} 0\n", resumed.said
        assert self.copied == OBJECTS
