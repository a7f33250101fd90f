"""A copy as a job of S3 Batch Operations: awaited by a worker or the triggerer, collected."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_plugin import S3BatchCopyOperator, S3CopyPermanentError, S3CopyRetryableError
from airflow_plugin._compat import AirflowSkipException
from airflow_plugin.batch_trigger import S3BatchJobTrigger
from tests.airflow.deployment import sync_dags
from tests.airflow.stage import THEM, US, Stage, Ti
from tests.batch.control_server import ControlServer
from tests.world import DESTINATION_ACCOUNT, DESTINATION_KEY, DST, SRC, session

try:
    from airflow.sdk import DAG
    from airflow.sdk.exceptions import TaskDeferred
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.exceptions import TaskDeferred  # type: ignore[no-redef]

CONTROL = "control"
PLAN = f"s3://{CONTROL}/jobs/x"
OBJECTS = [f"in/{number}" for number in range(5)]


@pytest.fixture
def api(stage: Stage) -> Iterator[ControlServer]:
    """The control API, and objects to copy."""
    stage.server.create_bucket(CONTROL, owner=DESTINATION_ACCOUNT)
    for key in OBJECTS:
        stage.server.put(SRC, key, size=10)
    client = session(DESTINATION_KEY).client("s3", endpoint_url=stage.server.url)
    with ControlServer(client).serving() as server:
        yield server
    client.close()


def task(api: ControlServer, **changes: Any) -> S3BatchCopyOperator:
    """Return a task that copies as a job."""
    arguments: dict[str, Any] = {
        "task_id": "copy",
        "plan": PLAN,
        "role_arn": f"arn:aws:iam::{DESTINATION_ACCOUNT}:role/job",
        "report_bucket": f"{CONTROL}/reports",
        "control_endpoint": api.url,
        "poll_interval_s": 0.01,
        "source_key": f"s3://{SRC}/in/",
        "destination_key": f"s3://{DST}/out/in/",
        "source_aws_conn_id": THEM,
        "dest_aws_conn_id": US,
        "request_retry_delay_s": 0.01,
    }
    return S3BatchCopyOperator(**(arguments | changes))


def run(operator: Any, ti: Ti) -> Any:
    """Execute a task without Airflow; one that is deferred is resumed by what its trigger tells."""
    ti.task = operator
    context: Any = {"ti": ti}
    try:
        return operator.execute(context)
    except TaskDeferred as deferred:
        path, arguments = deferred.trigger.serialize()
        assert path == "airflow_plugin.batch_trigger.S3BatchJobTrigger"
        event = asyncio.run(first_event(S3BatchJobTrigger(**arguments)))
        return getattr(operator, deferred.method_name)(context, event)


def run_once(operator: S3BatchCopyOperator) -> None:
    """Execute a task until it is deferred."""
    context: Any = {"ti": Ti(1)}
    operator.execute(context)


async def first_event(trigger: S3BatchJobTrigger) -> Any:
    """Return what a trigger tells."""
    async for event in trigger.run():
        return event.payload
    raise AssertionError("the trigger told nothing")


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_job_copies_and_its_metrics_are_the_copy_s(
    stage: Stage, api: ControlServer, *, deferrable: bool
) -> None:
    """Planned, submitted, awaited and collected; the report is beside the plan."""
    metrics = run(task(api, deferrable=deferrable), Ti(1))

    assert stage.arrived().keys() == {f"out/{key}" for key in OBJECTS}
    assert metrics["files_copied_successfully"] == metrics["total_files_found"] == 5
    assert (metrics["files_failed"], metrics["total_bytes_transferred"]) == (0, 50)
    assert metrics["source"] == f"s3://{SRC}/in/"
    assert metrics["report"] == f"{PLAN}/report.jsonl"
    assert "jobs/x/report.jsonl" in stage.server.objects(CONTROL)


def test_airflow_defers_and_resumes_the_task(
    stage: Stage, api: ControlServer, database: Path
) -> None:
    """With Airflow's own triggerer, templates included."""
    with DAG(dag_id="as_a_job", schedule=None, catchup=False) as dag:
        task(api, plan=f"s3://{CONTROL}/{{{{ run_id }}}}", deferrable=True)
    sync_dags([dag])
    result = dag.test()

    assert result is not None
    assert result.state == "success"
    assert len(stage.arrived()) == 5


def test_what_is_left_fails_the_task_and_is_copied_from_the_report(
    stage: Stage, api: ControlServer
) -> None:
    """The metrics are an XCom all the same; a retry is in vain."""
    api.untried = {"in/1"}
    api.failures = {"in/2": ("AccessDenied", "403", "no")}
    ti = Ti(1)
    with pytest.raises(S3CopyPermanentError, match="2 of 5 objects are not copied"):
        run(task(api), ti)
    left = ti.xcoms["return_value"]
    copied = stage.execute(
        source_key="in/", destination_key="out/in/", from_report_path=left["report"]
    )

    assert (left["files_copied_successfully"], left["files_not_attempted"]) == (3, 1)
    assert copied["files_copied_successfully"] == 2
    assert len(stage.arrived()) == 5


def test_a_retry_goes_on_with_the_job_of_the_first_try(stage: Stage, api: ControlServer) -> None:
    """Whatever ended the first; a job of another copy is not taken for it."""
    api.refusal = (503, "ServiceUnavailable", "away")
    with pytest.raises(S3CopyRetryableError):
        run(task(api), Ti(1))
    api.refusal = None
    first = run(task(api, fail_on_error=False), Ti(2))
    again = run(task(api, fail_on_error=False), Ti(3))

    assert first == again
    assert len(api.jobs) == 1
    with pytest.raises(S3CopyPermanentError, match="there is a plan of another copy"):
        run(task(api, storage_class="STANDARD_IA"), Ti(4))
    with pytest.raises(S3CopyPermanentError, match="there is a plan in"):
        run(task(api), Ti(1))


def test_a_job_that_cannot_be_described_ends_the_wait(stage: Stage, api: ControlServer) -> None:
    """A denial at once; the job itself goes on."""
    api.stages = ["Active"]
    operator = task(api, deferrable=True)
    with pytest.raises(TaskDeferred) as deferred:
        run_once(operator)
    api.refusal = (403, "AccessDenied", "no")
    event = asyncio.run(first_event(deferred.value.trigger))

    assert "AccessDenied" in event["error"]
    with pytest.raises(S3CopyRetryableError, match="AccessDenied"):
        operator.resume({"ti": Ti(1)}, event)


def test_nothing_to_copy_may_be_no_failure(stage: Stage, api: ControlServer) -> None:
    """As for the copy operator."""
    empty = {"source_key": f"s3://{SRC}/no/", "destination_key": f"s3://{DST}/out/no/"}
    with pytest.raises(S3CopyPermanentError, match="there is nothing under"):
        run(task(api, **empty), Ti(1))
    with pytest.raises(AirflowSkipException, match="there is nothing under"):
        run(task(api, **empty, on_empty="skip"), Ti(1))
    metrics = run(task(api, **empty, on_empty="succeed"), Ti(1))

    assert (metrics["total_files_found"], metrics["files_failed"]) == (0, 0)
    assert api.requests == []


def test_what_a_job_cannot_express_is_refused(stage: Stage, api: ControlServer) -> None:
    """Before anything is sent, in the words of a task."""
    with pytest.raises(S3CopyPermanentError, match="cannot express overwrite"):
        run(task(api, overwrite=False), Ti(1))

    assert api.requests == []
