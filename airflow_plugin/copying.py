"""One execution of the operator, in the order in which things happen.

The operator's class holds what a DAG said; this turns it into an operation, runs that, and tells
log, XCom, assets and metrics how it went. One :class:`TaskCopy` is one try of one task. Refuses
to decide how a failure ends the task: :mod:`airflow_plugin.failing` does.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from airflow_plugin import arguments, settings
from airflow_plugin.connections import Side
from airflow_plugin.failing import raise_for_result
from airflow_plugin.following import follow
from airflow_plugin.links import persist_links
from airflow_plugin.report_files import ReportFiles, is_url
from airflow_plugin.telling import (
    RETURN_VALUE,
    log_result,
    log_settings,
    not_worth_failing,
    tell_assets,
    tell_metrics,
)
from s3_xfer import CopyOptions, CopyResult, JournalUse, S3CopyOperation, S3Location

if TYPE_CHECKING:
    from airflow_plugin.operator import S3CrossAccountCopyOperator

Plain = dict[str, Any]


class TaskCopy:
    """Runs the copy that ``task`` (rendered) describes; ``context`` is Airflow's."""

    def __init__(self, task: S3CrossAccountCopyOperator, context: Any) -> None:
        self._task = task
        self._context = context
        self._recursive = arguments.read("recursive", task.recursive, bool)
        self._fail_on_error = arguments.read("fail_on_error", task.fail_on_error, bool)
        self._source_side = Side(
            name="source",
            aws_conn_id=task.source_aws_conn_id or task.dest_aws_conn_id,
            independent=bool(task.source_aws_conn_id),
            region_name=task.source_region_name,
            verify=task.source_verify,
            bucket_owner=task.source_bucket_owner,
            botocore_config=task.botocore_config,
        )
        self._destination_side = Side(
            name="destination",
            aws_conn_id=task.dest_aws_conn_id,
            region_name=task.dest_region_name,
            verify=task.dest_verify,
            bucket_owner=task.dest_bucket_owner,
            botocore_config=task.botocore_config,
        )

    def run(self) -> Plain:
        """Copy, and return the metrics.

        Raises:
            S3XferError: refused before anything was written, or ended early.
            S3CopyPermanentError, S3CopyRetryableError: not all was copied.
        """
        reports = ReportFiles(
            client=self._destination_side.client,
            written=self._task.report_path,
            read=self._task.from_report_path,
        )
        source, destination = self._places()
        with reports:
            operation = self._operation(source, destination, reports)
            self._say_where(operation)
            return self._copy(operation, reports)

    # ---------------------------------------------------------------------- what is asked for

    def _places(self) -> tuple[S3Location, S3Location]:
        """Return both places, with the accounts that the connections stand for."""
        task = self._task
        source = arguments.place("source", task.source_bucket, task.source_key)
        destination = arguments.place("destination", task.destination_bucket, task.destination_key)
        return (
            dataclasses.replace(source, account=self._source_side.account()),
            dataclasses.replace(destination, account=self._destination_side.account()),
        )

    def _operation(
        self, source: S3Location, destination: S3Location, reports: ReportFiles
    ) -> S3CopyOperation:
        task = self._task
        return S3CopyOperation.between(
            source,
            destination,
            recursive=self._recursive,
            batch_size=arguments.read("batch_size", task.batch_size, int),
            overwrite=arguments.read("overwrite", task.overwrite, bool),
            options=self._options(reports),
        )

    def _options(self, reports: ReportFiles) -> CopyOptions:
        """Return the library's options: the task's, where given, otherwise the configuration's."""
        given = {
            field.name: getattr(self._task, arguments.argument_of(field.name))
            for field in dataclasses.fields(CopyOptions)
        }
        is_retry = self._context["ti"].try_number > 1
        identical = settings.chosen(given["identical"], "identical")
        return arguments.copy_options(
            given
            | {
                "identical": arguments.identical(identical, is_retry=is_retry),
                "concurrency": settings.chosen(given["concurrency"], "concurrency"),
                "stop_grace_s": settings.chosen(given["stop_grace_s"], "stop_grace"),
                "journal_use": given["journal_use"]
                or (JournalUse.CONTINUE if given["journal"] else None),
                "report_path": reports.written_path,
                "from_report_path": reports.read_path,
            }
        )

    # ------------------------------------------------------------------------------ doing it

    def _copy(self, operation: S3CopyOperation, reports: ReportFiles) -> Plain:
        log = self._task.log
        run = operation.start()
        try:
            follow(
                run,
                log,
                killed=lambda: self._task.killed,
                log_interval_s=settings.seconds_setting("log_interval"),
            )
        finally:
            undelivered = reports.deliver()
            if undelivered:
                log.error("%s", undelivered)
        result = run.result()
        plain = self._tell(operation, result, delivered=not undelivered)
        try:
            raise_for_result(result, undelivered, fail_on_error=self._fail_on_error)
        except Exception:
            self._keep(plain)
            raise
        return plain

    # ---------------------------------------------------------------------------- telling

    def _say_where(self, operation: S3CopyOperation) -> None:
        keys = operation.key_map()
        log_settings(self._task.log, operation, (self._source_side, self._destination_side))
        persist_links(
            self._context, self._task, keys.source, keys.destination, recursive=self._recursive
        )

    def _tell(self, operation: S3CopyOperation, result: CopyResult, *, delivered: bool) -> Plain:
        """Tell everybody who wants to know; return the result as plain JSON values."""
        keys, log = operation.key_map(), self._task.log
        described = result.to_dict() | {
            "source": keys.source.url,
            "destination": keys.destination.url,
        }
        if is_url(self._task.report_path):
            described["report"] = self._task.report_path if delivered else None
        plain: Plain = json.loads(json.dumps(described))  # as XCom would make of it
        log_result(log, operation, result, plain)
        with not_worth_failing(log, "the metrics"):
            tell_metrics({"dag_id": self._task.dag_id, "task_id": self._task.task_id}, plain)
        with not_worth_failing(log, "the asset events"):
            tell_assets(self._context, self._task.outlets, keys.destination.url, plain)
        return plain

    def _keep(self, plain: Plain) -> None:
        """Push what a task that fails cannot return."""
        if self._task.do_xcom_push:
            with not_worth_failing(self._task.log, "the XCom"):
                self._context["ti"].xcom_push(key=RETURN_VALUE, value=plain)
