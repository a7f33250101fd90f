"""The state of a listing with several readers: who reads which keys, and what is not read yet.

A *segment* is a range of keys that one reader goes through, page by page. An idle reader splits the
rest of another's in two: it requests a page behind the boundary, and when that has arrived, the old
segment ends there and a new one begins. So every key belongs to exactly one segment at any time,
and a page that was requested before is trimmed.

The order of keys is checked on every page. A listing that is out of order before the first split is
never split. If that shows only later, it ends with an error, because keys may be missing.
"""

from __future__ import annotations

import enum
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import lt

from s3_xfer.errors import unsupported
from s3_xfer.listing.boundaries import boundary, width
from s3_xfer.listing.pages import Page
from s3_xfer.model import S3Object
from s3_xfer.planning.ranges import KeyRange, merged
from s3_xfer.wording import message

_READERS_PER_STEP = 2  # for every ``pages_before_split``
_UNDERFILLED_PAGES_ALLOWED = 2  # and one for every _PAGES_PER_UNDERFILLED_PAGE
_PAGES_PER_UNDERFILLED_PAGE = 4
_SAMPLE = 64  # the characters of one key in so many are collected


@dataclass(slots=True, eq=False)
class Segment:
    """Keys behind ``read``, up to and including ``until``, are still to be requested.

    Those up to ``listed`` are accounted for. ``first`` is the first key that was read. Once there
    is a neighbour, ``behind`` is the first key that was read behind ``until`` (none: empty).
    """

    read: str
    listed: str
    until: str | None
    first: str | None = None
    behind: str | None = None
    is_read: bool = False
    is_being_split: bool = False


@dataclass(frozen=True, slots=True)
class Split:
    """A segment that is to be split at ``boundary``."""

    segment: Segment
    boundary: str


@dataclass(frozen=True, slots=True)
class ListedPage:
    """The part of a page that belongs to its segment.

    ``keys`` is the range in which there are no other objects than these. ``beyond`` is the first
    key that no longer belongs to the segment (none: empty), if the order has to be confirmed
    because a neighbour starts with another key; else None. ``counterparts`` are what another
    listing has for these objects, by their keys; None if that is not known.
    """

    segment: Segment
    objects: Sequence[S3Object]
    is_last: bool
    keys: KeyRange
    beyond: str | None = None
    counterparts: Mapping[str, S3Object] | None = None


class OrderNeed(enum.Enum):
    """Why a service that does not list keys in order is refused: what it spoils, and advice."""

    effect: str
    remedy: str

    def __new__(cls, value: str, effect: str, remedy: str) -> OrderNeed:
        """Attach effect and advice to the member."""
        member = object.__new__(cls)
        member._value_, member.effect, member.remedy = value, effect, remedy
        return member

    SPLIT = (
        "split",
        "a listing in several places at once may miss some",
        message("{RUN_AGAIN} with {listing_threads=1}"),
    )
    JOURNAL = (
        "journal",
        "a journal cannot say how far a listing is done",
        message("leave out {journal}, and {RUN_AGAIN}"),
    )
    PLAN = ("plan", "it cannot be cut into shards", "copy without a plan")


