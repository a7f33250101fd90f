"""Tell log, assets and metrics how a copy goes.

Lines between ``::group::`` and ``::endgroup::`` are folded by Airflow's log view. Everything goes
through the task's logger; nothing is printed, and no line moves. Refuses to make a finished copy
fail: what cannot be told is a warning.
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
from s3_xfer import CopyOptions, CopyResult, RunMode, S3CopyOperation, result_text

RETURN_VALUE = "return_value"
_COUNTERS = {
    "objects_copied": "files_copied_successfully",
    "objects_failed": "files_failed",
    "objects_skipped": "files_skipped",
    "bytes_copied": "total_bytes_transferred",
    "request_retries": "retries",
    "throttles": "throttles",
}
_EXTRA = (
    "operation_id",
    "files_copied_successfully",
    "files_skipped",
    "files_failed",
    "total_bytes_transferred",
)


def log_settings(log: Logger, operation: S3CopyOperation, sides: Sequence[Side]) -> None:
    """Say what will be copied, as whom, and which options are not the usual ones."""
    keys = operation.key_map()
    log.info("copying %s to %s", keys.source.url, keys.destination.url)
    with _folded(log, "Settings"):
        for side, account in zip(
            sides, (keys.source.account, keys.destination.account), strict=True
        ):
            who = f"connection {side.aws_conn_id}" if side.aws_conn_id else "the worker's identity"
            log.info("%s: %s, endpoint %s", side.name, who, account.endpoint_url or "AWS's own")
        log.info("recursive: %s, overwrite: %s", operation.recursive, operation.overwrite)
        usual = CopyOptions()
        for field in dataclasses.fields(CopyOptions):
            value = getattr(operation.options, field.name)
            if value != getattr(usual, field.name):
                log.info("%s: %s", field.name, getattr(value, "value", value))


def log_result(
    log: Logger, operation: S3CopyOperation, result: CopyResult, plain: Mapping[str, Any]
) -> None:
    """Say how it ended: for people, and as one line of JSON for machines."""
    keys = operation.key_map()
    delivered = plain["report"]  # perhaps elsewhere than where the library wrote it
    text = result_text(
        dataclasses.replace(result, report_path=None),
        source_url=keys.source.url,
        destination_url=keys.destination.url,
        dry_run=operation.options.mode is RunMode.DRY_RUN,
    )
    for line in text.splitlines():
        log.info("%s", line)
    if delivered:
        log.info("The report of what was not copied: %s", delivered)
    with _folded(log, "Result as JSON"):
        log.info("s3_xfer_result %s", json.dumps(plain))


@contextmanager
def _folded(log: Logger, title: str) -> Iterator[None]:
    log.info("::group::%s", title)
    try:
        yield
    finally:
        log.info("::endgroup::")


def tell_assets(context: Any, outlets: Any, uri: str, result: Mapping[str, Any]) -> None:
    """Give every outlet's event the counts; an alias gets the destination as its asset."""
    extra = {name: result[name] for name in _EXTRA}
    for outlet in outlets:
        if isinstance(outlet, AssetAlias):
            context["outlet_events"][outlet].add(Asset(uri), extra=extra)
        elif isinstance(outlet, Asset):
            context["outlet_events"][outlet].extra.update(extra)


def tell_metrics(tags: Mapping[str, str], result: Mapping[str, Any]) -> None:
    """Send counters and the duration to Airflow's metrics."""
    for name, field in _COUNTERS.items():
        if result[field]:
            stats.incr(f"s3_xfer.{name}", result[field], tags=dict(tags))
    duration = timedelta(seconds=result["duration_seconds"])
    stats.timing("s3_xfer.duration", duration, tags=dict(tags))


@contextmanager
def not_worth_failing(log: Logger, what: str) -> Iterator[None]:
    """Turn an error inside the block into a warning."""
    try:
        yield
    except Exception:
        log.warning("%s could not be told", what, exc_info=True)
