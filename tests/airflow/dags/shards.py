"""A copy in shards whose tests kill one of them."""

from __future__ import annotations

from datetime import timedelta

from airflow_plugin import copy_in_shards

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG

with DAG(dag_id="killed_shard", schedule=None, catchup=False) as killed_shard:
    copy_in_shards(
        plan="s3://control/{{ run_id }}",
        shards=3,
        parallelism=3,
        retries=2,
        retry_delay=timedelta(seconds=1),
        source_key="s3://src-bucket/shards/",
        destination_key="s3://dst-bucket/shards/",
        source_aws_conn_id="them",
        dest_aws_conn_id="us",
    )
