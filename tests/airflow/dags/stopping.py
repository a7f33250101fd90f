"""Copies that last until they are stopped: the tests' server answers parts very slowly."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow_plugin import S3CrossAccountCopyOperator

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG

MIB = 1024 * 1024


def copy(prefix: str, **settings: Any) -> S3CrossAccountCopyOperator:
    """Return a task that copies small objects and one large, in parts."""
    return S3CrossAccountCopyOperator(
        task_id="copy",
        source_key=f"s3://src-bucket/{prefix}/",
        destination_key=f"s3://dst-bucket/{prefix}/",
        recursive=True,
        source_aws_conn_id="them",
        dest_aws_conn_id="us",
        concurrency=4,
        multipart_threshold_bytes=16 * MIB,
        part_size_bytes=8 * MIB,
        retry_delay=timedelta(seconds=1),
        **settings,
    )


with DAG(dag_id="stop_failed", schedule=None, catchup=False) as stop_failed:
    copy("failed")

with DAG(dag_id="stop_cleared", schedule=None, catchup=False) as stop_cleared:
    copy("cleared", retries=0)

with DAG(dag_id="stop_timeout", schedule=None, catchup=False) as stop_timeout:
    copy("timeout", execution_timeout=timedelta(seconds=45))

with DAG(dag_id="stop_sigterm", schedule=None, catchup=False) as stop_sigterm:
    copy("sigterm")
