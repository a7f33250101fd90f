"""Two accounts, the connections to them, and a task between them."""

from __future__ import annotations

import json
import logging
from typing import Any

from airflow_plugin import S3CrossAccountCopyOperator
from s3_xfer.units import MIB
from tests.world import DESTINATION_KEY, DST, SOURCE_KEY, SRC, World

THEM, US = "them", "us"
SECRET = "wJalrXUtnFEMI-the-secret-key"


def connection(access_key: str, url: str, **extra: Any) -> str:
    """Return an Airflow connection as JSON."""
    return json.dumps(
        {
            "conn_type": "aws",
            "login": access_key,
            "password": SECRET,
            "extra": {
                "endpoint_url": url,
                "region_name": "us-east-1",
                "service_config": {"sts": {"endpoint_url": url}},
                **extra,
            },
        }
    )


class Ti:
    """What the operator needs of a task instance, where no Airflow runs the task."""

    dag_id, run_id, task_id = "dag", "manual__2026-01-01T00:00:00+00:00", "copy"

    def __init__(self, try_number: int, *, map_index: int = -1) -> None:
        self.try_number = try_number
        self.map_index = map_index
        self.xcoms: dict[str, Any] = {}
        self.task: Any = None

    def xcom_push(self, key: str, value: Any, **_: Any) -> None:
        """Keep what is pushed; Airflow 2 also gives the date of the run."""
        self.xcoms[key] = value


class Stage(World):
    """The fault server's world with connections; ``ti`` is that of the last task."""

    def connections(self) -> dict[str, str]:
        """Return the environment that makes both connections."""
        url = self.server.url
        return {
            "AIRFLOW_CONN_THEM": connection(SOURCE_KEY, url),
            "AIRFLOW_CONN_US": connection(DESTINATION_KEY, url),
        }

    def task(self, **changes: Any) -> S3CrossAccountCopyOperator:
        """Return a task that copies a prefix from one account to the other."""
        arguments: dict[str, Any] = {
            "task_id": "copy",
            "source_bucket": SRC,
            "source_key": "in/",
            "destination_bucket": DST,
            "destination_key": "out/",
            "recursive": True,
            "source_aws_conn_id": THEM,
            "dest_aws_conn_id": US,
            "concurrency": 4,
            "multipart_threshold_bytes": 16 * MIB,
            "part_size_bytes": 8 * MIB,
            "request_retry_delay_s": 0.01,
        }
        return S3CrossAccountCopyOperator(**(arguments | changes))

    def execute(
        self, *, try_number: int = 1, ti: Ti | None = None, **changes: Any
    ) -> dict[str, Any]:
        """Execute such a task and return its result."""
        self.ti = ti or Ti(try_number)
        context: Any = {"ti": self.ti, "outlet_events": {}}
        task: Any = self.task(**changes)
        # Airflow 3 does not log through the handlers that pytest listens to.
        task._log = task._cached_logger = logging.getLogger("task")
        result: dict[str, Any] = task.execute(context)
        return result
