"""OpenStack Swift with its S3 API: a proxy and one server of each kind, one copy of everything."""

from __future__ import annotations

import getpass
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.services import fetching
from tests.services.processes import LOOPBACK, free_ports, processes, wait_for_answer
from tests.services.service import Key, Running, Service

_KINDS = ("account", "container", "object")
_PIPELINE = (
    "catch_errors cache listing_formats s3api tempauth copy slo dlo versioned_writes proxy-server"
)
_PROXY = """
[DEFAULT]
bind_ip = {loopback}
bind_port = {port}
swift_dir = {state}
workers = 0
user = {user}
[pipeline:main]
pipeline = {pipeline}
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
[filter:tempauth]
use = egg:swift#tempauth
user_team_them = secret-of-them .admin
user_team_us = secret-of-us .admin
[filter:s3api]
use = egg:swift#s3api
s3_acl = no
min_segment_size = 5242880
allow_multipart_uploads = yes
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = {loopback}:1
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
"""
_STORAGE = """
[DEFAULT]
bind_ip = {loopback}
bind_port = {port}
devices = {state}/devices
swift_dir = {state}
mount_check = false
disable_fallocate = true
workers = 0
user = {user}
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
[{kind}-replicator]
"""
_CLUSTER = """
[swift-hash]
swift_hash_path_suffix = services
[storage-policy:0]
name = one
default = yes
"""
# Swift reads /etc/swift unless told otherwise in this way.
_RUN = """
import os, sys
from swift.common.utils import set_swift_dir
from swift.common.wsgi import run_wsgi
state, kind = sys.argv[1:]
set_swift_dir(state)
sys.exit(run_wsgi(os.path.join(state, kind + ".conf"), kind + "-server"))
"""


class Swift(Service):
    """Swift's S3 API. Both users belong to one account: it has no access across accounts."""

    them = Key("team:them", "secret-of-them")
    us = Key("team:us", "secret-of-us")

    def __init__(self, version: str) -> None:
        self.name = f"swift-{version}"
        self.title = f"OpenStack Swift {version} (s3api)"
        self._version = version

    def fetch(self, root: Path) -> None:
        """Make an environment with it."""
        fetching.environment(root, self.name, f"swift=={self._version}")

    def running(self, root: Path, state: Path) -> Iterator[Running]:
        """Make the rings, and start the four servers."""
        binaries = root / self.name / "bin"
        proxy, *storage = free_ports(1 + len(_KINDS))
        (state / "devices/d1").mkdir(parents=True)
        (state / "swift.conf").write_text(_CLUSTER)
        for kind, port in zip(_KINDS, storage, strict=True):
            _make_ring(binaries, state, kind, port)
            text = _STORAGE.format(
                loopback=LOOPBACK, port=port, state=state, kind=kind, user=getpass.getuser()
            )
            (state / f"{kind}.conf").write_text(text)
        text = _PROXY.format(
            loopback=LOOPBACK, port=proxy, state=state, pipeline=_PIPELINE, user=getpass.getuser()
        )
        (state / "proxy.conf").write_text(text)
        (state / "run.py").write_text(_RUN)
        with processes(state) as start:
            for kind in (*_KINDS, "proxy"):
                command = [str(binaries / "python"), str(state / "run.py"), str(state), kind]
                start(kind, command, {})
            url = f"http://{LOOPBACK}:{proxy}"
            wait_for_answer(url, state)
            yield Running(url, self.them, self.us)


def _make_ring(binaries: Path, state: Path, kind: str, port: int) -> None:
    builder = str(binaries / "swift-ring-builder")
    file = str(state / f"{kind}.builder")
    device = f"r1z1-{LOOPBACK}:{port}/d1"
    for command in (["create", "4", "1", "1"], ["add", device, "1"], ["rebalance"]):
        done = subprocess.run(
            [builder, file, *command], capture_output=True, text=True, check=False
        )
        if done.returncode > 1:  # 1 is a warning
            raise RuntimeError(f"{command}: {done.stdout}{done.stderr}")
