"""What a journal has left to do: objects that failed, and key ranges that are not finished."""

from __future__ import annotations

from collections.abc import Iterable

from s3_xfer.ledger.journal.journal import Journal
from s3_xfer.model import S3Object
from s3_xfer.sources.prefix import PrefixSource
from s3_xfer.sources.source import OpenListing


class JournalSource(PrefixSource):
    """The pending objects of ``journal``, as ``known`` by now, then its pending ranges."""

    def __init__(
        self, journal: Journal, open_listing: OpenListing, known: Iterable[S3Object] = ()
    ) -> None:
        named = journal.pending_objects
        super().__init__(open_listing, journal.pending_ranges, named=named, known=known)
