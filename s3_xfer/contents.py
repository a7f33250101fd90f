"""What there is at one location: its objects, and the prefixes between them; or how much it is.

Only lists: nothing is read or written. A location is a directory, as everywhere: ``data`` stands
for the object of this name and for what is under ``data/``, never for ``database/...``. Memory does
not grow with the number of objects.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from s3_xfer.access.clients import open_side_client
from s3_xfer.access.lookups import nothing_under, refusing
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.errors import malformed
from s3_xfer.ledger.metrics import MetricsCollector
from s3_xfer.listing.pages import Page, PageReader, as_object
from s3_xfer.listing.parallel import Listing
from s3_xfer.listing.progress import first_objects
from s3_xfer.model import S3Location, S3Object
from s3_xfer.options import CopyOptions
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.planning.ranges import EVERYTHING
from s3_xfer.planning.selection import Selection

_DELIMITER = "/"


@dataclass(frozen=True, slots=True)
class CommonPrefix:
    """The beginning that some keys share, up to a slash: what a person calls a folder."""

    bucket: str
    prefix: str


def entry_dict(entry: S3Object | CommonPrefix) -> dict[str, Any]:
    """Return an entry as plain values, for JSON."""
    if isinstance(entry, CommonPrefix):
        return {"bucket": entry.bucket, "prefix": entry.prefix}
    return {
        "bucket": entry.bucket,
        "key": entry.key,
        "size": entry.size,
        "last_modified": entry.last_modified.isoformat() if entry.last_modified else None,
        "storage_class": entry.storage_class,
        "etag": entry.etag,
    }


@dataclass(slots=True)
class Usage:
    """How many objects there are, and how large they are together, by storage class.

    ``left_out`` says how many more the filters left out, by the rule that decided.
    """

    objects: Counter[str] = field(default_factory=Counter)
    size_bytes: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    def add(self, found: Iterable[S3Object]) -> None:
        """Count objects."""
        for each in found:
            self.objects[each.storage_class] += 1
            self.size_bytes[each.storage_class] += each.size

    @property
    def total(self) -> tuple[int, int]:
        """The number of all objects, and their size in bytes."""
        return sum(self.objects.values()), sum(self.size_bytes.values())

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        objects, size_bytes = self.total
        return {
            "objects": objects,
            "size_bytes": size_bytes,
            "left_out": sum(self.left_out.values()),
            "storage_classes": {
                name: {"objects": self.objects[name], "size_bytes": self.size_bytes[name]}
                for name in sorted(self.objects)
            },
        }


class Contents:
    """What is at ``location``, seen with the credentials of its account. For one thread.

    ``side`` is the one that messages name. ``options`` are those of a copy: its filters, retries
    and timeouts, and who pays. ``counter`` gets the requests, and what was found.

    Raises:
        PreflightError: the credentials cannot be used.
    """

    def __init__(
        self, location: S3Location, options: CopyOptions, *, side: str, counter: MetricsCollector
    ) -> None:
        self._location = location
        self._options = options
        self._counter = counter
        self._stop = StopFlag()
        self._client = open_side_client(
            location.account,
            side=side,
            options=options,
            requests=RequestPolicy.of(options, counter=counter, stop=self._stop),
        )

    def entries(self, *, recursive: bool) -> Iterator[S3Object | CommonPrefix]:
        """Yield the objects; unless ``recursive``, those of one level, and the prefixes in it.

        They come as S3 lists them, which on AWS is in the order of their keys. Filters leave out
        objects; a prefix is shown whatever is under it.

        Raises:
            PreflightError: it cannot be listed, or there is nothing.
            RunAborted: a page cannot be believed.
        """
        selection = self._selection()
        for page in self._pages(recursive=recursive):
            objects = selection.wanted(page.objects)
            prefixes = [CommonPrefix(self._location.bucket, each) for each in page.prefixes]
            entries: list[S3Object | CommonPrefix] = [*objects, *prefixes]
            yield from sorted(entries, key=_name)

    def is_object_or_prefix(self) -> tuple[bool, bool]:
        """Return whether there is an object of this name, and whether there are some below it.

        Raises:
            PreflightError: it cannot be listed, or there is neither.
            RunAborted: a page cannot be believed.
        """
        directory = _as_directory(self._location)
        with self._refusing():
            is_object = any(page.objects for page in self._object_of_this_name())
            read = PageReader(self._client, directory.bucket, directory.key)
            is_prefix = bool(first_objects(read))
        if not (is_object or is_prefix):
            raise nothing_under(self._client, directory)
        return is_object, is_prefix

    def usage(self) -> Iterator[Usage]:
        """Yield how much there is at all levels below the location: after each page, so far.

        Raises:
            PreflightError: it cannot be listed, or there is nothing.
            RunAborted: a page cannot be believed.
        """
        usage, selection = Usage(), self._selection()
        for page in self._pages(recursive=True, threads=self._options.listing_threads):
            chosen = selection.wanted(page.objects)
            usage.add(chosen)
            usage.left_out = selection.left_out
            self._counter.found(len(chosen), sum(each.size for each in chosen))
            yield usage

    def _selection(self) -> Selection:
        keys = KeyMap(_as_directory(self._location), self._location)
        return Selection(self._options, relative_key=keys.relative_key, began=datetime.now(UTC))

    def _pages(self, *, recursive: bool, threads: int = 1) -> Iterator[Page]:
        """Yield the pages of the object of this name, and of what is under it; at least one object.

        Raises:
            PreflightError: they cannot be listed, or there are none.
        """
        directory, is_empty = _as_directory(self._location), True
        with self._refusing():
            for page in chain(
                self._object_of_this_name(),
                self._every_level(directory, threads) if recursive else self._one_level(directory),
            ):
                is_empty = is_empty and not (page.objects or page.prefixes)
                yield page
        if is_empty:
            raise nothing_under(self._client, directory)

    def _refusing(self) -> AbstractContextManager[None]:
        advice = "grant s3:ListBucket on the bucket to these credentials"
        return refusing(f"{self._location.url} cannot be listed", if_denied=advice)

    def _object_of_this_name(self) -> Iterator[Page]:
        """Yield the object, if the location may be one: the first key that begins with it."""
        bucket, key = self._location.bucket, self._location.key
        if key and not key.endswith(_DELIMITER):
            answer = self._client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
            first = [as_object(bucket, entry) for entry in answer.get("Contents", ())]
            yield Page([each for each in first if each.key == key])

    def _every_level(self, directory: S3Location, threads: int) -> Iterator[Page]:
        listing = Listing(
            PageReader(self._client, directory.bucket, directory.key),
            prefix=directory.key,
            ranges=EVERYTHING,
            threads=threads,
            is_starved=lambda: True,  # nothing is done with the objects that takes any time
        )
        try:
            for listed in listing.iter_pages():
                yield Page(listed.objects)
        finally:
            listing.close()

    def _one_level(self, directory: S3Location) -> Iterator[Page]:
        read = PageReader(self._client, directory.bucket, directory.key, delimiter=_DELIMITER)
        token, seen = None, ""
        while True:
            page = read("", token)
            names = [*(each.key for each in page.objects), *page.prefixes]
            if token and names and not any(name > seen for name in names):
                raise malformed(
                    f"the listing of {directory.url} does not move forward: its pages say what "
                    "earlier ones have said"
                )
            yield page
            token, seen = page.token, max([seen, *names])
            if not token:
                return


def _as_directory(location: S3Location) -> S3Location:
    is_directory = not location.key or location.key.endswith(_DELIMITER)
    return location if is_directory else replace(location, key=location.key + _DELIMITER)


def _name(entry: S3Object | CommonPrefix) -> str:
    return entry.key if isinstance(entry, S3Object) else entry.prefix
