"""A large copy in shards, each a job of an AWS Batch array; Airflow plans, waits and merges.

The waiting task is deferred: it takes no worker. For more shards than Airflow maps well, 200.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.amazon.aws.operators.batch import BatchOperator

from airflow_plugin import S3MergeOperator, S3PlanOperator

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG

COPY: dict[str, Any] = {
    "plan": "s3://our-control/plans/{{ run_id }}",
    "source_key": "s3://their-bucket/data/",
    "destination_key": "s3://our-bucket/from-them/",
    "recursive": True,
    "source_aws_conn_id": "s3_xfer_them",
    "dest_aws_conn_id": "s3_xfer_us",
}

with DAG(
    dag_id="example_s3_xfer_batch_array",
    description="Copy in shards, each a job of an AWS Batch array",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    render_template_as_native_obj=True,  # the size of the array is a number
    tags=["example", "s3_xfer"],
) as dag:
    # [START howto_s3_xfer_batch_array]
    plan = S3PlanOperator(
        task_id="plan", shards=1000, parallelism=64, max_requests_per_s=3000, **COPY
    )
    shards = BatchOperator(
        task_id="shards",
        job_name="s3-xfer-shards",
        job_queue="copies",
        job_definition="s3-xfer-shard",
        # An array has at least two jobs; a number that the plan does not have is nothing to do.
        array_properties={"size": "{{ [2, ti.xcom_pull(task_ids='plan') | length] | max }}"},
        parameters={"plan": COPY["plan"]},
        aws_conn_id="s3_xfer_us",
        deferrable=True,
    )
    merge = S3MergeOperator(task_id="merge", trigger_rule="all_done", **COPY)
    plan >> shards >> merge
    # [END howto_s3_xfer_batch_array]
