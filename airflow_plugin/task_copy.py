"""One execution of the operator, in the order in which things happen.

:class:`TaskCopy` is one try of one task. It turns the task's arguments into an operation, runs it,
and reports the result to the log, XCom, assets and metrics. How a failure ends the task is
decided in :mod:`airflow_plugin.exceptions`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

from airflow_plugin import settings
from airflow_plugin._compat import BaseOperator
from airflow_plugin.arguments import TaskArguments
from airflow_plugin.connections import destination_side, source_side
from airflow_plugin.exceptions import (
    library_errors_as_task_errors,
    raise_for_result,
    task_error_text,
)
from airflow_plugin.links import persist_links
from airflow_plugin.monitor import monitor_run
from airflow_plugin.report_files import ReportFiles, is_url
from airflow_plugin.reporting import (
    RETURN_VALUE,
    emit_metrics,
    errors_as_warnings,
    log_result,
    log_settings,
    update_asset_events,
)
from airflow_plugin.wording import OperatorWording
from s3_xfer import CopyResult, S3CopyOperation, S3Location

Json = dict[str, Any]


class TaskCopy:
    """The copy that ``arguments`` describe, run by ``task``.

    Args:
        task: only for what every operator has: its log, its ids, its outlets.
        context: Airflow's.
        is_killed: whether Airflow has ended the task; polled in the main thread.
        wording: the words of messages.
    """

    def __init__(
        self,
        arguments: TaskArguments,
        *,
        task: BaseOperator,
        context: Any,
        is_killed: Callable[[], bool],
        wording: OperatorWording,
    ) -> None:
        self._arguments = arguments
        self._task = task
        self._context = context
        self._is_killed = is_killed
        self._wording = wording
        self._recursive = arguments.flag("recursive")
        self._fail_on_error = arguments.flag("fail_on_error")
        self._source_side = source_side(arguments)
        self._destination_side = destination_side(arguments)

    def run(self) -> Json:
        """Copy, and return the metrics.

        Raises:
            S3XferError: refused before anything was written, or ended early.
            S3CopyPermanentError, S3CopyRetryableError: not all was copied.
        """
        reports = ReportFiles(
            make_client=self._destination_side.client,
            output=self._arguments["report_path"],
            input=self._arguments["from_report_path"],
        )
        source, destination = self._locations()
        with reports:
            self._wording = dataclasses.replace(self._wording, urls=reports.urls)
            with library_errors_as_task_errors(self._wording):
                operation = self._operation(source, destination, reports)
                self._report_start(operation)
                return self._copy(operation, reports)

    # ------------------------------------------------------------------------- the operation

    def _locations(self) -> tuple[S3Location, S3Location]:
        """Return both locations, with the accounts that the connections stand for."""
        source = self._arguments.location("source")
        destination = self._arguments.location("destination")
        return (
            dataclasses.replace(source, account=self._source_side.account()),
            dataclasses.replace(destination, account=self._destination_side.account()),
        )

    def _operation(
        self, source: S3Location, destination: S3Location, reports: ReportFiles
    ) -> S3CopyOperation:
        batch_size = self._arguments.number("batch_size")
        overwrite = self._arguments.flag("overwrite")
        options = self._arguments.options(
            defaults=settings.option_defaults(),
            local_paths={
                "report_path": reports.output_path,
                "from_report_path": reports.input_path,
            },
            is_retry=self._context["ti"].try_number > 1,
        )
        return S3CopyOperation.between(
            source,
            destination,
            recursive=self._recursive,
            batch_size=batch_size,
            overwrite=overwrite,
            options=options,
        )

    # ------------------------------------------------------------------------------- the run

    def _copy(self, operation: S3CopyOperation, reports: ReportFiles) -> Json:
        log = self._task.log
        run = operation.start()
        try:
            monitor_run(
                run,
                log,
                is_killed=self._is_killed,
                log_interval_s=settings.seconds_setting("log_interval"),
                wording=self._wording,
            )
        finally:
            report_error = reports.deliver()
            if report_error:
                log.error("%s", task_error_text(report_error, self._wording))
        result = run.result()
        result_json = self._report_result(operation, result, is_delivered=not report_error)
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
        return result_json

    # ------------------------------------------------------------------------------- reports

    def _report_start(self, operation: S3CopyOperation) -> None:
        keys = operation.key_map()
        sides = (self._source_side, self._destination_side)
        log_settings(self._task.log, operation, sides, self._wording)
        persist_links(
            self._context, self._task, keys.source, keys.destination, recursive=self._recursive
        )

    def _report_result(
        self, operation: S3CopyOperation, result: CopyResult, *, is_delivered: bool
    ) -> Json:
        """Report to the log, metrics and assets; return the result as plain JSON values."""
        keys, log = operation.key_map(), self._task.log
        result_json = self._as_json(operation, result, is_delivered=is_delivered)
        log_result(log, operation, result, result_json, self._wording)
        with errors_as_warnings(log, "the metrics"):
            emit_metrics({"dag_id": self._task.dag_id, "task_id": self._task.task_id}, result_json)
        with errors_as_warnings(log, "the asset events"):
            update_asset_events(
                self._context, self._task.outlets, keys.destination.url, result_json
            )
        return result_json

    def _as_json(
        self, operation: S3CopyOperation, result: CopyResult, *, is_delivered: bool
    ) -> Json:
        """Return what XCom gets: only values that JSON keeps as they are."""
        keys = operation.key_map()
        described = self._wording.say_all(result.to_dict()) | {
            "source": keys.source.url,
            "destination": keys.destination.url,
        }
        report_path = self._arguments["report_path"]
        if is_url(report_path):
            described["report"] = report_path if is_delivered else None
        result_json: Json = json.loads(json.dumps(described))
        return result_json

    def _push_result(self, result_json: Json) -> None:
        """Push the result of a task that fails and therefore returns nothing."""
        if self._task.do_xcom_push:
            with errors_as_warnings(self._task.log, "the XCom"):
                self._context["ti"].xcom_push(key=RETURN_VALUE, value=result_json)
