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

from s3_xfer.version import VERSION

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
    from s3_xfer.operations import (
        S3CheckOperation,
        S3CopyOperation,
        S3SyncOperation,
        check,
        copy,
        sync,
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
    from s3_xfer.wording import Phrase, Wording

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


# Each is imported when it is first asked for: a program needs few of them, and every module is time
# before its first request.
_LAZY = {
    "AbortResult": "s3_xfer.uploads",
    "AccountContext": "s3_xfer.model",
    "BatchPlan": "s3_xfer.batch.plan",
    "CannedAcl": "s3_xfer.options",
    "CheckResult": "s3_xfer.ledger.comparison",
    "CheckRun": "s3_xfer.runs.check",
    "ChecksumAlgorithm": "s3_xfer.options",
    "CollectResult": "s3_xfer.batch.collect",
    "CompareBy": "s3_xfer.options",
    "CompareField": "s3_xfer.comparison",
    "CompareResult": "s3_xfer.comparison",
    "CompareStatus": "s3_xfer.comparison",
    "CompareSummary": "s3_xfer.ledger.comparison",
    "Copied": "s3_xfer.model",
    "Copy": "s3_xfer.planning.steps",
    "CopyFailed": "s3_xfer.errors",
    "CopyOptions": "s3_xfer.options",
    "CopyReason": "s3_xfer.model",
    "CopyResult": "s3_xfer.ledger.result",
    "CopyRun": "s3_xfer.runs.copy",
    "CopyTask": "s3_xfer.model",
    "Decision": "s3_xfer.planning.steps",
    "Declaration": "s3_xfer.declarations",
    "Delete": "s3_xfer.options",
    "DeletePlan": "s3_xfer.planning.delete_plan",
    "DeleteTask": "s3_xfer.model",
    "Deleted": "s3_xfer.model",
    "Diagnosis": "s3_xfer.errors",
    "DoctorReport": "s3_xfer.access.doctor",
    "Encryption": "s3_xfer.options",
    "Engine": "s3_xfer.options",
    "ErrorClass": "s3_xfer.errors",
    "ErrorInfo": "s3_xfer.errors",
    "Extra": "s3_xfer.comparison",
    "FailOn": "s3_xfer.comparison",
    "Failed": "s3_xfer.model",
    "Identical": "s3_xfer.options",
    "Janitor": "s3_xfer.uploads",
    "JobProgress": "s3_xfer.batch.jobs",
    "JournalError": "s3_xfer.errors",
    "JournalUse": "s3_xfer.options",
    "ListError": "s3_xfer.errors",
    "MergedResult": "s3_xfer.plans.merged_result",
    "MetricsCollector": "s3_xfer.ledger.metrics",
    "Missing": "s3_xfer.errors",
    "NotAttempted": "s3_xfer.model",
    "NotRestored": "s3_xfer.undelete",
    "ObjectError": "s3_xfer.errors",
    "OpenUpload": "s3_xfer.model",
    "Outcome": "s3_xfer.model",
    "Phrase": "s3_xfer.wording",
    "Plan": "s3_xfer.plans.document",
    "PlanError": "s3_xfer.errors",
    "Planned": "s3_xfer.planning.steps",
    "Preflight": "s3_xfer.options",
    "PreflightError": "s3_xfer.errors",
    "RateMeter": "s3_xfer.ledger.rate",
    "Rates": "s3_xfer.ledger.rate",
    "Refuse": "s3_xfer.planning.steps",
    "ReportError": "s3_xfer.errors",
    "ReportScope": "s3_xfer.options",
    "Restored": "s3_xfer.undelete",
    "RetryAction": "s3_xfer.errors",
    "RunAborted": "s3_xfer.errors",
    "RunCancelled": "s3_xfer.errors",
    "RunMode": "s3_xfer.options",
    "RunState": "s3_xfer.ledger.result",
    "S3CheckOperation": "s3_xfer.operations",
    "S3CopyOperation": "s3_xfer.operations",
    "S3Location": "s3_xfer.model",
    "S3Object": "s3_xfer.model",
    "S3SyncOperation": "s3_xfer.operations",
    "S3XferError": "s3_xfer.errors",
    "SecondChance": "s3_xfer.options",
    "Session": "s3_xfer.session",
    "Shard": "s3_xfer.planning.shards",
    "ShardRecord": "s3_xfer.plans.records",
    "Skip": "s3_xfer.planning.steps",
    "SkipReason": "s3_xfer.model",
    "Skipped": "s3_xfer.model",
    "SourceCheck": "s3_xfer.options",
    "StorageClass": "s3_xfer.options",
    "SubmittedJob": "s3_xfer.batch.jobs",
    "TagPolicy": "s3_xfer.options",
    "TransferMetrics": "s3_xfer.ledger.metrics",
    "UndoOutcome": "s3_xfer.undelete",
    "UndoResult": "s3_xfer.undelete",
    "UnfinishedUpload": "s3_xfer.uploads",
    "ValidationError": "s3_xfer.errors",
    "Wording": "s3_xfer.wording",
    "check": "s3_xfer.operations",
    "check_html": "s3_xfer.render.html.checks",
    "check_text": "s3_xfer.render.check",
    "collect_batch_job": "s3_xfer.batch.library",
    "copy": "s3_xfer.operations",
    "copy_shard": "s3_xfer.plans.library",
    "declarations_of": "s3_xfer.declarations",
    "describe_batch_job": "s3_xfer.batch.library",
    "doctor_text": "s3_xfer.render.doctor",
    "examine": "s3_xfer.access.doctor",
    "make_batch_plan": "s3_xfer.batch.library",
    "make_plan": "s3_xfer.plans.library",
    "merge_plan": "s3_xfer.plans.library",
    "progress_text": "s3_xfer.render.progress",
    "result_html": "s3_xfer.render.html.copies",
    "result_text": "s3_xfer.render.copy_summary",
    "submit_batch_job": "s3_xfer.batch.library",
    "sync": "s3_xfer.operations",
    "translate": "s3_xfer.errors",
    "undo": "s3_xfer.undelete",
}


def __getattr__(name: str) -> Any:
    """Import what is first asked for now."""
    if name not in _LAZY:
        raise AttributeError(f"module 's3_xfer' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_LAZY[name]), name)
    return value


def __dir__() -> list[str]:
    """Return what completion and ``help()`` show: the promise, imported yet or not."""
    return sorted({*globals(), *__all__})
