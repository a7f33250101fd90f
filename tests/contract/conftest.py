"""Everything here holds for every engine, and is tried with each that is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest

from s3_xfer import Engine
from tests.ceph.world import CephWorld
from tests.world import World

# Where awscrt is missing (the environment with the oldest dependencies) there is only one engine;
# tests/copying/test_choice.py holds what the other's absence means.
ENGINES = [Engine.MANAGED, *([Engine.CRT] if importlib.util.find_spec("awscrt") else [])]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try each test with each engine; what is marked for it on Ceph instead, if there is one."""
    if "world" not in metafunc.fixturenames:
        return
    on_ceph = metafunc.definition.get_closest_marker("on_ceph")
    stage = "ceph" if metafunc.config.option.ceph_root and on_ceph else "fault server"
    metafunc.parametrize(
        "world",
        [(stage, engine) for engine in ENGINES],
        indirect=True,
        ids=[engine.value for engine in ENGINES],
    )


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Two accounts, two buckets, and the access that a copy needs."""
    stage, engine = request.param
    made = CephWorld(request.getfixturevalue("ceph")) if stage == "ceph" else World()
    made.engine = engine
    with made:
        yield made
