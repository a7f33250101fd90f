"""Starts and stops a Ceph with an S3 gateway, from a directory that ``make test-ceph`` unpacked.

Three processes on 127.0.0.1, all state in one directory, nothing survives the end: they die with
the process that started them, however that ends (``setpriv --pdeathsig``). No root, nothing
installed: the programs run through the directory's own dynamic loader. Refuses to go on with a
daemon that has died: the error holds the end of its log.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.ceph.settings import Place, configuration

_PATIENCE_S = 60.0
_POLL_S = 0.02
_DIE_WITH_US = ("setpriv", "--pdeathsig", "KILL")
_STORAGE_CLASSES = ("STANDARD_IA",)  # must exist before the gateway starts


class CephCluster:
    """A context manager: an S3 service at ``url``, with the programs below ``root``."""

    def __init__(self, root: Path, state: Path) -> None:
        self._place = Place(
            root=root.resolve(), state=state, monitor_port=_free_port(), s3_port=_free_port()
        )
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        """The endpoint, for S3, STS and IAM."""
        return f"http://127.0.0.1:{self._place.s3_port}"

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    def admin(self, *args: str) -> Any:
        """Run ``radosgw-admin`` and return what it answers."""
        answer = self._run("radosgw-admin", *self._config, "-n", "client.rgw", *args)
        return json.loads(answer) if answer.strip().startswith(("{", "[")) else None

    # ------------------------------------------------------------------------- starting

    def _start(self) -> None:
        self._prepare()
        self._start_monitor()
        self._start_storage()
        self.admin("user", "list")  # the first command of all makes the default zone
        for name in _STORAGE_CLASSES:
            self._add_storage_class(name)
        self._start_daemon("rgw", "radosgw", "-n", "client.rgw")
        self._wait_for_answer()

    def _prepare(self) -> None:
        self._fsid = str(uuid.uuid4())
        for name in ("mon", "osd", "run", "log", "rgw"):
            (self._place.state / name).mkdir(parents=True)
        self._place.configuration.write_text(configuration(self._place, fsid=self._fsid))

    def _start_monitor(self) -> None:
        monitors = str(self._place.state / "monmap")
        address = f"[v2:127.0.0.1:{self._place.monitor_port}]"
        self._run(
            *("monmaptool", *self._config, "--create", "--fsid", self._fsid),
            *("--addv", "a", address, monitors),
        )
        self._run("ceph-mon", *self._config, "-i", "a", "--mkfs", "--monmap", monitors)
        self._start_daemon("mon", "ceph-mon", "-i", "a")

    def _start_storage(self) -> None:
        name = str(uuid.uuid4())
        self._run("ceph", *self._config, "osd", "new", name)  # waits for the monitor
        self._run("ceph-osd", *self._config, "-i", "0", "--mkfs", "--osd-uuid", name)
        self._start_daemon("osd", "ceph-osd", "-i", "0")

    def _add_storage_class(self, name: str) -> None:
        placement = ("--placement-id", "default-placement", "--storage-class", name)
        self.admin("zonegroup", "placement", "add", "--rgw-zonegroup", "default", *placement)
        pool = ("--data-pool", "default.rgw.buckets.data")
        self.admin("zone", "placement", "add", "--rgw-zone", "default", *placement, *pool)

    def _wait_for_answer(self) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        until_s = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until_s:
            for name, daemon in self._daemons.items():
                if daemon.poll() is not None:
                    raise RuntimeError(f"{name} ended with {daemon.returncode}: {self._log(name)}")
            try:
                with opener.open(self.url, timeout=5):
                    return
            except (OSError, urllib.error.URLError):
                time.sleep(_POLL_S)
        raise RuntimeError(f"the gateway did not answer: {self._log('rgw')}")

    # ------------------------------------------------------------------------- processes

    @property
    def _config(self) -> tuple[str, str]:
        return ("-c", str(self._place.configuration))

    def _command(self, program: str) -> list[str]:
        libraries = self._place.libraries
        loader = [
            str(libraries / "ld-linux-x86-64.so.2"),
            *("--library-path", f"{libraries}:{libraries}/ceph"),
        ]
        binaries = self._place.root / "usr/bin"
        if program == "ceph":  # a Python program
            return [*loader, str(binaries / "python3"), str(binaries / program)]
        return [*loader, str(binaries / program)]

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONHOME": str(self._place.root / "usr"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def _run(self, program: str, *args: str) -> str:
        done = subprocess.run(
            [*self._command(program), *args],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program} {args}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def _start_daemon(self, name: str, program: str, *args: str) -> None:
        with self._output(name).open("wb") as out:
            self._daemons[name] = subprocess.Popen(
                [*_DIE_WITH_US, *self._command(program), *self._config, *args, "-f"],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self._place.state,
            )

    def _output(self, name: str) -> Path:
        return self._place.logs / f"{name}.out"

    def _log(self, name: str) -> str:
        return self._output(name).read_text(errors="replace")[-2000:]

    def _stop(self) -> None:
        """End the daemons at once: a clean end would first write the memory to the disk."""
        for name in reversed(self._daemons):
            self._daemons[name].kill()
            self._daemons[name].wait()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
