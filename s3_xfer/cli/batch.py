"""The commands ``batch plan|submit|watch|collect``: a copy as a job of S3 Batch Operations.

The job runs at AWS, whether this program does or not: Ctrl-C ends the watching alone. Nothing is
called copied because the job says so; ``collect`` compares.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.factory import Values, account_from, operation_from, options_from
from s3_xfer.cli.json_result import give_json
from s3_xfer.cli.options import (
    batch_collect_options,
    batch_plan_options,
    batch_submit_options,
    batch_watch_options,
)
from s3_xfer.cli.output import Output, print_error, print_line
from s3_xfer.cli.params import SuggestingGroup, command
from s3_xfer.cli.saved_jobs import JobCommand
from s3_xfer.errors import ValidationError
from s3_xfer.text import printable, shell_word

if TYPE_CHECKING:
    from s3_xfer.access.job_control import JobControlClient
    from s3_xfer.access.plan_storage import PlanStorage
    from s3_xfer.batch.jobs import JobProgress
    from s3_xfer.batch.plan import BatchPlan

HELP = """Copy as a job of S3 Batch Operations: plan, submit, watch, collect.

    For ten million small objects and more, whose keys stay as they are below the destination, and
    which may be overwritten. A job has no conditions: what changes meanwhile is copied as it is
    then. What a job cannot copy is left to s3-xfer copy.

    \b
    Examples:
      s3-xfer batch plan s3://from/data/ s3://to/data/ --out p \\
          --role-arn arn:aws:iam::222222222222:role/job --report-bucket ours
      s3-xfer batch submit p
      s3-xfer batch watch p
      s3-xfer batch collect p --report r.jsonl
      s3-xfer copy --recursive s3://from/data/ s3://to/data/ --from-report r.jsonl
    """

PLAN_HELP = """Plan the job that copies everything under SOURCE to DESTINATION.

    Only lists the source, or reads a list or an inventory. Writes the plan --out: the manifest
    of the job, its policies, and rest.jsonl, a report of what the job cannot copy. A job keeps
    the whole source key:
    s3://from/data/ goes to s3://to/data/ or s3://to/any/folder/data/.

    \b
    Examples:
      s3-xfer batch plan s3://from/data/ s3://to/data/ --out p \\
          --role-arn arn:aws:iam::222222222222:role/job --report-bucket ours
    """

SUBMIT_HELP = """Write the manifest of the plan PLAN, and create its job.

    A second time the job is the same one. It begins without a confirmation.

    \b
    Examples:
      s3-xfer batch submit --dest-profile us p
    """

WATCH_HELP = """Wait for the job of the plan PLAN to end.

    Ctrl-C ends the watching, not the job.

    \b
    Exit status:
        0  the job says that all objects were copied; collect finds out
        1  it says that some were not
        4  it failed, or was cancelled

    \b
    Examples:
      s3-xfer batch watch --dest-profile us p
    """

COLLECT_HELP = """Turn what the ended job of the plan PLAN reports into a report of ours.

    Both sides are compared, as by a check: copied is what the job says and the comparison
    bears out. The report also names what the job could not copy, so that a copy with
    --from-report copies all that is left.

    \b
    Exit status:
        0  nothing is left to copy
        1  something is; the report names it

    \b
    Examples:
      s3-xfer batch collect --source-profile them --dest-profile us p \\
          --report r.jsonl
    """


@click.group(cls=SuggestingGroup, help=HELP, short_help="Copy as a job of S3 Batch Operations.")
def batch() -> None:
    """Group the commands."""


@command(PLAN_HELP, "Plan a job, and what is left beside it.", batch_plan_options, cls=JobCommand)
def plan(source: str, destination: str, **values: Any) -> ExitCode:
    """List, and write the plan."""
    from s3_xfer.access.plan_storage import open_storage  # noqa: PLC0415 - boto3 is slow to import
    from s3_xfer.batch.planner import (  # noqa: PLC0415
        JobSettings,
        bucket_or_url,
        make_plan,
    )
    from s3_xfer.render.batch import plan_lines  # noqa: PLC0415

    operation = operation_from(source, destination, {**values, "recursive": True})
    report = values["report_bucket"]
    settings = JobSettings(
        role_arn=values["role_arn"],
        manifest=bucket_or_url(values["manifest_bucket"] or report),
        report=bucket_or_url(report),
        source_keys=values["source_kms_key"],
    )
    storage = open_storage(values["out"], operation.destination)
    made = make_plan(operation, settings, storage)
    give_json(made.to_dict(), on_stdout=values["json"])
    if not values["json"]:
        print_line("\n".join(plan_lines(made, values["out"])))
    return ExitCode.OK


@command(SUBMIT_HELP, "Create the job of a plan.", batch_submit_options, arguments=("plan",))
def submit(plan: str, **values: Any) -> ExitCode:
    """Create the job, once."""
    from s3_xfer.access.clients import open_side_client  # noqa: PLC0415 - boto3 is slow to import
    from s3_xfer.access.plan_storage import open_storage  # noqa: PLC0415
    from s3_xfer.batch import jobs  # noqa: PLC0415
    from s3_xfer.batch.plan import read_plan  # noqa: PLC0415

    destination = account_from(values, "dest")
    storage = open_storage(plan, destination)
    described = read_plan(storage)
    client = open_side_client(destination)
    made = jobs.submit(storage, described, client, _control(described, values))
    for note in made.notes:
        print_error(f"note: {note}")
    result = {"job_id": made.job_id, "is_new": made.is_new, "notes": list(made.notes)}
    give_json(result, on_stdout=values["json"])
    if not values["json"]:
        word = "created" if made.is_new else "there already"
        print_line(f"job {printable(made.job_id)}: {word}")
        print_line(f"next: s3-xfer batch watch {shell_word(plan)}")
    return ExitCode.OK


@command(WATCH_HELP, "Wait for the job of a plan.", batch_watch_options, arguments=("plan",))
def watch(plan: str, **values: Any) -> ExitCode:
    """Poll until the end; a signal leaves the job alone."""
    output = Output(**{name: values[name] for name in ("progress", "json", "quiet")})
    described, job_id = _submitted(_storage(plan, values))
    control = _control(described, values)
    try:
        progress = _followed(described, job_id, control, output)
    except KeyboardInterrupt:
        print_error(_how_to_cancel(described, job_id))
        raise
    _print_end(progress, described, plan, output)
    return _code_of(progress, described)


@command(COLLECT_HELP, "Turn a job's report into ours.", batch_collect_options, arguments=("plan",))
def collect(plan: str, **values: Any) -> ExitCode:
    """Compare, and write the report."""
    from s3_xfer.access.clients import open_side_client  # noqa: PLC0415 - boto3 is slow to import
    from s3_xfer.batch import collect as collecting  # noqa: PLC0415
    from s3_xfer.batch.jobs import described as described_job  # noqa: PLC0415
    from s3_xfer.render.batch import collected_lines  # noqa: PLC0415

    storage = _storage(plan, values)
    described, job_id = _submitted(storage)
    destination = account_from(values, "dest")
    result = collecting.collect(
        storage,
        described,
        described_job(_control(described, values), described.account_id, job_id),
        s3=open_side_client(destination),
        report=values["report"],
        source=account_from(values, "source"),
        destination=destination,
        options=options_from(values),
    )
    give_json(result.to_dict(), on_stdout=values["json"])
    if not values["json"]:
        print_line("\n".join(collected_lines(result, described)))
    return ExitCode.FAILED_OBJECTS if result.left else ExitCode.OK


for _command in (plan, submit, watch, collect):
    batch.add_command(_command)


def _storage(plan: str, values: Values) -> PlanStorage:
    from s3_xfer.access.plan_storage import open_storage  # noqa: PLC0415 - boto3 is slow to import

    return open_storage(plan, account_from(values, "dest"))


def _submitted(storage: PlanStorage) -> tuple[BatchPlan, str]:
    from s3_xfer.batch.plan import job_of, read_plan  # noqa: PLC0415 - boto3 is slow to import

    described, job_id = read_plan(storage), job_of(storage)
    if job_id is None:
        raise ValidationError(
            f"the plan {storage.url} has no job yet",
            remedy="create it with s3-xfer batch submit",
        )
    return described, job_id


def _control(described: BatchPlan, values: Values) -> JobControlClient:
    from s3_xfer.access.job_control import open_job_control  # noqa: PLC0415 - slow to import

    account = account_from(values, "dest")
    return open_job_control(
        account,
        region=account.region or described.region,
        endpoint_url=values["control_endpoint"],
    )


def _followed(
    described: BatchPlan, job_id: str, control: JobControlClient, output: Output
) -> JobProgress:
    """Show how the job gets on, and return its end."""
    from s3_xfer.batch.jobs import JobStatus, follow_job  # noqa: PLC0415 - slow to import
    from s3_xfer.ledger.rate import RateMeter  # noqa: PLC0415
    from s3_xfer.render.batch import job_metrics  # noqa: PLC0415
    from s3_xfer.render.objects import objects_frame, objects_line  # noqa: PLC0415
    from s3_xfer.render.progress import Phase  # noqa: PLC0415

    began_s, meter, told = time.monotonic(), RateMeter(), ""
    with output.view(line=objects_line, draw=objects_frame) as view:
        for progress in follow_job(control, described.account_id, job_id, time.sleep):
            if progress.note:
                view.print_line(f"note: the job cannot be described just now: {progress.note}")
                continue
            if progress.status != told:
                view.print_line(f"job {printable(job_id)}: {printable(progress.status)}")
                told = progress.status
                if told == JobStatus.SUSPENDED.value:
                    view.print_line(f"it waits for a confirmation: {_update(described, job_id)}")
            metrics = job_metrics(progress, time.monotonic() - began_s)
            phase = Phase.ENDED if progress.has_ended else Phase.COPYING
            view.update(phase, metrics, meter.observe(metrics))
    return progress


def _update(described: BatchPlan, job_id: str, status: str = "Ready") -> str:
    return (
        f"aws s3control update-job-status --account-id {described.account_id} "
        f"--job-id {shell_word(job_id)} --requested-job-status {status}"
    )


def _how_to_cancel(described: BatchPlan, job_id: str) -> str:
    return f"the job goes on; to cancel it: {_update(described, job_id, 'Cancelled')}"


def _print_end(progress: JobProgress, described: BatchPlan, plan: str, output: Output) -> None:
    result = {
        "job_id": progress.job_id,
        "status": progress.status,
        "planned": described.objects,
        "succeeded": progress.succeeded,
        "failed": progress.failed,
        "failure_reasons": list(progress.reasons),
    }
    give_json(result, on_stdout=output.json)
    if output.json:
        return
    for reason in progress.reasons:
        print_error(f"failed: {reason}")
    if not output.quiet:
        print_line(
            f"job {printable(progress.job_id)}: {printable(progress.status)}; of "
            f"{described.objects:,} objects it says that {progress.succeeded:,} were copied and "
            f"{progress.failed:,} were not"
        )
        print_line(f"next: s3-xfer batch collect {shell_word(plan)} --report report.jsonl")


def _code_of(progress: JobProgress, described: BatchPlan) -> ExitCode:
    from s3_xfer.batch.jobs import JobStatus  # noqa: PLC0415 - boto3 is slow to import

    if progress.status != JobStatus.COMPLETE.value:
        return ExitCode.ABORTED
    is_whole = progress.succeeded == described.objects and not progress.failed
    return ExitCode.OK if is_whole else ExitCode.FAILED_OBJECTS
