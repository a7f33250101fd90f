"""A job at AWS: submit it once, and ask how it is getting on.

CreateJob is given the token of the plan, for which S3 makes one job however often it is asked, and
the job's id is kept beside the plan. The manifest is written under a name that no other plan has.
"""

from __future__ import annotations

import base64
import enum
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from s3_xfer.access.job_control import JobControlClient, understood
from s3_xfer.access.lookups import answer_text, refused, refusing
from s3_xfer.access.plan_storage import PlanStorage
from s3_xfer.batch.plan import MANIFEST, POLICIES, BatchPlan, job_of, keep_job
from s3_xfer.copying.request_policy import SERVER_AWAY
from s3_xfer.errors import ErrorClass, ReportError, ValidationError, check_fields, translate
from s3_xfer.s3_client import S3Client
from s3_xfer.text import printable, reason_of, s3_url

_FIRST_WAIT_S, _LONGEST_WAIT_S, _GROWTH = 0.5, 30.0, 1.5
_FAILED_QUESTIONS_MAX = 20  # in a row


class JobStatus(enum.Enum):
    """Where a job is, as DescribeJob says; anything else counts as under way."""

    SUSPENDED = "Suspended"  # it waits for a confirmation
    COMPLETE = "Complete"  # which says nothing about its objects
    CANCELLED = "Cancelled"
    FAILED = "Failed"


