"""What the tests about Ceph share: the world there, and the program with a profile per account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ceph.cluster import CephCluster
from tests.ceph.world import ACCOUNTS, SECRET, CephWorld
from tests.e2e.program import THEM, US, Program, environment

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this directory: they all need the real S3."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("on_ceph")


@pytest.fixture
def rgw(ceph: CephCluster) -> Iterator[CephWorld]:
    """Two accounts, two buckets, and the access that a copy needs, on Ceph's S3 gateway."""
    with CephWorld(ceph) as stage:
        yield stage


@pytest.fixture
def program(ceph: CephCluster, tmp_path: Path) -> Program:
    """The program with a profile for each account."""
    config, secrets = "", ""
    for profile, key in zip((THEM, US), ACCOUNTS.values(), strict=True):
        config += f"[profile {profile}]\nregion=us-east-1\nendpoint_url={ceph.url}\n"
        secrets += f"[{profile}]\naws_access_key_id={key}\naws_secret_access_key={SECRET}\n"
    return Program(environment(tmp_path / "home", config, secrets), tmp_path)
