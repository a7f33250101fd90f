"""A deployed Airflow repeats a shard whose process was killed, and merges all of them."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from scripts.airflow_local import VERSION
from tests.airflow.deployment import Deployment, wait_until
from tests.airflow.stage import Stage
from tests.fault_server import Fault
from tests.world import DESTINATION_ACCOUNT, DST, SRC

DAG_ID = "killed_shard"
SHARD = "copy_in_shards.copy_shard"
OBJECTS = 30


def shards_in(airflow: Deployment, state: str) -> list[Any]:
    """Return the mapped tasks that are in this state."""
    return [
        instance
        for instance in airflow.instances(DAG_ID)
        if instance.task_id == SHARD and instance.state == state
    ]


@pytest.mark.skipif(
    VERSION == (3, 0),
    reason="Airflow 3.0 fails a task whose process is killed, without its retries",
)
def test_a_killed_shard_is_repeated_and_copies_what_is_missing(
    database: Path, stage: Stage
) -> None:
    """Its process is gone without a word; the others are not disturbed."""
    stage.server.create_bucket("control", owner=DESTINATION_ACCOUNT)
    for number in range(OBJECTS):
        stage.server.put(SRC, f"shards/{number:02}", size=10)
    slow = stage.server.inject(Fault.slow("CopyObject", delay_s=600, key="shards/15"))
    with Deployment(database, stage.connections()) as airflow:
        airflow.trigger(DAG_ID)
        wait_until(lambda: len(shards_in(airflow, "success")) == 2, "two shards", 300)
        (held_up,) = wait_until(lambda: shards_in(airflow, "running"), "the third", 60)
        wait_until(lambda: len(stage.arrived()) == OBJECTS - 1, "all objects but one", 60)
        slow.remove()
        os.kill(held_up.pid, signal.SIGKILL)
        state = airflow.wait_for_end(DAG_ID, 300)
        tries = sorted(instance.try_number for instance in shards_in(airflow, "success"))
        metrics = airflow.xcom(DAG_ID, "copy_in_shards.merge")

    assert state == "success"
    assert tries == [1, 1, 2]
    assert len(stage.server.objects(DST)) == OBJECTS
    assert (metrics["total_files_found"], metrics["files_failed"]) == (OBJECTS, 0)
    assert metrics["shards_done"] == 3
    assert metrics["files_copied_successfully"] + metrics["files_skipped"] == OBJECTS
