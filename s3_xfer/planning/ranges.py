"""Ranges of keys: what a report or a journal says is still to be listed.

Keys are ordered by their UTF-8 bytes, which is how Python compares strings. A bound need not be
the key of an object.
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
    """Return the same keys in the fewest ranges, in order; overlapping ones are joined."""
    result: list[KeyRange] = []
    for keys in sorted(ranges, key=lambda keys: keys.after):
        last = result[-1] if result else None
        if last is None or (last.until is not None and last.until < keys.after):
            result.append(keys)
        elif last.until is not None and (keys.until is None or keys.until > last.until):
            result[-1] = KeyRange(last.after, keys.until)
    return tuple(result)


def gaps(ranges: Iterable[KeyRange]) -> tuple[KeyRange, ...]:
    """Return all keys that are in none of ``ranges``, in the fewest ranges, in order."""
    result: list[KeyRange] = []
    after: str | None = ""
    for keys in merged(ranges):
        if after is not None and keys.after > after:
            result.append(KeyRange(after, keys.after))
        after = keys.until
    return (*result, KeyRange(after)) if after is not None else tuple(result)
