"""Processes of a test on 127.0.0.1, which die with the one that started them."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

LOOPBACK = "127.0.0.1"
_PATIENCE_S = 90.0
_POLL_S = 0.1
_DIE_WITH_US = ("setpriv", "--pdeathsig", "KILL")
_SERVER_ERRORS = 500


@contextmanager
def processes(state: Path) -> Iterator[Starter]:
    """Let the block start processes, and kill them at its end."""
    starter = Starter(state)
    try:
        yield starter
    finally:
        starter.kill()


class Starter:
    """Starts processes that write to ``NAME.out`` in the directory of the state."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._started: list[subprocess.Popen[bytes]] = []

    def __call__(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        """Start one."""
        usual = {"PATH": os.environ["PATH"], "HOME": str(self._state), "LANG": "C.UTF-8"}
        with (self._state / f"{name}.out").open("wb") as out:
            self._started.append(
                subprocess.Popen(
                    [*_DIE_WITH_US, *command],
                    env={**usual, **env},
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    cwd=self._state,
                )
            )

    def kill(self) -> None:
        """Kill all of them."""
        for process in reversed(self._started):
            process.kill()
            process.wait()


def wait_for_answer(url: str, state: Path) -> None:
    """Wait until something answers at ``url``; fail with the end of the logs."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until_s:
        try:
            with opener.open(url, timeout=5):
                return
        except urllib.error.HTTPError as error:
            if error.code < _SERVER_ERRORS:  # an answer: most services want a signature
                return
        except OSError:
            pass
        time.sleep(_POLL_S)
    logs = "\n".join(path.read_text(errors="replace")[-2000:] for path in state.glob("*.out"))
    raise RuntimeError(f"{url} did not answer:\n{logs}")


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return different ports of loopback that nothing listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for taken in sockets:
            taken.bind((LOOPBACK, 0))
        return [taken.getsockname()[1] for taken in sockets]
    finally:
        for taken in sockets:
            taken.close()
