"""One execution of the operator, in the order in which things happen.

:class:`TaskCopy` is one try of one task. It turns the task's arguments into an operation, runs it,
and reports the result to the log, XCom, assets and metrics. How a failure ends the task is
decided in :mod:`airflow_plugin.exceptions`.
"""

from __future__ import annotations

import dataclasses
import enum
import json
from typing import Any

from airflow_plugin import settings
from airflow_plugin._compat import AirflowSkipException
from airflow_plugin.arguments import TaskArguments
from airflow_plugin.exceptions import (
    S3CopyPermanentError,
    library_errors_as_task_errors,
    raise_for_result,
)
from airflow_plugin.file_names import is_url
from airflow_plugin.links import persist_links
from airflow_plugin.monitor import monitor_run
from airflow_plugin.report_files import ReportFiles
from airflow_plugin.reporting import (
    emit_metrics,
    errors_as_warnings,
    log_result,
    log_settings,
    update_asset_events,
    without_asset_events,
)
from airflow_plugin.task_run import Json, TaskRun
from s3_xfer import (
    CopyResult,
    CopyRun,
    Delete,
    ErrorClass,
    RunMode,
    RunState,
    S3CopyOperation,
    S3Location,
    S3SyncOperation,
    S3XferError,
    doctor_text,
    examine,
)


class OnEmpty(enum.Enum):
    """What becomes of a task that finds nothing to copy. The value is the argument's."""

    FAIL = "fail"
    SKIP = "skip"
    SUCCEED = "succeed"


