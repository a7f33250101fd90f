"""Whether the pages of a listing move forward, so that it ends whatever a service answers.

In a listing in order every key is greater than all before it, and that is all there is to verify.
Some services have another order, or list changes of the moment: there a key is new if it is none of
those that are remembered. Remembered are the keys of the last pages, and the first key of each page
before; of very many of these only some, so that memory has a bound. A listing that comes back to
where it was is noticed at one of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from operator import lt

from s3_xfer.errors import malformed
from s3_xfer.listing.pages import Page, PageReader, RememberingReader
from s3_xfer.model import S3Object
from s3_xfer.text import printable

_PAGES_REMEMBERED = 4
_FIRST_KEYS_REMEMBERED = 20_000
_EMPTY_PAGES_MAX = 1000  # in a row; services with many deleted objects may have some


class Progress:
    """The pages of one reader, from its first to its last. Not thread-safe."""

    def __init__(self, prefix: str) -> None:
        self._listing = f"the listing of the prefix {printable(prefix)!r}"
        self._greatest = ""
        self._recent: deque[frozenset[str]] = deque(maxlen=_PAGES_REMEMBERED)
        self._first_keys: set[int] = set()  # their hashes
        self._one_in = 1  # of the first keys is remembered
        self._empty_pages = 0
        self._tokens: set[str | None] = set()  # since the last page that had objects

    def take(self, page: Page) -> Page:
        """Return ``page`` without the objects that were listed before.

        Raises:
            RunAborted: it leads nowhere, or contradicts what was listed before.
        """
        if not page.objects:
            self._count_empty(page.token)
            return page
        self._empty_pages = 0
        self._tokens.clear()
        keys = [item.key for item in page.objects]
        if self._greatest < keys[0] and all(map(lt, keys, keys[1:])):
            self._greatest = keys[-1]
        else:
            page = Page(self._new_ones(page.objects), page.token)
            self._greatest = max(self._greatest, *keys)
        self._remember(keys)
        return page

    def _count_empty(self, token: str | None) -> None:
        self._empty_pages += 1
        if token is None:
            return
        if token in self._tokens or self._empty_pages > _EMPTY_PAGES_MAX:
            raise malformed(
                f"{self._listing} does not move forward: there is always more, and "
                f"{self._empty_pages:,} pages in a row are empty"
            )
        self._tokens.add(token)

    def _new_ones(self, objects: Sequence[S3Object]) -> Sequence[S3Object]:
        recent = frozenset().union(*self._recent)
        new: dict[str, S3Object] = {}
        for item in objects:
            if item.key in recent:
                continue
            if hash(item.key) in self._first_keys:
                raise self._came_back(item.key)
            self._require_same(item, new)
            new.setdefault(item.key, item)
        if not new:
            raise self._came_back(objects[0].key)
        return list(new.values())

    def _require_same(self, item: S3Object, new: Mapping[str, S3Object]) -> None:
        """Refuse a page that has a key twice and says different things about it."""
        other = new.get(item.key, item)
        if (other.size, other.etag) != (item.size, item.etag):
            raise malformed(
                f"{self._listing} has {printable(item.key)!r} twice on one page, as different "
                f"objects ({other.size:,} and {item.size:,} bytes, ETags {other.etag} and "
                f"{item.etag})"
            )

    def _came_back(self, key: str) -> Exception:
        return malformed(
            f"{self._listing} does not move forward: {printable(key)!r} was listed before, and "
            "comes again on a later page"
        )

    def _remember(self, keys: Sequence[str]) -> None:
        self._recent.append(frozenset(keys))
        if hash(keys[0]) % self._one_in == 0:
            self._first_keys.add(hash(keys[0]))
        if len(self._first_keys) > _FIRST_KEYS_REMEMBERED:
            self._one_in *= 2
            self._first_keys = {one for one in self._first_keys if one % self._one_in == 0}


def first_objects(read: PageReader | RememberingReader) -> Sequence[S3Object]:
    """Return the objects of the first page that has any; none if there are none at all.

    Raises:
        Exception: as ``read`` and :meth:`Progress.take`.
    """
    progress, page = Progress(read.prefix), read("", None)
    while not progress.take(page).objects and page.token:
        page = read("", page.token)
    return page.objects
