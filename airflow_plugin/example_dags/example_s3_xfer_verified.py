"""Look first, copy, then compare: a copy that is proven.

`preflight` tries every step and says what is denied; `copy` copies; `verify` compares both sides
and fails if anything is missing or different.
"""

from __future__ import annotations

from typing import Any

from airflow_plugin import S3CrossAccountCheckOperator, S3CrossAccountCopyOperator

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG

with DAG(
    dag_id="example_s3_xfer_verified",
    description="Preflight, copy and check",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    params={"source": "s3://their-bucket/data/", "destination": "s3://our-bucket/verified/"},
    tags=["example", "s3_xfer"],
) as dag:
    # [START howto_s3_xfer_verified]
    between: dict[str, Any] = {
        "source_key": "{{ params.source }}",
        "destination_key": "{{ params.destination }}",
        "recursive": True,
        "dest_aws_conn_id": "s3_xfer_us",
    }
    preflight = S3CrossAccountCopyOperator(task_id="preflight", preflight_only=True, **between)
    copy = S3CrossAccountCopyOperator(task_id="copy", **between)
    verify = S3CrossAccountCheckOperator(task_id="verify", on_difference="fail", **between)
    preflight >> copy >> verify
    # [END howto_s3_xfer_verified]
