"""Objects that an input names, as the pairs of a check, which looks their copies up."""

from __future__ import annotations

from collections.abc import Iterator

from s3_xfer.comparison import Pair
from s3_xfer.model import S3Object
from s3_xfer.planning.ranges import KeyRange
from s3_xfer.sources.source import Batch, Source


class NamedPairs(Source[Pair]):
    """Each object of ``named``, whose counterpart is not known yet."""

    def __init__(self, named: Source[S3Object]) -> None:
        self._named = named

    @property
    def is_local(self) -> bool:  # type: ignore[override] # as the source is at the moment
        """Whether there is more on this machine."""
        return self._named.is_local

    def batches(self) -> Iterator[Batch[Pair]]:
        """Yield the objects without their copies."""
        for batch in self._named.batches():
            yield Batch([Pair(found, None) for found in batch.items])

    def remaining(self) -> tuple[KeyRange, ...]:
        """Return what was not delivered."""
        return self._named.remaining()

    def close(self) -> None:
        """Read no further."""
        self._named.close()
