"""Snapshots and results with known numbers, for tests that compare text."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from s3_xfer.cli.wording import COMMAND_LINE
from s3_xfer.errors import ErrorClass, ErrorInfo, ObjectError
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.prices import Bill
from s3_xfer.ledger.rate import Rates
from s3_xfer.ledger.result import CopyResult, RunState
from s3_xfer.model import CopyTask, Failed, S3Object
from s3_xfer.render.context import Context
from s3_xfer.units import GIB, MIB

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOSTILE_KEY = "data/\x1b[2Jevil\nfailed=0 \u202egnp.exe"
BILL = Bill(250.275, "AWS list prices of 1999 (here)")
RATES = Rates(objects_per_s=612.4, bytes_per_s=61.2 * MIB, eta_s=62.0)
CONTEXT = Context(
    source_url="s3://src/data/",
    destination_url="s3://dst/data/",
    rerun="s3-xfer copy s3://src/data/ s3://dst/data/ --recursive --from-report r.jsonl",
    wording=COMMAND_LINE,
)


def metrics(**changed: Any) -> TransferMetrics:
    """Return the snapshot of a run in the middle of copying."""
    usual = TransferMetrics(
        operation_id="op",
        start_time=START,
        end_time=None,
        duration_s=83.0,
        total_files_found=50_000,
        files_copied_successfully=12_300,
        files_skipped=20,
        files_failed=3,
        total_bytes_found=5 * GIB,
        total_bytes_transferred=1229 * MIB,
        bytes_skipped=MIB,
        bytes_failed=12 * 1024,
        listing_complete=True,
        retries=5,
        throttles=2,
        requests={"ListObjectsV2": 50, "CopyObject": 12_328},
        skips_by_reason={"already exists at the destination": 20},
        errors_by_class={"AccessDenied": 2, "Throttled": 1},
    )
    return replace(usual, **changed)


def failed(
    key: str,
    kind: ErrorClass = ErrorClass.ACCESS_DENIED,
    *,
    message: str = "Access Denied",
    code: str = "AccessDenied",
) -> Failed:
    """Return the failure of one object."""
    info = ErrorInfo(
        error_class=kind, code=code, message=message, http_status=403, request_id="TX1"
    )
    task = CopyTask(S3Object(bucket="src", key=key, size=4096), "dst", key)
    return Failed(task, ObjectError(info), traceback="Traceback:\n  in \x1b[31mred")


def ended(**changed: Any) -> TransferMetrics:
    """Return the metrics of a run that finished, with failures."""
    return metrics(
        end_time=START + timedelta(seconds=83),
        files_copied_successfully=49_977,
        total_bytes_transferred=5 * GIB - MIB - 12 * 1024,
        requests={"ListObjectsV2": 50, "CopyObject": 50_005},
        **changed,
    )


def result(**changed: Any) -> CopyResult:
    """Return the end of that run."""
    usual = CopyResult(
        state=RunState.COPY_FAILED,
        metrics=ended(),
        bill=BILL,
        failures=(failed("data/a"), failed("data/b"), failed("data/c", ErrorClass.THROTTLED)),
    )
    return replace(usual, **changed)


def clean(**changed: Any) -> CopyResult:
    """Return the end of a run in which everything was copied."""
    numbers = ended(
        files_failed=0,
        files_skipped=0,
        bytes_skipped=0,
        bytes_failed=0,
        retries=0,
        throttles=0,
        errors_by_class={},
        skips_by_reason={},
    )
    numbers = replace(numbers, files_copied_successfully=50_000, total_bytes_transferred=5 * GIB)
    usual = CopyResult(state=RunState.COMPLETED, metrics=numbers, bill=BILL)
    return replace(usual, **changed)
