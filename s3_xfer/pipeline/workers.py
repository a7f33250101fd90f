"""A pool of threads that empties a channel."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Generic, TypeVar

from s3_xfer.pipeline.channel import Channel

T = TypeVar("T")


class WorkerPool(Generic[T]):
    """``count`` threads that pass every item of ``channel`` to ``work``.

    Each is one long-lived loop: one future per item would defeat the channel's bound. If ``work``
    raises, that worker ends, and ``on_crash`` is called from its thread with the exception.
    """

    def __init__(
        self,
        channel: Channel[T],
        work: Callable[[T], None],
        *,
        count: int,
        on_crash: Callable[[BaseException], None],
    ) -> None:
        self._channel = channel
        self._work = work
        self._on_crash = on_crash
        self._executor = ThreadPoolExecutor(count, thread_name_prefix="s3-xfer-worker")
        self._loops = [self._executor.submit(self._drain) for _ in range(count)]

    def _drain(self) -> None:
        try:
            while (item := self._channel.take()) is not None:
                self._work(item)
        except BaseException as error:  # noqa: BLE001 - reported, and it ends the run
            self._on_crash(error)

    def join(self, timeout_s: float) -> bool:
        """Wait for the workers to end; return False if some still run after ``timeout_s``."""
        _, running = wait(self._loops, timeout_s)
        self._executor.shutdown(wait=False)
        return not running
