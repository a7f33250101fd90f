"""S3's listing as a few lines of Python: keys by their UTF-8 bytes, page after page.

Also listings that S3 would never give, by services that keep another order.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any

from hypothesis import strategies as st

from s3_xfer.listing.pages import Page
from s3_xfer.model import S3Object

Order = Callable[[str], Any]


def utf8(key: str) -> bytes:
    """Return what S3 sorts by."""
    return key.encode()


def utf16(key: str) -> bytes:
    """Return what a service in Java or C# may sort by."""
    return key.encode("utf-16-be")


def directories(key: str) -> list[str]:
    """Return what a service on a file system may sort by."""
    return key.split("/")


class Bucket:
    """Lists ``keys``; ``requests`` counts how often. May be read by threads, and changed."""

    def __init__(
        self,
        keys: Iterable[str],
        *,
        page_size: int = 1000,
        order: Order = utf8,
        knows_start_after: bool = True,
    ) -> None:
        self.keys = set(keys)
        self.requests = 0
        self._page_size = page_size
        self._order = order
        self._knows_start_after = knows_start_after
        self._sorted: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, after: str, token: str | None = None) -> Page:
        """Return a page, like :class:`s3_xfer.listing.pages.PageReader`."""
        with self._lock:
            self.requests += 1
            start = token if token is not None else after if self._knows_start_after else ""
            if len(self._sorted) != len(self.keys) or not self.keys.issuperset(self._sorted):
                self._sorted = sorted(self.keys, key=self._order)
            first = bisect_right(self._sorted, self._order(start), key=self._order) if start else 0
            keys = self._sorted[first : first + self._page_size]
            objects = [S3Object(bucket="bucket", key=key, size=0) for key in keys]
            return Page(objects, keys[-1] if first + len(keys) < len(self.keys) else None)


_CHARACTERS = st.one_of(
    st.sampled_from("abz09/-.~ "),
    st.sampled_from("\x01\x1f\x7f\ud7ff\ue000\ufffd\uffff\U00010000\U0010ffff"),
    st.characters(codec="utf-8", exclude_characters="\0"),
)
_BEGINNINGS = st.sampled_from(["", "", "data/", "\U0010ffff", "x" * 900, "2024/01/"])
KEYS = st.builds(
    lambda start, rest: start + rest, _BEGINNINGS, st.text(_CHARACTERS, min_size=1, max_size=6)
)
