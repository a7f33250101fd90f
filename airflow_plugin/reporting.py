"""Report a copy to the task's log, to asset events and to Airflow's metrics.

Airflow's log view folds the lines between ``::group::`` and ``::endgroup::``. Everything goes
through the task's logger, line by line; nothing is printed. An error while reporting does not fail
a finished copy: it is logged as a warning.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from airflow_plugin._compat import Asset, AssetAlias, BaseOperator, Logger, stats
from airflow_plugin.connections import WORKER, Side
from airflow_plugin.wording import OperatorWording
from s3_xfer import CopyOptions, CopyResult, RunMode, S3CopyOperation, result_text

RETURN_VALUE = "return_value"
# Counter -> fields of the result: what it counts, and the part that an earlier try has sent.
_COUNTERS = {
    "objects_copied": ("files_copied_successfully", "files_copied_earlier"),
    "objects_failed": ("files_failed", None),
    "objects_skipped": ("files_skipped", "files_skipped_earlier"),
    "bytes_copied": ("total_bytes_transferred", "bytes_copied_earlier"),
    "request_retries": ("retries", None),
    "throttles": ("throttles", None),
}
# Airflow drops a metric whose name has another character or is longer, its prefix included.
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]")
_LONGEST_NAME = 220
_ASSET_FIELDS = (
    "operation_id",
    "files_copied_successfully",
    "files_skipped",
    "files_failed",
    "total_bytes_transferred",
)


def log_settings(
    log: Logger, operation: S3CopyOperation, sides: Sequence[Side], wording: OperatorWording
) -> None:
    """Log what is copied, with which credentials, and which options differ from the defaults."""
    keys = operation.key_maps()
    log.info("copying %s to %s", keys.source_url, keys.destination.url)
    with _folded(log, "Settings"):
        for side, account in zip(sides, (operation.source, operation.destination), strict=True):
            identity = f"connection {side.aws_conn_id}" if side.aws_conn_id else f"the {WORKER}"
            log.info(
                "%s: %s, endpoint %s", side.name, identity, account.endpoint_url or "AWS's own"
            )
        log.info("recursive: %s, overwrite: %s", operation.recursive, operation.overwrite)
        defaults = CopyOptions()
        for field in dataclasses.fields(CopyOptions):
            value = getattr(operation.options, field.name)
            if value != getattr(defaults, field.name):
                log.info("%s: %s", field.name, wording.say(str(getattr(value, "value", value))))


def log_result(
    log: Logger,
    operation: S3CopyOperation,
    result: CopyResult,
    result_json: Mapping[str, Any],
    wording: OperatorWording,
) -> None:
    """Log the result: for people, and as one line of JSON for machines."""
    keys = operation.key_maps()
    report = result_json["report"]  # where it was delivered, not where the library wrote it
    text = result_text(
        dataclasses.replace(result, report_path=None),
        source_url=keys.source_url,
        destination_url=keys.destination.url,
        dry_run=operation.options.mode is RunMode.DRY_RUN,
        wording=wording,
    )
    if report:
        text += f"\nThe report of what was not copied: {report}"
    log_text(log, text, result_json)


def log_text(log: Logger, text: str, result_json: Mapping[str, Any]) -> None:
    """Log a result: ``text`` for people, and one line of JSON for machines."""
    for line in text.splitlines():
        log.info("%s", line)
    with _folded(log, "Result as JSON"):
        log.info("s3_xfer_result %s", json.dumps(result_json))


@contextmanager
def _folded(log: Logger, title: str) -> Iterator[None]:
    log.info("::group::%s", title)
    try:
        yield
    finally:
        log.info("::endgroup::")


def update_asset_events(
    context: Any, outlets: Any, uri: str, result_json: Mapping[str, Any]
) -> None:
    """Add the counts to the event of every outlet; an alias gets the destination as its asset.

    The asset of a prefix has no slash at the end, as in the schedules of DAGs that wait for it.
    """
    extra = {name: result_json[name] for name in _ASSET_FIELDS}
    uri = uri.rstrip("/")
    for outlet in outlets:
        if isinstance(outlet, AssetAlias):
            context["outlet_events"][outlet].add(Asset(uri), extra=extra)
        elif isinstance(outlet, Asset):
            context["outlet_events"][outlet].extra.update(extra)


def without_asset_events(context: Any) -> None:
    """Let the task of ``context`` emit no event when it succeeds: a dry run has written nothing."""
    ti = context["ti"]
    if getattr(ti, "task", None) is not None:
        ti.task = copy.copy(ti.task)  # the DAG's own keeps its outlets
        ti.task.outlets = []


def emit_metrics(task: BaseOperator, result_json: Mapping[str, Any]) -> None:
    """Send counters and the duration to Airflow's metrics, each twice.

    Once with DAG and task as tags, and once with both in the name, because plain StatsD drops tags.
    Airflow does the same with its own.
    """
    tags = {"dag_id": task.dag_id, "task_id": task.task_id}
    by_task = _NOT_IN_NAMES.sub("_", f"{task.dag_id}.{task.task_id}")
    for name, (field, field_earlier) in _COUNTERS.items():
        count = result_json[field] - (result_json[field_earlier] if field_earlier else 0)
        if count:
            stats.incr(f"s3_xfer.{name}", count, tags=tags)
            stats.incr(f"s3_xfer.{name}.{by_task}"[:_LONGEST_NAME], count)
    duration = timedelta(seconds=result_json["duration_seconds"])
    stats.timing("s3_xfer.duration", duration, tags=tags)
    stats.timing(f"s3_xfer.duration.{by_task}"[:_LONGEST_NAME], duration)


@contextmanager
def errors_as_warnings(log: Logger, subject: str) -> Iterator[None]:
    """Log an error inside the block as a warning about ``subject``."""
    try:
        yield
    except Exception:
        log.warning("%s could not be told", subject, exc_info=True)
