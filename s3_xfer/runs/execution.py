"""The road of every run: source, planner, channel, processor.

Everything that was planned is in the channel, in flight, or recorded; every way out of a run
empties the first two into the third.
"""

from __future__ import annotations

from typing import TypeVar

from s3_xfer.ledger.ledger import Ledger
from s3_xfer.pipeline.executor import Executor, Processor
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.runs.producer import Planner, Producer
from s3_xfer.sources.source import Source

FoundT = TypeVar("FoundT")
WorkT = TypeVar("WorkT")


def execute(
    source: Source[FoundT],
    planner: Planner[FoundT, WorkT],
    executor: Executor[WorkT],
    processor: Processor[WorkT] | None,
    *,
    ledger: Ledger,
    stop: StopFlag,
    batch_size: int,
    grace_s: float,
) -> bool:
    """Take everything from ``source`` to its end, or as much as can be until the run is stopped.

    Without a ``processor``, for a run that was stopped before it had one, all that needs no request
    is recorded as not attempted. After a stop it waits ``grace_s`` for answers in flight. Returns
    whether all threads have ended. Never raises: errors go to ``ledger``.
    """
    producer = Producer(
        source,
        planner,
        executor.channel,
        batch_size=batch_size,
        is_stopped=stop.is_set,
        on_exhausted=ledger.listing_completed,
        on_error=ledger.abort,
    )
    if processor:
        executor.start(processor)
        producer.start()
        if executor.wait():
            return producer.join()
        _abandon(executor, planner)
    else:
        _abandon(executor, planner)
        producer.start()
    processed = executor.finish(grace_s)
    produced = producer.close(grace_s)
    executor.give_up()
    return processed and produced


def _abandon(executor: Executor[WorkT], planner: Planner[FoundT, WorkT]) -> None:
    """Record what waits in the channel as not attempted; what is put there later is handed back."""
    for item in executor.channel.abort():
        planner.not_attempted(item)
