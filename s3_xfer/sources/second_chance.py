"""Copies that failed for a temporary reason, as the source of their second try."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from s3_xfer.model import CopyTask
from s3_xfer.sources.source import Batch, Source

BATCH, INTERVAL_S = 10, 0.1  # a hundred objects a second: what failed was perhaps too much


class SecondChanceSource(Source[CopyTask]):
    """Yields ``tasks`` in small batches. ``wait`` returns False if the run is stopped."""

    def __init__(self, tasks: Iterable[CopyTask], wait: Callable[[float], bool]) -> None:
        self._tasks = deque(tasks)
        self._wait = wait

    def batches(self) -> Iterator[Batch[CopyTask]]:
        """Yield all batches, a tenth of a second apart, until the run is stopped."""
        while self._tasks:
            batch = list(islice(self._tasks, BATCH))
            yield Batch(batch)
            for _ in batch:
                self._tasks.popleft()
            if not self._wait(INTERVAL_S):
                return

    def left(self) -> Iterator[CopyTask]:
        """Return what was not delivered, once nothing is any more."""
        return iter(self._tasks)
