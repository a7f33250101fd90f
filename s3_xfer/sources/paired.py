"""Two listings side by side: which object belongs to which.

A merge of two sequences in the order of their keys, which holds one object of each. Keys belong
together if the copy's own mapping leads from one to the other. A constant prefix changes no order,
and Python compares text as S3 does: by code points, which have the order of their UTF-8 bytes.

A listing in another order is refused: its objects would wrongly be missing, or extra.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from s3_xfer.comparison import Pair
from s3_xfer.errors import ErrorClass, RunAborted
from s3_xfer.listing.parallel import Listing
from s3_xfer.model import S3Object
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.planning.ranges import EVERYTHING, KeyRange
from s3_xfer.sources.source import Batch, Source
from s3_xfer.text import printable

_PAIRS_PER_BATCH = 100


class PairedSource(Source[Pair]):
    """The pairs that :func:`pair_up` yields of one source, or of several after each other.

    ``listings`` are where they come from, and may grow; if one is closed early, the pairs end by
    an error.
    """

    def __init__(self, pairs: Iterable[Pair], listings: Iterable[Listing] = ()) -> None:
        self._pairs = pairs
        self._listings = listings
        self._is_exhausted = False

    def batches(self) -> Iterator[Batch[Pair]]:
        """Yield the pairs in their order.

        Raises:
            RunAborted: one of the listings is not in the order of its keys.
            ObjectError: the run was stopped (``INTERRUPTED``).
        """
        pairs: list[Pair] = []
        try:
            for pair in self._pairs:
                pairs.append(pair)
                if len(pairs) == _PAIRS_PER_BATCH:
                    yield Batch(pairs)
                    pairs = []
        except Exception:
            yield Batch(pairs)  # what came before the error was listed
            raise
        yield Batch(pairs)
        self._is_exhausted = True

    def close(self) -> None:
        """Ask for no further page."""
        for listing in self._listings:
            listing.close()

    def remaining(self) -> tuple[KeyRange, ...]:
        """Return everything until the end was reached: a comparison in part cannot be continued."""
        return () if self._is_exhausted else EVERYTHING


def pair_up(
    source: Iterable[S3Object], destination: Iterable[S3Object], keys: KeyMap
) -> Iterator[Pair]:
    """Yield every object of both sides once, with its counterpart, in the order of keys.

    Raises:
        RunAborted: one of them is not in the order of its keys.
    """
    source_skip, destination_skip = len(keys.source.key), len(keys.destination.key)
    lefts, rights = _in_order(source), _in_order(destination)
    left, right = next(lefts, None), next(rights, None)
    while left or right:
        left_key = left.key[source_skip:] if left else None
        right_key = right.key[destination_skip:] if right else None
        takes_left = right_key is None or (left_key is not None and left_key <= right_key)
        takes_right = left_key is None or (right_key is not None and right_key <= left_key)
        yield Pair(left if takes_left else None, right if takes_right else None)
        left = next(lefts, None) if takes_left else left
        right = next(rights, None) if takes_right else right


def _in_order(listing: Iterable[S3Object]) -> Iterator[S3Object]:
    last: str | None = None
    for found in listing:
        if last is not None and found.key <= last:
            raise RunAborted(
                f"s3://{found.bucket} lists {printable(found.key)!r} behind {printable(last)!r}",
                error_class=ErrorClass.UNORDERED_LISTING,
            )
        last = found.key
        yield found
