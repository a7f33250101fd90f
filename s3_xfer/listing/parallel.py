"""A listing that one thread reads, and more threads when the copying waits for it.

Each further thread splits the rest of the widest segment in two and reads the second half
(:mod:`.segments`). It ends when there is nothing worth splitting, or when the copying is no longer
starved. With more than one thread the pages are not in order.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from s3_xfer.listing.pages import Page
from s3_xfer.listing.progress import Progress
from s3_xfer.listing.segments import ListedPage, OrderNeed, Segment, Segments, Split
from s3_xfer.model import S3Object
from s3_xfer.planning.ranges import KeyRange

_STARVED_PAGES = 3  # in a row, before another reader is added
_ORDER_ATTEMPTS = 5  # to find two neighbours in agreement

Read: TypeAlias = Callable[[str, str | None], Page]  # a PageReader, called from several threads
# Finds what another listing has for the objects of a page; called from several threads.
FindCounterparts: TypeAlias = Callable[[Sequence[S3Object]], Mapping[str, S3Object] | None]


class Listing:
    """The objects under ``prefix`` that lie in ``ranges``, page by page, by at most ``threads``.

    ``is_starved`` tells whether the consumers of the objects have nothing to do.
    ``needs_order`` is why a service is refused that does not list keys in order.
    ``counterparts`` is asked about each page by the thread that has read it.
    """

    def __init__(
        self,
        read: Read,
        *,
        prefix: str,
        ranges: Iterable[KeyRange],
        threads: int = 1,
        is_starved: Callable[[], bool] = lambda: False,
        needs_order: OrderNeed | None = None,
        counterparts: FindCounterparts | None = None,
    ) -> None:
        self._read = read
        self._counterparts = counterparts
        self._prefix = prefix
        self._threads_max = threads
        self._is_starved = is_starved
        self._segments = Segments(prefix, ranges, needs_order=needs_order)
        self._changed = threading.Condition()  # guards everything below, and the segments
        self._pages: deque[ListedPage] = deque()
        self._threads: list[threading.Thread] = []
        self._readers = 0
        self._starved_pages = 0
        self._is_closed = False
        self._error: BaseException | None = None

    def iter_pages(self) -> Iterator[ListedPage]:
        """Yield all pages, those without objects included, until :meth:`close` is called.

        A page counts as listed when the next one is asked for.

        Raises:
            Exception: what a reader raised, after the pages that were read before. Reading has
                ended then.
        """
        self._spawn_reader()
        while page := self._next():
            yield page
            with self._changed:
                self._segments.mark_listed(page)
        if self.unlisted() and not self._is_closed:
            raise RuntimeError("the listing ended, and keys are left")  # a defect of this module

    def unlisted(self) -> tuple[KeyRange, ...]:
        """Return where keys may be that were not listed; empty if the listing is complete."""
        with self._changed:
            return self._segments.unlisted()

    def close(self) -> None:
        """Request no further page, and end :meth:`iter_pages`, also while it waits for a page."""
        with self._changed:
            self._is_closed = True
            self._pages.clear()
            self._changed.notify_all()

    def join(self, timeout_s: float) -> bool:
        """Wait for pending answers; return whether all threads have ended."""
        deadline_s = time.monotonic() + timeout_s
        for thread in list(self._threads):
            thread.join(max(0.0, deadline_s - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _next(self) -> ListedPage | None:
        with self._changed:
            had_to_wait = not self._pages
            while not self._pages and self._readers and not self._is_closed:
                self._changed.wait()
            if not self._pages:
                if self._error:
                    raise self._error
                return None
            page = self._pages.popleft()
            self._changed.notify_all()
        is_starved = had_to_wait and self._is_starved()
        self._starved_pages = self._starved_pages + 1 if is_starved else 0
        if self._starved_pages >= _STARVED_PAGES:
            self._spawn_reader()
        return page

    def _spawn_reader(self) -> None:
        """Start a reader, if one more is allowed and has something to read."""
        with self._changed:
            job = self._job(self._readers) if self._readers < self._threads_max else None
            if job is None:
                return
            self._readers += 1
            name = f"s3-xfer-listing_{len(self._threads)}"
            thread = threading.Thread(target=self._work, args=(job,), name=name, daemon=True)
            self._threads = [*(other for other in self._threads if other.is_alive()), thread]
            thread.start()

    def _job(self, other_readers: int) -> Segment | Split | None:
        """Return an unread segment, or a split if the copying is starved and splitting pays."""
        if self._is_closed:
            return None
        waiting = self._segments.next_waiting()
        if waiting or not self._starved_pages or other_readers >= self._segments.reader_limit():
            return waiting
        return self._segments.next_split()

    # ------------------------------------------------------------------- in the readers' threads

    def _work(self, job: Segment | Split | None) -> None:
        try:
            while job:
                self._read_segment(job)
                with self._changed:
                    job = self._job(self._readers - 1)
        except BaseException as error:  # noqa: BLE001 - raised where the pages are taken
            with self._changed:
                self._error = self._error or error
                self._is_closed = True
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    def _read_segment(self, job: Segment | Split) -> None:
        progress = Progress(self._prefix)
        page = self._read(job.boundary if isinstance(job, Split) else job.read, None)
        listed = self._take(job, progress.take(page))
        while listed:
            if listed.beyond is not None:
                self._confirm_order(listed.segment, listed.beyond)
            if self._counterparts:
                listed = replace(listed, counterparts=self._counterparts(listed.objects))
            if not self._deliver(listed) or listed.is_last:
                return
            page = self._read("", page.token)
            listed = self._take(listed.segment, progress.take(page))

    def _take(self, job: Segment | Split, page: Page) -> ListedPage | None:
        with self._changed:
            if isinstance(job, Split):
                return self._segments.apply_split(job, page)
            return self._segments.take(job, page)

    def _deliver(self, page: ListedPage) -> bool:
        with self._changed:
            while len(self._pages) >= self._readers and not self._is_closed:
                self._changed.wait()
            if not self._is_closed:
                self._pages.append(page)
                self._changed.notify_all()
            return not self._is_closed

    def _confirm_order(self, segment: Segment, beyond: str) -> None:
        """Find out why two neighbours saw different first keys behind their boundary.

        Objects may have come or gone. But if a key is listed behind the last key of ``segment`` and
        not behind the boundary, the service does not list keys in order.
        """
        boundary = segment.until or ""
        for _ in range(_ORDER_ATTEMPTS):
            behind_boundary = [item.key for item in self._read(boundary, None).objects]
            behind_segment = [item.key for item in self._read(segment.read, None).objects]
            first_beyond = next((key for key in behind_segment if key > boundary), "")
            if first_beyond != beyond:  # something may have changed between the two requests too
                beyond = first_beyond
                continue
            if beyond not in behind_boundary if beyond else behind_boundary:
                with self._changed:
                    self._segments.mark_unordered()
            return
