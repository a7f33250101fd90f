"""A large copy as a task group: plan, a mapped task for each shard, merge.

The plan is a folder that all workers see, or better a prefix in S3. Each shard is copied by a task
of its own, and again if that is retried, which copies only what is missing. For hundreds of shards
the scheduler is too slow; start an engine instead (how-to/shards.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_plugin._compat import TaskGroup
from airflow_plugin.plan_task import PlanTask

if TYPE_CHECKING:
    from airflow_plugin.wording import OperatorWording

SHARDS_MAX = 200
RUNNING_MAX = 16


class S3PlanOperator(PlanTask):
    """Plan the copy, and return the numbers of its shards; the survey is the XCom ``survey``.

    Args:
        shards: how many; by default as many as fit, at most 200.
        parallelism: how many are copied at the same time.
    """

    def __init__(
        self, *, shards: int | None = None, parallelism: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.shards = shards
        self.parallelism = parallelism

    def work(self, context: Any, wording: OperatorWording) -> list[int]:
        """Plan, unless an earlier try of this task has planned the same copy."""
        from s3_xfer import make_plan  # noqa: PLC0415 - loads boto3

        plan = make_plan(
            self.operation(context, wording),
            self.plan,
            shards=self.shards,
            parallelism=self.parallelism,
            reuse=context["ti"].try_number > 1,
        )
        survey = {"plan": self.plan, "plan_id": plan.plan_id, **plan.survey}
        self.log.info("%d shards: %s", len(plan.shards), survey)
        context["ti"].xcom_push(key="survey", value=survey)
        return [shard.number for shard in plan.shards]


class S3CopyShardOperator(PlanTask):
    """Copy one shard, and return its metrics; None if an earlier attempt has completed it."""

    template_fields: Sequence[str] = (*PlanTask.template_fields, "shard")

    def __init__(self, *, shard: int | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shard = shard

    def work(
        self,
        context: Any,  # noqa: ARG002
        wording: OperatorWording,
    ) -> Mapping[str, Any] | None:
        """Copy, and fail if not all of the shard was copied; stop when Airflow ends the task."""
        from airflow_plugin.connections import destination_side, source_side  # noqa: PLC0415
        from airflow_plugin.exceptions import raise_for_result  # noqa: PLC0415
        from airflow_plugin.monitor import monitor_run  # noqa: PLC0415
        from airflow_plugin.settings import seconds_setting  # noqa: PLC0415
        from s3_xfer import copy_shard  # noqa: PLC0415

        result = copy_shard(
            self.plan,
            str(self.shard),
            source=source_side(self.arguments).account(),
            destination=destination_side(self.arguments).account(),
            watch=lambda run: monitor_run(
                run,
                self.log,
                is_killed=lambda: self.killed,
                log_interval_s=seconds_setting("log_interval"),
                wording=wording,
            ),
        )
        if result is None:
            self.log.info("shard %s was done before", self.shard)
            return None
        metrics = result.to_dict()
        self.log.info("shard %s: %s", self.shard, metrics)
        raise_for_result(result, None, fail_on_error=self.is_strict, wording=wording)
        return {name: metrics[name] for name in _XCOM}


# Small: there is one for each shard. The record beside the plan has everything.
_XCOM = (
    "operation_id",
    "duration_seconds",
    "total_files_found",
    "files_copied_successfully",
    "files_failed",
    "total_bytes_transferred",
    "errors",
)


class S3MergeOperator(PlanTask):
    """Add up all shards, and return the metrics; fail if a shard is not done.

    Args:
        wait: wait until each shard is done or has failed for good: for shards that no task of the
            DAG waits for.
        wait_limit_s: fail when nothing has happened in any shard for so long.
    """

    def __init__(self, *, wait: bool = False, wait_limit_s: float = 3600.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.wait = wait
        self.wait_limit_s = wait_limit_s

    def work(self, context: Any, wording: OperatorWording) -> dict[str, Any]:  # noqa: ARG002
        """Merge; the metrics are an XCom of a task that fails, too."""
        from airflow_plugin.connections import destination_side  # noqa: PLC0415
        from airflow_plugin.exceptions import S3CopyPermanentError  # noqa: PLC0415
        from s3_xfer import merge_plan  # noqa: PLC0415

        account = destination_side(self.arguments).account()
        merged = merge_plan(
            self.plan, destination=account, wait=self.wait, wait_limit_s=self.wait_limit_s
        )
        self.copied = metrics = merged.to_dict()
        self.log.info("s3_xfer_result %s", json.dumps(metrics))
        if merged.is_complete or (merged.has_ended and not self.is_strict):
            return metrics
        context["ti"].xcom_push(key="return_value", value=metrics)
        numbers = ", ".join(map(str, merged.missing[:20]))
        raise S3CopyPermanentError(
            merged.stall
            or f"{len(merged.missing)} of {len(merged.plan.shards)} shards are not done: {numbers}"
        )


# What only one copy by one task can do.
_NOT_IN_SHARDS = ("report_path", "journal", "journal_use", "on_empty")


def copy_in_shards(
    *,
    plan: str,
    group_id: str = "copy_in_shards",
    shards: int | None = None,
    parallelism: int = RUNNING_MAX,
    retries: int = 3,
    **arguments: Any,
) -> Any:
    """Return a task group that copies a prefix in shards; its tasks are plan, copy_shard, merge.

    ``plan`` is where the plan is kept: name it after the run (``s3://our-control/{{ run_id }}``).
    ``parallelism`` tasks copy at the same time, and share ``max_requests_per_s``. ``retries`` are
    those of each shard. All other arguments are the operator's.

    Raises:
        ValueError: more shards than Airflow shows and schedules well, or an argument that a copy
            in shards does not have.
    """
    if shards is not None and not 1 <= shards <= SHARDS_MAX:
        raise ValueError(f"shards is {shards}; it must be 1 to {SHARDS_MAX}")
    if strange := arguments.keys() & set(_NOT_IN_SHARDS):
        raise ValueError(
            f"{', '.join(sorted(strange))}: not of a copy in shards, which keeps what it needs "
            "beside its plan, and needs something to copy"
        )
    common = {"plan": plan, **arguments, "recursive": True}
    with TaskGroup(group_id=group_id) as group:
        planned = S3PlanOperator(
            task_id="plan", shards=shards, parallelism=parallelism, retries=retries, **common
        )
        copied = S3CopyShardOperator.partial(
            task_id="copy_shard",
            retries=retries,
            max_active_tis_per_dagrun=parallelism,
            map_index_template="{{ task.shard }}",
            **common,
        ).expand(shard=planned.output)
        merged = S3MergeOperator(task_id="merge", trigger_rule="all_done", **common)
        copied >> merged
    return group
