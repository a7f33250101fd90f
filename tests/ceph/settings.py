"""What a Ceph of one monitor, one storage daemon and one S3 gateway is told about itself.

Every line is there because it did not start, did not answer, or was slow without it. All data is
in memory. Refuses to be a guide for anything that lives longer than a test run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CAPACITY_BYTES = 8 << 30  # of object data, in memory
KMS_KEY_ID = "testkey-1"  # the one key that the gateway's own test vault knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the programs are, where they keep their state, and where they listen."""

    root: Path
    state: Path
    monitor_port: int
    s3_port: int

    @property
    def libraries(self) -> Path:
        """Where the shared libraries are."""
        return self.root / "usr/lib/x86_64-linux-gnu"

    @property
    def configuration(self) -> Path:
        """The file that every program reads."""
        return self.state / "ceph.conf"

    @property
    def logs(self) -> Path:
        """Where every program writes what it does."""
        return self.state / "log"


def configuration(place: Place, *, fsid: str) -> str:
    """Return the contents of ``ceph.conf``."""
    return f"""
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{place.monitor_port}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
# No keys among the daemons, and plain messages: "secure", the gateway's default, needs keys.
auth cluster required = none
auth service required = none
auth client required = none
ms mon cluster mode = crc
ms mon service mode = crc
ms mon client mode = crc
ms cluster mode = crc
ms service mode = crc
ms client mode = crc
# Every command waits for the monitor to agree with itself: a second each, by default.
paxos propose interval = 0.02
paxos min wait = 0.01
# One copy on one storage daemon.
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd crush chooseleaf type = 0
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
mon max pg per osd = 10000
run dir = {place.state}/run
admin socket =
log file = {place.logs}/$name.log
log to stderr = false
mon cluster log file = {place.logs}/cluster.log
osd class dir = {place.libraries}/rados-classes
erasure code dir = {place.libraries}/ceph/erasure-code
plugin dir = {place.libraries}/ceph
[mon]
mon data = {place.state}/mon
# The disk of the machine is not ours to warn about.
mon data avail warn = 0
mon data avail crit = 0
[osd]
osd data = {place.state}/osd
osd objectstore = memstore
memstore device bytes = {CAPACITY_BYTES}
# Long logs keep tens of KiB in memory for every small object.
osd min pg log entries = 50
osd max pg log entries = 100
osd pg log dups tracked = 50
osd pg log trim min = 10
[client.rgw]
rgw data = {place.state}/rgw
rgw frontends = beast endpoint=127.0.0.1:{place.s3_port} tcp_nodelay=1
rgw thread pool size = 64
rgw s3 auth use sts = true
rgw sts key = 0123456789abcdef
# In this order unknown keys and wrong signatures are named so, and not AccessDenied.
rgw s3 auth order = local, sts
# Encryption without TLS, with keys of the gateway's own test vault.
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = {KMS_KEY_ID}=YmluCmJvb3N0CmJvb3N0LWJ1aWxkCmNlcGguY29uZgo=
# As on AWS: pages of 1,000 keys, any region's name.
rgw max listing results = 1000
rgw relaxed region enforcement = true
# Give the memory of deleted objects back soon.
rgw gc obj min wait = 5
rgw gc processor period = 5
rgw gc processor max time = 5
"""
