"""What a run did over time, in at most 600 intervals of equal length.

The longer a run lasts, the longer they are: when there is no room, each two become one. So a run of
a second and one of a month are drawn from equally many numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

from s3_xfer.errors import check_fields

INTERVALS_MAX = 600
_FIRST_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """What ended in one interval: objects that were copied or compared, and those that failed.

    ``size_bytes`` are those that S3 copied in it, finished parts of large objects included; of a
    check, those that were compared.
    """

    objects: int = 0
    size_bytes: int = 0
    failed: int = 0
    retries: int = 0

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The intervals of a run, from its start on, each of ``interval_s`` seconds."""

    interval_s: float = _FIRST_S
    intervals: tuple[Interval, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)


class TimelineRecorder:
    """Adds up by time. Not thread-safe: its owner has a lock."""

    def __init__(self) -> None:
        self._interval_s = _FIRST_S
        self._objects: list[int] = []
        self._bytes: list[int] = []
        self._failed: list[int] = []
        self._retries: list[int] = []

    def add(
        self,
        at_s: float,
        *,
        objects: int = 0,
        size_bytes: int = 0,
        failed: int = 0,
        retries: int = 0,
    ) -> None:
        """Add what happened ``at_s`` seconds after the start."""
        while (index := int(max(0.0, at_s) / self._interval_s)) >= INTERVALS_MAX:
            self._interval_s *= 2
            for counts in self._all():
                counts[:] = [sum(counts[at : at + 2]) for at in range(0, len(counts), 2)]
        if index >= len(self._objects):
            for counts in self._all():
                counts.extend([0] * (index + 1 - len(counts)))
        self._objects[index] += objects
        self._bytes[index] += size_bytes
        self._failed[index] += failed
        self._retries[index] += retries

    def _all(self) -> tuple[list[int], ...]:
        return self._objects, self._bytes, self._failed, self._retries

    def timeline(self) -> Timeline:
        """Return what was added so far."""
        return Timeline(
            interval_s=self._interval_s,
            intervals=tuple(
                Interval(objects=objects, size_bytes=size_bytes, failed=failed, retries=retries)
                for objects, size_bytes, failed, retries in zip(*self._all(), strict=True)
            ),
        )
