"""The program as a process of its own: run to its end, or driven in a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import s3_xfer
from tests.patience import PATIENCE_S
from tests.terminal import Terminal

ROOT = Path(s3_xfer.__file__).resolve().parent.parent
FAKE = str(Path(__file__).with_name("fake_core.py"))
COPY = ("copy", "s3://src/data/", "s3://dst/data/", "--recursive")


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


def in_terminal(
    scenario: str,
    *args: str,
    columns: int = 80,
    env: Mapping[str, str] = MappingProxyType({}),
) -> Terminal:
    """Start the program on a scripted core, in a terminal."""
    return Terminal(
        [sys.executable, FAKE, *args],
        env=environment(scenario, **env),
        patience_s=PATIENCE_S,
        columns=columns,
    )
