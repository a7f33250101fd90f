"""The command line in a pod of its own, and the operator in a pod with more room.

`copy_in_pod` needs nothing of s3-xfer in Airflow: the image has the program, the pod's service
account is the copier, and the JSON result is the XCom. `copy_in_worker` is the operator under the
KubernetesExecutor, whose worker gets the service account, the memory and the time to stop that a
copy needs.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from kubernetes.client import models as k8s

from airflow_plugin import S3CrossAccountCopyOperator

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG
try:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
except ImportError:
    from airflow.exceptions import AirflowException, AirflowFailException, AirflowSkipException


# [START howto_s3_xfer_pod]
WRONG_COMMAND_LINE = 2


class CopyPodOperator(KubernetesPodOperator):
    """Skips where there is nothing to copy, and fails at once where another pod would fail too.

    What else fails (objects, an error that passes, a pod that was evicted) is left to the retries.
    """

    result: Any = None

    def extract_xcom(self, pod: Any, **kwargs: Any) -> Any:
        """Keep the result: not every version of the provider hands it to ``cleanup``."""
        self.result = super().extract_xcom(pod, **kwargs)
        return self.result

    def cleanup(self, pod: Any, remote_pod: Any, *args: Any, **kwargs: Any) -> None:
        """Decide by the exit code and by the result that the pod has left."""
        try:
            super().cleanup(pod, remote_pod, *args, **kwargs)
        except AirflowSkipException:  # by skip_on_exit_code
            raise
        except AirflowException as failure:
            result = self.result if isinstance(self.result, dict) else {}
            if result.get("error_class") == "NothingToCopy":
                raise AirflowSkipException(result["errors"][0]) from None
            if self._exit_code(remote_pod) == WRONG_COMMAND_LINE or result.get("permanent"):
                raise AirflowFailException(str(failure)) from None
            raise

    def _exit_code(self, remote_pod: Any) -> int | None:
        statuses = remote_pod.status.container_statuses or ()
        for status in statuses:
            if status.name == self.base_container_name and status.state.terminated:
                return int(status.state.terminated.exit_code)
        return None


UNPRIVILEGED = k8s.V1SecurityContext(
    allow_privilege_escalation=False,
    read_only_root_filesystem=True,
    capabilities=k8s.V1Capabilities(drop=["ALL"]),
)
RESOURCES = k8s.V1ResourceRequirements(
    requests={"cpu": "1", "memory": "256Mi"}, limits={"memory": "1Gi"}
)
COPIER = "copier"  # a service account with the copier's role, by IRSA or pod identity
# After SIGTERM: 10 seconds for answers, then uploads are aborted and the result is written.
GRACE_S = 60

with DAG(
    dag_id="example_s3_xfer_kubernetes",
    description="Copy in a pod of its own, or in a larger worker",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    params={
        "source": "s3://their-bucket/data/",
        "destination": "s3://our-bucket/from-them/",
        "region": "eu-central-1",
    },
    tags=["example", "s3_xfer"],
) as dag:
    copy_in_pod = CopyPodOperator(
        task_id="copy_in_pod",
        name="s3-xfer-copy",
        namespace="data",
        image="REGISTRY/s3-xfer:0.1.0",
        arguments=[
            "copy",
            "{{ params.source }}",
            "{{ params.destination }}",
            "--recursive",
            "--skip-identical",  # another try copies only what is missing
            "--progress",
            "plain",
            "--json-file",
            "/airflow/xcom/return.json",
        ],
        env_vars={"AWS_REGION": "{{ params.region }}"},
        do_xcom_push=True,
        service_account_name=COPIER,
        container_resources=RESOURCES,
        container_security_context=UNPRIVILEGED,
        security_context=k8s.V1PodSecurityContext(
            run_as_non_root=True, run_as_user=10001, run_as_group=10001, fs_group=10001
        ),
        volumes=[k8s.V1Volume(name="home", empty_dir=k8s.V1EmptyDirVolumeSource())],
        volume_mounts=[k8s.V1VolumeMount(name="home", mount_path="/work")],
        termination_grace_period=GRACE_S,  # where Airflow deletes the pod, and
        full_pod_spec=k8s.V1Pod(  # where the node does
            spec=k8s.V1PodSpec(
                containers=[k8s.V1Container(name="base")],
                termination_grace_period_seconds=GRACE_S,
            )
        ),
        on_finish_action="delete_succeeded_pod",
        retries=3,
        retry_delay=timedelta(minutes=1),
        execution_timeout=timedelta(hours=6),
    )
    # [END howto_s3_xfer_pod]

    # [START howto_s3_xfer_pod_override]
    copy_in_worker = S3CrossAccountCopyOperator(
        task_id="copy_in_worker",
        source_key="{{ params.source }}",
        destination_key="{{ params.destination }}",
        recursive=True,
        executor_config={
            "pod_override": k8s.V1Pod(
                spec=k8s.V1PodSpec(
                    service_account_name=COPIER,
                    termination_grace_period_seconds=GRACE_S,
                    containers=[k8s.V1Container(name="base", resources=RESOURCES)],
                )
            )
        },
        retries=3,
    )
    # [END howto_s3_xfer_pod_override]
