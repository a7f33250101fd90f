"""The road of every run: source, planning, channel, processor.

A thread reads the source, plans each batch, and waits while the channel is full. Everything that
was planned is in the channel, in flight, or recorded; every way out of a run empties the first two
into the third.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from s3_xfer.ledger.ledger import Ledger
from s3_xfer.pipeline.executor import Executor, Processor
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.sources.source import Batch, Source

_POLL_S = 0.1

FoundT = TypeVar("FoundT")
WorkT = TypeVar("WorkT")


class Execution(Generic[FoundT, WorkT]):
    """Takes everything from ``source`` to its end, or as much as can be until the run is stopped.

    ``plan`` counts a batch, records what needs no work, and returns the rest, of which
    ``not_attempted`` records what the run ended before. A batch is planned and handed over as a
    whole, or not at all, so that ``source.remaining()`` always says what is left and a stopped run
    can be continued. Errors go to ``ledger``.
    """

    def __init__(
        self,
        source: Source[FoundT],
        executor: Executor[WorkT],
        *,
        plan: Callable[[Batch[FoundT]], Sequence[WorkT]],
        not_attempted: Callable[[WorkT], None],
        ledger: Ledger,
        stop: StopFlag,
        batch_size: int,
    ) -> None:
        self._source = source
        self._executor = executor
        self._plan = plan
        self._not_attempted = not_attempted
        self._ledger = ledger
        self._stop = stop
        self._batch_size = batch_size
        self._lock = threading.Lock()  # held while a batch is counted and handed over
        self._is_closed = False
        self._producer = threading.Thread(target=self._run, name="s3-xfer-producer", daemon=True)

    def run(self, processor: Processor[WorkT] | None, *, grace_s: float) -> bool:
        """Return, at the end, whether all threads have ended. Never raises; call it once.

        Without a ``processor``, for a run that was stopped before it had one, all that needs no
        request is not attempted. After a stop it waits ``grace_s`` for answers in flight.
        """
        executor = self._executor
        if processor:
            executor.start(processor)
            self._producer.start()
            if executor.wait():
                self._producer.join()
                return True
            self._abandon()
        else:
            self._abandon()
            self._producer.start()
        processed = executor.finish(grace_s)
        produced = self._close(grace_s)
        executor.give_up()
        return processed and produced

    def _abandon(self) -> None:
        """Give up what waits in the channel; what is put there later is handed back."""
        for item in self._executor.channel.abort():
            self._not_attempted(item)

    def _close(self, grace_s: float) -> bool:
        """End the producer after a stop: wait ``grace_s`` for S3; return whether all have ended.

        Local batches are always read to their end: they are on this disk, and none may be lost. A
        page that S3 answers later is not counted.
        """
        deadline_s = time.monotonic() + grace_s
        self._source.close()
        self._producer.join(grace_s)
        while self._source.is_local and self._producer.is_alive():
            self._producer.join(_POLL_S)
        with self._lock:
            self._is_closed = True
        all_ended = self._source.join(deadline_s - time.monotonic())
        return all_ended and not self._producer.is_alive()

    # ---------------------------------------------------------------- in the producer's thread

    def _run(self) -> None:
        try:
            self._produce()
        except BaseException as error:  # noqa: BLE001 - the run's reason to end
            self._ledger.abort(error, "listing the source")
        finally:
            self._source.close()
            self._executor.channel.close()

    def _produce(self) -> None:
        for batch in self._source.batches():
            is_listed = batch.keys is not None
            if (is_listed and self._stop.is_set()) or not self._hand_over(batch):
                return
        if self._source.is_exhausted():
            self._ledger.listing_completed()

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
                if not self._executor.channel.put(part):
                    for item in part:
                        self._not_attempted(item)
        return True
