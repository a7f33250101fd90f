"""The workers of one run: a bounded channel, a pool of threads that empties it, and their end.

Items are put into the channel, taken by a worker and processed. A processor may hold its thread
until an item is done, or only begin it and end it later from another thread; the executor waits for
both. It knows neither where items come from nor what becomes of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from s3_xfer.pipeline.channel import Channel
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.pipeline.workers import WorkerPool

_POLL_S = 0.1

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Processor(Protocol[T_contra]):
    """Does the work. Thread-safe."""

    @property
    def threads(self) -> int:
        """How many workers may call :meth:`process` at once."""

    def process(self, item: T_contra) -> None:
        """Do ``item``, or begin to; its end is recorded by the processor."""

    def drain(self, timeout_s: float) -> bool:
        """Wait until all that was begun has ended; return False after ``timeout_s``."""

    def give_up(self) -> None:
        """Record what is still in flight as interrupted."""


class Executor(Generic[T]):
    """Processes what is put into ``channel``, until that is closed or the run is stopped.

    The channel holds ``capacity`` batches. ``on_error`` receives what a processor raised; it sets
    ``stop``.
    """

    def __init__(
        self, *, capacity: int, stop: StopFlag, on_error: Callable[[BaseException], None]
    ) -> None:
        self.channel: Channel[T] = Channel(capacity)
        self._stop = stop
        self._on_error = on_error
        self._processor: Processor[T] | None = None
        self._pool: WorkerPool[T] | None = None

    def start(self, processor: Processor[T]) -> None:
        """Begin. Without this nothing that is put into the channel is processed."""
        self._processor = processor
        self._pool = WorkerPool(
            self.channel, processor.process, count=processor.threads, on_crash=self._on_error
        )

    def wait(self) -> bool:
        """Wait until everything has ended; return False as soon as the run is stopped."""
        while not self._stop.is_set():
            if self._join(_POLL_S) and self._drain(_POLL_S):
                break
        return not self._stop.is_set()

    def abort(self) -> list[T]:
        """Take nothing more, and return what no worker had taken."""
        return self.channel.abort()

    def finish(self, grace_s: float) -> bool:
        """Wait ``grace_s`` for what is in flight; return whether all of it has ended."""
        until_s = time.monotonic() + grace_s
        all_ended = self._join(grace_s)
        return self._drain(max(0.0, until_s - time.monotonic())) and all_ended

    def give_up(self) -> None:
        """Record what is still in flight as interrupted."""
        if self._processor:
            self._processor.give_up()

    def _join(self, timeout_s: float) -> bool:
        return self._pool.join(timeout_s) if self._pool else True

    def _drain(self, timeout_s: float) -> bool:
        return self._processor.drain(timeout_s) if self._processor else True
