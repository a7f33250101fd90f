"""The programs that are compared. A new one is one more entry of :data:`COPIERS`.

Each is a command line, measured as a whole process: s3-xfer with its default options, the others
with those that make them fastest. ``problems`` compares the numbers that a program reports with
those that the server counted; most programs report none.
"""

from __future__ import annotations

import enum
import functools
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from benchmarks.server import Stats
from s3_xfer.ledger.prices import AWS_PRICES
from s3_xfer.version import VERSION

_HERE = Path(__file__).parent
PEERS = _HERE / ".peers" / "bin"
_OURS = (sys.executable, "-m", "s3_xfer.cli")
_THREADS = 64  # more make boto3 slower


class Work(enum.Enum):
    """What a program is to do."""

    COPY = "copy everything"
    SYNC = "copy what is new or different"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Source and destination: everything below ``prefix``, to the same keys.

    ``ca_bundle`` is the file of the certificate to trust, where the endpoint has one.
    """

    endpoint_url: str
    source_bucket: str
    destination_bucket: str
    prefix: str
    ca_bundle: str = ""

    @property
    def source(self) -> str:
        """The URL of the source."""
        return f"s3://{self.source_bucket}/{self.prefix}"

    @property
    def destination(self) -> str:
        """The URL of the destination."""
        return f"s3://{self.destination_bucket}/{self.prefix}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """The exit code and the standard output of a program."""

    exit_code: int
    stdout: str


def _no_problems(_output: Output, _stats: Stats) -> list[str]:
    return []


def _not_missing() -> str:
    return ""


def _no_settings(_route: Route) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Copier:
    """A program: its name in the tables, and its commands by the work that it can do.

    ``settings`` are environment variables. A slow one is given 1/``slowness`` of the objects.
    ``missing`` returns why it cannot be run, if so.
    """

    name: str
    commands: Mapping[Work, Callable[[Route], list[str]]]
    version: Callable[[], str]
    settings: Callable[[Route], Mapping[str, str]] = _no_settings
    slowness: int = 1
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


def _s3_xfer(route: Route, *, command: Sequence[str], engine: str) -> list[str]:
    return [
        *(*_OURS, *command, route.source, route.destination, "--json"),
        *("--endpoint-url", route.endpoint_url),
        *(("--ca-bundle", route.ca_bundle) if route.ca_bundle else ()),
        *(("--engine", engine) if engine else ()),
    ]


def _s3_xfer_problems(output: Output, stats: Stats) -> list[str]:
    """Return where metrics, bill and exit code differ from what the server counted."""
    metrics = json.loads(output.stdout or "{}")
    lost = stats.objects - stats.present - stats.unique_copied
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


def _ours(engine: str = "", *, slowness: int = 1, sync: Sequence[str] = ("sync",)) -> Copier:
    commands = {Work.COPY: ("copy", "--recursive"), Work.SYNC: sync}
    return Copier(
        name=f"s3-xfer-{engine}" if engine else "s3-xfer",
        commands={
            work: functools.partial(_s3_xfer, command=command, engine=engine)
            for work, command in commands.items()
        },
        version=lambda: f"s3-xfer {VERSION}",
        missing=functools.partial(_no_engine, engine) if engine else _not_missing,
        problems=_s3_xfer_problems,
        slowness=slowness,
    )


# --------------------------------------------------------------------------------- peers


def _s5cmd(route: Route, *, command: str) -> list[str]:
    return [
        *(str(PEERS / "s5cmd"), "--endpoint-url", route.endpoint_url),
        *("--numworkers", "256", "--log", "error", command),
        *(f"{route.source}*", route.destination),
    ]


def _trusting_by_go(route: Route) -> Mapping[str, str]:
    return {"SSL_CERT_FILE": route.ca_bundle} if route.ca_bundle else {}


def _s3bolt(route: Route, *, options: Sequence[str] = ()) -> list[str]:
    program = str(PEERS / "s3bolt")
    return [program, "--recursive", *options, route.source, route.destination]


def _settings_of_s3bolt(route: Route) -> Mapping[str, str]:
    return {"AWS_ENDPOINT_URL": route.endpoint_url, **_trusting_by_go(route)}


def _rclone(route: Route) -> list[str]:
    # Not no_head_object, although it would save the HEAD of each copy: without the HEAD rclone
    # considers every copy corrupted, and deletes it. By date, as it compares by itself, and by
    # --checksum it asks for every object's metadata.
    remote = (
        f":s3,provider=Other,env_auth=true,region=us-east-1,endpoint='{route.endpoint_url}',"
        "force_path_style=true,no_check_bucket=true,no_head=true:"
    )
    return [
        *(str(PEERS / "rclone"), "copy", "--quiet"),
        *("--transfers", "256", "--checkers", "256", "--size-only"),
        f"{remote}{route.source_bucket}/{route.prefix}",
        f"{remote}{route.destination_bucket}/{route.prefix}",
    ]


def _aws_cli(route: Route, *, command: Sequence[str]) -> list[str]:
    return [
        *(str(PEERS / "aws"), "s3", *command, "--only-show-errors"),
        *("--endpoint-url", route.endpoint_url, route.source, route.destination),
    ]


def _settings_of_aws_cli(route: Route) -> Mapping[str, str]:
    trusted = {"AWS_CA_BUNDLE": route.ca_bundle} if route.ca_bundle else {}
    return {"AWS_CONFIG_FILE": str(_HERE / "aws_cli.config"), **trusted}


def _client_copy(route: Route) -> list[str]:
    return [
        *(sys.executable, str(_HERE / "baseline.py")),
        *(route.endpoint_url, route.source_bucket, route.destination_bucket, route.prefix),
        str(_THREADS),
    ]


def _not_installed(program: str) -> Callable[[], str]:
    path = PEERS / program
    return lambda: "" if path.exists() else f"{program} is not installed: benchmarks/peers.sh"


def _version_in_env(package: str) -> str:
    python = str(PEERS.parent / "env" / "bin" / "python")
    print_it = "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))"
    return _first_line(python, "-c", print_it, package)


def _boto3_version() -> str:
    import boto3  # noqa: PLC0415 - only for its version

    return f"boto3 {boto3.__version__}"


S3_XFER = _ours()
S3_XFER_SKIPPING = replace(
    _ours(sync=("copy", "--recursive", "--skip-identical")), name="s3-xfer copy --skip-identical"
)
S5CMD = Copier(
    name="s5cmd",
    commands={
        Work.COPY: functools.partial(_s5cmd, command="cp"),
        Work.SYNC: functools.partial(_s5cmd, command="sync"),
    },
    version=lambda: f"s5cmd {_first_line(str(PEERS / 's5cmd'), 'version')}",
    settings=_trusting_by_go,
    missing=_not_installed("s5cmd"),
)
COPIERS = (
    S5CMD,
    S3_XFER,
    _ours("crt"),
    _ours("managed", slowness=4),
    Copier(
        name="s3bolt",
        commands={
            Work.COPY: _s3bolt,
            Work.SYNC: functools.partial(_s3bolt, options=("--sync",)),
        },
        version=lambda: f"s3bolt {_version_in_env('s3bolt')}",
        settings=_settings_of_s3bolt,
        missing=_not_installed("s3bolt"),
    ),
    Copier(
        name="rclone",
        commands={Work.COPY: _rclone, Work.SYNC: _rclone},
        version=lambda: _first_line(str(PEERS / "rclone"), "version"),
        settings=_trusting_by_go,
        missing=_not_installed("rclone"),
    ),
    Copier(
        name="aws-cli",
        commands={
            Work.COPY: functools.partial(_aws_cli, command=("cp", "--recursive")),
            Work.SYNC: functools.partial(_aws_cli, command=("sync",)),
        },
        version=lambda: _first_line(str(PEERS / "aws"), "--version").split()[0],
        settings=_settings_of_aws_cli,
        slowness=4,
        missing=_not_installed("aws"),
    ),
    Copier(
        name="client.copy",
        commands={Work.COPY: _client_copy},
        version=_boto3_version,
        settings=lambda route: {"AWS_CA_BUNDLE": route.ca_bundle} if route.ca_bundle else {},
        slowness=10,
    ),
)
