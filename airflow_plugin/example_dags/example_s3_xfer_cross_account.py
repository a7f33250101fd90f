"""Two accounts, a role in each: one lists the source, the other copies."""

from __future__ import annotations

from airflow_plugin import S3CrossAccountCopyOperator

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG

with DAG(
    dag_id="example_s3_xfer_cross_account",
    description="Copy between accounts with a role on each side",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    params={
        "source_bucket": "their-bucket",
        "source_owner": "111111111111",
        "destination_bucket": "our-bucket",
        "destination_owner": "222222222222",
    },
    tags=["example", "s3_xfer"],
) as dag:
    # [START howto_s3_xfer_cross_account]
    copy_between_accounts = S3CrossAccountCopyOperator(
        task_id="copy_between_accounts",
        source_bucket="{{ params.source_bucket }}",
        source_key="data/",
        destination_bucket="{{ params.destination_bucket }}",
        destination_key="from-them/{{ run_id }}/",
        recursive=True,
        source_aws_conn_id="s3_xfer_them",  # a role that may list their bucket
        dest_aws_conn_id="s3_xfer_us",  # a role of ours that their bucket's policy lets read
        source_bucket_owner="{{ params.source_owner }}",
        dest_bucket_owner="{{ params.destination_owner }}",
        storage_class="INTELLIGENT_TIERING",
        fail_on_error=True,
    )
    # [END howto_s3_xfer_cross_account]
