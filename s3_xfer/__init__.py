"""Copy S3 objects between AWS accounts, server-side: fast, verified, fully accounted.

Describe a copy, run it, look at how it ended::

    from s3_xfer import AccountContext, S3CopyOperation

    operation = S3CopyOperation(
        source_bucket="their-bucket", source_key="data/",
        destination_bucket="our-bucket", destination_key="from-them/",
        recursive=True,
        source=AccountContext(profile="them"),
        destination=AccountContext(profile="us"),
    )
    result = operation.run()
    print(result.metrics.files_copied_successfully)
    result.raise_for_failures()

or in one line: ``s3_xfer.copy("s3://their-bucket/data/", "s3://our-bucket/x/", recursive=True)``;
or watch it: ``with operation.start() as run:``, then poll ``run.snapshot()``, iterate over
``run.outcomes()``, ``run.cancel()``, ``run.result()``; :func:`progress_text` and
:func:`result_text` say it in words, :func:`result_html` on a page. In an event loop:
``await operation.run_async()``.

:class:`S3CheckOperation` takes the same places and compares them, without writing anything::

    found = S3CheckOperation(..., compare=frozenset({CompareField.CHECKSUMS})).run()
    found.no_difference, found.totals.counts[CompareStatus.MISSING]

Everything here is typed; what is not in ``__all__`` is private.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

from s3_xfer.comparison import CompareField, CompareResult, CompareStatus, Extra, FailOn
from s3_xfer.declarations import Declaration, declarations_of
from s3_xfer.errors import (
    CopyFailed,
    Diagnosis,
    ErrorClass,
    ErrorInfo,
    JournalError,
    ListError,
    Missing,
    ObjectError,
    PlanError,
    PreflightError,
    ReportError,
    RetryAction,
    RunAborted,
    RunCancelled,
    S3XferError,
    ValidationError,
    translate,
)
from s3_xfer.ledger.comparison import CheckResult, CompareSummary
from s3_xfer.ledger.metrics import MetricsCollector, TransferMetrics
from s3_xfer.ledger.rate import RateMeter, Rates
from s3_xfer.ledger.result import CopyResult, RunState
from s3_xfer.model import (
    AccountContext,
    Copied,
    CopyReason,
    CopyTask,
    Deleted,
    DeleteTask,
    Failed,
    NotAttempted,
    OpenUpload,
    Outcome,
    S3Location,
    S3Object,
    Skipped,
    SkipReason,
)
from s3_xfer.options import (
    CannedAcl,
    ChecksumAlgorithm,
    CompareBy,
    CopyOptions,
    Delete,
    Encryption,
    Engine,
    Identical,
    JournalUse,
    Preflight,
    ReportScope,
    RunMode,
    SecondChance,
    SourceCheck,
    StorageClass,
    TagPolicy,
)
from s3_xfer.planning.delete_plan import DeletePlan
from s3_xfer.planning.shards import Shard
from s3_xfer.planning.steps import Copy, Decision, Planned, Refuse, Skip
from s3_xfer.version import VERSION
from s3_xfer.wording import Phrase, Wording

if TYPE_CHECKING:
    from s3_xfer.access.doctor import DoctorReport, examine
    from s3_xfer.batch.collect import CollectResult
    from s3_xfer.batch.jobs import JobProgress, SubmittedJob
    from s3_xfer.batch.library import (
        collect_batch_job,
        describe_batch_job,
        make_batch_plan,
        submit_batch_job,
    )
    from s3_xfer.batch.plan import BatchPlan
    from s3_xfer.operations import (
        S3CheckOperation,
        S3CopyOperation,
        S3SyncOperation,
        check,
        copy,
        sync,
    )
    from s3_xfer.plans.document import Plan
    from s3_xfer.plans.library import copy_shard, make_plan, merge_plan
    from s3_xfer.plans.merged_result import MergedResult
    from s3_xfer.plans.records import ShardRecord
    from s3_xfer.render.check import check_text
    from s3_xfer.render.copy_summary import result_text
    from s3_xfer.render.doctor import doctor_text
    from s3_xfer.render.html.checks import check_html
    from s3_xfer.render.html.copies import result_html
    from s3_xfer.render.progress import progress_text
    from s3_xfer.runs.check import CheckRun
    from s3_xfer.runs.copy import CopyRun
    from s3_xfer.session import Session
    from s3_xfer.undelete import NotRestored, Restored, UndoOutcome, UndoResult, undo
    from s3_xfer.uploads import AbortResult, Janitor, UnfinishedUpload

__version__ = VERSION

__all__ = [
    "AbortResult",
    "AccountContext",
    "BatchPlan",
    "CannedAcl",
    "CheckResult",
    "CheckRun",
    "ChecksumAlgorithm",
    "CollectResult",
    "CompareBy",
    "CompareField",
    "CompareResult",
    "CompareStatus",
    "CompareSummary",
    "Copied",
    "Copy",
    "CopyFailed",
    "CopyOptions",
    "CopyReason",
    "CopyResult",
    "CopyRun",
    "CopyTask",
    "Decision",
    "Declaration",
    "Delete",
    "DeletePlan",
    "DeleteTask",
    "Deleted",
    "Diagnosis",
    "DoctorReport",
    "Encryption",
    "Engine",
    "ErrorClass",
    "ErrorInfo",
    "Extra",
    "FailOn",
    "Failed",
    "Identical",
    "Janitor",
    "JobProgress",
    "JournalError",
    "JournalUse",
    "ListError",
    "MergedResult",
    "MetricsCollector",
    "Missing",
    "NotAttempted",
    "NotRestored",
    "ObjectError",
    "OpenUpload",
    "Outcome",
    "Phrase",
    "Plan",
    "PlanError",
    "Planned",
    "Preflight",
    "PreflightError",
    "RateMeter",
    "Rates",
    "Refuse",
    "ReportError",
    "ReportScope",
    "Restored",
    "RetryAction",
    "RunAborted",
    "RunCancelled",
    "RunMode",
    "RunState",
    "S3CheckOperation",
    "S3CopyOperation",
    "S3Location",
    "S3Object",
    "S3SyncOperation",
    "S3XferError",
    "SecondChance",
    "Session",
    "Shard",
    "ShardRecord",
    "Skip",
    "SkipReason",
    "Skipped",
    "SourceCheck",
    "StorageClass",
    "SubmittedJob",
    "TagPolicy",
    "TransferMetrics",
    "UndoOutcome",
    "UndoResult",
    "UnfinishedUpload",
    "ValidationError",
    "Wording",
    "check",
    "check_html",
    "check_text",
    "collect_batch_job",
    "copy",
    "copy_shard",
    "declarations_of",
    "describe_batch_job",
    "doctor_text",
    "examine",
    "make_batch_plan",
    "make_plan",
    "merge_plan",
    "progress_text",
    "result_html",
    "result_text",
    "submit_batch_job",
    "sync",
    "translate",
    "undo",
]

logging.getLogger("s3_xfer").addHandler(logging.NullHandler())


# What needs boto3, or draws, is imported when it is first asked for: ``s3-xfer --help`` never does.
_LAZY = {
    "AbortResult": "s3_xfer.uploads",
    "DoctorReport": "s3_xfer.access.doctor",
    "Janitor": "s3_xfer.uploads",
    "UnfinishedUpload": "s3_xfer.uploads",
    "check_text": "s3_xfer.render.check",
    "doctor_text": "s3_xfer.render.doctor",
    "examine": "s3_xfer.access.doctor",
    "CheckRun": "s3_xfer.runs.check",
    "S3CheckOperation": "s3_xfer.operations",
    "CopyRun": "s3_xfer.runs.copy",
    "S3CopyOperation": "s3_xfer.operations",
    "S3SyncOperation": "s3_xfer.operations",
    "Session": "s3_xfer.session",
    "sync": "s3_xfer.operations",
    "check": "s3_xfer.operations",
    "BatchPlan": "s3_xfer.batch.plan",
    "CollectResult": "s3_xfer.batch.collect",
    "JobProgress": "s3_xfer.batch.jobs",
    "MergedResult": "s3_xfer.plans.merged_result",
    "Plan": "s3_xfer.plans.document",
    "ShardRecord": "s3_xfer.plans.records",
    "SubmittedJob": "s3_xfer.batch.jobs",
    "collect_batch_job": "s3_xfer.batch.library",
    "copy": "s3_xfer.operations",
    "copy_shard": "s3_xfer.plans.library",
    "describe_batch_job": "s3_xfer.batch.library",
    "make_batch_plan": "s3_xfer.batch.library",
    "make_plan": "s3_xfer.plans.library",
    "merge_plan": "s3_xfer.plans.library",
    "progress_text": "s3_xfer.render.progress",
    "check_html": "s3_xfer.render.html.checks",
    "result_html": "s3_xfer.render.html.copies",
    "result_text": "s3_xfer.render.copy_summary",
    "NotRestored": "s3_xfer.undelete",
    "Restored": "s3_xfer.undelete",
    "UndoOutcome": "s3_xfer.undelete",
    "UndoResult": "s3_xfer.undelete",
    "undo": "s3_xfer.undelete",
    "submit_batch_job": "s3_xfer.batch.library",
}


def __getattr__(name: str) -> Any:
    """Return what is imported late."""
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 's3_xfer' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return what completion and ``help()`` show: the promise, imported yet or not."""
    return sorted({*globals(), *__all__})
