"""One instance of every public class, and how to make another with one thing changed."""

from __future__ import annotations

import dataclasses
import enum
import inspect
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import s3_xfer
from s3_xfer import (
    AbortResult,
    AccountContext,
    BatchPlan,
    CheckResult,
    CollectResult,
    CompareField,
    CompareResult,
    CompareStatus,
    CompareSummary,
    Copied,
    Copy,
    CopyFailed,
    CopyOptions,
    CopyResult,
    CopyTask,
    Declaration,
    Deleted,
    DeletePlan,
    DeleteTask,
    Diagnosis,
    DoctorReport,
    ErrorClass,
    ErrorInfo,
    Failed,
    Janitor,
    JobProgress,
    JournalError,
    ListError,
    MergedResult,
    MetricsCollector,
    Missing,
    NotAttempted,
    NotRestored,
    ObjectError,
    OpenUpload,
    Plan,
    PlanError,
    Planned,
    PreflightError,
    RateMeter,
    Rates,
    Refuse,
    ReportError,
    Restored,
    RunAborted,
    RunCancelled,
    RunMode,
    RunState,
    S3CheckOperation,
    S3CopyOperation,
    S3Location,
    S3Object,
    S3SyncOperation,
    S3XferError,
    Session,
    Shard,
    ShardRecord,
    Skip,
    Skipped,
    SkipReason,
    StorageClass,
    SubmittedJob,
    TransferMetrics,
    UndoOutcome,
    UndoResult,
    UnfinishedUpload,
    ValidationError,
    Wording,
    declarations_of,
)
from s3_xfer.planning.ranges import KeyRange
from s3_xfer.sources.deleted_rows import DeletedObject

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OBJECT = S3Object(
    bucket="src", key="in/é", size=7, etag='"e"', last_modified=NOW, metadata={"color": "red"}
)
TASK = CopyTask(OBJECT, "dst", "out/é")
DELETION = DeleteTask(OBJECT, "dst", "out/é")
INFO = ErrorInfo(
    error_class=ErrorClass.ACCESS_DENIED,
    code="AccessDenied",
    message="no",
    http_status=403,
    request_id="R1",
)
ERROR = ObjectError(INFO)
FAILED = Failed(TASK, ERROR, traceback="Traceback ...")
MISSING = Missing(where="bucket policy of src", statement="{}")
DIAGNOSIS = Diagnosis(
    denied="s3:GetObject to copier",
    side="source",
    action="s3:GetObject",
    causes=("the bucket policy",),
    evidence=("a HEAD was refused",),
    missing=(MISSING,),
)
METRICS = TransferMetrics(
    operation_id="o",
    duration_s=1.5,
    total_files_found=1,
    files_failed=1,
    errors_encountered=("denied",),
    errors_by_class={"AccessDenied": 1},
    requests={"CopyObject": 1},
    start_time=NOW,
    end_time=NOW,
)
ABORTED = RunAborted("the bucket is gone", error_class=ErrorClass.BUCKET_MISSING)
PREFLIGHT = PreflightError("denied", info=INFO, error_class=ErrorClass.ACCESS_DENIED)
PREFLIGHT.diagnosis = DIAGNOSIS
COMPARED = CompareResult(
    status=CompareStatus.DIFFERENT, task=TASK, destination=OBJECT, reasons=("size",)
)
UNCOMPARED = CompareResult(status=CompareStatus.NOT_COMPARED, task=TASK, error=ERROR)
UNFINISHED = UnfinishedUpload(
    upload=OpenUpload("dst", "k", "u"),
    initiated=NOW,
    initiator="arn:aws:iam::222222222222:user/x",
    storage_class="STANDARD",
    is_ours=True,
    parts=1,
    size_bytes=7,
)
SUMMARY = CompareSummary(
    counts=dict.fromkeys(CompareStatus, 1),
    sizes_bytes=dict.fromkeys(CompareStatus, 7),
    reasons={"size": 1},
    proofs={"etag": 1},
    notable=(COMPARED, UNCOMPARED),
)
ACCOUNT = AccountContext(profile="them", region="eu-west-1")
LOCATIONS: Mapping[str, Any] = {
    "source_bucket": "src",
    "source_key": "in/",
    "destination_bucket": "dst",
    "destination_key": "out/",
    "recursive": True,
    "source": ACCOUNT,
}
OPTIONS = CopyOptions(mode=RunMode.DRY_RUN, storage_class=StorageClass.GLACIER_IR, deadline="2h")

SHARD = Shard(0, (KeyRange("", "m"), KeyRange("x")), 3, 21, is_of_large=True)
BATCH_PLAN = BatchPlan(
    token="t",
    created="2026-01-01T00:00:00+00:00",
    account_id="222222222222",
    region=None,
    source=("from", "in/"),
    destination=("to", "in/"),
    manifest=("to", "m"),
    manifest_md5="0" * 32,
    report=("to", "r"),
    objects=1,
    bytes=7,
    rest={"archived": 1},
    costs_usd={"job": 0.25},
    request={"Priority": 10},
    identity={"tags": "copy"},
)
JOB_PROGRESS = JobProgress(job_id="j", status="Active", objects=1)
PLAN = Plan(
    plan_id="p",
    created_at=datetime(2026, 1, 2, tzinfo=UTC),
    tool_version="1",
    source_url="s3://src/in/",
    destination_url="s3://dst/out/",
    description={"identity": {}},
    parallelism=1,
    survey={"objects": 3},
    shards=(SHARD,),
)
RECORD = ShardRecord(
    shard=0,
    attempt="a",
    is_done=False,
    is_permanent=True,
    report="r",
    result={"files_failed": 1},
)