class TaskCopy(TaskRun):
    """The copy that the arguments describe; they are those of the copy operator."""

    def __init__(self, arguments: TaskArguments, **settings: Any) -> None:
        super().__init__(arguments, **settings)
        self._fail_on_error = arguments.flag("fail_on_error")
        self._preflight_only = arguments.flag("preflight_only")
        self._on_empty = OnEmpty(arguments.choice("on_empty", [choice.value for choice in OnEmpty]))
        self.result_json: Json | None = None  # of a task that failed or was stopped, too

    def run(self) -> Json:
        """Copy, and return the metrics.

        Raises:
            S3XferError: refused before anything was written, or ended early.
            S3CopyPermanentError, S3CopyRetryableError: not all was copied.
            AirflowSkipException: there was nothing, and ``on_empty`` is ``skip``.
        """
        reports = self._report_files(input_path=self._arguments.file("from_report_path"))
        source, destination = self._locations()
        with reports:
            self._wording = dataclasses.replace(self._wording, urls=reports.urls)
            with library_errors_as_task_errors(self._wording):
                is_retry = self._context["ti"].try_number > 1
                operation = self._operation(source, destination, reports, is_retry=is_retry)
                self._report_start(operation)
                if self._preflight_only:
                    return self._examine(operation)
                return self._copy(operation, reports)

    # ------------------------------------------------------------------------- the operation

    def operation(self) -> S3CopyOperation:
        """Return the operation of the arguments, without files of this task, as in its first try.

        What is planned once must not depend on the try.
        """
        reports = ReportFiles(
            make_client=self._destination_side.client,
            output=None,
            input=None,
            owner=self._identity.path,
        )
        with reports:
            return self._operation(*self._locations(), reports, is_retry=False)

    def _operation(
        self,
        source: S3Location,
        destination: S3Location,
        reports: ReportFiles,
        *,
        is_retry: bool,
    ) -> S3CopyOperation:
        batch_size = self._arguments.number("batch_size")
        overwrite = self._arguments.flag("overwrite")
        journal = self._arguments.file("journal")
        options = self._arguments.options(
            defaults=settings.option_defaults(),
            places={
                "report_path": reports.output_path,
                "from_report_path": reports.input_path,
                "journal": self._file_for(journal, self._identity.journal),
            },
            is_retry=is_retry,
        )
        kind = S3SyncOperation if options.delete is Delete.EXTRA else S3CopyOperation
        return kind.between(
            source,
            destination,
            more_sources=self._arguments.more_sources(),
            recursive=self._recursive,
            batch_size=batch_size,
            overwrite=overwrite,
            options=options,
        )

    # ------------------------------------------------------------------------------- the run

    def _examine(self, operation: S3CopyOperation) -> Json:
        """Try every step of the copy, log what was found, and return it.

        Raises:
            S3CopyPermanentError: the copy would be refused.
        """
        report = examine(operation)
        text = doctor_text(report, wording=self._wording)
        for line in text.splitlines():
            self._task.log.info("%s", line)
        result_json: Json = json.loads(json.dumps(self._wording.say_all(report.to_dict())))
        without_asset_events(self._context)
        if report.is_refused:
            self._push_result(result_json)
            raise S3CopyPermanentError(
                f"{text.splitlines()[-1]}\n"
                "Next: grant what the log above names as missing, then clear this task."
            )
        return result_json

    def _copy(self, operation: S3CopyOperation, reports: ReportFiles) -> Json:
        run = operation.start()
        try:
            monitor_run(
                run,
                self._task.log,
                is_killed=self._is_killed,
                log_interval_s=settings.seconds_setting("log_interval"),
                wording=self._wording,
            )
        except BaseException:
            self._report_stop(operation, run, reports)
            raise
        report_error = self._deliver(reports)
        result = self._result(run)
        result_json = self._report_result(operation, result, reports, is_delivered=not report_error)
        try:
            raise_for_result(
                result,
                report_error,
                fail_on_error=self._fail_on_error,
                wording=self._wording,
            )
        except Exception:
            self._push_result(result_json)
            raise
        if operation.options.mode is RunMode.DRY_RUN:
            without_asset_events(self._context)
        else:
            self._report_assets(operation, result_json)
        return result_json

    def _result(self, run: CopyRun) -> CopyResult:
        """Return the result of a run that has ended, also where there was nothing to copy.

        Raises:
            AirflowSkipException: there was nothing, and the task is to be skipped.
            S3XferError: the copy was refused.
        """
        try:
            return run.result()
        except S3XferError as error:
            if (
                error.error_class is not ErrorClass.NOTHING_TO_COPY
                or self._on_empty is OnEmpty.FAIL
            ):
                raise
            if self._on_empty is OnEmpty.SKIP:
                raise AirflowSkipException(self._wording.say(error.problem)) from None
            self._task.log.info("%s: nothing to do", self._wording.say(error.problem))
            return CopyResult(state=RunState.COMPLETED, metrics=run.snapshot())

    def _report_stop(self, operation: S3CopyOperation, run: CopyRun, reports: ReportFiles) -> None:
        """Say what was copied before Airflow ended the task, quickly: it may kill the process."""
        with errors_as_warnings(self._task.log, "what was copied"):
            if not run.wait(0):
                self._task.log.warning("the copy has not ended yet: its numbers are not known")
            elif run.state is not RunState.VALIDATION_FAILED:
                is_delivered = not self._deliver(reports)
                result_json = self._report_result(
                    operation, run.result(), reports, is_delivered=is_delivered
                )
                self._push_result(result_json)

    # ------------------------------------------------------------------------------- reports

    def _report_start(self, operation: S3CopyOperation) -> None:
        keys = operation.key_maps()
        sides = (self._source_side, self._destination_side)
        log_settings(self._task.log, operation, sides, self._wording)
        persist_links(
            self._context, self._task, keys.sources[0], keys.destination, recursive=self._recursive
        )

    def _report_result(
        self,
        operation: S3CopyOperation,
        result: CopyResult,
        reports: ReportFiles,
        *,
        is_delivered: bool,
    ) -> Json:
        """Report to the log and metrics; return the result as plain JSON values."""
        log = self._task.log
        self.result_json = self._as_json(operation, result, reports, is_delivered=is_delivered)
        log_result(log, operation, result, self.result_json, self._wording)
        with errors_as_warnings(log, "the metrics"):
            emit_metrics(self._task, self.result_json)
        return self.result_json

    def _as_json(
        self,
        operation: S3CopyOperation,
        result: CopyResult,
        reports: ReportFiles,
        *,
        is_delivered: bool,
    ) -> Json:
        """Return what XCom gets: only values that JSON keeps as they are."""
        keys = operation.key_maps()
        described = self._wording.say_all(result.to_dict()) | {
            "source": keys.source_url,
            "destination": keys.destination.url,
        }
        if is_url(reports.output):
            described["report"] = reports.output if is_delivered else None
        result_json: Json = json.loads(json.dumps(described))
        return result_json

    def _report_assets(self, operation: S3CopyOperation, result_json: Json) -> None:
        with errors_as_warnings(self._task.log, "the asset events"):
            url = operation.key_maps().destination.url
            update_asset_events(self._context, self._task.outlets, url, result_json)