ENDED = frozenset({JobStatus.COMPLETE.value, JobStatus.CANCELLED.value, JobStatus.FAILED.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """What DescribeJob says at one instant. ``note`` is what kept it from being asked."""

    job_id: str
    """The id of the job."""
    status: str
    """Its status, in S3's words."""
    objects: int = 0
    """How many objects it has."""
    succeeded: int = 0
    """How many it calls copied."""
    failed: int = 0
    """How many it calls failed."""
    elapsed_s: float = 0.0
    """How long it has been active."""
    created: datetime | None = None
    """When it was created."""
    reasons: tuple[str, ...] = ()
    """Why it failed or was suspended."""
    note: str = ""
    """What kept it from being asked this time; empty if nothing did."""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in ENDED


@dataclass(frozen=True, slots=True)
class SubmittedJob:
    """The job of a plan, and where it is. ``is_new``: it was created just now.

    ``notes`` are what the installed botocore could not ask for.
    """

    job_id: str
    """The id of the job."""
    account_id: str
    """The account whose job it is."""
    region: str | None
    """The region it is in; None where nothing names it."""
    is_new: bool
    """Whether it was created just now."""
    notes: tuple[str, ...] = ()
    """What the installed botocore could not ask for."""

    def __post_init__(self) -> None:
        check_fields(self)


def submit(
    storage: PlanStorage, plan: BatchPlan, s3: S3Client, control: JobControlClient
) -> SubmittedJob:
    """Create the job of a plan; if there is one already, return that, without a request.

    Raises:
        ValidationError: the plan has no object for a job.
        ReportError: the manifest is not the one that was planned.
        PreflightError: S3 refuses.
    """
    if job_id := job_of(storage):
        return SubmittedJob(job_id, plan.account_id, plan.region, is_new=False)
    if not plan.objects:
        raise ValidationError(
            "the plan has no object that a job can copy",
            remedy="copy all of it without a job, from the rest.jsonl of the plan",
        )
    with storage.local_file(MANIFEST) as path:
        etag = _write_manifest(path, plan, s3, name=storage.name_of(MANIFEST))
    location = {**plan.request["Manifest"]["Location"], "ETag": etag}
    manifest = {**plan.request["Manifest"], "Location": location}
    request, unknown = understood(control, "CreateJob", {**plan.request, "Manifest": manifest})
    advice = f"allow what {storage.name_of(f'{POLICIES}/caller.json')} says"
    with refusing("the job cannot be created", if_denied=advice):
        answer = control.create_job(**request)
    notes = tuple(f"the installed boto3 is too old to ask for {name}" for name in unknown)
    kept = keep_job(storage, str(answer["JobId"]))
    return SubmittedJob(kept, plan.account_id, plan.region, is_new=True, notes=notes)


def _write_manifest(path: Path, plan: BatchPlan, s3: S3Client, *, name: str) -> str:
    """Write the manifest, which is called ``name``, unless it is there; return its ETag."""
    bucket, key = plan.manifest
    url = s3_url(bucket, key)
    try:
        with path.open("rb") as body:
            _require_planned(hashlib.file_digest(body, _md5).hexdigest(), plan, name)
            body.seek(0)
            written = s3.put_object(
                Bucket=bucket,
                Key=key,
                Body=body,
                ContentMD5=base64.b64encode(bytes.fromhex(plan.manifest_md5)).decode(),
                IfNoneMatch="*",
                ServerSideEncryption="AES256",  # under KMS a job cannot read it
                ExpectedBucketOwner=plan.account_id,
            )
        return str(written["ETag"]).strip('"')
    except ReportError:
        raise
    except OSError as error:
        raise ReportError(f"the manifest {name} cannot be read: {reason_of(error)}") from error
    except Exception as error:
        info = translate(error)
        if info.error_class is not ErrorClass.SOURCE_CHANGED:  # it is there
            if_denied = "grant s3:PutObject on it to the credentials of the destination"
            raise refused(f"the manifest {url} cannot be written", info, if_denied=if_denied) from (
                error
            )
    with refusing(f"the manifest {url} cannot be looked at"):
        found = str(s3.head_object(Bucket=bucket, Key=key)["ETag"]).strip('"')
    _require_planned(found, plan, url)
    return found


def _require_planned(md5: str, plan: BatchPlan, name: str) -> None:
    if md5 != plan.manifest_md5:
        raise ReportError(
            f"the manifest {name} is not the one that was planned", remedy="plan the job again"
        )


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


def describe(control: JobControlClient, account_id: str, job_id: str) -> JobProgress:
    """Return how a job is getting on.

    Raises:
        Exception: what botocore raises.
    """
    job: Mapping[str, Any] = control.describe_job(AccountId=account_id, JobId=job_id)["Job"]
    summary = job.get("ProgressSummary") or {}
    reasons = job.get("FailureReasons") or ()
    return JobProgress(
        job_id=job_id,
        status=str(job.get("Status", "")),
        objects=summary.get("TotalNumberOfTasks") or 0,
        succeeded=summary.get("NumberOfTasksSucceeded") or 0,
        failed=summary.get("NumberOfTasksFailed") or 0,
        elapsed_s=float((summary.get("Timers") or {}).get("ElapsedTimeInActiveSeconds") or 0),
        created=job.get("CreationTime"),
        reasons=tuple(
            printable(f"{each.get('FailureCode', '')}: {each.get('FailureReason', '')}")
            for each in reasons
        ),
    )


def described(control: JobControlClient, account_id: str, job_id: str) -> JobProgress:
    """Return how a job is getting on.

    Raises:
        PreflightError: S3 does not say it.
    """
    with refusing(
        f"the job {printable(job_id)} cannot be described",
        if_denied="grant s3:DescribeJob to the credentials of the destination; a job is only kept "
        "for 90 days",
    ):
        return describe(control, account_id, job_id)


def follow_job(
    control: JobControlClient, account_id: str, job_id: str, wait: Callable[[float], object]
) -> Iterator[JobProgress]:
    """Yield how a job is getting on, until it has ended; the questions become rarer.

    ``wait`` is called with seconds between two questions. A server that is away for a while is
    asked again.

    Raises:
        PreflightError: S3 does not say it.
    """
    progress = described(control, account_id, job_id)
    wait_s, failed_questions = _FIRST_WAIT_S, 0
    while not progress.has_ended:
        yield progress
        wait(wait_s)
        wait_s = min(_LONGEST_WAIT_S, wait_s * _GROWTH)
        try:
            progress, failed_questions = describe(control, account_id, job_id), 0
        except Exception as error:
            info = translate(error)
            failed_questions += 1
            if info.error_class not in SERVER_AWAY or failed_questions > _FAILED_QUESTIONS_MAX:
                problem = f"the job {printable(job_id)} cannot be described any more"
                raise refused(problem, info) from error
            progress = JobProgress(job_id=job_id, status="unknown", note=answer_text(info))
    yield progress
