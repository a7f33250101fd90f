"""Ranges of keys: what a report or a journal says is still to be listed.

Keys are ordered by their UTF-8 bytes, which is how Python compares strings. A bound need not be
the key of an object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter


@dataclass(frozen=True, slots=True)
class KeyRange:
    """All keys behind ``after``, up to and including ``until``; None is the end of the listing.

    They are those of one of the run's sources, the ``source``-th from 0.
    """

    after: str = ""
    until: str | None = None
    source: int = 0


EVERYTHING = (KeyRange(),)


def merged(ranges: Iterable[KeyRange]) -> tuple[KeyRange, ...]:
    """Return the same keys in the fewest ranges, in order; overlapping ones are joined."""
    result: list[KeyRange] = []
    for keys in sorted(ranges, key=attrgetter("source", "after")):
        last = result[-1] if result and result[-1].source == keys.source else None
        if last is None or (last.until is not None and last.until < keys.after):
            result.append(keys)
        elif last.until is not None and (keys.until is None or keys.until > last.until):
            result[-1] = KeyRange(last.after, keys.until, keys.source)
    return tuple(result)


def gaps(ranges: Iterable[KeyRange], *, sources: int = 1) -> tuple[KeyRange, ...]:
    """Return all keys of so many sources that are in none of ``ranges``, in the fewest ranges."""
    known = dict(by_source(ranges))
    return tuple(
        gap for number in range(sources) for gap in _gaps_of(number, known.get(number, ()))
    )


def by_source(ranges: Iterable[KeyRange]) -> Iterator[tuple[int, tuple[KeyRange, ...]]]:
    """Yield each source with its ranges, in order."""
    for source, of_one in groupby(merged(ranges), key=attrgetter("source")):
        yield source, tuple(of_one)


def _gaps_of(source: int, ranges: Iterable[KeyRange]) -> Iterator[KeyRange]:
    after: str | None = ""
    for keys in ranges:
        if after is not None and keys.after > after:
            yield KeyRange(after, keys.after, source)
        after = keys.until
    if after is not None:
        yield KeyRange(after, None, source)
