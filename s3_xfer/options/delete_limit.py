"""How many objects a sync may delete: above that it deletes nothing at all."""

from __future__ import annotations

import re

from s3_xfer.errors import ValidationError

DEFAULT_MAX_PERCENT, DEFAULT_MAX_OBJECTS = 10, 1000
_LIMIT = re.compile(r"(\d{1,12})(%?)", re.ASCII)
_PERCENT_MAX = 100


def most_deletes(limit: str | None, of_objects: int) -> int:
    """Return how many objects a sync may delete of so many.

    Raises:
        ValidationError: the limit is neither a number of objects nor a percentage.
    """
    if limit is None:
        return max(DEFAULT_MAX_OBJECTS, of_objects * DEFAULT_MAX_PERCENT // 100)
    match = _LIMIT.fullmatch(limit)
    if not match or (match[2] and int(match[1]) > _PERCENT_MAX):
        raise ValidationError(
            f"{limit!r} is not a number of objects to delete at most",
            remedy="write it as a whole number (5000), or as a percentage (20%)",
        )
    return of_objects * int(match[1]) // 100 if match[2] else int(match[1])
