"""One object, to a key of its own or under its own name."""

from __future__ import annotations

from airflow_plugin import S3CrossAccountCopyOperator

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG

with DAG(
    dag_id="example_s3_xfer_single_object",
    description="Copy one object into another account",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    params={
        "source": "s3://their-bucket/data/orders.csv",
        "destination": "s3://our-bucket/from-them/orders.csv",
    },
    tags=["example", "s3_xfer"],
) as dag:
    # [START howto_s3_xfer_single_object]
    copy_object = S3CrossAccountCopyOperator(
        task_id="copy_object",
        source_key="{{ params.source }}",
        destination_key="{{ params.destination }}",
        dest_aws_conn_id="s3_xfer_us",
    )
    # [END howto_s3_xfer_single_object]
