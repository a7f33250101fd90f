"""Stretches of the key space: what is left of a listing, by a report or a journal.

Keys are ordered by their UTF-8 bytes, which is how Python compares strings. A bound need not be
the key of an object. Refuses to know how anything is listed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeyRange:
    """All keys behind ``after``, up to and including ``until``; None is the end of the listing."""

    after: str = ""
    until: str | None = None


EVERYTHING = (KeyRange(),)


def merged(ranges: Iterable[KeyRange]) -> tuple[KeyRange, ...]:
    """Return the same keys in the fewest ranges, in order; what overlaps or touches is joined."""
    result: list[KeyRange] = []
    for each in sorted(ranges, key=lambda each: each.after):
        last = result[-1] if result else None
        if last is None or (last.until is not None and last.until < each.after):
            result.append(each)
        elif last.until is not None and (each.until is None or each.until > last.until):
            result[-1] = KeyRange(last.after, each.until)
    return tuple(result)


def gaps(ranges: Iterable[KeyRange]) -> tuple[KeyRange, ...]:
    """Return all keys that are in none of ``ranges``, in the fewest ranges, in order."""
    result: list[KeyRange] = []
    after: str | None = ""
    for each in merged(ranges):
        if after is not None and each.after > after:
            result.append(KeyRange(after, each.after))
        after = each.until
    return (*result, KeyRange(after)) if after is not None else tuple(result)
