"""The program as a process of its own: run to its end, or driven in a terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pexpect
import pyte

import s3_xfer

ROOT = Path(s3_xfer.__file__).resolve().parent.parent
FAKE = str(Path(__file__).with_name("fake_core.py"))
COPY = ("copy", "s3://src/data/", "s3://dst/data/", "--recursive")
PATIENCE_S = 60.0


def environment(scenario: str = "ok", **more: str) -> Mapping[str, str]:
    """Return an environment without anybody's AWS settings."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG")}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
        "HOME": "/nonexistent",
        "FAKE_SCENARIO": scenario,
        **more,
    }


def real(*args: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the program itself to its end."""
    return _run(sys.executable, "-m", "s3_xfer.cli", *args, env=environment(**more))


def fake(scenario: str, *args: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the program to its end on a core that copies nothing."""
    return _run(sys.executable, FAKE, *args, env=environment(scenario, **more))


def _run(*command: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=env,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def start(scenario: str, *args: str, **more: str) -> subprocess.Popen[str]:
    """Start the program on a scripted core, with pipes."""
    return subprocess.Popen(
        [sys.executable, FAKE, *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(scenario, **more),
    )


class Terminal:
    """The program in a terminal whose screen can be read."""

    def __init__(
        self,
        scenario: str,
        *args: str,
        columns: int = 80,
        env: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        rows = 40
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self.screen)
        self.raw = ""
        self.child = pexpect.spawn(
            sys.executable,
            [FAKE, *args],
            env=dict(environment(scenario, **{"TERM": "xterm-256color", **env})),
            dimensions=(rows, columns),
            encoding="utf-8",
            timeout=PATIENCE_S,
        )

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.child.close(force=True)

    def until(self, seen: Callable[[str], bool]) -> str:
        """Return the screen as soon as ``seen`` says so; fail if it never does."""
        end_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s:
            alive = self._read()
            if seen(self.text):
                return self.text
            if not alive:
                break
        raise AssertionError(f"not seen; the screen is:\n{self.text}")

    def let_go(self) -> None:
        """Open the gate of the scripted core at which it waits."""
        self.child.kill(signal.SIGUSR2)

    def end(self) -> int:
        """Read until the program has ended; return its exit code. Fail if it never does."""
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
            chunk: str = self.child.read_nonblocking(4096, timeout=0.1)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += chunk
        self._stream.feed(chunk)
        return True
