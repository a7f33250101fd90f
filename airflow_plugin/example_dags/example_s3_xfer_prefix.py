"""Everything below a prefix, a report of what was not copied, and a task that reads the result."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow_plugin import S3CrossAccountCopyOperator

try:
    from airflow.sdk import DAG, Asset, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.datasets import Dataset as Asset
    from airflow.decorators import task


@task
def summarize(result: dict[str, Any]) -> str:
    """Read the result, as any downstream task can."""
    copied, found = result["files_copied_successfully"], result["total_files_found"]
    return f"{copied} of {found} objects in {result['duration_seconds']} s"


with DAG(
    dag_id="example_s3_xfer_prefix",
    description="Copy everything below a prefix into another account",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    params={
        "source": "s3://their-bucket/data/",
        "destination": "s3://our-bucket/from-them/",
        "report": "s3://our-bucket/reports/",
    },
    tags=["example", "s3_xfer"],
) as dag:
    # [START howto_s3_xfer_prefix]
    copy_prefix = S3CrossAccountCopyOperator(
        task_id="copy_prefix",
        source_key="{{ params.source }}",
        destination_key="{{ params.destination }}",
        recursive=True,
        dest_aws_conn_id="s3_xfer_us",
        report_path="{{ params.report }}",  # a folder: the operator names the file
        outlets=[Asset("s3://our-bucket/from-them/")],
        retries=3,
        retry_delay=timedelta(minutes=1),
        retry_exponential_backoff=True,
        execution_timeout=timedelta(hours=6),
    )
    # [END howto_s3_xfer_prefix]
    summarize(copy_prefix.output)
