"""A copy in shards as a task group: run by Airflow, with a shard that fails and is retried."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_plugin import S3CopyPermanentError, S3CopyRetryableError, S3CopyStoppedError
from airflow_plugin.shards import (
    S3CopyShardOperator,
    S3MergeOperator,
    S3PlanOperator,
    copy_in_shards,
)
from tests.airflow.deployment import sync_dags
from tests.airflow.stage import THEM, US, Stage, Ti
from tests.fault_server import Fault
from tests.world import DESTINATION_ACCOUNT, DST, SRC

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG

COPY: dict[str, Any] = {
    "source_key": f"s3://{SRC}/in/",
    "destination_key": f"s3://{DST}/out/",
    "source_aws_conn_id": THEM,
    "dest_aws_conn_id": US,
    "request_retry_delay_s": 0.01,
}


def fill(stage: Stage, count: int) -> None:
    """Put so many objects into the source."""
    for number in range(count):
        stage.server.put(SRC, f"in/{number:03}", size=10)


def execute(operator: Any, ti: Ti) -> Any:
    """Run a task without Airflow."""
    ti.task = operator
    return operator.execute({"ti": ti})


def test_airflow_runs_all_shards(stage: Stage, database: Path, tmp_path: Path) -> None:
    """Plan, mapped tasks, merge; each object once."""
    fill(stage, 30)
    with DAG(dag_id="in_shards", schedule=None, catchup=False) as dag:
        copy_in_shards(plan=str(tmp_path / "plan"), shards=3, parallelism=2, retries=0, **COPY)
    sync_dags([dag])
    run = dag.test()

    assert run is not None
    assert run.state == "success"
    assert len(stage.arrived()) == 30
    assert stage.sent("CopyObject") == 30


def test_a_shard_that_is_retried_copies_what_is_missing(stage: Stage, tmp_path: Path) -> None:
    """The merge fails before, and succeeds after."""
    fill(stage, 20)
    common: dict[str, Any] = {"plan": str(tmp_path / "plan"), "recursive": True, **COPY}
    numbers = execute(S3PlanOperator(task_id="plan", shards=2, **common), Ti(1))
    again = execute(S3PlanOperator(task_id="plan", shards=2, **common), Ti(2))
    shard = S3CopyShardOperator(task_id="copy", shard=0, **common)
    execute(S3CopyShardOperator(task_id="copy", shard=1, **common), Ti(1))
    stage.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"], prefix="out/00")
    with pytest.raises(S3CopyPermanentError):
        execute(shard, Ti(1))
    with pytest.raises(S3CopyPermanentError, match="1 of 2 shards are not done: 0"):
        execute(S3MergeOperator(task_id="merge", **common), ti := Ti(1))
    stage.server.revoke(DST, DESTINATION_ACCOUNT)
    execute(shard, Ti(2))
    merged = execute(S3MergeOperator(task_id="merge", **common), Ti(1))

    assert numbers == again == [0, 1]
    assert ti.xcoms["return_value"]["shards_missing"] == [0]
    assert merged["total_files_found"] == 20
    assert len(stage.arrived()) == 20


def test_a_plan_of_an_earlier_run_is_not_taken_over(stage: Stage, tmp_path: Path) -> None:
    """The first try of a task begins a plan of its own, or fails at once."""
    fill(stage, 2)
    common: dict[str, Any] = {"plan": str(tmp_path / "plan"), "recursive": True, **COPY}
    execute(S3PlanOperator(task_id="plan", **common), Ti(1))

    with pytest.raises(S3CopyPermanentError, match="there is a plan"):
        execute(S3PlanOperator(task_id="plan", **common), Ti(1))


def test_a_retry_does_not_take_over_the_plan_of_another_copy(stage: Stage, tmp_path: Path) -> None:
    """The arguments of the DAG have changed since: the shards would copy something else."""
    fill(stage, 2)
    common: dict[str, Any] = {"plan": str(tmp_path / "plan"), "recursive": True, **COPY}
    execute(S3PlanOperator(task_id="plan", **common, newer_than="1h"), Ti(1))

    assert execute(S3PlanOperator(task_id="plan", **common, newer_than="1h"), Ti(2)) == [0]
    for change in ({"storage_class": "GLACIER"}, {"destination_key": f"s3://{DST}/other/"}):
        with pytest.raises(S3CopyPermanentError, match="a plan of another copy"):
            execute(S3PlanOperator(task_id="plan", **{**common, **change}), Ti(2))


def test_a_shard_stops_when_airflow_ends_its_task(stage: Stage, tmp_path: Path) -> None:
    """Within seconds, and it is not done."""
    fill(stage, 40)
    common: dict[str, Any] = {"plan": str(tmp_path / "plan"), "recursive": True, **COPY}
    execute(S3PlanOperator(task_id="plan", max_requests_per_s=2, **common), Ti(1))
    shard = S3CopyShardOperator(task_id="copy", shard=0, **common)
    threading.Timer(1.0, shard.on_kill).start()

    with pytest.raises(S3CopyStoppedError):
        execute(shard, Ti(1))
    assert len(stage.arrived()) < 40
    with pytest.raises(S3CopyPermanentError, match="1 of 1 shards are not done"):
        execute(S3MergeOperator(task_id="merge", **common), Ti(1))


def test_a_merge_may_wait_for_shards_that_no_task_copies(stage: Stage, tmp_path: Path) -> None:
    """An engine that has given up on one leaves a failed task that names it."""
    fill(stage, 4)
    common: dict[str, Any] = {"plan": str(tmp_path / "plan"), "recursive": True, **COPY}
    execute(S3PlanOperator(task_id="plan", shards=2, **common), Ti(1))
    execute(S3CopyShardOperator(task_id="copy", shard=0, **common), Ti(1))
    merge = S3MergeOperator(task_id="merge", wait=True, wait_limit_s=0.1, **common)
    with pytest.raises(S3CopyPermanentError, match=r"nothing has happened for .* not done: 1$"):
        execute(merge, ti := Ti(1))
    execute(S3CopyShardOperator(task_id="copy2", shard=1, **common), Ti(1))

    assert ti.xcoms["return_value"]["stalled_for_seconds"] > 0
    assert execute(merge, Ti(1))["shards_missing"] == []


def test_failures_may_be_no_failure_of_the_tasks(stage: Stage, tmp_path: Path) -> None:
    """With ``fail_on_error=False``; a shard that never ended is one all the same."""
    fill(stage, 4)
    common: dict[str, Any] = {"plan": str(tmp_path / "plan"), "recursive": True, **COPY}
    common |= {"fail_on_error": False}
    execute(S3PlanOperator(task_id="plan", shards=2, **common), Ti(1))
    stage.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"], prefix="out/000")
    execute(S3CopyShardOperator(task_id="copy", shard=0, **common), Ti(1))
    with pytest.raises(S3CopyPermanentError, match="2 of 2 shards are not done: 0, 1"):
        execute(S3MergeOperator(task_id="merge", **common), Ti(1))
    execute(S3CopyShardOperator(task_id="copy", shard=1, **common), Ti(1))
    merged = execute(S3MergeOperator(task_id="merge", **common), Ti(1))

    assert (merged["files_copied_successfully"], merged["files_failed"]) == (3, 1)


@pytest.mark.parametrize("argument", ["report_path", "journal", "on_empty"])
def test_what_shards_do_not_have_is_refused_when_the_dag_is_parsed(argument: str) -> None:
    """It would be ignored."""
    with pytest.raises(ValueError, match=argument):
        copy_in_shards(**{"plan": "p", **COPY, argument: "x"})


def test_a_shard_that_fails_for_a_passing_reason_is_retried(stage: Stage, tmp_path: Path) -> None:
    """One transient class is enough."""
    fill(stage, 5)
    common: dict[str, Any] = {"plan": str(tmp_path / "plan"), "recursive": True, **COPY}
    execute(S3PlanOperator(task_id="plan", request_retries=0, **common), Ti(1))
    stage.server.inject(Fault.error("CopyObject", 500, "InternalError", key="out/002"))

    with pytest.raises(S3CopyRetryableError):
        execute(S3CopyShardOperator(task_id="copy", shard=0, **common), Ti(1))


def test_the_size_of_an_array_is_that_of_the_plan(stage: Stage, tmp_path: Path) -> None:
    """As Airflow renders it: a number, and at least two."""
    from airflow_plugin.example_dags.example_s3_xfer_batch_array import dag, merge, plan, shards

    assert dag.task_ids == ["plan", "shards", "merge"]
    assert (plan.plan, merge.plan) == (shards.parameters["plan"], shards.parameters["plan"])
    for numbers, size in (([0], 2), ([0, 1, 2], 3)):
        ti = SimpleNamespace(xcom_pull=lambda numbers=numbers, **_: numbers)
        context: Any = {"ti": ti}
        rendered = shards.render_template(shards.array_properties, context, dag.get_template_env())
        assert rendered == {"size": size}


def test_too_many_shards_are_refused_when_the_dag_is_parsed() -> None:
    """The scheduler would crawl."""
    with pytest.raises(ValueError, match="1 to 200"):
        copy_in_shards(plan="p", shards=201, **COPY)
