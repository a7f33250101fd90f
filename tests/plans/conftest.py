"""Plans are kept in a folder and in S3 alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plans.stage import URL, PlanStage
from tests.world import World


@pytest.fixture(params=["folder", "bucket"])
def stage(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> PlanStage:
    """A copy that is to be planned."""
    return PlanStage(world, tmp_path / "plan" if request.param == "folder" else URL)


@pytest.fixture
def folder(world: World, tmp_path: Path) -> PlanStage:
    """The same, planned in a folder."""
    return PlanStage(world, tmp_path / "plan")
