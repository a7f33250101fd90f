"""What there may be to copy or to compare: the contract of every source.

A source yields batches. Where a batch was listed, it says which key range it covers, so that a
stopped run knows what is left. Each kind of source has a file of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from s3_xfer.listing.parallel import Listing
from s3_xfer.model import S3Object
from s3_xfer.planning.ranges import KeyRange

T = TypeVar("T")

OpenListing: TypeAlias = Callable[[Sequence[KeyRange]], Listing]


@dataclass(frozen=True, slots=True)
class Batch(Generic[T]):
    """Objects, or pairs of them, that were found together.

    ``keys`` is the range in which there are no others than these; None where they were named one
    by one. ``counterparts`` are the destination's objects at the keys of their copies, by the key
    of the source; None if they are not known.
    """

    items: Sequence[T]
    keys: KeyRange | None = None
    counterparts: Mapping[str, S3Object] | None = None


class Source(ABC, Generic[T]):
    """Yields what there is, once. Every method but ``batches`` is thread-safe.

    Objects that are named on this machine (in a report, in a journal) come first: they need no
    request, and a stopped run reads them to their end, so that none is lost. ``is_local`` says
    whether there are more of them.
    """

    is_local = False

    @abstractmethod
    def batches(self) -> Iterator[Batch[T]]:
        """Yield all batches; after :meth:`close` only those that need no request.

        A batch counts as delivered when the next one is asked for.

        Raises:
            Exception: the listing failed; what came before it was yielded.
        """

    def named(self) -> Iterator[T]:
        """Return what is named on this machine; can be called again, before or after the rest."""
        return iter(())

    def remaining(self) -> tuple[KeyRange, ...]:
        """Return the key ranges that were not delivered; nothing if the source is exhausted."""
        return ()

    def is_exhausted(self) -> bool:
        """Return whether everything was delivered."""
        return not self.remaining()

    def close(self) -> None:
        """Send no further request."""

    def join(self, timeout_s: float) -> bool:  # noqa: ARG002 - for those that have threads
        """Wait for requests in flight; return whether all threads have ended."""
        return True

    def listing_requests(self, objects: int) -> int:  # noqa: ARG002 - for those that list
        """Return how many requests it takes to find so many objects."""
        return 0
