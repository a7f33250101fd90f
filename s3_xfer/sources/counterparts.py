"""What the destination's listing has for the objects of a page of the source's.

Both listings are in the order of their keys, and the copy's mapping keeps that order: a page of the
destination, read from where the source's page begins, holds what belongs to it. So a thousand
objects are compared for one request instead of a thousand. Each thread that reads the source goes
through the destination in its own place, and keeps the last page, which reaches into the next.

Only what a page has is believed. Of what it does not have, the copy is made, or S3 is asked once
more: a listing in another order, or one that is late, never leaves an object behind.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import lt

from s3_xfer.errors import ErrorClass, translate
from s3_xfer.ledger.ledger import run_aborted
from s3_xfer.listing.pages import Page, PageReader
from s3_xfer.listing.progress import Progress
from s3_xfer.model import S3Object
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.planning.steps import is_possible_key

DENIED = (
    "the destination may not be listed (s3:ListBucket), so S3 is asked about its objects one by "
    "one, one HEAD for each"
)
UNORDERED = (
    "the destination does not list keys from a given one on, in the order of their UTF-8 bytes, so "
    "S3 is asked about its objects one by one, one HEAD for each"
)


@dataclass(slots=True)
class _Window:
    """The page that a thread has read last: all keys behind ``after``, up to ``until``."""

    objects: Mapping[str, S3Object]
    after: str
    until: str | None  # None: the end of the listing
    token: str | None
    progress: Progress

    def covers(self, key: str) -> bool:
        return self.after < key and (self.until is None or key <= self.until)


class _NotInOrderError(Exception):
    """A page of the destination is not in order."""


class Counterparts:
    """Finds what ``read`` lists at the keys that ``keys`` maps a page's objects to. Thread-safe.

    ``note`` is called once, with a sentence for the user, if the listing cannot be used.
    """

    def __init__(self, read: PageReader, keys: KeyMap, note: Callable[[str], object]) -> None:
        self._read = read
        self._prefix = keys.destination.key
        self._skip = len(keys.source.key)
        self._note = note
        self._lock = threading.Lock()
        self._is_usable = True
        self._of_thread = threading.local()

    def __call__(self, objects: Sequence[S3Object]) -> Mapping[str, S3Object] | None:
        """Return the destination's objects by the key of the source; None if it is not known.

        Raises:
            RunAborted: the listing failed, or cannot be believed.
        """
        keys = [item.key for item in objects]
        if not self._is_usable or not _ascend(keys):
            return None
        try:
            return self._found(keys)
        except _NotInOrderError:
            self._give_up(UNORDERED)
        except Exception as error:
            match translate(error).error_class:
                case ErrorClass.ACCESS_DENIED:
                    self._give_up(DENIED)
                case ErrorClass.NOT_SUPPORTED:
                    self._give_up(UNORDERED)
                case ErrorClass.INTERRUPTED:
                    raise
                case _:
                    raise run_aborted(error, "listing the destination") from error
        return None

    def _give_up(self, why: str) -> None:
        with self._lock:
            was_usable, self._is_usable = self._is_usable, False
        if was_usable:
            self._note(why)

    def _found(self, keys: Sequence[str]) -> Mapping[str, S3Object]:
        found: dict[str, S3Object] = {}
        window: _Window | None = getattr(self._of_thread, "window", None)
        for key in keys:
            target = self._prefix + key[self._skip :]
            if not is_possible_key(target):  # which a step refuses
                continue
            while window is None or not window.covers(target):
                window = self._of_thread.window = self._next(window, target)
            if target in window.objects:
                found[key] = window.objects[target]
        return found

    def _next(self, window: _Window | None, target: str) -> _Window:
        """Return the page behind ``window``, or a later one that comes nearer to ``target``."""
        before = target[:-1]  # comes before it, with little between them
        if before <= self._prefix:
            before = ""
        if window and window.until is not None and before <= window.until < target:
            page = self._read("", window.token)
            return self._window(page, window.until, window.progress)
        return self._window(self._read(before, None), before, Progress(self._prefix))

    def _window(self, page: Page, after: str, progress: Progress) -> _Window:
        page = progress.take(page)
        keys = [item.key for item in page.objects]
        if not _ascend([after, *keys]):
            raise _NotInOrderError
        objects = {item.key: item for item in page.objects}
        until = (keys[-1] if keys else after) if page.token else None
        return _Window(objects, after, until, page.token, progress)


def _ascend(keys: Sequence[str]) -> bool:
    return all(map(lt, keys, keys[1:]))
