"""Everything here holds for every engine."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest

from s3_xfer import Engine
from tests.ceph.world import CephWorld
from tests.world import World

# CRT in the environment with the newest dependencies, managed in that with the oldest, which has
# no awscrt: between them `make test` tries both. --all-engines tries both in one.
CRT_IS_HERE = importlib.util.find_spec("awscrt") is not None


def _engines(config: pytest.Config) -> list[Engine]:
    if config.option.all_engines and CRT_IS_HERE:
        return [Engine.MANAGED, Engine.CRT]
    return [Engine.CRT if CRT_IS_HERE else Engine.MANAGED]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try each test with each engine; what is marked for it on Ceph instead, if there is one."""
    if "world" not in metafunc.fixturenames:
        return
    engines = _engines(metafunc.config)
    on_ceph = metafunc.definition.get_closest_marker("on_ceph")
    stage = "ceph" if metafunc.config.option.ceph_root and on_ceph else "fault server"
    metafunc.parametrize(
        "world",
        [(stage, engine) for engine in engines],
        indirect=True,
        ids=[engine.value for engine in engines],
    )


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Two accounts, two buckets, and the access that a copy needs."""
    stage, engine = request.param
    made = CephWorld(request.getfixturevalue("ceph")) if stage == "ceph" else World()
    made.engine = engine
    with made:
        yield made