class Segments:
    """All segments of one listing of ``prefix``; ``ranges`` are to be listed.

    Because of ``needs_order`` a service that does not list keys in order is always refused. Not
    thread-safe: the caller holds a lock.
    """

    pages_before_split = 10  # small listings are never split

    def __init__(
        self, prefix: str, ranges: Iterable[KeyRange], *, needs_order: OrderNeed | None = None
    ) -> None:
        self._prefix = prefix
        self._ranges = merged(ranges)
        self._open = [Segment(keys.after, keys.after, keys.until) for keys in self._ranges]
        self._waiting = deque(self._open)
        self._alphabet: list[str] = []
        self._pages = self._underfilled_pages = self._fullest = 0
        self._is_ordered = True
        self._needs_order = needs_order
        self._is_split = any(keys.until is not None for keys in self._ranges)

    def next_waiting(self) -> Segment | None:
        """Return a segment that has no reader yet, and assign it; None if there is none."""
        return self._waiting.popleft() if self._waiting else None

    def next_split(self) -> Split | None:
        """Return where to split the widest segment; None if that is not worth a request."""
        allowed = _UNDERFILLED_PAGES_ALLOWED + self._pages // _PAGES_PER_UNDERFILLED_PAGE
        has_wasted = self._underfilled_pages > allowed
        if not self._is_ordered or self._pages < self.pages_before_split or has_wasted:
            return None
        widest_first = sorted(
            self._open, key=lambda open_: width(open_.read, open_.until, self._prefix), reverse=True
        )
        splits = map(self._split_of, widest_first)
        split = next((split for split in splits if split), None)
        if split:
            split.segment.is_being_split = True
        return split

    def reader_limit(self) -> int:
        """Return the maximum number of readers for the pages read so far."""
        return max(1, _READERS_PER_STEP * self._pages // self.pages_before_split)

    def _split_of(self, segment: Segment) -> Split | None:
        if segment.is_read or segment.is_being_split or segment.first is None:
            return None
        split_at = boundary(
            prefix=self._prefix,
            first=segment.first,
            after=segment.read,
            until=segment.until,
            alphabet=self._alphabet,
        )
        return Split(segment, split_at) if split_at else None

    def take(self, segment: Segment, page: Page) -> ListedPage:
        """Return the part of ``page``, the next one of ``segment``, that belongs to it.

        Raises:
            RunAborted: the keys are not in order, and the listing was split or must be ordered.
        """
        keys, after = [item.key for item in page.objects], segment.read
        self._check_order(after, keys)
        count = len(keys) if segment.until is None else bisect_right(keys, segment.until)
        segment.is_read = count < len(keys) or page.token is None
        self._record_page(segment, keys[:count])
        beyond = keys[count] if count < len(keys) else ""
        neighbours_disagree = segment.is_read and segment.behind not in (None, beyond)
        return ListedPage(
            segment,
            page.objects[:count],
            segment.is_read,
            KeyRange(after, segment.until if segment.is_read else segment.read),
            beyond if neighbours_disagree else None,
        )

    def apply_split(self, split: Split, page: Page) -> ListedPage | None:
        """Begin the second half of ``split`` with ``page``, which was read behind its boundary.

        Returns the part of the page that belongs to the new segment; None if the split came too
        late. Raises as :meth:`take`.
        """
        owner = split.segment
        owner.is_being_split = False
        keys = [item.key for item in page.objects]
        self._check_order(split.boundary, keys)
        if owner.is_read or owner.read >= split.boundary or not self._is_ordered:
            self._record_page(owner, ())
            return None
        new = Segment(split.boundary, split.boundary, owner.until, owner.first, owner.behind)
        owner.until, owner.behind = split.boundary, keys[0] if keys else ""
        self._open.append(new)
        self._is_split = True
        return self.take(new, page)

    def mark_listed(self, page: ListedPage) -> None:
        """State that the objects of ``page`` are accounted for; pages of a segment in order."""
        if page.objects:
            page.segment.listed = page.objects[-1].key
        if page.is_last:
            self._open.remove(page.segment)

    def unlisted(self) -> tuple[KeyRange, ...]:
        """Return where keys may be that are not accounted for."""
        if not self._is_ordered and (self._open or self._is_split):
            return self._ranges
        return merged(KeyRange(segment.listed, segment.until) for segment in self._open)

    def _record_page(self, segment: Segment, keys: Sequence[str]) -> None:
        """Count a page, and whether it was under-filled; ``keys`` are those of ``segment``."""
        self._pages += 1
        self._fullest = max(self._fullest, len(keys))
        self._underfilled_pages += len(keys) * 2 < self._fullest
        if not keys:
            return
        segment.first = segment.first or keys[0]
        segment.read = keys[-1]
        characters = set().union(*keys[::_SAMPLE]).difference(self._alphabet)
        if characters:
            self._alphabet = sorted([*self._alphabet, *characters])

    def _check_order(self, after: str, keys: Sequence[str]) -> None:
        if keys and not (after < keys[0] and all(map(lt, keys, keys[1:]))):
            self.mark_unordered()

    def mark_unordered(self) -> None:
        """State that the service does not list keys in order.

        Raises:
            RunAborted: the listing was split, so keys may be missing, or must be ordered.
        """
        self._is_ordered = False
        need = self._needs_order or (OrderNeed.SPLIT if self._is_split else None)
        if need:
            raise unsupported(
                "the S3 service does not list keys in the order of their UTF-8 bytes, so "
                f"{need.effect}",
                remedy=need.remedy,
            )
