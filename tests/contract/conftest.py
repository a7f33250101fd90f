"""Everything here holds for every engine, and is tried with each that is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest

from s3_xfer import Engine
from tests.world import World

# Where awscrt is missing (the environment with the oldest dependencies) there is only one engine;
# tests/copying/test_choice.py holds what the other's absence means.
ENGINES = [Engine.MANAGED, *([Engine.CRT] if importlib.util.find_spec("awscrt") else [])]


@pytest.fixture(params=ENGINES, ids=lambda engine: engine.value)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Two accounts, two buckets, and the access that a copy needs, on a fault server."""
    with World(request.param) as stage:
        yield stage
