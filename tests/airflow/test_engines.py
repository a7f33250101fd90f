"""One task starts what runs all shards, and waits in the triggerer: what it sends, how it ends.

The engine is a stub of its API. The body of the request is checked against the models that the
engines' own clients are generated with.
"""

from __future__ import annotations

import asyncio
import copy
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.exceptions import TaskDeferred
from botocore.session import get_session
from botocore.validate import ParamValidator
from kubernetes.client import ApiClient
from kubernetes.client import models as k8s

from airflow_plugin._compat import AirflowException
from airflow_plugin.example_dags import example_s3_xfer_batch_array as batch_array
from airflow_plugin.example_dags import example_s3_xfer_indexed_job as indexed_job
from tests.airflow.stage import Ti, connection

ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / "docs" / "how-to" / "kubernetes-shards.yaml"
JOBS = "/apis/batch/v1/namespaces/data/jobs"
PLAN = "s3://our-control/plans/run-1"
CONFIG = """
apiVersion: v1
kind: Config
clusters: [{{name: stub, cluster: {{server: "{url}"}}}}]
contexts: [{{name: stub, context: {{cluster: stub, user: nobody}}}}]
users: [{{name: nobody, user: {{}}}}]
current-context: stub
"""


class Engine:
    """Keeps what it was sent, and answers by the path."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Any]] = []
        self.answers: dict[str, Any] = {}
        engine = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                path = self.path.partition("?")[0]
                engine.sent.append((self.command, path, json.loads(body or b"null")))
                answer = json.dumps(engine.answers.get(path, {})).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(0.01,), daemon=True).start()

    def body_of(self, path: str) -> Any:
        """Return what was sent to a path, once."""
        (body,) = [body for method, at, body in self.sent if (method, at) == ("POST", path)]
        return body

    def stop(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def engine() -> Iterator[Engine]:
    """An engine that has nothing to do yet."""
    engine = Engine()
    yield engine
    engine.stop()


def rendered(task: Any, names: tuple[str, ...], context: Any) -> Any:
    """Return a copy of a task with these fields as Airflow renders them."""
    made = copy.copy(task)
    environment = task.dag.get_template_env()
    for name in names:
        setattr(made, name, task.render_template(getattr(task, name), context, environment))
    return made


@pytest.fixture
def job_task(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The example's task, with a connection to a cluster."""
    config = json.dumps(yaml.safe_load(CONFIG.format(url=engine.url)))
    cluster = {"conn_type": "kubernetes", "extra": {"kube_config": config}}
    monkeypatch.setenv("AIRFLOW_CONN_KUBERNETES_DEFAULT", json.dumps(cluster))
    task = rendered(indexed_job.shards, ("arguments",), {"run_id": "run-1"})
    task.job_template_file = str(MANIFEST)
    return task


def started(task: Any) -> TaskDeferred:
    """Start the engine; return what Airflow is told to wait for."""
    with pytest.raises(TaskDeferred) as waiting:
        task.execute({"ti": Ti(1), "run_id": "run-1", "dag": task.dag})
    return waiting.value


def test_the_job_is_the_manifest_with_this_plan(engine: Engine, job_task: Any) -> None:
    """Nothing of it is lost, no pod is made beside it, and the API knows every field."""
    started(job_task)
    job = engine.body_of(JOBS)
    wanted = yaml.safe_load(MANIFEST.read_text())
    (container,) = wanted["spec"]["template"]["spec"]["containers"]
    container["args"] = ["copy", "--plan", PLAN, "--shard", "auto", "--progress", "plain"]
    wanted["spec"] |= {"completions": indexed_job.SHARDS, "parallelism": indexed_job.TOGETHER}
    client = ApiClient()
    read = client._ApiClient__deserialize_model(job, k8s.V1Job)

    assert [path for _, path, _ in engine.sent] == [JOBS]
    assert client.sanitize_for_serialization(read) == job
    assert {name: job["spec"][name] for name in wanted["spec"].keys() - {"template"}} == {
        name: value for name, value in wanted["spec"].items() if name != "template"
    }
    pod = job["spec"]["template"]["spec"]
    ours = wanted["spec"]["template"]["spec"]
    assert {name: pod[name] for name in ours.keys() - {"containers"}} == {
        name: value for name, value in ours.items() if name != "containers"
    }
    (made,) = pod["containers"]
    assert {name: made[name] for name in container} == container
    assert "backoffLimit" not in job["spec"]


@pytest.mark.parametrize(("condition", "fails"), [("Complete", False), ("Failed", True)])
def test_the_task_ends_as_its_job(
    engine: Engine, job_task: Any, condition: str, *, fails: bool
) -> None:
    """The triggerer asks for the Job alone; which shard it was is told by the merge."""
    waiting = started(job_task)
    job = engine.body_of(JOBS)
    status = {"conditions": [{"type": condition, "status": "True", "reason": "FailedIndexes"}]}
    engine.answers[f"{JOBS}/{job['metadata']['name']}/status"] = {**job, "status": status}

    async def event() -> Any:
        async for one in waiting.trigger.run():
            return one.payload
        return None

    ended = asyncio.run(event())
    finish = getattr(job_task, waiting.method_name)
    if fails:
        with pytest.raises(AirflowException, match="FailedIndexes"):
            finish({"ti": Ti(1)}, ended)
    else:
        finish({"ti": Ti(1)}, ended)
    assert indexed_job.merge.trigger_rule == "all_done"


def test_the_array_is_submitted_as_aws_batch_takes_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With as many jobs as shards, and the plan of this run for the job definition."""
    monkeypatch.setenv("AIRFLOW_CONN_S3_XFER_US", connection("AKIAUS", engine.url))
    engine.answers["/v1/submitjob"] = {"jobId": "job-1", "jobName": "s3-xfer-shards"}
    job = {"jobId": "job-1", "jobName": "s3-xfer-shards", "status": "RUNNABLE"}
    engine.answers["/v1/describejobs"] = {"jobs": [job]}

    class Planned(Ti):
        def xcom_pull(self, **_: Any) -> list[int]:
            return list(range(7))

    context: Any = {"ti": Planned(1), "run_id": "run-1"}
    task = rendered(batch_array.shards, ("array_properties", "parameters"), context)
    with pytest.raises(TaskDeferred):
        task.execute(context)
    body = engine.body_of("/v1/submitjob")
    model = get_session().get_service_model("batch").operation_model("SubmitJob")
    assert model.input_shape

    assert ParamValidator().validate(body, model.input_shape).generate_report() == ""
    assert body["arrayProperties"] == {"size": 7}
    assert body["parameters"] == {"plan": PLAN}
    definition = json.loads((ROOT / "docs/how-to/aws-batch-job-definition.json").read_text())
    assert body["jobDefinition"] == definition["jobDefinitionName"]
    assert definition["parameters"].keys() == body["parameters"].keys()
