"""The workers of one run: a bounded channel, a pool of threads that empties it, and their end.

A processor may hold its worker until an item is done, or only begin it and end it later in another
thread; the executor waits for both.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Generic, TypeVar

from s3_xfer.pipeline.channel import Channel
from s3_xfer.pipeline.stop import StopFlag

_POLL_S = 0.1

T = TypeVar("T")


class Processor(Generic[T]):
    """Calls ``process`` with each item, in ``threads`` workers; subclasses may only begin it."""

    def __init__(self, process: Callable[[T], None], *, threads: int) -> None:
        self.process = process
        self.threads = threads

    def drain(self, timeout_s: float) -> bool:  # noqa: ARG002 - nothing outlives its worker here
        """Wait until all that was begun has ended; return False after ``timeout_s``."""
        return True

    def give_up(self) -> None:
        """Record what is still in flight as interrupted."""


class Executor(Generic[T]):
    """Processes what is put into ``channel``, which holds ``capacity`` batches, until it is closed.

    ``on_error`` receives what a processor raised; it sets ``stop``.
    """

    def __init__(
        self, *, capacity: int, stop: StopFlag, on_error: Callable[[BaseException], None]
    ) -> None:
        self.channel: Channel[T] = Channel(capacity)
        self._stop = stop
        self._on_error = on_error
        self._processor: Processor[T] | None = None
        self._workers: list[Future[None]] = []

    def start(self, processor: Processor[T]) -> None:
        """Begin. Without this nothing that is put into the channel is processed."""
        self._processor = processor
        pool = ThreadPoolExecutor(processor.threads, thread_name_prefix="s3-xfer-worker")
        self._workers = [pool.submit(self._work, processor) for _ in range(processor.threads)]
        pool.shutdown(wait=False)

    def wait(self) -> bool:
        """Wait until everything has ended; return False as soon as the run is stopped."""
        while not self._stop.is_set():
            if self.finish(_POLL_S):
                break
        return not self._stop.is_set()

    def finish(self, timeout_s: float) -> bool:
        """Wait for what is in flight; return False if it has not ended after ``timeout_s``."""
        until_s = time.monotonic() + timeout_s
        _, running = wait(self._workers, timeout_s)
        if not self._processor:
            return True
        drained = self._processor.drain(max(0.0, until_s - time.monotonic()))
        return drained and not running

    def give_up(self) -> None:
        """Record what is still in flight as interrupted."""
        if self._processor:
            self._processor.give_up()

    def _work(self, processor: Processor[T]) -> None:
        try:
            while (item := self.channel.take()) is not None:
                processor.process(item)
        except BaseException as error:  # noqa: BLE001 - it ends the run
            self._on_error(error)
