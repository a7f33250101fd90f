"""The operator: one copy between accounts as one task.

It connects, runs the library's copy in this process (S3 moves the bytes), logs the progress, and
ends the task as the copy ended. There is no deferrable mode: every request is sent from here, and
there is nothing to wait for elsewhere. Parsing a DAG only assigns the arguments.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_plugin._compat import BaseOperator, BaseOperatorLink, Context
from airflow_plugin.arguments import OPTIONS, TaskArguments, documented, keyword_only, with_options
from airflow_plugin.links import S3DestinationLink, S3SourceLink

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage


@documented(OPTIONS)
class S3CrossAccountCopyOperator(BaseOperator):
    """Copy S3 objects into a bucket of another account, server-side.

    The destination's credentials make the copy and must be allowed to read the source; the
    source's, where given, list it. Every argument is a template, and may be text.

    .. seealso:: ``docs/how-to/airflow.md``: connections, permissions, failures, stopping.

    :param source_bucket: bucket to copy from; may be left out if ``source_key`` is a URL
    :param source_key: key, or with ``recursive`` a prefix, or either as ``s3://BUCKET/KEY``
    :param destination_bucket: bucket to copy to, as above
    :param destination_key: key or prefix, as above; empty, or ending in ``/``, it receives a single
        object under its own name
    :param more_sources: further sources of the same run, as ``s3://`` URLs, in text one a line;
        each is copied under the destination by its last name then, the first one as well
    :param recursive: copy everything below the prefix ``source_key``
    :param source_aws_conn_id: connection that lists the source and reads its metadata; without one
        the destination's does
    :param dest_aws_conn_id: connection that makes the copy; without one the worker's own identity
        does. A connection that is named must exist.
    :param batch_size: objects handed to the workers at a time, 1 to 1000
    :param overwrite: replace objects that exist at the destination
    :param identical: what happens to objects whose content is at the destination already: ``copy``,
        ``skip`` (by listing the destination), or ``skip-on-retry``: copy in the first try of the
        task, skip in later ones. Default: ``[s3_xfer] identical``, which is ``skip-on-retry``
    :param fail_on_error: fail the task if an object was not copied. A copy that ended early fails
        it in any case.
    :param on_empty: what happens if there is nothing at the source: ``fail`` the task at once,
        ``skip`` it, or let it ``succeed`` with counts of zero. A bucket that is missing or cannot
        be read fails it in any case.
    :param preflight_only: try every step of the copy and log what is denied and why, with the
        missing statement, but copy nothing; what was found is the XCom. The task fails if the copy
        would be refused
    :param source_region_name: region of the source, before the connection's
    :param dest_region_name: region of the destination, before the connection's
    :param source_verify: certificates to trust, before the connection's ``verify``
    :param dest_verify: as above
    :param source_bucket_owner: 12-digit account that must own the source bucket
    :param dest_bucket_owner: 12-digit account that must own the destination bucket
    :param botocore_config: settings for both clients, on top of the connections' ``config_kwargs``
    :param report_path: file, or ``s3://`` URL written with the destination's connection, that gets
        a JSON line for each object that was not copied. What ends in ``/`` is a folder, in which
        the operator names the file after DAG, run, task, map index and try. A report of another
        task or run is never replaced.
    :param from_report_path: report (file or URL) of an earlier run: copy only what it misses
    :param journal: file, or ``s3://`` URL reached with the destination's connection, that records
        what is done: a retry of the task goes on from there, on any worker. Let it end in ``/``:
        it is a folder then, in which the operator names the file after DAG, run, task and map
        index. A complete one is begun anew
    :param journal_use: ``continue`` (go on if it is unfinished, begin otherwise; the default),
        ``begin`` or ``resume``
    :param request_retries: repetitions of a single request, inside one try of the task
    :param request_retry_delay_s: seconds before the first of them; doubles with each
    :param concurrency: copies under way at the same time. Default: ``[s3_xfer] concurrency``
    :param stop_grace_s: seconds that a stopped copy waits for answers. Default:
        ``[s3_xfer] stop_grace``

    :param delete: ``extra`` makes it a sync: recursive, ``identical`` is ``skip``, and what only
        the destination has is deleted once everything was copied, never more than ``max_delete``

    The others are those of :class:`s3_xfer.CopyOptions`; None means its default.
    """

    template_ext: Sequence[str] = ()
    template_fields_renderers: ClassVar[dict[str, str]] = {"botocore_config": "json"}
    operator_extra_links: Collection[BaseOperatorLink] = (S3SourceLink(), S3DestinationLink())
    ui_color = "#c5e8d4"

    @with_options(OPTIONS)
    def __init__(
        self,
        *,
        source_key: str,
        destination_key: str = "",
        source_bucket: str | None = None,
        destination_bucket: str | None = None,
        more_sources: Sequence[str] | str | None = None,
        recursive: bool | str = False,
        source_aws_conn_id: str | None = None,
        dest_aws_conn_id: str | None = None,
        batch_size: int | str = 100,
        overwrite: bool | str = True,
        fail_on_error: bool | str = True,
        on_empty: str = "fail",
        preflight_only: bool | str = False,
        source_region_name: str | None = None,
        dest_region_name: str | None = None,
        source_verify: bool | str | None = None,
        dest_verify: bool | str | None = None,
        source_bucket_owner: str | None = None,
        dest_bucket_owner: str | None = None,
        botocore_config: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        options = {name: kwargs.pop(name, None) for name in OPTIONS}
        super().__init__(**kwargs)
        self.source_key = source_key
        self.destination_key = destination_key
        self.source_bucket = source_bucket
        self.destination_bucket = destination_bucket
        self.more_sources = more_sources
        self.recursive = recursive
        self.source_aws_conn_id = source_aws_conn_id
        self.dest_aws_conn_id = dest_aws_conn_id
        self.batch_size = batch_size
        self.overwrite = overwrite
        self.fail_on_error = fail_on_error
        self.on_empty = on_empty
        self.preflight_only = preflight_only
        self.source_region_name = source_region_name
        self.dest_region_name = dest_region_name
        self.source_verify = source_verify
        self.dest_verify = dest_verify
        self.source_bucket_owner = source_bucket_owner
        self.dest_bucket_owner = dest_bucket_owner
        self.botocore_config = botocore_config
        for name, value in options.items():
            setattr(self, name, value)

    template_fields: Sequence[str] = keyword_only(__init__)

    # Set from a signal handler, so only a plain attribute; see airflow_plugin.monitor.
    killed = False
    copied: Mapping[str, Any] | None = None  # the result, failed or not, for OpenLineage

    def execute(self, context: Context) -> dict[str, Any]:
        """Copy, and return the metrics as plain JSON values.

        Raises:
            S3CopyPermanentError: fails the task at once: wrong input, missing bucket, denied.
            S3CopyRetryableError: another try may succeed.
        """
        # Not when a DAG is parsed: the library with boto3 takes a second.
        from airflow_plugin.exceptions import library_errors_as_task_errors  # noqa: PLC0415
        from airflow_plugin.settings import task_wording  # noqa: PLC0415
        from airflow_plugin.task_copy import TaskCopy  # noqa: PLC0415

        arguments = _rendered(self)
        wording = task_wording(arguments.values)
        with library_errors_as_task_errors(wording):
            copy = TaskCopy(
                arguments,
                task=self,
                context=context,
                is_killed=lambda: self.killed,
                wording=wording,
            )
            try:
                return copy.run()
            finally:
                self.copied = copy.result_json

    def on_kill(self) -> None:
        """Note that Airflow ends the task. The loop in ``execute`` sees it and stops the copy."""
        self.killed = True

    def get_openlineage_facets_on_start(self) -> OperatorLineage[Any, Any]:
        """Return both locations; of a dry run the source alone."""
        from airflow_plugin.lineage import lineage  # noqa: PLC0415 - optional packages

        arguments = _rendered(self)
        source, destination = arguments.location("source"), arguments.location("destination")
        writes = not (arguments.is_dry_run or arguments.flag("preflight_only"))
        return lineage(source, destination if writes else None, self.copied)

    def get_openlineage_facets_on_complete(self, _task_instance: Any) -> OperatorLineage[Any, Any]:
        """Return both locations with counts and bytes."""
        return self.get_openlineage_facets_on_start()

    def get_openlineage_facets_on_failure(self, _task_instance: Any) -> OperatorLineage[Any, Any]:
        """Return both locations with what was copied before the task failed."""
        return self.get_openlineage_facets_on_start()


def _rendered(task: S3CrossAccountCopyOperator) -> TaskArguments:
    names = S3CrossAccountCopyOperator.template_fields  # a subclass may have fewer
    return TaskArguments({name: getattr(task, name) for name in names})
