"""Waits for a job of S3 Batch Operations in Airflow's triggerer, which costs no worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, cast

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

FAILED_QUESTIONS_MAX = 20  # in a row
_event = cast("Callable[[Mapping[str, Any]], TriggerEvent]", TriggerEvent)  # which has no types


class S3BatchJobTrigger(BaseTrigger):
    """Asks every ``poll_interval_s`` how a job is getting on; one event tells that it has ended.

    ``job`` and ``side`` are the fields of a :class:`s3_xfer.SubmittedJob` and of a connection's
    :class:`~airflow_plugin.connections.Side`. The event has the job's ``status``, or the ``error``
    that kept it from being asked.
    """

    def __init__(
        self,
        *,
        job: Mapping[str, Any],
        side: Mapping[str, Any],
        control_endpoint: str | None,
        poll_interval_s: float,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.job = dict(job)
        self.side = dict(side)
        self.control_endpoint = control_endpoint
        self.poll_interval_s = poll_interval_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the triggerer makes another one from."""
        return (
            "airflow_plugin.batch_trigger.S3BatchJobTrigger",
            {
                "job": self.job,
                "side": self.side,
                "control_endpoint": self.control_endpoint,
                "poll_interval_s": self.poll_interval_s,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event at the end."""
        from s3_xfer import S3XferError  # noqa: PLC0415 - not when a DAG is parsed

        failed_questions = 0
        while True:
            try:
                status = await sync_to_async(self._status, thread_sensitive=False)()
            except S3XferError as error:
                failed_questions += 1
                if error.is_permanent or failed_questions > FAILED_QUESTIONS_MAX:
                    yield _event({"error": str(error)})
                    return
                self.log.warning("the job cannot be described just now: %s", error.problem)
            else:
                failed_questions = 0
                if status:
                    yield _event({"status": status})
                    return
            await asyncio.sleep(self.poll_interval_s)

    def _status(self) -> str | None:
        """Return how the job has ended; None if it has not."""
        from airflow_plugin.connections import Side  # noqa: PLC0415 - loads boto3
        from s3_xfer import SubmittedJob, describe_batch_job  # noqa: PLC0415

        progress = describe_batch_job(
            SubmittedJob(**{**self.job, "notes": tuple(self.job["notes"])}),
            destination=Side(**self.side).account(),
            control_endpoint=self.control_endpoint,
        )
        self.log.info(
            "job %s: %s, %d of %d objects copied, %d not",
            progress.job_id,
            progress.status,
            progress.succeeded,
            progress.objects,
            progress.failed,
        )
        return progress.status if progress.has_ended else None
