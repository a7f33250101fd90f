"""Many prefixes, one mapped task for each: retried, watched and limited one by one.

For tens of prefixes, perhaps hundreds; never for single objects, which a task copies by itself by
the thousand. ``max_active_tis_per_dagrun`` and a pool bound how many run at once.
"""

from __future__ import annotations

from typing import Any

from airflow_plugin import S3CrossAccountCopyOperator

try:
    from airflow.sdk import DAG, TriggerRule, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task
    from airflow.utils.trigger_rule import TriggerRule


# [START howto_s3_xfer_mapped]
@task
def plan(params: dict[str, Any] | None = None) -> list[dict[str, str]]:
    """Return the arguments of one copy for each prefix."""
    params = params or {}
    return [
        {
            "source_key": f"{params['source']}{prefix}/",
            "destination_key": f"{params['destination']}{prefix}/",
        }
        for prefix in params["prefixes"]
    ]


@task(trigger_rule=TriggerRule.ALL_DONE)
def add_up(planned: list[dict[str, str]], results: Any) -> dict[str, int]:
    """Return the totals; fail if a copy is missing.

    With ALL_DONE a failed copy would otherwise go unnoticed: Airflow leaves it out of ``results``,
    or brings the counts with which it failed.
    """
    done = list(results[:]) if results else []
    failed = [one for one in done if one["state"] != "COMPLETED"]
    if failed or len(done) < len(planned):
        missing = len(planned) - len(done) + len(failed)
        raise RuntimeError(f"{missing} of {len(planned)} prefixes were not copied completely")
    return {
        "prefixes": len(done),
        "objects": sum(one["files_copied_successfully"] for one in done),
        "bytes": sum(one["total_bytes_transferred"] for one in done),
    }


with DAG(
    dag_id="example_s3_xfer_mapped",
    description="Copy many prefixes, a mapped task for each",
    schedule=None,
    catchup=False,
    params={
        "source": "s3://their-bucket/data/",
        "destination": "s3://our-bucket/mapped/",
        "prefixes": ["2024", "2025", "2026"],
    },
    tags=["example", "s3_xfer"],
) as dag:
    planned = plan()
    copies = S3CrossAccountCopyOperator.partial(
        task_id="copy_prefix",
        recursive=True,
        dest_aws_conn_id="s3_xfer_us",
        concurrency=16,
        retries=2,
        max_active_tis_per_dagrun=4,
        map_index_template="{{ task.source_key }}",
    ).expand_kwargs(planned)
    add_up(planned, copies.output)
    # [END howto_s3_xfer_mapped]
