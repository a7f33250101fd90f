"""A world with a bucket for plans, and its shards as a program makes and copies them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from s3_xfer import CopyResult, MergedResult, Plan, copy_shard, make_plan, merge_plan
from tests.world import DESTINATION_ACCOUNT, DESTINATION_KEY, SOURCE_KEY, SRC, World

CONTROL = "control"
URL = f"s3://{CONTROL}/plans/x"


class PlanStage:
    """A copy of some objects, planned in ``place``: a folder or a URL."""

    def __init__(self, world: World, place: str | Path) -> None:
        self.world = world
        self.place = place
        world.server.create_bucket(CONTROL, owner=DESTINATION_ACCOUNT)

    def fill(self, count: int) -> None:
        """Put so many small objects into the source."""
        for number in range(count):
            self.world.server.put(SRC, f"in/{number:05}", size=1000)

    def plan(self, *, shards: int = 4, parallelism: int | None = None, **changes: Any) -> Plan:
        """Make the plan."""
        operation = self.world.operation(**changes)
        return make_plan(operation, self.place, shards=shards, parallelism=parallelism)

    def copy(self, shard: int | str, **changes: Any) -> CopyResult | None:
        """Copy one shard."""
        return copy_shard(
            self.place,
            shard,
            source=self.world.account(SOURCE_KEY),
            destination=self.world.account(DESTINATION_KEY),
            **{"outage_limit_s": 0, **changes},
        )

    def merge(self, **settings: Any) -> MergedResult:
        """Merge what the shards have left."""
        return merge_plan(self.place, destination=self.world.account(DESTINATION_KEY), **settings)
