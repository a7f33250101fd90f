"""Everything under a prefix, or what is left of it: read by several threads where that helps."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence

from s3_xfer.listing.parallel import Listing
from s3_xfer.model import S3Object
from s3_xfer.planning.ranges import EVERYTHING, KeyRange
from s3_xfer.sources.source import Batch, OpenListing, Source

KEYS_PER_PAGE = 1000


class PrefixSource(Source[S3Object]):
    """The objects whose keys lie in ``ranges``; ``open_listing`` begins to list them.

    The listing is opened with the first batch, so that a source exists before there is a client.
    """

    def __init__(self, open_listing: OpenListing, ranges: Sequence[KeyRange] = EVERYTHING) -> None:
        self._open_listing = open_listing
        self._ranges = tuple(ranges)
        self._lock = threading.Lock()
        self._listing: Listing | None = None
        self._is_closed = False

    def batches(self) -> Iterator[Batch[S3Object]]:
        """Yield the pages of the listing, in no order."""
        with self._lock:
            if self._is_closed or not self._ranges:
                return
            self._listing = self._open_listing(self._ranges)
        for page in self._listing.iter_pages():
            yield Batch(page.objects, page.keys)

    def remaining(self) -> tuple[KeyRange, ...]:
        """Return the key ranges that were not delivered."""
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
