"""The example for Kubernetes: what its pod runs is run here, in a folder that is laid out like it.

The cluster is a stub: the pod is what the provider would send, its command a process here.
How a pod's end becomes the task's is decided by the provider's own code, given that end.
"""

from __future__ import annotations

import inspect
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from kubernetes.client import models as k8s

from airflow_plugin._compat import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
)
from airflow_plugin.example_dags import example_s3_xfer_kubernetes as example
from tests.airflow.stage import SECRET, Stage, Ti
from tests.fault_server import Fault
from tests.patience import PATIENCE_S
from tests.world import DESTINATION_ACCOUNT, DESTINATION_KEY, DST, SRC

CONFIG = """
apiVersion: v1
kind: Config
clusters: [{{name: stub, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
contexts: [{{name: stub, context: {{cluster: stub, user: nobody}}}}]
users: [{{name: nobody, user: {{}}}}]
current-context: stub
"""
POD = {"metadata": {"name": "s3-xfer-copy", "namespace": "data"}, "spec": {"containers": []}}


class Cluster(BaseHTTPRequestHandler):
    """Answers every request about a pod with one, as far as the provider reads it."""

    def do_GET(self) -> None:
        """Answer."""
        body = json.dumps(POD).encode()
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PATCH = do_DELETE = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[int]:
    """The port of a cluster's API."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Cluster) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@dataclass
class PodFolder:
    """The file system of the pod below a folder, and its one container as a process."""

    root: Path
    stage: Stage
    task: Any

    @property
    def container(self) -> k8s.V1Container:
        """What the provider asks the cluster for."""
        (container, *_) = self.task.build_pod_request_obj().spec.containers
        return container

    def start(self, *more: str) -> subprocess.Popen[str]:
        """Start the container's command; the image's entry point is the program."""
        for volume in ("airflow/xcom", "work"):
            (self.root / volume).mkdir(parents=True, exist_ok=True)
        container = self.container
        words = [word.replace("/airflow/", f"{self.root}/airflow/") for word in container.args]
        return subprocess.Popen(
            [sys.executable, "-m", "s3_xfer.cli", *words, *more],
            env={
                **{each.name: each.value for each in container.env},
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.environ["PYTHONPATH"],
                "HOME": str(self.root / "work"),
                # What IRSA or pod identity give, and the server of this test.
                "AWS_ACCESS_KEY_ID": DESTINATION_KEY,
                "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_ENDPOINT_URL": self.stage.server.url,
            },
            cwd=self.root / "work",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def end(self, child: subprocess.Popen[str]) -> int:
        """Wait for the process, and do with the task what the provider does when it has ended."""
        try:
            self.log, _ = child.communicate(timeout=PATIENCE_S)
        finally:
            child.kill()
        written = self.root / "airflow/xcom/return.json"
        assert written.exists(), self.log
        text = written.read_text()  # which the provider does with a shell in the sidecar
        self.task.pod_manager.extract_xcom = lambda *_, **__: text
        self.xcom = self.task.extract_xcom(None)
        ended = k8s.V1ContainerStateTerminated(exit_code=child.returncode)
        status = k8s.V1ContainerStatus(
            name="base",
            state=k8s.V1ContainerState(terminated=ended),
            image="",
            image_id="",
            ready=False,
            restart_count=0,
        )
        pod = k8s.V1Pod(
            metadata=k8s.V1ObjectMeta(name="s3-xfer-copy", namespace="data"),
            status=k8s.V1PodStatus(
                phase="Failed" if child.returncode else "Succeeded", container_statuses=[status]
            ),
        )
        takes_result = "xcom_result" in inspect.signature(KubernetesPodOperator.cleanup).parameters
        self.task.cleanup(pod, pod, *([self.xcom, {"ti": Ti(1)}] if takes_result else []))
        return child.returncode


@pytest.fixture
def pod(stage: Stage, cluster: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PodFolder:
    """The example's pod."""
    config = tmp_path / "kubeconfig"
    config.write_text(CONFIG.format(port=cluster))
    extra = {"kube_config_path": str(config)}
    connection = json.dumps({"conn_type": "kubernetes", "extra": extra})
    monkeypatch.setenv("AIRFLOW_CONN_KUBERNETES_DEFAULT", connection)
    task: Any = example.dag.get_task("copy_in_pod").prepare_for_execution()
    places = {"source": f"s3://{SRC}/in/", "destination": f"s3://{DST}/out/"}
    task.render_template_fields({"params": {**places, "region": "us-east-1"}})
    return PodFolder(tmp_path / "pod", stage, task)


