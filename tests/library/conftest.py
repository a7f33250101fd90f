"""A program of somebody else's, with each engine."""

from __future__ import annotations

import pytest

from s3_xfer import Engine
from tests.e2e.conftest import program  # noqa: F401 - a fixture
from tests.e2e.program import Program
from tests.library.embedded import Embedded
from tests.world import World


@pytest.fixture(params=[Engine.MANAGED, Engine.CRT], ids=lambda engine: engine.value)
def embedded(request: pytest.FixtureRequest, world: World, program: Program) -> Embedded:  # noqa: F811
    """The program that uses the library, in a directory of its own."""
    return Embedded(world, program, request.param)


@pytest.fixture
def any_engine(world: World, program: Program) -> Embedded:  # noqa: F811
    """The same with one engine, for what does not depend on it."""
    return Embedded(world, program, Engine.AUTO)
