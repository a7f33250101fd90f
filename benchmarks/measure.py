"""One measurement: a copier as a process of its own against a server, checked, in numbers.

A copier that loses objects is measured all the same; :attr:`Measurement.lost` counts them. A run
whose numbers mean nothing raises: copies to a wrong key, uploads left open, requests that the
server does not know, or a copier whose own numbers differ from the server's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from benchmarks.copiers import Copier, Output, Route, Work
from benchmarks.limits import Change, Changed, changing
from benchmarks.server import (
    DESTINATION_BUCKET,
    PREFIX,
    SOURCE_BUCKET,
    Conditions,
    CountingServer,
    Stats,
    certificate,
)
from s3_xfer.ledger.prices import AWS_PRICES

_LAUNCH = Path(__file__).with_name("launch.py")
_ROOT = Path(__file__).resolve().parents[1]
_KIB_PER_MIB = 1024
_MS_PER_S = 1000
_MILLION = 1_000_000
_FOREIGN = ("AWS_", "S3_XFER_", "RCLONE_", "S5CMD_", "PYTHONDONTWRITEBYTECODE", "SSL_CERT_")


class WrongRunError(AssertionError):
    """A run contradicts itself; its numbers mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario(Conditions):
    """A copier, its work, and the conditions under which it does it."""

    copier: Copier
    work: Work = Work.COPY
    changes: tuple[Change, ...] = ()

    @classmethod
    def under(cls, conditions: Conditions, copier: Copier, *, objects: int | None) -> Self:
        """Return a copy under ``conditions``, of the copier's share of so many objects.

        Without ``objects`` the conditions have their number.
        """
        share = copier.share(objects or conditions.objects)
        return cls(copier=copier, **{**asdict(conditions), "objects": share})

    @property
    def faults(self) -> str:
        """The random errors, in words; empty if there are none."""
        shares = {
            "503": self.answered_503,
            "500": self.answered_500,
            "reset": self.reset,
            "denied": self.denied,
        }
        return ", ".join(f"{value:.0%} {name}" for name, value in shares.items() if value)

    @property
    def described(self) -> str:
        """The conditions in words, but for the objects."""
        first_ms, last_ms = self.latency_ms, self.latency_ms + self.jitter_ms
        latency = f"{first_ms:g}" if first_ms == last_ms else f"{first_ms:g} to {last_ms:g}"
        limit = f"limit {self.writes_per_s_max:,}/s" if self.writes_per_s_max else ""
        unchanged = "unchanged" if self.present else ""
        parts = (f"{latency} ms", "TLS" if self.tls else "", limit, unchanged, self.faults)
        return ", ".join(filter(None, parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The costs of one run, start-up included, and the server's counters."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    exit_code: int
    stats: Stats
    changed: tuple[Changed, ...] = ()

    @property
    def copied(self) -> int:
        """Objects that are at the destination; at least one, so that it can divide."""
        return max(1, self.stats.unique_copied + self.stats.present)

    @property
    def lost(self) -> int:
        """Objects that are not at the destination."""
        return self.stats.objects - self.stats.present - self.stats.unique_copied

    @property
    def outcome(self) -> str:
        """Whether all objects were copied, and the exit code."""
        if not self.lost:
            return "all copied" if not self.exit_code else f"all copied, exit {self.exit_code}"
        return f"**{self.lost:,} lost**, exit {self.exit_code}"

    @property
    def objects_per_s(self) -> float:
        """Objects copied per second of the process's life."""
        return self.copied / self.wall_s

    @property
    def useful_per_s(self) -> float:
        """Objects copied per second between the first copy's arrival and the last's answer."""
        return self.copied / self.stats.copy_window_s if self.stats.copy_window_s else 0.0

    @property
    def cpu_ms_per_object(self) -> float:
        """User and system time of the process, divided by the objects copied."""
        return self.cpu_s * _MS_PER_S / self.copied

    @property
    def requests_per_object(self) -> float:
        """All requests, listing and checks included, divided by the objects copied."""
        return self.stats.requests / self.copied

    @property
    def wasted(self) -> float:
        """The share of requests that were answered 503."""
        return self.stats.refused / max(1, self.stats.requests)

    @property
    def usd_per_million(self) -> float:
        """What a million objects like these cost in requests, at AWS's list prices."""
        return AWS_PRICES.bill(self.stats.by_operation).usd / self.copied * _MILLION


def measure(scenario: Scenario, server: CountingServer) -> Measurement:
    """Run the scenario once against its ``server``, which is reset first.

    Raises:
        WrongRunError: the run contradicts itself.
    """
    server.reset()
    route = Route(
        endpoint_url=server.url,
        source_bucket=SOURCE_BUCKET,
        destination_bucket=DESTINATION_BUCKET,
        prefix=PREFIX,
        ca_bundle=str(certificate()) if scenario.tls else "",
    )
    command = scenario.copier.commands[scenario.work](route)
    with tempfile.TemporaryDirectory() as scratch, changing(server, scenario.changes) as changed:
        usage = Path(scratch, "usage")
        process = subprocess.run(
            [sys.executable, "-I", "-S", str(_LAUNCH), str(usage), *command],
            cwd=_ROOT,
            env=environment(scratch, scenario.copier.settings(route)),
            capture_output=True,
            text=True,
            check=False,
        )
        wall_s, cpu_s, peak_kib = map(float, usage.read_text(encoding="ascii").split())
    stats = server.stats()
    output = Output(exit_code=process.returncode, stdout=process.stdout)
    problems = stats.problems() + scenario.copier.problems(output, stats)
    _raise_for_problems(command, process, problems)
    return Measurement(
        wall_s=wall_s,
        cpu_s=cpu_s,
        peak_mib=peak_kib / _KIB_PER_MIB,
        exit_code=process.returncode,
        stats=stats,
        changed=tuple(changed),
    )


def _raise_for_problems(
    command: Sequence[str], process: subprocess.CompletedProcess[str], problems: list[str]
) -> None:
    if problems:
        lines = [" ".join(command), *problems, process.stdout[-2000:], process.stderr[-2000:]]
        raise WrongRunError("\n".join(lines))


def environment(scratch: str, settings: Mapping[str, str]) -> Mapping[str, str]:
    """Return an environment in which only the benchmark's own settings count."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN) and not name.lower().endswith("_proxy")
    }
    ours = {
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",  # the server checks no signature
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": f"{scratch}/no-config",
        "AWS_SHARED_CREDENTIALS_FILE": f"{scratch}/no-credentials",
        "RCLONE_CONFIG": f"{scratch}/no-rclone-config",
    }
    return {**inherited, **ours, **settings}
