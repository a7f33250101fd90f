"""Objects that a program chooses, in place of a listing.

What it yields is read once, a little ahead of the copies. After a stop it is read no further, not
even if it waits, so what it still had is neither counted nor in the report.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from s3_xfer.errors import not_accepted
from s3_xfer.model import S3Location, S3Object
from s3_xfer.sources.source import Batch, Source

_BATCH_MAX = 100
_SLOW_S = 0.01  # an iterable that takes as long for the next object is waiting for something


class ChosenSource(Source[S3Object]):
    """Yields what ``chosen`` yields: objects under ``location``, or their keys.

    Of a key nothing else is known: the copy looks it up first.
    """

    def __init__(self, chosen: Iterable[str | S3Object], location: S3Location) -> None:
        self._chosen = chosen
        self._location = location
        self._is_closed = False
        self._is_exhausted = False

    def batches(self) -> Iterator[Batch[S3Object]]:
        """Yield the objects, up to a hundred at a time; one at a time while they come slowly.

        Raises:
            ValidationError: something is no object under the location, nor the key of one.
        """
        items: list[S3Object] = []
        size, asked_s = 1, time.monotonic()
        for chosen in self._chosen:
            if self._is_closed:
                return
            items.append(self._object(chosen))
            is_slow = time.monotonic() - asked_s > _SLOW_S
            if is_slow or len(items) >= size:
                yield Batch(items)
                items, size = [], 1 if is_slow else min(2 * size, _BATCH_MAX)
            asked_s = time.monotonic()
        if items:
            yield Batch(items)
        self._is_exhausted = True

    def is_exhausted(self) -> bool:
        """Return whether everything was delivered."""
        return self._is_exhausted

    def close(self) -> None:
        """Read no further."""
        self._is_closed = True

    def _object(self, chosen: object) -> S3Object:
        location = self._location
        if isinstance(chosen, str):
            chosen = S3Object(bucket=location.bucket, key=chosen, size=0)
        is_under = (
            isinstance(chosen, S3Object)
            and chosen.bucket == location.bucket
            and chosen.key.startswith(location.key)
            and chosen.key != ""
        )
        if not isinstance(chosen, S3Object) or not is_under:
            expected = f"a key under {location.url}, or an S3Object with one"
            raise not_accepted("one of objects", chosen, expected)
        return chosen
