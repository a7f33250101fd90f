"""A large copy in shards, each an index of a Kubernetes Job; Airflow plans, waits and merges.

The waiting task is deferred: it takes no worker. For more shards than Airflow maps well, 200.
The Job is the manifest of how-to/shards.md, beside the DAGs. An index behind the last shard of the
plan ends at once, so the Job may have more indexes than the plan has shards.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.cncf.kubernetes.operators.job import KubernetesJobOperator
from airflow.providers.cncf.kubernetes.triggers.job import KubernetesJobTrigger

from airflow_plugin import S3MergeOperator, S3PlanOperator

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG

SHARDS, TOGETHER = 1000, 64
COPY: dict[str, Any] = {
    "plan": "s3://our-control/plans/{{ run_id }}",
    "source_key": "s3://their-bucket/data/",
    "destination_key": "s3://our-bucket/from-them/",
    "recursive": True,
    "source_aws_conn_id": "s3_xfer_them",
    "dest_aws_conn_id": "s3_xfer_us",
}


# [START howto_s3_xfer_indexed_job]
class IndexedJobOperator(KubernetesJobOperator):
    """Starts the Job, and waits for it alone.

    The operator of the provider looks for pods first: it fails if there is none yet or, in the
    version of Airflow 2.10, if there are several, and there makes one that belongs to no Job.
    """

    def execute(self, context: Any) -> None:
        """Create the Job and defer; the provider's ``execute_complete`` fails if the Job has."""
        self.job_request_obj = self.build_job_request_obj(context)
        self.job = self.create_job(self.job_request_obj)
        name, namespace = self.job.metadata.name, self.job.metadata.namespace
        context["ti"].xcom_push(key="job_name", value=name)
        trigger = KubernetesJobTrigger(
            name,
            namespace,
            [],  # the pods, of which nothing is asked
            namespace,
            self.base_container_name,
            kubernetes_conn_id=self.kubernetes_conn_id,
            cluster_context=self.cluster_context,
            config_file=self.config_file,
            in_cluster=self.in_cluster,
            poll_interval=self.job_poll_interval,
            get_logs=False,
            do_xcom_push=False,
        )
        self.defer(trigger=trigger, method_name="execute_complete")


with DAG(
    dag_id="example_s3_xfer_indexed_job",
    description="Copy in shards, each an index of a Kubernetes Job",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["example", "s3_xfer"],
) as dag:
    plan = S3PlanOperator(
        task_id="plan", shards=SHARDS, parallelism=TOGETHER, max_requests_per_s=3000, **COPY
    )
    shards = IndexedJobOperator(
        task_id="shards",
        name="s3-xfer-shards",
        namespace="data",
        job_template_file="/opt/airflow/dags/kubernetes-shards.yaml",
        base_container_name="copy",  # as in that file
        arguments=["copy", "--plan", COPY["plan"], "--shard", "auto", "--progress", "plain"],
        completions=SHARDS,
        parallelism=TOGETHER,
        get_logs=False,
        do_xcom_push=False,
    )
    merge = S3MergeOperator(task_id="merge", trigger_rule="all_done", **COPY)
    plan >> shards >> merge
    # [END howto_s3_xfer_indexed_job]
