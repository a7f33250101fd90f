"""The real program as a process: run to its end, started with pipes, or driven in a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pexpect
import pyte

import s3_xfer

ROOT = Path(s3_xfer.__file__).resolve().parent.parent
PROGRAM = (sys.executable, "-m", "s3_xfer.cli")
SCRIPT = (sys.executable, str(ROOT / "scripts" / "s3_copy.py"))
CONSOLE_SCRIPT = Path(sys.executable).with_name("s3-xfer")
PATIENCE_S = 120.0

THEM, US = "them", "us"  # the profiles of source and destination
PROFILES = ("--source-profile", THEM, "--dest-profile", US)
PREFIX = ("s3://src-bucket/in/", "s3://dst-bucket/out/", "--recursive")
COPY = ("copy", *PREFIX, *PROFILES)
# Large objects of a few parts, retries that cost nothing.
QUICK = (
    *("--retry-delay", "0.01", "--concurrency", "4"),
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
        return Terminal(self, args, columns)


def end_of(child: subprocess.Popen[str]) -> Done:
    """Wait for a started program; kill it and fail if it does not end."""
    try:
        out, err = child.communicate(timeout=PATIENCE_S)
    finally:
        child.kill()
    return Done(child.returncode, out, err)


class Terminal:
    """The program in a terminal whose screen can be read."""

    def __init__(self, program: Program, args: tuple[str, ...], columns: int) -> None:
        rows = 50
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self.screen)
        self.child = pexpect.spawn(
            program.command[0],
            [*program.command[1:], *args],
            env={**program.env, "TERM": "xterm-256color"},
            cwd=str(program.directory),
            dimensions=(rows, columns),
            encoding="utf-8",
            timeout=PATIENCE_S,
        )

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.child.close(force=True)

    def until(self, *words: str) -> str:
        """Return the screen as soon as it shows all of ``words``; fail if it never does."""
        return self.until_seen(lambda text: all(word in text for word in words), repr(words))

    def until_seen(self, seen: Callable[[str], bool], what: str) -> str:
        """Return the screen as soon as ``seen`` says so; fail if it never does."""
        end_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s:
            alive = self._read()
            if seen(self.text):
                return self.text
            if not alive:
                break
        raise AssertionError(f"not seen: {what}; the screen is:\n{self.text}")

    def answer(self, question: str, reply: str) -> None:
        """Wait for a question and answer it."""
        self.until(question)
        self.child.sendline(reply)

    def interrupt(self) -> int:
        """Press Ctrl-C until the program has ended; return its exit code.

        Once is enough, except in the instant in which readline sets up a prompt: Python loses it.
        """
        for _ in range(20):
            self.child.sendintr()
            end_s = time.monotonic() + PATIENCE_S / 20
            while time.monotonic() < end_s:
                if not self._read():
                    return self.end()
        raise AssertionError(f"Ctrl-C does not end it; the screen is:\n{self.text}")

    def end(self) -> int:
        """Read until the program has ended; return its exit code."""
        end_s = time.monotonic() + PATIENCE_S
        while self._read():
            assert time.monotonic() < end_s, f"it does not end; the screen is:\n{self.text}"
        self.child.wait()
        code: int | None = self.child.exitstatus
        assert code is not None, f"killed by signal {self.child.signalstatus}"
        return code

    @property
    def text(self) -> str:
        """What the screen shows now."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    def _read(self) -> bool:
        try:
            self._stream.feed(self.child.read_nonblocking(65536, timeout=0.05))
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        return True


def environment(home: Path, config: str, credentials: str) -> dict[str, str]:
    """Write AWS profiles below ``home``; return an environment that has them and no other."""
    home.mkdir(exist_ok=True)
    (home / "config").write_text(config)
    (home / "credentials").write_text(credentials)
    return {
        "PATH": os.environ.get("PATH", ""),
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "AWS_CONFIG_FILE": str(home / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
    }


def lines_of(report: Path) -> list[dict[str, Any]]:
    """Return the lines of a report."""
    return [json.loads(line) for line in report.read_text().splitlines()]
