"""The operator that compares: whether a destination is what a copy of the source would have made.

It writes nothing but its report. Parsing a DAG only assigns the arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from airflow_plugin._compat import BaseOperator, Context
from airflow_plugin.arguments import (
    CHECK_OPTIONS,
    TaskArguments,
    documented,
    keyword_only,
    with_options,
)


@documented(CHECK_OPTIONS)
class S3CrossAccountCheckOperator(BaseOperator):
    """Compare S3 objects with their copies in a bucket of another account.

    Both sides are listed: objects are missing, different, extra, or the same, which S3 has to
    prove. The counts are the XCom, whether the task fails or not.

    .. seealso:: ``docs/how-to/airflow.md``; locations, connections, regions, owners and
        ``botocore_config`` are those of :class:`S3CrossAccountCopyOperator`.

    :param source_bucket: bucket that was copied from; may be left out if ``source_key`` is a URL
    :param source_key: key, or with ``recursive`` a prefix, or either as ``s3://BUCKET/KEY``
    :param destination_bucket: bucket that was copied to, as above
    :param destination_key: key or prefix, as above
    :param more_sources: further sources of the same run, as ``s3://`` URLs, in text one a line;
        each is compared under the destination by its last name then, the first one as well
    :param recursive: compare everything below the prefix ``source_key``
    :param source_aws_conn_id: connection that lists the source; without one the destination's does
    :param dest_aws_conn_id: connection that lists the destination; without one the worker's own
        identity does
    :param on_difference: what differences do to the task: ``fail`` it at once, ``skip`` it, or let
        it ``succeed``, for a task that reads the counts. What could not be compared fails it in
        any case, with its retries.
    :param compare: what to compare besides sizes and ETags: a list of ``checksums``, ``metadata``
        and ``tags``, or the same as one text with commas
    :param extra: ``ignore`` leaves out what only the destination has; default: ``count``
    :param fail_on: what is a difference: ``same-size`` adds what has the same size and no proof of
        the same content; default: ``difference``
    :param report_path: file, or ``s3://`` URL, that gets a JSON line for each difference; what
        ends in ``/`` is a folder, as that of the copy operator, whose ``from_report_path`` takes
        the report and copies what is missing or different

    The others are those of :class:`s3_xfer.CopyOptions`; None means its default.
    """

    template_ext: Sequence[str] = ()
    template_fields_renderers: ClassVar[dict[str, str]] = {"botocore_config": "json"}
    ui_color = "#d8e3f0"

    @with_options(CHECK_OPTIONS)
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
        on_difference: str = "fail",
        compare: Sequence[str] | str | None = None,
        extra: str | None = None,
        fail_on: str | None = None,
        source_region_name: str | None = None,
        dest_region_name: str | None = None,
        source_verify: bool | str | None = None,
        dest_verify: bool | str | None = None,
        source_bucket_owner: str | None = None,
        dest_bucket_owner: str | None = None,
        botocore_config: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        options = {name: kwargs.pop(name, None) for name in CHECK_OPTIONS}
        super().__init__(**kwargs)
        self.source_key = source_key
        self.destination_key = destination_key
        self.source_bucket = source_bucket
        self.destination_bucket = destination_bucket
        self.more_sources = more_sources
        self.recursive = recursive
        self.source_aws_conn_id = source_aws_conn_id
        self.dest_aws_conn_id = dest_aws_conn_id
        self.on_difference = on_difference
        self.compare = compare
        self.extra = extra
        self.fail_on = fail_on
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

    def execute(self, context: Context) -> dict[str, Any]:
        """Compare, and return the counts as plain JSON values.

        Raises:
            S3CopyPermanentError: there are differences, or the input is wrong, or access denied.
            S3CopyRetryableError: another try may succeed.
            AirflowSkipException: there are differences, and ``on_difference`` is ``skip``.
        """
        # Not when a DAG is parsed: the library with boto3 takes a second.
        from airflow_plugin.exceptions import library_errors_as_task_errors  # noqa: PLC0415
        from airflow_plugin.settings import task_wording  # noqa: PLC0415
        from airflow_plugin.task_check import TaskCheck  # noqa: PLC0415

        arguments = TaskArguments({name: getattr(self, name) for name in _ARGUMENTS})
        wording = task_wording(arguments.values)
        with library_errors_as_task_errors(wording):
            check = TaskCheck(
                arguments,
                task=self,
                context=context,
                is_killed=lambda: self.killed,
                wording=wording,
            )
            return check.run()

    def on_kill(self) -> None:
        """Note that Airflow ends the task. The loop in ``execute`` sees it and stops the check."""
        self.killed = True


_ARGUMENTS = S3CrossAccountCheckOperator.template_fields  # a subclass may have fewer
