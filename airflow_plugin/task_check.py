"""One execution of the check operator: compare both sides, report, and end the task accordingly."""

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
    S3CopyRetryableError,
    S3CopyStoppedError,
    library_errors_as_task_errors,
)
from airflow_plugin.file_names import is_url
from airflow_plugin.monitor import monitor_run
from airflow_plugin.report_files import ReportFiles
from airflow_plugin.reporting import errors_as_warnings, log_text
from airflow_plugin.task_run import Json, TaskRun
from s3_xfer import (
    CheckResult,
    CheckRun,
    CompareStatus,
    Rates,
    RunState,
    S3CheckOperation,
    S3XferError,
    TransferMetrics,
    check_text,
)


class OnDifference(enum.Enum):
    """What becomes of a task that finds differences. The value is the argument's."""

    FAIL = "fail"
    SKIP = "skip"
    SUCCEED = "succeed"


class TaskCheck(TaskRun):
    """The check that the arguments describe; they are those of the check operator."""

    def __init__(self, arguments: TaskArguments, **settings: Any) -> None:
        super().__init__(arguments, **settings)
        words = [choice.value for choice in OnDifference]
        self._on_difference = OnDifference(arguments.choice("on_difference", words))

    def run(self) -> Json:
        """Compare, and return the counts.

        Raises:
            S3XferError: refused, or ended early.
            S3CopyPermanentError: there are differences.
            S3CopyRetryableError: some objects could not be compared.
            AirflowSkipException: there are differences, and ``on_difference`` is ``skip``.
        """
        reports = self._report_files()
        with reports:
            self._wording = dataclasses.replace(self._wording, urls=reports.urls)
            with library_errors_as_task_errors(self._wording):
                return self._check(self._operation(reports), reports)

    def _operation(self, reports: ReportFiles) -> S3CheckOperation:
        options = self._arguments.check_options(
            defaults=settings.option_defaults(), places={"report_path": reports.output_path}
        )
        return S3CheckOperation.between(
            *self._locations(),
            more_sources=self._arguments.more_sources(),
            recursive=self._recursive,
            options=options,
            **self._arguments.compared(),
        )

    def _check(self, operation: S3CheckOperation, reports: ReportFiles) -> Json:
        keys = operation.key_maps()
        self._task.log.info("comparing %s with %s", keys.source_url, keys.destination.url)
        run = operation.start()
        try:
            monitor_run(
                run,
                self._task.log,
                is_killed=self._is_killed,
                log_interval_s=settings.seconds_setting("log_interval"),
                wording=self._wording,
                line=check_progress,
            )
        except BaseException:
            self._report_stop(operation, run, reports)
            raise
        report_error = self._deliver(reports)
        result = run.result()
        result_json = self._report_result(operation, result, reports, report_error)
        try:
            self._raise_for(result, report_error, url=keys.destination.url)
        except Exception:
            self._push_result(result_json)
            raise
        return result_json

    def _raise_for(
        self, result: CheckResult, report_error: S3XferError | None, *, url: str
    ) -> None:
        """Return if the result lets the task succeed."""
        if result.aborted_by:
            raise result.aborted_by
        if result.cancelled_by:
            raise S3CopyStoppedError(f"the check was stopped ({result.cancelled_by})")
        if report_error:
            raise report_error
        counts = {status.value: count for status, count in result.totals.counts.items()}
        if result.totals.differences and self._on_difference is not OnDifference.SUCCEED:
            text = f"{url} differs from the source: {_words(counts)}"
            if self._on_difference is OnDifference.SKIP:
                raise AirflowSkipException(text)
            raise S3CopyPermanentError(f"{text}\nNext: {self._how_to_mend()}.")
        if not_compared := counts[CompareStatus.NOT_COMPARED.value]:
            objects = "1 object" if not_compared == 1 else f"{not_compared:,} objects"
            raise S3CopyRetryableError(f"{objects} could not be compared\nNext: clear this task.")

    def _how_to_mend(self) -> str:
        """Return what makes both sides the same; what is extra is nobody's to delete here."""
        if self._wording.report:
            return "give this task's report to the copy as from_report_path="
        return 'run the copy with identical="skip", or give report_path= to see every object'

    # ------------------------------------------------------------------------------- reports

    def _report_stop(
        self, operation: S3CheckOperation, run: CheckRun, reports: ReportFiles
    ) -> None:
        with errors_as_warnings(self._task.log, "what was compared"):
            if run.wait(0) and run.state is not RunState.VALIDATION_FAILED:
                error = self._deliver(reports)
                self._push_result(self._report_result(operation, run.result(), reports, error))

    def _report_result(
        self,
        operation: S3CheckOperation,
        result: CheckResult,
        reports: ReportFiles,
        report_error: S3XferError | None,
    ) -> Json:
        keys = operation.key_maps()
        text = check_text(
            dataclasses.replace(result, report_path=None),
            source_url=keys.source_url,
            destination_url=keys.destination.url,
            wording=self._wording,
        )
        described = self._wording.say_all(result.to_dict()) | {
            "source": keys.source_url,
            "destination": keys.destination.url,
        }
        if is_url(reports.output):
            described["report"] = None if report_error else reports.output
        result_json: Json = json.loads(json.dumps(described))
        log_text(self._task.log, text, result_json)
        return result_json


def check_progress(state: RunState, metrics: TransferMetrics, rates: Rates) -> str:
    """Return one line about a check under way."""
    grows = "" if metrics.listing_complete else "+"
    return (
        f"{state.value.lower()} compared={metrics.total_files_found}{grows} "
        f"rate={rates.objects_per_s:.0f}/s differ={metrics.files_failed} retries={metrics.retries}"
    )


def _words(counts: dict[str, int]) -> str:
    found = [f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items() if count]
    return ", ".join(found)
