"""The road of every run: source, planning, channel, processor.

A thread reads the source, plans each batch, and waits while the channel is full. Everything that
was planned is in the channel, in flight, or recorded; every way out of a run empties the first two
into the third.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

from s3_xfer.ledger.ledger import Ledger
from s3_xfer.pipeline.channel import Channel
from s3_xfer.pipeline.executor import Executor, Processor
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.sources.source import Batch, Source

_POLL_S = 0.1

FoundT = TypeVar("FoundT")
WorkT = TypeVar("WorkT")
Plan: TypeAlias = Callable[[Batch[FoundT]], Sequence[WorkT]]


def execute(
    source: Source[FoundT],
    executor: Executor[WorkT],
    processor: Processor[WorkT] | None,
    *,
    plan: Plan[FoundT, WorkT],
    not_attempted: Callable[[WorkT], None],
    ledger: Ledger,
    stop: StopFlag,
    batch_size: int,
    grace_s: float,
) -> bool:
    """Take everything from ``source`` to its end, or as much as can be until the run is stopped.

    ``plan`` counts a batch, records what needs no work, and returns the rest, of which
    ``not_attempted`` records what the run ended before. Without a ``processor``, for a run that was
    stopped before it had one, all that needs no request is not attempted. After a stop it waits
    ``grace_s`` for answers in flight. Returns whether all threads have ended. Never raises: errors
    go to ``ledger``.
    """
    producer = Producer(
        source,
        executor.channel,
        plan=plan,
        not_attempted=not_attempted,
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
        _abandon(executor, not_attempted)
    else:
        _abandon(executor, not_attempted)
        producer.start()
    processed = executor.finish(grace_s)
    produced = producer.close(grace_s)
    executor.give_up()
    return processed and produced


def _abandon(executor: Executor[WorkT], not_attempted: Callable[[WorkT], None]) -> None:
    """Record what waits in the channel as not attempted; what is put there later is handed back."""
    for item in executor.channel.abort():
        not_attempted(item)


class Producer(Generic[FoundT, WorkT]):
    """Fills ``channel`` in a thread of its own, and closes it when nothing more will come.

    A batch is planned and handed over as a whole, or not at all, so that ``source.remaining()``
    always says what is left and a stopped run can be continued. ``on_exhausted`` is called when
    the source has nothing more; ``on_error`` gets the exception that ended the thread early.
    """

    def __init__(
        self,
        source: Source[FoundT],
        channel: Channel[WorkT],
        *,
        plan: Plan[FoundT, WorkT],
        not_attempted: Callable[[WorkT], None],
        batch_size: int,
        is_stopped: Callable[[], bool],
        on_exhausted: Callable[[], None],
        on_error: Callable[[BaseException, str], None],
    ) -> None:
        self._source = source
        self._channel = channel
        self._plan = plan
        self._not_attempted = not_attempted
        self._batch_size = batch_size
        self._is_stopped = is_stopped
        self._on_exhausted = on_exhausted
        self._on_error = on_error
        self._lock = threading.Lock()  # held while a batch is counted and handed over
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="s3-xfer-producer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> bool:
        """Wait for the end and return True."""
        self._thread.join()
        return True

    def close(self, grace_s: float) -> bool:
        """End after a stop: wait ``grace_s`` for S3, and return whether all threads have ended.

        Local batches are always read to their end: they are on this disk, and none may be lost. A
        page that S3 answers later is not counted.
        """
        deadline_s = time.monotonic() + grace_s
        self._source.close()
        self._thread.join(grace_s)
        while self._source.is_local and self._thread.is_alive():
            self._thread.join(_POLL_S)
        with self._lock:
            self._is_closed = True
        all_ended = self._source.join(deadline_s - time.monotonic())
        return all_ended and not self._thread.is_alive()

    # ------------------------------------------------------------------ in the thread itself

    def _run(self) -> None:
        try:
            self._produce()
        except BaseException as error:  # noqa: BLE001 - the run's reason to end
            self._on_error(error, "listing the source")
        finally:
            self._source.close()
            self._channel.close()

    def _produce(self) -> None:
        for batch in self._source.batches():
            is_listed = batch.keys is not None
            if (is_listed and self._is_stopped()) or not self._hand_over(batch):
                return
        if not self._source.remaining():
            self._on_exhausted()

    def _hand_over(self, batch: Batch[FoundT]) -> bool:
        """Plan a batch and pass it on; what the channel refuses was not attempted.

        Returns False, counting nothing, when the run has ended without waiting for the batch.
        """
        with self._lock:
            if self._is_closed:
                return False
            items = self._plan(batch)
            for start in range(0, len(items), self._batch_size):
                part = items[start : start + self._batch_size]
                if not self._channel.put(part):
                    for item in part:
                        self._not_attempted(item)
        return True
