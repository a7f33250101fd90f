"""What a journal has left to do: objects that failed, and key ranges that are not finished."""

from __future__ import annotations

from s3_xfer.ledger.journal.journal import Journal
from s3_xfer.sources.prefix import PrefixSource
from s3_xfer.sources.source import OpenListing


class JournalSource(PrefixSource):
    """The pending objects of ``journal``, then its pending ranges."""

    def __init__(self, journal: Journal, open_listing: OpenListing) -> None:
        super().__init__(open_listing, journal.pending_ranges, named=journal.pending_objects)
