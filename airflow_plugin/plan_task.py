"""A task about a planned copy: its arguments are the copy's, and where the plan is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from airflow_plugin._compat import Context
from airflow_plugin.arguments import TaskArguments
from airflow_plugin.operator import S3CrossAccountCopyOperator

if TYPE_CHECKING:
    from airflow_plugin.wording import OperatorWording
    from s3_xfer import S3CopyOperation


class PlanTask(S3CrossAccountCopyOperator):
    """A task about the copy of the other arguments, whose plan is ``plan``: a folder or a URL."""

    template_fields: Sequence[str] = (*S3CrossAccountCopyOperator.template_fields, "plan")
    operator_extra_links = ()

    def __init__(self, *, plan: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan = plan

    @property
    def arguments(self) -> TaskArguments:
        """The arguments of the copy, as they were rendered."""
        names = S3CrossAccountCopyOperator.template_fields
        return TaskArguments({name: getattr(self, name) for name in names})

    @property
    def is_strict(self) -> bool:
        """Whether objects that were not copied fail the task."""
        return self.arguments.flag("fail_on_error")

    def execute(self, context: Context) -> Any:
        """Do the work of the task; errors end it as they end a copy's."""
        return self.done(self.work, context)

    def done(self, work: Callable[[Any, OperatorWording], Any], context: Any) -> Any:
        """Return what ``work`` returns; the library's errors become the task's."""
        from airflow_plugin.exceptions import library_errors_as_task_errors  # noqa: PLC0415
        from airflow_plugin.settings import task_wording  # noqa: PLC0415 - as in the operator

        wording = task_wording(self.arguments.values)
        with library_errors_as_task_errors(wording):
            return work(context, wording)

    def work(self, context: Any, wording: OperatorWording) -> Any:
        """Do it; may raise the library's errors."""
        raise NotImplementedError

    def operation(self, context: Any, wording: OperatorWording) -> S3CopyOperation:
        """Return the copy, the same in every try of the task."""
        from airflow_plugin.task_copy import TaskCopy  # noqa: PLC0415 - loads boto3

        return TaskCopy(
            self.arguments,
            task=self,
            context=context,
            is_killed=lambda: self.killed,
            wording=wording,
        ).operation()