# What is compared by its value, and can be sent to another process.
VALUES: tuple[Any, ...] = (
    ACCOUNT,
    OBJECT,
    TASK,
    INFO,
    ERROR,
    FAILED,
    MISSING,
    DIAGNOSIS,
    METRICS,
    ABORTED,
    PREFLIGHT,
    COMPARED,
    UNCOMPARED,
    SUMMARY,
    OPTIONS,
    S3Location(bucket="src", key="in/", account=ACCOUNT),
    OpenUpload("dst", "out/é", "u"),
    Copied(TASK, 7, '"e"', parts=2, engine="crt"),
    Skipped(TASK, SkipReason.EXISTS),
    NotAttempted(TASK),
    Copy(),
    Skip(SkipReason.EXISTS),
    Refuse(ERROR),
    Planned(TASK, Refuse(ERROR)),
    Rates(objects_per_s=1.0, bytes_per_s=2.0, eta_s=None),
    CopyResult(
        state=RunState.COPY_FAILED,
        metrics=METRICS,
        failures=(FAILED,),
        uploads_left_behind=(OpenUpload("dst", "k", "u"),),
        aborted_by=ABORTED,
        report_path=Path("report.jsonl"),
        planned_requests={"CopyObject": 2},
        diagnoses=(DIAGNOSIS,),
    ),
    CheckResult(
        metrics=METRICS,
        totals=SUMMARY,
        aborted_by=ABORTED,
        compare=frozenset({CompareField.TAGS}),
    ),
    S3CopyOperation(**LOCATIONS, options=OPTIONS),
    DELETION,
    Deleted(DELETION, "v"),
    DeletePlan(
        count=1,
        size_bytes=7,
        of_objects=3,
        allowed=1000,
        examples=("out/x",),
        fingerprint="f",
        is_versioned=None,
    ),
    S3SyncOperation(**LOCATIONS, options=OPTIONS),
    S3CheckOperation(**LOCATIONS, compare=frozenset({CompareField.TAGS})),
    declarations_of(CopyOptions)["tags"],
    declarations_of(S3CopyOperation)["source_bucket"],
    declarations_of(S3CheckOperation)["compare"],
    CopyFailed("1 of 3 failed", remedy="try again"),
    SHARD,
    PLAN,
    RECORD,
    MergedResult(plan=PLAN, records={0: RECORD}, report_path=Path("left.jsonl")),
    BATCH_PLAN,
    SubmittedJob("j", "222222222222", None, is_new=True, notes=("old",)),
    JOB_PROGRESS,
    CollectResult(
        job=JOB_PROGRESS,
        counts={"copied": 1},
        bytes_copied=7,
        rest=0,
        errors=(),
        report=Path("r.jsonl"),
    ),
    DoctorReport(findings=(), duration_s=1.5),
    UNFINISHED,
    AbortResult(UNFINISHED, ObjectError(INFO), is_proven=False),
    UndoOutcome(
        item=DeletedObject(deleted=OBJECT, marker_id="v"),
        status=Restored.NOT_RESTORED,
        reason=NotRestored.FAILED,
        error=ObjectError(INFO),
    ),
    UndoResult(restored=1, not_restored=1, reasons={"x": 1}, errors=("e",), report_path=Path("u")),
    JournalError("damaged"),
    PlanError("missing"),
    ListError("empty"),
    ReportError("line 3 is none"),
    RunCancelled("stopped (deadline)"),
    S3XferError("something", remedy="nothing"),
    ValidationError("mode is 3"),
)
# What works, and is no value.
OTHERS = (Janitor, MetricsCollector, RateMeter, Session, Wording)
# Only a run of a real server is one.
RUNS = ("CopyRun", "CheckRun")
SECTION = declarations_of(CopyOptions)["tags"].section
ARGUMENTS: Mapping[type, Mapping[str, Any]] = {
    Janitor: {"location": S3Location.parse("s3://bucket/p/"), "options": CopyOptions()},
    MetricsCollector: {"operation_id": "o"},
    ObjectError: {"info": INFO},
    Declaration: {
        "help": "Help.",
        "section": SECTION,
        "of": str,
    },
}


def public_classes() -> Iterator[type]:
    """Yield every class of the library's promise that takes arguments."""
    for name in s3_xfer.__all__:
        found = getattr(s3_xfer, name)
        if inspect.isclass(found) and not issubclass(found, enum.Enum):
            yield found


def constructor_cases() -> Iterator[tuple[type, str, str]]:
    """Yield every argument of every public constructor, with its annotation."""
    for cls in public_classes():
        for name, parameter in inspect.signature(cls).parameters.items():
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD:
                yield cls, name, str(parameter.annotation)


def construct(cls: Any, **changes: Any) -> Any:
    """Return a new instance of ``cls`` with these arguments and valid others."""
    if dataclasses.is_dataclass(cls) and cls is not Declaration:
        example = next(value for value in VALUES if type(value) is cls)
        return dataclasses.replace(example, **changes)
    usual = {"problem": "p"} if issubclass(cls, S3XferError) else {}
    return cls(**{**ARGUMENTS.get(cls, usual), **changes})
