"""Many prefixes, one mapped task for each, with retries and a state of its own.

For tens of prefixes, perhaps hundreds; never for single objects, of which one task copies
thousands. ``max_active_tis_per_dagrun`` and a pool bound how many run at once.
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
    or includes the counts with which it failed.
    """
    copies = list(results[:]) if results else []
    failed = [copy for copy in copies if copy["state"] != "COMPLETED"]
    if failed or len(copies) < len(planned):
        missing = len(planned) - len(copies) + len(failed)
        raise RuntimeError(f"{missing} of {len(planned)} prefixes were not copied completely")
    return {
        "prefixes": len(copies),
        "objects": sum(copy["files_copied_successfully"] for copy in copies),
        "bytes": sum(copy["total_bytes_transferred"] for copy in copies),
    }


with DAG(
    dag_id="example_s3_xfer_mapped",
    description="Copy many prefixes, a mapped task for each",
    doc_md=__doc__,
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
