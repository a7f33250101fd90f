"""The thread that reads a source, plans each batch, and fills the channel.

A batch is planned and handed over as a whole, or not at all, so that ``source.remaining()`` always
says what is left and a stopped run can be continued. The thread waits while the channel is full.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from s3_xfer.pipeline.channel import Channel
from s3_xfer.sources.source import Batch, Source

_POLL_S = 0.1

FoundT = TypeVar("FoundT")
WorkT = TypeVar("WorkT")


class Planner(Protocol[FoundT, WorkT]):
    """Turns what was found into work, and records what needs none."""

    def plan(self, batch: Batch[FoundT]) -> Sequence[WorkT]:
        """Count the items of ``batch``; return what is left to do."""

    def not_attempted(self, item: WorkT) -> None:
        """Record work that the run ended before."""


class Producer(Generic[FoundT, WorkT]):
    """Fills ``channel`` in a thread of its own, and closes it when nothing more will come.

    ``on_exhausted`` is called when the source has nothing more; ``on_error`` receives the exception
    that ended the thread early.
    """

    def __init__(
        self,
        source: Source[FoundT],
        planner: Planner[FoundT, WorkT],
        channel: Channel[WorkT],
        *,
        batch_size: int,
        is_stopped: Callable[[], bool],
        on_exhausted: Callable[[], None],
        on_error: Callable[[BaseException, str], None],
    ) -> None:
        self._source = source
        self._planner = planner
        self._channel = channel
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
            items = self._planner.plan(batch)
            for start in range(0, len(items), self._batch_size):
                part = items[start : start + self._batch_size]
                if not self._channel.put(part):
                    for item in part:
                        self._planner.not_attempted(item)
        return True
