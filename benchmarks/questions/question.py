"""A question of the benchmark: its scenarios for some copiers, and its tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.copiers import Copier
from benchmarks.measure import Measurement, Scenario

Results = Mapping[Scenario, Sequence[Measurement]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The choices on the command line. ``objects`` of None is the question's own number."""

    copiers: tuple[Copier, ...]
    objects: int | None = None
    full: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """``explains`` is what must be known to read the tables that ``shows`` returns."""

    name: str
    heading: str
    explains: str
    rounds: int
    scenarios: Callable[[Wanted], list[Scenario]]
    shows: Callable[[Results], str]
