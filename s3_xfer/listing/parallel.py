"""A listing that is read in one place, and in several when the copying waits for it.

One thread reads ahead. When whoever takes the pages says that it starves, more threads join: each
cuts the rest of the widest segment in two and reads the second half (:mod:`.segments`). They end
when they find nothing worth cutting, or nobody starves any more. The order of pages is lost then,
and nothing else.

Refuses to run far ahead: a page for each reader waits at most.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

from s3_xfer.listing.pages import Page
from s3_xfer.listing.segments import PAGES_BEFORE_CUT, Cut, Listed, Segment, Segments
from s3_xfer.model import S3Object
from s3_xfer.planning.ranges import KeyRange

_HUNGRY_PAGES = 3  # in a row, before another reader is worth it
_DOUBTS = 5

Job: TypeAlias = Segment | Cut


class Read(Protocol):
    """What brings a page; called from several threads."""

    def __call__(self, after: str, token: str | None = None) -> Page:
        """Return the first page behind the key ``after``, or the one ``token`` stands for."""


class Listing:
    """The objects under ``prefix`` that lie in ``ranges``, page by page.

    ``threads`` is how many may read at once. ``is_starving`` tells whether those who use the
    objects have nothing to do. ``must_be_ordered`` refuses a service that keeps no order of keys.
    """

    def __init__(
        self,
        read: Read,
        *,
        prefix: str,
        ranges: Iterable[KeyRange],
        threads: int,
        is_starving: Callable[[], bool],
        pages_before_cut: int = PAGES_BEFORE_CUT,
        must_be_ordered: bool = False,
    ) -> None:
        self._read = read
        self._threads_max = threads
        self._is_starving = is_starving
        self._segments = Segments(
            prefix, ranges, pages_before_cut=pages_before_cut, must_be_ordered=must_be_ordered
        )
        self._changed = threading.Condition()  # guards everything below, and the segments
        self._pages: deque[Listed] = deque()
        self._threads: list[threading.Thread] = []
        self._readers = 0
        self._hungry_pages = 0
        self._is_closed = False
        self._error: BaseException | None = None

    def pages(self) -> Iterator[Sequence[S3Object]]:
        """Yield the objects of :meth:`stretches`, page by page."""
        for listed in self.stretches():
            if listed.objects:
                yield listed.objects

    def stretches(self) -> Iterator[Listed]:
        """Yield what was read, empty stretches included, until all was or :meth:`close` is called.

        A page counts as listed when the next one is asked for.

        Raises:
            Exception: what a reader met with, behind what had been read before; reading has ended.
        """
        self._hire()
        while listed := self._next():
            yield listed
            with self._changed:
                self._segments.hand_over(listed)
        if self.unlisted() and not self._is_closed:
            raise RuntimeError("the listing ended, and keys are left")  # a defect of this module

    def unlisted(self) -> tuple[KeyRange, ...]:
        """Return where keys may be that were not listed; nothing if the listing is complete."""
        with self._changed:
            return self._segments.unlisted()

    def close(self) -> None:
        """Ask for no further page; whoever waits for one gets none."""
        with self._changed:
            self._is_closed = True
            self._pages.clear()
            self._changed.notify_all()

    def join(self, timeout_s: float) -> bool:
        """Wait for answers that are under way; return whether all threads have ended."""
        deadline_s = time.monotonic() + timeout_s
        for thread in list(self._threads):
            thread.join(max(0.0, deadline_s - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    # --------------------------------------------------------------- in the consumer's thread

    def _next(self) -> Listed | None:
        with self._changed:
            had_to_wait = not self._pages
            while not self._pages and self._readers and not self._is_closed:
                self._changed.wait()
            if not self._pages:
                if self._error:
                    raise self._error
                return None
            listed = self._pages.popleft()
            self._changed.notify_all()
        self._feed(is_hungry=had_to_wait and self._is_starving())
        return listed

    def _feed(self, *, is_hungry: bool) -> None:
        """Send for another reader if the copying waits for page after page."""
        self._hungry_pages = self._hungry_pages + 1 if is_hungry else 0
        if self._hungry_pages >= _HUNGRY_PAGES:
            self._hire()

    def _hire(self) -> None:
        with self._changed:
            if self._is_closed or self._readers >= self._threads_max:
                return
            job = self._job(self._readers)
            if job is None:
                return
            self._readers += 1
            name = f"s3-xfer-listing_{len(self._threads)}"
            thread = threading.Thread(target=self._work, args=(job,), name=name, daemon=True)
            self._threads = [*(each for each in self._threads if each.is_alive()), thread]
            thread.start()

    # ------------------------------------------------------------------- in the readers' threads

    def _work(self, job: Job | None) -> None:
        try:
            while job:
                self._go_through(job)
                job = self._next_job()
        except BaseException as error:  # noqa: BLE001 - raised where the pages are taken
            self._fail(error)
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    def _next_job(self) -> Job | None:
        with self._changed:
            return None if self._is_closed else self._job(self._readers - 1)

    def _job(self, other_readers: int) -> Job | None:
        waiting = self._segments.next_waiting()
        if waiting or not self._hungry_pages or other_readers >= self._segments.reader_limit():
            return waiting
        return self._segments.next_cut()

    def _go_through(self, job: Job) -> None:
        """Read a segment to its end; if it is to be cut off another one, try that first."""
        place = job.boundary if isinstance(job, Cut) else job.read
        page = self._read(place)
        with self._changed:
            listed = (
                self._segments.settle(job, page)
                if isinstance(job, Cut)
                else self._segments.take(job, page)
            )
        while listed:
            if listed.beyond is not None:
                self._examine(listed.segment, listed.beyond)
            if not self._deliver(listed) or listed.is_last:
                return
            page = self._read("", page.token)
            with self._changed:
                listed = self._segments.take(listed.segment, page)

    def _deliver(self, listed: Listed) -> bool:
        with self._changed:
            while len(self._pages) >= self._readers and not self._is_closed:
                self._changed.wait()
            if self._is_closed:
                return False
            self._pages.append(listed)
            self._changed.notify_all()
            return True

    def _examine(self, segment: Segment, beyond: str) -> None:
        """Find out why two neighbours saw another key first behind their boundary.

        Objects may have come or gone meanwhile; but a key that is listed behind the one's last key
        and not behind the boundary shows that the order is none.
        """
        boundary = segment.until or ""
        for _ in range(_DOUBTS):
            behind = [found.key for found in self._read(boundary).objects]
            again = [found.key for found in self._read(segment.read).objects]
            seen = next((key for key in again if key > boundary), "")
            if seen != beyond:  # and something may have changed again between the two requests
                beyond = seen
                continue
            if beyond not in behind if beyond else behind:
                with self._changed:
                    self._segments.distrust()
            return

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self._error = self._error or error
            self._is_closed = True
            self._changed.notify_all()
