"""Limits that change in the middle of a run, and how soon a copier has found the new one.

S3 raises its limits as it splits a busy prefix, and lowers them without notice. One second may be
luck, so a limit is found when two seconds in a row come close to it and waste little.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from benchmarks.server import CountingServer, Stats

USEFUL_MIN = 0.9  # of the limit
WASTED_MAX = 0.02  # of the requests
_IN_A_ROW = 2
_POLL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The limit on writes becomes another one, ``after_s`` seconds after the first copy."""

    after_s: float
    writes_per_s_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The limit changed, ``at_s`` seconds after the first copy arrived."""

    at_s: float
    writes_per_s_max: int

    def found_after_s(self, stats: Stats) -> float | None:
        """Return how long it took until the copier kept to the new limit; None: it never did."""
        for second in range(self._first_second, len(stats.copies_by_second) - _IN_A_ROW):
            if all(self._is_kept(stats, second + offset) for offset in range(_IN_A_ROW)):
                return second - self.at_s
        return None

    def useful_share(self, stats: Stats) -> float | None:
        """Return the share of the new limit in a usual second under it; None if there is none."""
        useful = stats.copies_by_second[self._first_second : -1]
        return median(useful) / self.writes_per_s_max if useful else None

    @property
    def _first_second(self) -> int:
        """The first whole second under the new limit."""
        return int(self.at_s) + 1

    def _is_kept(self, stats: Stats, second: int) -> bool:
        useful = _at(stats.copies_by_second, second)
        wasted = _at(stats.throttled_by_second, second)
        return useful >= USEFUL_MIN * self.writes_per_s_max and wasted <= WASTED_MAX * (
            useful + wasted
        )


def _at(by_second: tuple[int, ...], second: int) -> int:
    return by_second[second] if second < len(by_second) else 0


@contextmanager
def changing(server: CountingServer, changes: tuple[Change, ...]) -> Iterator[list[Changed]]:
    """Change the server's limit in the background while the block lasts; yield the changes made."""
    changed: list[Changed] = []
    ended = threading.Event()

    def work() -> None:
        while not server.stats().copies_done:
            if ended.wait(_POLL_S):
                return
        before_s = 0.0
        for change in changes:
            if ended.wait(change.after_s - before_s):
                return
            before_s = change.after_s
            at_s = server.limit(change.writes_per_s_max)
            changed.append(Changed(at_s=at_s, writes_per_s_max=change.writes_per_s_max))

    thread = threading.Thread(target=work, name="limits")
    if changes:
        thread.start()
    try:
        yield changed
    finally:
        ended.set()
        if changes:
            thread.join()
