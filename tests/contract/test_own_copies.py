"""Source and destination may be the same bucket when one is named by an access point's alias.

A run between them could list the objects that it has just written, and copy them again. So objects
that were modified after its start are not copied.
"""

from __future__ import annotations

import queue
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from s3_xfer import SkipReason
from tests.fault_server import Fault, Request
from tests.fault_server.actions import Action, Pause
from tests.fault_server.wire import Answer
from tests.world import DESTINATION_ACCOUNT, SRC, World, check_accounts

MICROSECOND = timedelta(microseconds=1)


@dataclass
class Dated(Action):
    """Lists every object as modified at the moment that ``last_modified`` returns for its key."""

    last_modified: Callable[[str], datetime]

    def after(self, request: Request, answer: Answer, pause: Pause) -> Answer:
        """Replace the dates in a page of a listing."""
        body = re.sub(
            r"<Key>([^<]*)</Key><LastModified>[^<]*<",
            lambda entry: (
                f"<Key>{entry[1]}</Key>"
                f"<LastModified>{self.last_modified(entry[1]):%Y-%m-%dT%H:%M:%S.%fZ}<"
            ),
            answer.body.decode(),
        )
        return replace(answer, body=body.encode())


@pytest.mark.parametrize("alias", ["data-s3alias", "data--ol-s3"])
def test_objects_modified_after_the_start_are_not_copied(world: World, alias: str) -> None:
    """An object that was modified in the very moment of the start existed before: it is copied."""
    world.server.create_bucket(alias, owner=DESTINATION_ACCOUNT)
    offsets = {"in/before": -MICROSECOND, "in/at": timedelta(), "in/after": MICROSECOND}
    for key in offsets:
        world.server.put(SRC, key)
    start_times: queue.Queue[datetime] = queue.Queue()

    def last_modified(key: str) -> datetime:
        start_time = start_times.get(timeout=60)
        start_times.put(start_time)
        return start_time + offsets[key]

    world.server.inject(Fault.of("ListObjectsV2", Dated(last_modified), {"bucket": SRC}))
    run = world.operation(destination_bucket=alias).start()
    start_times.put(run.snapshot().start_time)
    result = run.result()

    check_accounts(result)
    assert set(world.server.objects(alias)) == {"out/before", "out/at"}
    assert result.metrics.skips_by_reason == {SkipReason.APPEARED_LATER.value: 1}
