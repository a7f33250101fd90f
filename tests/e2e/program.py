"""The real program as a process: run to its end, started with pipes, or driven in a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import s3_xfer
from tests.patience import PATIENCE_S
from tests.terminal import Terminal

ROOT = Path(s3_xfer.__file__).resolve().parent.parent
PROGRAM = (sys.executable, "-m", "s3_xfer.cli")
SCRIPT = (sys.executable, str(ROOT / "scripts" / "s3_copy.py"))
CONSOLE_SCRIPT = Path(sys.executable).with_name("s3-xfer")

THEM, US = "them", "us"  # the profiles of source and destination
PROFILES = ("--source-profile", THEM, "--dest-profile", US)
PREFIX = ("s3://src-bucket/in/", "s3://dst-bucket/out/", "--recursive")
COPY = ("copy", *PREFIX, *PROFILES)
# Large objects of a few parts, retries that cost nothing.
QUICK = (
    *("--retry-delay", "0.01", "--concurrency", "4", "--no-second-chance"),
    *("--multipart-threshold", "16MiB", "--part-size", "8MiB"),
)


@dataclass(frozen=True, slots=True)
class Done:
    """How a process ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Everything that was printed."""
        return self.out + self.err

    def json(self) -> dict[str, Any]:
        """Return the one object that stdout must be, on one line."""
        assert self.out.count("\n") == 1, self.said
        value: dict[str, Any] = json.loads(self.out)
        return value


@dataclass(frozen=True, slots=True)
class Program:
    """The program in one environment and working directory."""

    env: Mapping[str, str]
    directory: Path
    command: tuple[str, ...] = field(default=PROGRAM)

    def run(self, *args: str, **env: str) -> Done:
        """Run it to its end, without a terminal and without input."""
        done = subprocess.run(
            [*self.command, *args],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            env={**self.env, **env},
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def fed(self, content: bytes, *args: str) -> Done:
        """Run it to its end with ``content`` on stdin."""
        done = subprocess.run(
            [*self.command, *args],
            capture_output=True,
            input=content,
            timeout=PATIENCE_S,
            env=dict(self.env),
            cwd=self.directory,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *args: str) -> subprocess.Popen[str]:
        """Start it with pipes."""
        return subprocess.Popen(
            [*self.command, *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(self.env),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
        )

    def terminal(self, *args: str, columns: int = 80) -> Terminal:
        """Start it in a terminal."""
        return Terminal(
            [*self.command, *args],
            env=self.env,
            directory=self.directory,
            patience_s=PATIENCE_S,
            columns=columns,
        )


def end_of(child: subprocess.Popen[str]) -> Done:
    """Wait for a started program; kill it and fail if it does not end."""
    try:
        out, err = child.communicate(timeout=PATIENCE_S)
    finally:
        child.kill()
    return Done(child.returncode, out, err)


def environment(
    home: Path, config: str, credentials: str, *, measure: bool = True
) -> dict[str, str]:
    """Write AWS profiles below ``home``; return an environment that has them and no other.

    With ``measure`` the coverage of the program is measured if that of the tests is.
    """
    home.mkdir(exist_ok=True)
    (home / "config").write_text(config)
    (home / "credentials").write_text(credentials)
    return {
        **(_coverage() if measure else {}),
        "PATH": os.environ.get("PATH", ""),
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "AWS_CONFIG_FILE": str(home / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
    }


def _coverage() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
