"""Everything under some prefixes, or what is left of it: objects that are named, then key ranges.

Ranges are read by several threads where that helps, those of one prefix after those of another.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import TypeAlias

from s3_xfer.listing.parallel import Listing
from s3_xfer.model import S3Object
from s3_xfer.planning.ranges import EVERYTHING, KeyRange, by_source
from s3_xfer.sources.source import Batch, OpenListing, Source

KEYS_PER_PAGE = 1000
Pages: TypeAlias = Callable[[], Iterable[Sequence[S3Object]]]


class PrefixSource(Source[S3Object]):
    """The objects that this machine has ``named``, in pages, then those with keys in ``ranges``.

    ``open_listing`` is called with the ranges of one prefix when its turn has come, so that a
    source exists before there is a client. Of the named objects ``known`` are yielded as they are
    known now; ETags that are not known are looked up by the copy.
    """

    def __init__(
        self,
        open_listing: OpenListing,
        ranges: Sequence[KeyRange] = EVERYTHING,
        *,
        named: Pages | None = None,
        known: Iterable[S3Object] = (),
    ) -> None:
        self.is_local = named is not None
        self._pages: Pages = named or tuple
        self._known = {(found.bucket, found.id): found for found in known}
        self._open_listing = open_listing
        self._waiting = dict(by_source(ranges))  # of each prefix that is not listed yet
        self._prefix_count = len(self._waiting)
        self._lock = threading.Lock()
        self._listing: Listing | None = None  # of the prefix whose turn it is
        self._number = 0
        self._is_closed = False

    def batches(self) -> Iterator[Batch[S3Object]]:
        """Yield the named objects, to their end, then the pages of the listing, in no order."""
        try:
            for objects in self._named_pages():
                yield Batch(objects)
        finally:
            self.is_local = False
        while listing := self._next():
            for page in listing.iter_pages():
                yield Batch(page.objects, self._numbered(page.keys), page.counterparts)

    def _next(self) -> Listing | None:
        """Open the listing of the next prefix; return None if there is none."""
        with self._lock:
            if self._is_closed or not self._waiting:
                return None
            self._number = next(iter(self._waiting))
            self._listing = self._open_listing(self._waiting[self._number])
            del self._waiting[self._number]
            return self._listing

    def _numbered(self, keys: KeyRange) -> KeyRange:
        return replace(keys, source=self._number) if self._number else keys

    def named(self) -> Iterator[S3Object]:
        """Return the named objects."""
        return chain.from_iterable(self._named_pages())

    def _named_pages(self) -> Iterable[Sequence[S3Object]]:
        for page in self._pages():
            known = self._known
            yield [known.get((each.bucket, each.id), each) for each in page] if known else page

    def remaining(self) -> tuple[KeyRange, ...]:
        """Return the key ranges that were not delivered; the named objects are in none."""
        with self._lock:
            unlisted = self._listing.unlisted() if self._listing else ()
            waiting = chain.from_iterable(self._waiting.values())
            return (*map(self._numbered, unlisted), *waiting)

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
        """Return the number of pages that hold so many objects; each prefix begins with one."""
        further = max(0, self._prefix_count - 1)
        return math.ceil(objects / KEYS_PER_PAGE) + further if self._prefix_count else 0
