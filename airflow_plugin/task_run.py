"""What every task between two accounts does with its arguments, whatever it runs.

:class:`TaskRun` is one try of one task: its two sides, its files and its XCom. What is run, and how
its result ends the task, is the business of :mod:`airflow_plugin.task_copy` and
:mod:`airflow_plugin.task_check`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from airflow_plugin._compat import BaseOperator
from airflow_plugin.arguments import TaskArguments
from airflow_plugin.connections import destination_side, source_side
from airflow_plugin.exceptions import task_error_text
from airflow_plugin.file_names import TaskIdentity, make_folder
from airflow_plugin.report_files import ReportFiles
from airflow_plugin.reporting import RETURN_VALUE, errors_as_warnings
from airflow_plugin.wording import OperatorWording
from s3_xfer import S3Location, S3XferError

Json = dict[str, Any]


class TaskRun:
    """What ``arguments`` describe, run by ``task``.

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
        self._source_side = source_side(arguments)
        self._destination_side = destination_side(arguments)
        self._identity = TaskIdentity.of(context["ti"])

    def _locations(self) -> tuple[S3Location, S3Location]:
        """Return both locations, with the accounts that the connections stand for."""
        source = self._arguments.location("source")
        destination = self._arguments.location("destination")
        return (
            dataclasses.replace(source, account=self._source_side.account()),
            dataclasses.replace(destination, account=self._destination_side.account()),
        )

    def _report_files(self, *, input_path: str | None = None) -> ReportFiles:
        """Return the reports of this task, to be opened."""
        report = self._arguments.file("report_path")
        return ReportFiles(
            make_client=self._destination_side.client,
            output=self._file_for(report, self._identity.report),
            input=input_path,
            owner=self._identity.path,
        )

    def _file_for(self, argument: str | None, name: Callable[[str], str]) -> str | None:
        """Return where the file of ``argument`` is; make its folder if the operator names it."""
        if argument is None:
            return None
        place = name(argument)
        if place != argument:
            make_folder(place)
        return place

    def _deliver(self, reports: ReportFiles) -> S3XferError | None:
        error = reports.deliver()
        if error:
            self._task.log.error("%s", task_error_text(error, self._wording))
        return error

    def _push_result(self, result_json: Json) -> None:
        """Push the result of a task that fails and therefore returns nothing."""
        if self._task.do_xcom_push:
            with errors_as_warnings(self._task.log, "the XCom"):
                self._context["ti"].xcom_push(key=RETURN_VALUE, value=result_json)
