"""One measurement: a copier as a process of its own against a server, checked, in numbers.

Refuses to report a run that did not do its work: every key copied exactly once, nothing else
written, nothing left behind. A wrong run raises, with what the program said.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.copiers import Copier, Place
from benchmarks.server import DESTINATION_BUCKET, PREFIX, SOURCE_BUCKET, CountingServer, Stats

_LAUNCH = Path(__file__).with_name("launch.py")
_ROOT = Path(__file__).resolve().parents[1]
_KIB_PER_MIB = 1024
_MS_PER_S = 1000


class WrongRunError(AssertionError):
    """A copier did not do what it was measured for; its numbers mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is measured: a copier, and what it meets."""

    copier: Copier
    objects: int
    latency_ms: int = 0
    concurrency: int = 64

    def server(self) -> CountingServer:
        """Start the server of this scenario."""
        return CountingServer(objects=self.objects, latency_ms=self.latency_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one run took, start-up included, and what the server saw of it."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    stats: Stats

    @property
    def objects_per_s(self) -> float:
        """Objects copied per second of the process's life."""
        return self.stats.objects / self.wall_s

    @property
    def cpu_ms_per_object(self) -> float:
        """User and system time of the process, divided by the objects."""
        return self.cpu_s * _MS_PER_S / self.stats.objects

    @property
    def requests_per_object(self) -> float:
        """All requests, listing and checks included, divided by the objects."""
        return self.stats.requests / self.stats.objects


def measure(scenario: Scenario, server: CountingServer) -> Measurement:
    """Run the scenario once against its ``server``, which forgets earlier runs.

    Raises:
        WrongRunError: not everything was copied, or more than that happened.
    """
    server.reset()
    place = Place(
        endpoint_url=server.url,
        source_bucket=SOURCE_BUCKET,
        destination_bucket=DESTINATION_BUCKET,
        prefix=PREFIX,
    )
    command = scenario.copier.command(place, scenario.concurrency)
    with tempfile.TemporaryDirectory() as scratch:
        used = Path(scratch, "used")
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(_LAUNCH), str(used), *command],
            cwd=_ROOT,
            env=_environment(scratch),
            capture_output=True,
            text=True,
            check=False,
        )
        wall_s, cpu_s, peak_kib = map(float, used.read_text(encoding="ascii").split())
    stats = server.stats()
    _refuse_wrong(command, done, stats.wrongs() + scenario.copier.wrongs(done.stdout, stats))
    return Measurement(wall_s=wall_s, cpu_s=cpu_s, peak_mib=peak_kib / _KIB_PER_MIB, stats=stats)


def _refuse_wrong(
    command: Sequence[str], done: subprocess.CompletedProcess[str], wrongs: list[str]
) -> None:
    if done.returncode:
        wrongs.append(f"exit code {done.returncode}")
    if wrongs:
        lines = [" ".join(command), *wrongs, done.stdout[-2000:], done.stderr[-2000:]]
        raise WrongRunError("\n".join(lines))


def _environment(scratch: str) -> Mapping[str, str]:
    """Return an environment in which only the benchmark's own AWS settings count."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "S3_XFER_")) and not name.lower().endswith("_proxy")
    }
    return kept | {
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",  # the server checks no signature
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": f"{scratch}/no-config",
        "AWS_SHARED_CREDENTIALS_FILE": f"{scratch}/no-credentials",
    }
