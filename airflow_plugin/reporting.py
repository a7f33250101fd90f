"""Report a copy to the task's log, to asset events and to Airflow's metrics.

Airflow's log view folds the lines between ``::group::`` and ``::endgroup::``. Everything goes
through the task's logger, line by line; nothing is printed. An error while reporting does not fail
a finished copy: it is logged as a warning.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from airflow_plugin._compat import Asset, AssetAlias, Logger, stats
from airflow_plugin.connections import Side
from airflow_plugin.wording import OperatorWording
from s3_xfer import CopyOptions, CopyResult, RunMode, S3CopyOperation, result_text

RETURN_VALUE = "return_value"
_WORKER = "the worker's identity"
_COUNTERS = {
    "objects_copied": "files_copied_successfully",
    "objects_failed": "files_failed",
    "objects_skipped": "files_skipped",
    "bytes_copied": "total_bytes_transferred",
    "request_retries": "retries",
    "throttles": "throttles",
}
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
    keys = operation.key_map()
    log.info("copying %s to %s", keys.source.url, keys.destination.url)
    with _folded(log, "Settings"):
        for side, account in zip(
            sides, (keys.source.account, keys.destination.account), strict=True
        ):
            identity = f"connection {side.aws_conn_id}" if side.aws_conn_id else _WORKER
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
    keys = operation.key_map()
    report = result_json["report"]  # where it was delivered, not where the library wrote it
    text = result_text(
        dataclasses.replace(result, report_path=None),
        source_url=keys.source.url,
        destination_url=keys.destination.url,
        dry_run=operation.options.mode is RunMode.DRY_RUN,
        wording=wording,
    )
    for line in text.splitlines():
        log.info("%s", line)
    if report:
        log.info("The report of what was not copied: %s", report)
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
    """Add the counts to the event of every outlet; an alias gets the destination as its asset."""
    extra = {name: result_json[name] for name in _ASSET_FIELDS}
    for outlet in outlets:
        if isinstance(outlet, AssetAlias):
            context["outlet_events"][outlet].add(Asset(uri), extra=extra)
        elif isinstance(outlet, Asset):
            context["outlet_events"][outlet].extra.update(extra)


def emit_metrics(tags: Mapping[str, str], result_json: Mapping[str, Any]) -> None:
    """Send counters and the duration to Airflow's metrics."""
    for name, field in _COUNTERS.items():
        if result_json[field]:
            stats.incr(f"s3_xfer.{name}", result_json[field], tags=dict(tags))
    duration = timedelta(seconds=result_json["duration_seconds"])
    stats.timing("s3_xfer.duration", duration, tags=dict(tags))


@contextmanager
def errors_as_warnings(log: Logger, subject: str) -> Iterator[None]:
    """Log an error inside the block as a warning about ``subject``."""
    try:
        yield
    except Exception:
        log.warning("%s could not be told", subject, exc_info=True)
