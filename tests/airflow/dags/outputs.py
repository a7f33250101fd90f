"""A task that reads one number of a copy's result."""

from __future__ import annotations

from typing import Any

from airflow_plugin import S3CrossAccountCopyOperator

try:
    from airflow.sdk import DAG, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task  # type: ignore[attr-defined,no-redef]


@task
def expect_ten(copied: int) -> None:
    """Fail unless this many objects were copied."""
    if copied != 10:
        raise ValueError(copied)


with DAG(dag_id="read_outputs", schedule=None, catchup=False) as dag:
    copy = S3CrossAccountCopyOperator(
        task_id="copy",
        source_key="s3://their-bucket/data/",
        destination_key="s3://our-bucket/outputs/",
        recursive=True,
        dest_aws_conn_id="s3_xfer_us",
        multiple_outputs=True,
    )
    outputs: Any = copy.output
    expect_ten(outputs["files_copied_successfully"])
