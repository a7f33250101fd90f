"""A local Airflow: its processes, on loopback, for as long as a block lasts.

For the demo and for the tests. These are the parts of ``airflow standalone``, without two that it
would start: the triggerer, which nothing here needs, and the log server, which listens on all
addresses and has no setting for that. Home, database and ports are its own, so it never touches
another Airflow.

2.x runs LocalExecutor too, which it allows on SQLite only with its own switch for tests.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import airflow

VERSION = tuple(map(int, airflow.__version__.split(".")[:2]))
IS_2 = VERSION < (3, 0)
_STOP_S = 15


def free_port() -> int:
    """Return a port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run_airflow(*arguments: str, environment: Mapping[str, str]) -> str:
    """Run Airflow's command line and return what it printed on stdout.

    Raises:
        RuntimeError: it failed; the message is its output.
    """
    done = subprocess.run(  # noqa: S603 - Airflow's own program
        [sys.executable, "-m", "airflow", *arguments],
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout


class LocalAirflow:
    """A context manager: scheduler with executor, and on 3.x API server and DAG processor.

    The database must exist. ``environment`` is the whole environment of Airflow; ``url`` is the
    address of 3.x's API server, a moment after the start. Output goes to ``home``, a file for each
    process.
    """

    def __init__(
        self, home: Path, environment: Mapping[str, str], *, port: int | None = None
    ) -> None:
        self.home = home
        self.url = f"http://127.0.0.1:{port or free_port()}"
        self.environment = {**environment, **self._settings()}
        self._processes: list[subprocess.Popen[bytes]] = []

    def _settings(self) -> dict[str, str]:
        return {
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "_AIRFLOW__SKIP_DATABASE_EXECUTOR_COMPATIBILITY_CHECK": "1",
            "AIRFLOW__CORE__PARALLELISM": "6",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": self.url.rpartition(":")[2],
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__API_AUTH__JWT_ISSUER": self.url,  # without one, 3.0 fails with today's PyJWT
            "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "1",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
            "AIRFLOW__SCHEDULER__PARSING_PROCESSES": "1",
        }

    def __enter__(self) -> Self:
        commands = [["scheduler", "--skip-serve-logs"]]
        if not IS_2:
            commands += [["api-server"], ["dag-processor"]]
        for command in commands:
            self._start(command)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)

    def failed(self) -> str | None:
        """Return the name of a process that has ended by itself, if one has."""
        for process in self._processes:
            if process.poll() is not None:
                return str(process.args)
        return None

    def _start(self, command: list[str]) -> None:
        with (self.home / f"{command[0]}.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(  # noqa: S603 - Airflow's own program
                    [sys.executable, "-m", "airflow", *command],
                    env=self.environment,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )
