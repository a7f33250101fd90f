"""Everything under a prefix, or what is left of it: objects that are named, then key ranges.

Ranges are read by several threads where that helps.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeAlias

from s3_xfer.listing.parallel import Listing
from s3_xfer.model import S3Object
from s3_xfer.planning.ranges import EVERYTHING, KeyRange
from s3_xfer.sources.source import Batch, OpenListing, Source

KEYS_PER_PAGE = 1000
Pages: TypeAlias = Callable[[], Iterable[Sequence[S3Object]]]


class PrefixSource(Source[S3Object]):
    """The objects that this machine has ``named``, in pages, then those with keys in ``ranges``.

    ``open_listing`` is called with the first batch of these, so that a source exists before there
    is a client. ETags are not named: the copy looks them up.
    """

    def __init__(
        self,
        open_listing: OpenListing,
        ranges: Sequence[KeyRange] = EVERYTHING,
        *,
        named: Pages | None = None,
    ) -> None:
        self.is_local = named is not None
        self._named_pages: Pages = named or tuple
        self._open_listing = open_listing
        self._ranges = tuple(ranges)
        self._lock = threading.Lock()
        self._listing: Listing | None = None
        self._is_closed = False

    def batches(self) -> Iterator[Batch[S3Object]]:
        """Yield the named objects, to their end, then the pages of the listing, in no order."""
        try:
            for objects in self._named_pages():
                yield Batch(objects)
        finally:
            self.is_local = False
        with self._lock:
            if self._is_closed or not self._ranges:
                return
            self._listing = self._open_listing(self._ranges)
        for page in self._listing.iter_pages():
            yield Batch(page.objects, page.keys, page.counterparts)

    def named(self) -> Iterator[S3Object]:
        """Return the named objects."""
        return chain.from_iterable(self._named_pages())

    def remaining(self) -> tuple[KeyRange, ...]:
        """Return the key ranges that were not delivered; the named objects are in none."""
        with self._lock:
            return self._listing.unlisted() if self._listing else self._ranges

    def close(self) -> None:
        """Ask for no further page."""
        with self._lock:
            self._is_closed = True
            if self._listing:
                self._listing.close()

    def join(self, timeout_s: float) -> bool:
        """Wait for pages in flight; return whether all threads have ended."""
        return self._listing.join(timeout_s) if self._listing else True

    def listing_requests(self, objects: int) -> int:
        """Return the number of pages that hold so many objects."""
        return math.ceil(objects / KEYS_PER_PAGE) if self._ranges else 0