def test_the_pod_copies_and_its_result_is_the_xcom(pod: PodFolder) -> None:
    """What the sidecar reads is whole, and what the operator returns too."""
    pod.stage.server.put(SRC, "in/a", size=10)

    assert pod.end(pod.start()) == 0

    assert pod.xcom["files_copied_successfully"] == 1
    assert set(pod.stage.arrived()) == {"out/a"}
    assert "Copied 1 object" in pod.log


def test_nothing_to_copy_skips_the_task(pod: PodFolder) -> None:
    """By the class of the refusal, which the exit code does not tell."""
    with pytest.raises(AirflowSkipException, match=r"no objects|nothing"):
        pod.end(pod.start())


def test_a_denial_fails_the_task_at_once(pod: PodFolder) -> None:
    """With retries left: another pod would be denied too."""
    pod.stage.server.put(SRC, "in/a", size=10)
    pod.stage.server.revoke(SRC, DESTINATION_ACCOUNT)

    with pytest.raises(AirflowFailException):
        pod.end(pod.start())

    assert pod.xcom["error_class"] == "AccessDenied"


def test_failed_objects_are_left_to_the_retries(pod: PodFolder) -> None:
    """The next try copies only what is missing."""
    pod.stage.server.put(SRC, "in/a", size=10)
    pod.stage.server.put(SRC, "in/b", size=10)
    fault = pod.stage.server.inject(Fault.error("CopyObject", 500, "InternalError", key="out/b"))

    with pytest.raises(AirflowException) as failure:
        pod.end(pod.start("--retries", "0", "--no-second-chance"))
    fault.remove()

    assert not isinstance(failure.value, AirflowFailException | AirflowSkipException)
    assert pod.xcom["files_failed"] == 1
    assert pod.end(pod.start()) == 0
    assert pod.xcom["files_copied_successfully"] == 1


def test_an_evicted_pod_leaves_its_counts(pod: PodFolder) -> None:
    """SIGTERM is what Kubernetes sends before the grace period."""
    pod.stage.server.put(SRC, "in/a", size=10)
    pod.stage.server.inject(Fault.error("CopyObject", 503, "SlowDown"))
    child = pod.start("--retry-delay", "60")
    pod.stage.server.wait_for("CopyObject")
    child.send_signal(signal.SIGTERM)

    with pytest.raises(AirflowException):
        pod.end(child)

    assert pod.xcom["cancelled_by"] == "SIGTERM"


def test_the_pod_is_what_the_cluster_needs(pod: PodFolder) -> None:
    """Not root, an identity of its own, time to stop, and the sidecar for the result."""
    request = pod.task.build_pod_request_obj()
    spec, (base, *sidecars) = request.spec, request.spec.containers

    assert [sidecar.name for sidecar in sidecars] == ["airflow-xcom-sidecar"]
    assert spec.service_account_name == "copier"
    assert spec.termination_grace_period_seconds == 60
    assert spec.security_context.run_as_non_root
    assert base.security_context.read_only_root_filesystem
    assert base.resources.limits["memory"] == "1Gi"
    assert {mount.mount_path for mount in base.volume_mounts} == {"/work", "/airflow/xcom"}


def test_the_worker_s_pod_is_overridden_where_a_copy_needs_it() -> None:
    """What the KubernetesExecutor makes of it: the image and the command stay the worker's."""
    from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator

    override = PodGenerator.from_obj(example.dag.get_task("copy_in_worker").executor_config)
    worker = k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(),
        spec=k8s.V1PodSpec(containers=[k8s.V1Container(name="base", image="airflow")]),
    )
    made = PodGenerator.reconcile_pods(worker, override)
    (base,) = made.spec.containers

    assert (base.image, base.resources.limits["memory"]) == ("airflow", "1Gi")
    assert made.spec.service_account_name == "copier"
    assert made.spec.termination_grace_period_seconds == 60
