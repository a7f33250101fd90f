"""The programs that are compared. A new one is one more entry of :data:`COPIERS`.

Each is a command line, measured as a whole process: s3-xfer with its default options, the others
with those that make them fastest. ``problems`` compares the numbers that a program reports with
those that the server counted; most programs report none.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from benchmarks.server import Stats
from s3_xfer.ledger.prices import AWS_PRICES
from s3_xfer.version import VERSION

_HERE = Path(__file__).parent
_PEERS = _HERE / ".peers" / "bin"
_OURS = (sys.executable, "-m", "s3_xfer.cli")
_THREADS = 64  # more make boto3 slower


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Source and destination: everything below ``prefix``, to the same keys."""

    endpoint_url: str
    source_bucket: str
    destination_bucket: str
    prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """The exit code and the standard output of a program."""

    exit_code: int
    stdout: str


def _no_problems(_output: Output, _stats: Stats) -> list[str]:
    return []


def _not_missing() -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copier:
    """A program: its name in the tables, and its command for a route.

    ``settings`` are environment variables. A slow one is given 1/``slowness`` of the objects.
    ``objects_max`` is the most it can copy. ``missing`` returns why it cannot be run, if so.
    """

    name: str
    command: Callable[[Route], list[str]]
    version: Callable[[], str]
    settings: Mapping[str, str] = field(default_factory=dict)
    slowness: int = 1
    objects_max: int | None = None
    missing: Callable[[], str] = _not_missing
    problems: Callable[[Output, Stats], list[str]] = _no_problems

    def __hash__(self) -> int:
        return hash(self.name)

    def share(self, objects: int) -> int:
        """Return how many of ``objects`` this program is given."""
        return max(1, objects // self.slowness)


def _first_line(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]


# ------------------------------------------------------------------------------- s3-xfer


def _s3_xfer(route: Route, *, engine: str = "") -> list[str]:
    return [
        *(*_OURS, "copy"),
        f"s3://{route.source_bucket}/{route.prefix}",
        f"s3://{route.destination_bucket}/{route.prefix}",
        *("--recursive", "--json"),
        *("--endpoint-url", route.endpoint_url),
        *(("--engine", engine) if engine else ()),
    ]


def _s3_xfer_problems(output: Output, stats: Stats) -> list[str]:
    """Return where metrics, bill and exit code differ from what the server counted."""
    metrics = json.loads(output.stdout or "{}")
    lost = stats.objects - stats.unique_copied
    expected: dict[str, object] = {
        "total_files_found": stats.objects,
        "files_copied_successfully": stats.copies_done,
        "files_failed": lost,
    }
    if not metrics.get("diagnosis"):  # the diagnosis of a denial sends requests of its own
        expected["requests"] = dict(stats.by_operation)
        expected["estimated_request_cost_usd"] = round(AWS_PRICES.bill(stats.by_operation).usd, 6)
    problems = [
        f"--json has {name} {metrics.get(name)}, the server {value}"
        for name, value in expected.items()
        if metrics.get(name) != value
    ]
    if output.exit_code != bool(lost):
        problems.append(f"exit code {output.exit_code} with {lost:,} objects lost")
    if stats.copies_done != stats.unique_copied:
        problems.append(f"{stats.copies_done - stats.unique_copied:,} objects copied twice")
    return problems


@functools.cache
def _no_engine(engine: str) -> str:
    printed = subprocess.run([*_OURS, "copy", "--help"], capture_output=True, text=True, check=True)
    if "--engine" not in printed.stdout:
        return "this s3-xfer has no --engine"
    return "awscrt is not installed" if engine == "crt" and not find_spec("awscrt") else ""


def _ours(engine: str = "", *, slowness: int = 1) -> Copier:
    return Copier(
        name=f"s3-xfer-{engine}" if engine else "s3-xfer",
        command=functools.partial(_s3_xfer, engine=engine),
        version=lambda: f"s3-xfer {VERSION}",
        missing=functools.partial(_no_engine, engine) if engine else _not_missing,
        problems=_s3_xfer_problems,
        slowness=slowness,
    )


# --------------------------------------------------------------------------------- peers


def _s5cmd(route: Route) -> list[str]:
    return [
        *(str(_PEERS / "s5cmd"), "--endpoint-url", route.endpoint_url),
        *("--numworkers", "256", "--log", "error", "cp"),
        f"s3://{route.source_bucket}/{route.prefix}*",
        f"s3://{route.destination_bucket}/{route.prefix}",
    ]


def _rclone(route: Route) -> list[str]:
    # Not no_head_object, although it would save the HEAD of each copy: without the HEAD rclone
    # considers every copy corrupted, and deletes it.
    remote = (
        f":s3,provider=Other,env_auth=true,region=us-east-1,endpoint='{route.endpoint_url}',"
        "force_path_style=true,no_check_bucket=true,no_head=true:"
    )
    return [
        *(str(_PEERS / "rclone"), "copy", "--quiet"),
        *("--transfers", "256", "--checkers", "256", "--size-only"),
        f"{remote}{route.source_bucket}/{route.prefix}",
        f"{remote}{route.destination_bucket}/{route.prefix}",
    ]


def _aws_cli(route: Route) -> list[str]:
    return [
        *(str(_PEERS / "aws"), "s3", "cp", "--recursive", "--only-show-errors"),
        *("--endpoint-url", route.endpoint_url),
        f"s3://{route.source_bucket}/{route.prefix}",
        f"s3://{route.destination_bucket}/{route.prefix}",
    ]


def _client_copy(route: Route) -> list[str]:
    return [
        *(sys.executable, str(_HERE / "baseline.py")),
        *(route.endpoint_url, route.source_bucket, route.destination_bucket, route.prefix),
        str(_THREADS),
    ]


def _not_installed(program: str) -> Callable[[], str]:
    path = _PEERS / program
    return lambda: "" if path.exists() else f"{program} is not installed: benchmarks/peers.sh"


def _boto3_version() -> str:
    import boto3  # noqa: PLC0415 - only for its version

    return f"boto3 {boto3.__version__}"


# Debian's rclone keeps its listing in memory: a million objects are too many for some machines.
_RCLONE_OBJECTS_MAX = 200_000

S3_XFER = _ours()
S5CMD = Copier(
    name="s5cmd",
    command=_s5cmd,
    version=lambda: f"s5cmd {_first_line(str(_PEERS / 's5cmd'), 'version')}",
    missing=_not_installed("s5cmd"),
)
COPIERS = (
    S5CMD,
    S3_XFER,
    _ours("crt"),
    _ours("managed", slowness=4),
    Copier(
        name="rclone",
        command=_rclone,
        version=lambda: _first_line(str(_PEERS / "rclone"), "version"),
        objects_max=_RCLONE_OBJECTS_MAX,
        missing=_not_installed("rclone"),
    ),
    Copier(
        name="aws-cli",
        command=_aws_cli,
        version=lambda: _first_line(str(_PEERS / "aws"), "--version").split()[0],
        settings={"AWS_CONFIG_FILE": str(_HERE / "aws_cli.config")},
        slowness=4,
        missing=_not_installed("aws"),
    ),
    Copier(
        name="client.copy",
        command=_client_copy,
        version=_boto3_version,
        slowness=10,
    ),
)
