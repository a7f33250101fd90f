"""The books of a listing in several places at once: who reads what, and what is left.

A *segment* is a stretch of keys that one reader goes through, page by page. A reader that has
nothing to do cuts the rest of somebody else's segment in two: it asks for a page behind the
boundary, and when that has come, the segment ends there and a new one begins, or begins and ends if
there are no keys. So every key belongs to exactly one segment at any time, whatever the boundary,
and a page that was asked for before a cut is trimmed to what its segment still is.

Trusts the order of keys, and checks it: services that do not keep it are never cut, or, if they are
found out too late, end the listing. Refuses to send requests or start threads; not thread-safe,
its user holds a lock.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import lt

from s3_xfer.errors import ErrorClass, RunAborted
from s3_xfer.listing.boundaries import boundary, width
from s3_xfer.listing.pages import Page
from s3_xfer.model import S3Object
from s3_xfer.planning.ranges import KeyRange, merged

PAGES_BEFORE_CUT = 10  # small listings are never cut
READERS_PER_STEP = 2  # for every PAGES_BEFORE_CUT pages
POOR_PAGES_ALLOWED = 2  # and one for every PAGES_PER_POOR_PAGE
PAGES_PER_POOR_PAGE = 4
_SAMPLE = 64  # one key in so many tells which characters keys have


@dataclass(slots=True, eq=False)
class Segment:
    """Keys behind ``read``, up to and including ``until``, are still to be asked for.

    Those up to ``listed`` were handed over. ``first`` is the first key that was found. Once there
    is a neighbour, ``behind`` is the first key that was found behind ``until`` (none: empty).
    """

    read: str
    listed: str
    until: str | None
    first: str | None = None
    behind: str | None = None
    is_read: bool = False
    is_being_cut: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """A segment that is to be cut at ``boundary``."""

    segment: Segment
    boundary: str


@dataclass(frozen=True, slots=True)
class Listed:
    """What a page brought to its segment.

    ``keys`` is the stretch in which there are no other objects than these. ``beyond`` is the first
    key that no longer belongs to the segment (none: empty); None if that need not be looked at,
    because the neighbour starts with the same key or there is no neighbour.
    """

    segment: Segment
    objects: Sequence[S3Object]
    is_last: bool
    keys: KeyRange
    beyond: str | None = None


class Segments:
    """All segments of one listing of ``prefix``; ``ranges`` are to be listed.

    With ``must_be_ordered`` a service that does not keep the order is refused in any case.
    """

    def __init__(
        self,
        prefix: str,
        ranges: Iterable[KeyRange],
        *,
        pages_before_cut: int = PAGES_BEFORE_CUT,
        must_be_ordered: bool = False,
    ) -> None:
        self._prefix = prefix
        self._ranges = merged(ranges)
        self._pages_before_cut = pages_before_cut
        self._open = [Segment(each.after, each.after, each.until) for each in self._ranges]
        self._waiting = deque(self._open)
        self._alphabet: list[str] = []
        self._pages = self._poor_pages = self._fullest = 0
        self._is_ordered = True
        self._must_be_ordered = must_be_ordered
        self._is_cut = any(each.until is not None for each in self._ranges)
        self._is_refused = False

    # ------------------------------------------------------------------------------- to do

    def next_waiting(self) -> Segment | None:
        """Return a segment that nobody reads yet."""
        return self._waiting.popleft() if self._waiting else None

    def next_cut(self) -> Cut | None:
        """Return where to cut the widest segment; None if that is not worth a request."""
        if not self._is_ordered or self._pages < self._pages_before_cut or self._wastes():
            return None
        cuts = (self._cut_of(segment) for segment in sorted(self._open, key=self._width))
        found = next((cut for cut in cuts if cut), None)
        if found:
            found.segment.is_being_cut = True
        return found

    def reader_limit(self) -> int:
        """Return how many readers a listing of this size deserves."""
        return max(1, READERS_PER_STEP * self._pages // self._pages_before_cut)

    def _wastes(self) -> bool:
        return self._poor_pages > POOR_PAGES_ALLOWED + self._pages // PAGES_PER_POOR_PAGE

    def _width(self, segment: Segment) -> int:
        return -width(segment.read, segment.until, self._prefix)

    def _cut_of(self, segment: Segment) -> Cut | None:
        if segment.is_read or segment.is_being_cut or segment.first is None:
            return None
        found = boundary(
            prefix=self._prefix,
            first=segment.first,
            after=segment.read,
            until=segment.until,
            alphabet=self._alphabet,
        )
        return Cut(segment, found) if found else None

    # ---------------------------------------------------------------------------- what came

    def take(self, segment: Segment, page: Page) -> Listed:
        """Return what of ``page``, the next one of ``segment``, belongs to it.

        Raises:
            RunAborted: the keys are in no order, and the listing was cut.
        """
        keys, after = [found.key for found in page.objects], segment.read
        self._check_order(after, keys)
        count = len(keys) if segment.until is None else bisect_right(keys, segment.until)
        segment.is_read = count < len(keys) or page.token is None
        self._note(segment, keys[:count])
        beyond = keys[count] if count < len(keys) else ""
        is_doubtful = segment.is_read and segment.behind not in (None, beyond)
        return Listed(
            segment,
            page.objects[:count],
            segment.is_read,
            KeyRange(after, segment.until if segment.is_read else segment.read),
            beyond if is_doubtful else None,
        )

    def settle(self, cut: Cut, page: Page) -> Listed | None:
        """Make the cut, with ``page``, asked for behind its boundary, as the new segment's first.

        Returns what the page brought to the new segment, which may be its end; None if the cut
        came too late.
        """
        owner = cut.segment
        owner.is_being_cut = False
        keys = [found.key for found in page.objects]
        self._check_order(cut.boundary, keys)
        if owner.is_read or owner.read >= cut.boundary or not self._is_ordered:
            self._count(0)
            return None
        new = Segment(cut.boundary, cut.boundary, owner.until, owner.first, owner.behind)
        owner.until, owner.behind = cut.boundary, keys[0] if keys else ""
        self._open.append(new)
        self._is_cut = True
        return self.take(new, page)

    def hand_over(self, listed: Listed) -> None:
        """State that the objects of ``listed`` are accounted for; pages of a segment in order."""
        if listed.objects:
            listed.segment.listed = listed.objects[-1].key
        if listed.is_last:
            self._open.remove(listed.segment)

    def unlisted(self) -> tuple[KeyRange, ...]:
        """Return where keys may be that were not handed over."""
        if self._is_refused or (self._open and not self._is_ordered):
            return self._ranges
        return merged(KeyRange(each.listed, each.until) for each in self._open)

    # ------------------------------------------------------------------------------ helpers

    def _note(self, segment: Segment, keys: Sequence[str]) -> None:
        self._count(len(keys))
        if not keys:
            return
        segment.first = segment.first or keys[0]
        segment.read = keys[-1]
        new = set().union(*keys[::_SAMPLE]).difference(self._alphabet)
        if new:
            self._alphabet = sorted([*self._alphabet, *new])

    def _count(self, keys: int) -> None:
        """Remember how much a request was worth."""
        self._pages += 1
        self._fullest = max(self._fullest, keys)
        self._poor_pages += keys * 2 < self._fullest

    def _check_order(self, after: str, keys: Sequence[str]) -> None:
        if not _in_order(after, keys):
            self.distrust()

    def distrust(self) -> None:
        """State that the keys are in no order.

        Raises:
            RunAborted: the listing was cut, so keys may be missing.
        """
        self._is_ordered = False
        if self._must_be_ordered:
            raise RunAborted(
                "the S3 service does not list keys in the order of their UTF-8 bytes, "
                "so a journal cannot say how far a listing is done",
                remedy="run it without --journal",
                error_class=ErrorClass.NOT_SUPPORTED,
            )
        if self._is_cut:
            self._is_refused = True
            raise RunAborted(
                "the S3 service does not list keys in the order of their UTF-8 bytes, "
                "so a listing in several places at once may miss some",
                remedy="run it again with --listing-threads 1",
                error_class=ErrorClass.NOT_SUPPORTED,
            )


def _in_order(after: str, keys: Sequence[str]) -> bool:
    return not keys or (after < keys[0] and all(map(lt, keys, keys[1:])))
