"""Objects that this machine names, then the key ranges that are still to be listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeAlias

from s3_xfer.model import S3Object
from s3_xfer.planning.ranges import KeyRange
from s3_xfer.sources.prefix import PrefixSource
from s3_xfer.sources.source import Batch, Source

Pages: TypeAlias = Callable[[], Iterable[Sequence[S3Object]]]


class NamedObjectsSource(Source[S3Object]):
    """Yields ``pages`` of objects to their end, then what ``rest`` lists.

    ETags are not named: the copy looks them up.
    """

    is_local = True

    def __init__(self, pages: Pages, rest: PrefixSource) -> None:
        self._pages = pages
        self._rest = rest

    def batches(self) -> Iterator[Batch[S3Object]]:
        """Yield the named objects, then the pages of the listing."""
        try:
            for page in self._pages():
                yield Batch(page)
        finally:
            self.is_local = False
        yield from self._rest.batches()

    def named(self) -> Iterator[S3Object]:
        """Return the named objects."""
        return chain.from_iterable(self._pages())

    def remaining(self) -> tuple[KeyRange, ...]:
        """Return the key ranges that were not delivered; the named objects are in none."""
        return self._rest.remaining()

    def close(self) -> None:
        """Ask for no further page of the listing."""
        self._rest.close()

    def join(self, timeout_s: float) -> bool:
        """Wait for pages in flight; return whether all threads have ended."""
        return self._rest.join(timeout_s)

    def listing_requests(self, objects: int) -> int:
        """Return how many pages the rest has, if all ``objects`` are listed there."""
        return self._rest.listing_requests(objects)
