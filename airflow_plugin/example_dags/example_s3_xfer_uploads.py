"""Abort unfinished multipart uploads that are older than a week: what killed workers leave.

Their parts cost money and are in no listing. A lifecycle rule does the same; this DAG is for
buckets where you may not set one. It aborts only what the connection's own role began.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

try:
    from airflow.sdk import DAG, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task


# [START howto_s3_xfer_uploads]
@task
def abort_old_uploads(params: dict[str, Any] | None = None) -> dict[str, int]:
    """Abort those that are old enough; fail if one is still there."""
    from airflow_plugin import account_of  # noqa: PLC0415 - not when the DAG is parsed
    from s3_xfer import CopyOptions, Janitor, S3Location  # noqa: PLC0415

    params = params or {}
    bucket = S3Location.parse(params["destination"], account=account_of("s3_xfer_us"))
    janitor = Janitor(bucket, CopyOptions())
    now, oldest_s = datetime.now(UTC), timedelta(days=params["days"]).total_seconds()
    found = list(janitor.find(sizes=False))
    old = [upload for upload in found if upload.is_ours and (upload.age_s(now) or 0) > oldest_s]
    failed = [result for result in janitor.abort(old) if result.error]
    if failed:
        raise RuntimeError(f"{len(failed)} of {len(old)} uploads could not be aborted")
    return {"found": len(found), "aborted": len(old)}


# [END howto_s3_xfer_uploads]

with DAG(
    dag_id="example_s3_xfer_uploads",
    description="Abort unfinished uploads that are older than a week",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    params={"destination": "s3://our-bucket/", "days": 7},
    tags=["example", "s3_xfer"],
) as dag:
    abort_old_uploads()
