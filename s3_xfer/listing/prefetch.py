"""A listing in order, read a little ahead by its own thread.

For a caller that needs two listings side by side: the next page is requested while the current one
is compared. The thread reads at most two pages ahead. A listing that was stopped raises, so it
never looks complete.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import suppress

from s3_xfer.errors import ErrorClass, ObjectError
from s3_xfer.listing.pages import Page, PageReader
from s3_xfer.model import S3Object
from s3_xfer.pipeline.stop import StopFlag

_PAGES_AHEAD = 2
_POLL_S = 0.1


class PrefetchingLister:
    """The objects that ``read`` lists, in its order. For one consumer, once.

    ``name`` is the name of the thread.
    """

    def __init__(self, read: PageReader, stop: StopFlag, *, name: str) -> None:
        self._read = read
        self._stop = stop
        self._pages: queue.Queue[Page | BaseException] = queue.Queue(_PAGES_AHEAD)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def objects(self) -> Iterator[S3Object]:
        """Yield every object.

        Raises:
            ObjectError: the run was stopped before the end of the listing (``INTERRUPTED``).
            Exception: what reading a page raised.
        """
        self._thread.start()
        while True:
            page = self._next()
            yield from page.objects
            if page.token is None:
                return

    def _next(self) -> Page:
        while not self._stop.is_set():
            with suppress(queue.Empty):
                page = self._pages.get(timeout=_POLL_S)
                if isinstance(page, BaseException):
                    raise page
                return page
        raise ObjectError.of(ErrorClass.INTERRUPTED, f"stopped: {self._stop.reason}")

    # ------------------------------------------------------------------- in its own thread

    def _run(self) -> None:
        try:
            page = self._read("")
            while self._put(page) and page.token is not None:
                page = self._read("", page.token)
        except BaseException as error:  # noqa: BLE001 - raised where the objects are taken
            self._put(error)

    def _put(self, page: Page | BaseException) -> bool:
        """Queue a page, waiting for room; return False if the run is stopped."""
        while not self._stop.is_set():
            with suppress(queue.Full):
                self._pages.put(page, timeout=_POLL_S)
                return True
        return False
