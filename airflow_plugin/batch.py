"""A copy that AWS makes as a job of S3 Batch Operations: planned, submitted, awaited, collected.

The plan is best kept in S3: each step may run on another worker, and a retry goes on with the same
job. What the job cannot copy, or did not, is in the report, from which the copy operator goes on.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_plugin.plan_task import PlanTask

if TYPE_CHECKING:
    from airflow_plugin.wording import OperatorWording
    from s3_xfer import CollectResult, JobProgress, S3XferError, SubmittedJob

_TICK_S = 0.1
_COUNTS = (
    "duration_seconds",
    "total_files_found",
    "files_copied_successfully",
    "files_failed",
    "total_bytes_transferred",
)


class S3BatchCopyOperator(PlanTask):
    """Copy a prefix as a job of S3 Batch Operations, and return the metrics as the copy operator.

    .. seealso:: ``docs/how-to/batch-operations.md``: what a job can copy, and the policies.

    :param plan: where the plan is kept, ``s3://`` URL or folder: name it after the run
    :param role_arn: role that the job assumes
    :param report_bucket: where the job writes its report, and the manifest goes: BUCKET[/PREFIX]
    :param manifest_bucket: where the manifest goes instead
    :param source_kms_keys: KMS keys of source objects, for the policies
    :param control_endpoint: endpoint of S3's control API, if it is not AWS's
    :param deferrable: wait in the triggerer, without a worker. Default: ``[operators]
        default_deferrable``
    :param poll_interval_s: seconds between two questions how the job is getting on

    ``report_path`` is the report of all objects; by default ``report.jsonl`` beside the plan. The
    other arguments are those of :class:`S3CrossAccountCopyOperator`, as far as a job can have them.
    """

    template_fields: Sequence[str] = (
        *PlanTask.template_fields,
        "role_arn",
        "report_bucket",
        "manifest_bucket",
        "source_kms_keys",
        "control_endpoint",
    )

    def __init__(
        self,
        *,
        role_arn: str,
        report_bucket: str,
        manifest_bucket: str | None = None,
        source_kms_keys: Sequence[str] = (),
        control_endpoint: str | None = None,
        deferrable: bool | None = None,
        poll_interval_s: float = 30.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{**kwargs, "recursive": True})
        self.role_arn = role_arn
        self.report_bucket = report_bucket
        self.manifest_bucket = manifest_bucket
        self.source_kms_keys = source_kms_keys
        self.control_endpoint = control_endpoint
        self.deferrable = deferrable
        self.poll_interval_s = poll_interval_s

    def work(self, context: Any, wording: OperatorWording) -> dict[str, Any]:
        """Plan and submit, unless an earlier try has; wait; collect."""
        from airflow_plugin.connections import destination_side  # noqa: PLC0415 - loads boto3
        from airflow_plugin.settings import default_deferrable  # noqa: PLC0415
        from s3_xfer import S3XferError  # noqa: PLC0415

        try:
            job = self._submitted(context, wording)
        except S3XferError as error:
            return self._without_objects(error, wording)
        if not self._progress(job).has_ended:
            if default_deferrable() if self.deferrable is None else self.deferrable:
                self._defer(job, dataclasses.asdict(destination_side(self.arguments)))
            self._wait(job)
        return self._collected(context, wording)

    def resume(self, context: Any, event: Mapping[str, Any]) -> dict[str, Any]:
        """Collect, once the trigger has told that the job has ended."""
        from airflow_plugin.exceptions import S3CopyRetryableError  # noqa: PLC0415 - as in the base

        if "error" in event:
            raise S3CopyRetryableError(event["error"])
        result: dict[str, Any] = self.done(self._collected, context)
        return result

    def _without_objects(self, error: S3XferError, wording: OperatorWording) -> dict[str, Any]:
        """Return counts of zero if there was nothing to copy, and that is no failure."""
        from airflow_plugin._compat import AirflowSkipException  # noqa: PLC0415 - as in the base
        from airflow_plugin.task_copy import OnEmpty  # noqa: PLC0415 - loads boto3
        from s3_xfer import ErrorClass  # noqa: PLC0415

        choices = [choice.value for choice in OnEmpty]
        on_empty = OnEmpty(self.arguments.choice("on_empty", choices))
        if error.error_class is not ErrorClass.NOTHING_TO_COPY or on_empty is OnEmpty.FAIL:
            raise error
        if on_empty is OnEmpty.SKIP:
            raise AirflowSkipException(wording.say(error.problem))
        self.log.info("%s: nothing to do", wording.say(error.problem))
        return {**dict.fromkeys(_COUNTS, 0), "errors": [], "report": None}

    def _submitted(self, context: Any, wording: OperatorWording) -> SubmittedJob:
        from airflow_plugin.connections import destination_side  # noqa: PLC0415 - loads boto3
        from s3_xfer import make_batch_plan, submit_batch_job  # noqa: PLC0415

        planned = make_batch_plan(
            self.operation(context, wording),
            self.plan,
            role_arn=self.role_arn,
            report=self.report_bucket,
            manifest=self.manifest_bucket or None,
            source_kms_keys=tuple(self.source_kms_keys or ()),
            reuse=context["ti"].try_number > 1,
        )
        self.log.info("%d objects for a job, %d are not", planned.objects, planned.rest_objects)
        job = submit_batch_job(
            self.plan,
            destination=destination_side(self.arguments).account(),
            control_endpoint=self.control_endpoint or None,
        )
        for note in job.notes:
            self.log.info("note: %s", note)
        self.log.info("job %s %s", job.job_id, "created" if job.is_new else "was created before")
        return job

    def _progress(self, job: SubmittedJob) -> JobProgress:
        from airflow_plugin.connections import destination_side  # noqa: PLC0415 - loads boto3
        from s3_xfer import describe_batch_job  # noqa: PLC0415

        progress = describe_batch_job(
            job,
            destination=destination_side(self.arguments).account(),
            control_endpoint=self.control_endpoint or None,
        )
        self.log.info(
            "job %s: %s, %d of %d objects copied, %d not",
            job.job_id,
            progress.status,
            progress.succeeded,
            progress.objects,
            progress.failed,
        )
        return progress

    def _defer(self, job: SubmittedJob, side: Mapping[str, Any]) -> None:
        from airflow_plugin.batch_trigger import S3BatchJobTrigger  # noqa: PLC0415 - not in a parse

        self.defer(
            trigger=S3BatchJobTrigger(
                job={**dataclasses.asdict(job), "notes": list(job.notes)},
                side=side,
                control_endpoint=self.control_endpoint or None,
                poll_interval_s=self.poll_interval_s,
            ),
            method_name="resume",
        )

    def _wait(self, job: SubmittedJob) -> None:
        """Return when the job has ended; Airflow's end of the task leaves the job alone."""
        from airflow_plugin.exceptions import S3CopyStoppedError  # noqa: PLC0415 - as in the base

        while True:
            until_s = time.monotonic() + self.poll_interval_s
            while time.monotonic() < until_s:
                if self.killed:
                    raise S3CopyStoppedError(f"Airflow stopped the task; job {job.job_id} goes on")
                time.sleep(min(_TICK_S, self.poll_interval_s))
            if self._progress(job).has_ended:
                return

    def _collected(self, context: Any, wording: OperatorWording) -> dict[str, Any]:
        """Write the report, and return the metrics."""
        from airflow_plugin.connections import destination_side  # noqa: PLC0415 - loads boto3
        from airflow_plugin.exceptions import S3CopyPermanentError  # noqa: PLC0415
        from airflow_plugin.file_names import TaskIdentity  # noqa: PLC0415
        from airflow_plugin.report_files import ReportFiles  # noqa: PLC0415

        identity = TaskIdentity.of(context["ti"])
        report = self.arguments.file("report_path") or f"{self.plan.rstrip('/')}/report.jsonl"
        reports = ReportFiles(
            make_client=destination_side(self.arguments).client,
            output=identity.report(report),
            input=None,
            owner=identity.path,
        )
        with reports:
            result = self._collect(reports, context, wording)
            error = reports.deliver()
        if error:
            raise error
        metrics = self._metrics(result, reports.output, context, wording)
        self.log.info("s3_xfer_result %s", json.dumps(metrics))
        if result.left and self.is_strict:
            context["ti"].xcom_push(key="return_value", value=metrics)
            raise S3CopyPermanentError(
                f"{result.left:,} of {metrics['total_files_found']:,} objects are not copied; "
                f"from_report_path={reports.output!r} of a copy copies them"
            )
        return metrics

    def _collect(self, reports: Any, context: Any, wording: OperatorWording) -> CollectResult:
        from airflow_plugin.connections import destination_side, source_side  # noqa: PLC0415
        from s3_xfer import collect_batch_job  # noqa: PLC0415 - loads boto3

        return collect_batch_job(
            self.plan,
            reports.output_path,
            source=source_side(self.arguments).account(),
            destination=destination_side(self.arguments).account(),
            options=self.operation(context, wording).options,
            control_endpoint=self.control_endpoint or None,
        )

    def _metrics(
        self, result: CollectResult, report: str | None, context: Any, wording: OperatorWording
    ) -> dict[str, Any]:
        """Return what XCom gets, in the fields of a copy."""
        keys = self.operation(context, wording).key_map()
        described = result.to_dict() | {
            "source": keys.source.url,
            "destination": keys.destination.url,
            "report": report,
        }
        self.copied = metrics = json.loads(json.dumps(described))
        return dict(metrics)
