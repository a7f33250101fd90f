"""Copies that end by themselves, each in its own way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow_plugin import S3CopyThrottledError, S3CrossAccountCopyOperator
from airflow_plugin._compat import AssetAlias

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG


def copy(prefix: str, **settings: Any) -> S3CrossAccountCopyOperator:
    """Return a task that copies a prefix."""
    arguments: dict[str, Any] = {
        "task_id": "copy",
        "source_key": f"s3://src-bucket/{prefix}/",
        "destination_key": "s3://dst-bucket/{{ dag.dag_id }}/",
        "recursive": True,
        "source_aws_conn_id": "them",
        "dest_aws_conn_id": "us",
        "request_retries": 0,
        "second_chance": "skip",
        "retry_delay": timedelta(seconds=1),
    }
    return S3CrossAccountCopyOperator(**(arguments | settings))


with DAG(dag_id="end_retried", schedule=None, catchup=False) as end_retried:
    copy("retried", retries=1)

with DAG(dag_id="end_permanent", schedule=None, catchup=False) as end_permanent:
    copy("permanent", retries=3, destination_key="s3://no-such-bucket/x/")

with DAG(dag_id="end_partial", schedule=None, catchup=False) as end_partial:
    copy("partial", retries=3)

with DAG(dag_id="end_alias", schedule=None, catchup=False) as end_alias:
    copy("alias", outlets=[AssetAlias("copied")])

try:
    from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule
except ImportError:  # Airflow 3.3 has them
    pass
else:
    with DAG(dag_id="end_policy", schedule=None, catchup=False) as end_policy:
        no_retry = RetryRule(exception=S3CopyThrottledError, action=RetryAction.FAIL)
        copy("policy", retries=3, retry_policy=ExceptionRetryPolicy(rules=[no_retry]))
