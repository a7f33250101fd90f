"""Jobs of S3 Batch Operations for programs: plan one, submit it, ask after it, collect its end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from s3_xfer.access.clients import open_side_client
from s3_xfer.access.job_control import JobControlClient, open_job_control
from s3_xfer.access.plan_storage import open_storage
from s3_xfer.batch import collect, jobs
from s3_xfer.batch.collect import CollectResult
from s3_xfer.batch.jobs import JobProgress, SubmittedJob
from s3_xfer.batch.plan import PLAN, BatchPlan, job_of, read_plan
from s3_xfer.batch.planner import JobSettings, bucket_or_url, make_plan
from s3_xfer.errors import ValidationError, checked_call
from s3_xfer.ledger.journal.description import is_same_copy
from s3_xfer.model import AccountContext
from s3_xfer.operations import S3CopyOperation
from s3_xfer.options import CopyOptions


@checked_call
def make_batch_plan(
    operation: S3CopyOperation,
    out: str | Path,
    *,
    role_arn: str,
    report: str,
    manifest: str | None = None,
    source_kms_keys: Sequence[str] = (),
    reuse: bool = False,
) -> BatchPlan:
    """List what ``operation`` would copy, and write the plan of a job that does it.

    ``out`` is a folder or an ``s3://`` URL, which the destination's credentials write. The job
    assumes ``role_arn``, and writes its report below ``report``: a bucket, or a prefix as
    ``BUCKET/PREFIX`` or URL. Its manifest goes below ``manifest``, by default there too. What a job
    cannot copy is in the report ``rest.jsonl`` of the plan. With ``reuse`` a plan of the same copy
    by the same role that is there already is returned as it is.

    Raises:
        ValidationError: a job cannot make this copy.
        PlanError: there is a plan already, or it cannot be written.
        S3XferError: there is nothing to copy, or the source cannot be listed.
    """
    settings = JobSettings(
        role_arn=role_arn,
        manifest=bucket_or_url(manifest or report),
        report=bucket_or_url(report),
        source_keys=tuple(source_kms_keys),
    )
    storage = open_storage(str(out), operation.destination)
    if reuse and storage.read(PLAN) is not None:
        plan = read_plan(storage)
        if not (is_same_copy(plan.identity, operation) and plan.request["RoleArn"] == role_arn):
            raise storage.taken(of="another copy")
        return plan
    return make_plan(operation, settings, storage)


@checked_call
def submit_batch_job(
    plan: str | Path,
    *,
    destination: AccountContext | None = None,
    control_endpoint: str | None = None,
) -> SubmittedJob:
    """Create the job of a plan, once: a second time it is the same one.

    ``control_endpoint`` is that of S3's control API, if it is not AWS's.

    Raises:
        ValidationError: there is no plan, or it has no object for a job.
        ReportError: the manifest is not the one that was planned.
        PreflightError: S3 refuses.
    """
    account = destination or AccountContext()
    storage = open_storage(str(plan), account)
    described = read_plan(storage)
    control = _control(account, described.region, control_endpoint)
    return jobs.submit(storage, described, open_side_client(account), control)


@checked_call
def describe_batch_job(
    job: SubmittedJob,
    *,
    destination: AccountContext | None = None,
    control_endpoint: str | None = None,
) -> JobProgress:
    """Return how a job is getting on, by one request.

    Raises:
        PreflightError: S3 does not say it.
    """
    control = _control(destination or AccountContext(), job.region, control_endpoint)
    return jobs.described(control, job.account_id, job.job_id)


@checked_call
def collect_batch_job(
    plan: str | Path,
    report_path: Path,
    *,
    source: AccountContext | None = None,
    destination: AccountContext | None = None,
    options: CopyOptions | None = None,
    control_endpoint: str | None = None,
) -> CollectResult:
    """Turn what the ended job of a plan says into a report; return its numbers.

    Both sides are compared with ``options``: copied is what the job says and the comparison bears
    out. The report has a line for each object of the plan; a copy from it copies what is left.

    Raises:
        ValidationError: there is no plan or no job, or it is still under way.
        PlanError, ReportError: what belongs to the plan, or the job's report, cannot be used.
        PreflightError: S3 refuses to show something.
        RunAborted: the destination could not be compared to the end.
    """
    account = destination or AccountContext()
    storage = open_storage(str(plan), account)
    described = read_plan(storage)
    job_id = job_of(storage)
    if job_id is None:
        raise ValidationError(
            f"the plan {storage.url} has no job yet", remedy="create it with submit_batch_job"
        )
    control = _control(account, described.region, control_endpoint)
    return collect.collect(
        storage,
        described,
        jobs.described(control, described.account_id, job_id),
        s3=open_side_client(account),
        report=report_path,
        source=source or AccountContext(),
        destination=account,
        options=options or CopyOptions(),
    )


def _control(
    account: AccountContext, region: str | None, endpoint_url: str | None
) -> JobControlClient:
    return open_job_control(account, region=account.region or region, endpoint_url=endpoint_url)
