"""What is finished of a copy, what is not, and what went wrong; it survives a kill.

A page of the listing is a range of keys. When each of its objects has an outcome, the range is
*done*; ranges that touch become one, so their number does not grow with the number of objects.
Until then every finished object has a row of its own, written before its outcome is reported, so
that a kill repeats only what was in flight. Objects that failed have rows too, and so has what no
listing brings: a single object, the lines of a report. All else is listed again by the next run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from s3_xfer.errors import ErrorClass
from s3_xfer.ledger.journal.store import Store
from s3_xfer.ledger.journal.upload_registry import JournalUploadRegistry
from s3_xfer.ledger.metrics import Totals
from s3_xfer.ledger.report import COPIED, SKIPPED, outcome_line
from s3_xfer.model import Copied, Failed, NotAttempted, ObjectId, Outcome, S3Object, Skipped
from s3_xfer.planning.mapping import KeyMaps
from s3_xfer.planning.ranges import KeyRange, gaps, merged

_PAGE = 1000
PROGRESS = "progress"
HAS_DELETED = "has_deleted"


_Identity: TypeAlias = tuple[str, ObjectId]


@dataclass(slots=True, eq=False)
class _Page:
    """A range of keys, and how many of its objects have no outcome yet."""

    keys: KeyRange
    unfinished: int


@dataclass(slots=True)
class _Progress:
    """The ranges that are done, the sums of what came of them, and how many rows are pending."""

    done: tuple[KeyRange, ...]
    totals: dict[str, dict[str, list[int]]]  # by outcome and detail: objects, bytes
    pending: int

    @classmethod
    def of(cls, fact: Mapping[str, Any]) -> _Progress:
        done = tuple(KeyRange(after, until, source) for source, after, until in fact["done"])
        return cls(done, fact["totals"], fact["pending"])

    def to_json(self) -> dict[str, Any]:
        done = [(keys.source, keys.after, keys.until) for keys in self.done]
        return {"done": done, "totals": self.totals, "pending": self.pending}

    def add(self, outcome: str, detail: str, count: int, size_bytes: int) -> None:
        sums = self.totals.setdefault(outcome, {}).setdefault(detail, [0, 0])
        sums[0] += count
        sums[1] += size_bytes


class Journal:
    """What is known of one copy, over all its runs. Thread-safe.

    Every method raises JournalError when the file cannot be written; what was not written counts
    as not done. ``keys`` are of the copy; ``save`` returns when all that was written is where the
    journal belongs.
    """

    def __init__(self, store: Store, keys: KeyMaps, *, save: Callable[[], None]) -> None:
        self._store = store
        self._keys = keys
        self._open_pages: dict[_Identity, _Page] = {}
        self._progress = _Progress.of(store.fact(PROGRESS))
        self._drop_failures_to_relist()
        self.earlier = self._earlier()
        self._has_rows = bool(store.rows("SELECT 1 FROM finished LIMIT 1"))
        self.uploads = JournalUploadRegistry(store, save=save)

    @property
    def pending_ranges(self) -> tuple[KeyRange, ...]:
        """Where keys may be that are not done."""
        return gaps(self._progress.done, sources=len(self._keys))

    @property
    def has_deleted(self) -> bool:
        """Whether a sync has deleted what it had to delete."""
        return bool(self._store.fact(HAS_DELETED))

    def mark_deleted(self) -> None:
        """State that everything was deleted that is to be deleted."""
        with self._store.lock, self._store.transaction():
            self._store.put_fact(HAS_DELETED, value=True)

    @property
    def is_complete(self) -> bool:
        """Whether no object is left to copy; uploads may be left to abort."""
        with self._store.lock:
            return not self.pending_ranges and not self._progress.pending

    def pending_objects(self, *, source: int | None = None) -> Iterator[Sequence[S3Object]]:
        """Yield the objects to be copied that no listing will bring, a thousand at a time.

        Those of one source, or of all.
        """
        last: tuple[Any, ...] = (source or 0, "", "")
        end = len(self._keys) if source is None else source + 1
        while rows := self._store.rows(
            "SELECT source, key, version, size, etag FROM pending"
            " WHERE (source, key, version) > (?, ?, ?) AND source < ?"
            " ORDER BY source, key, version LIMIT ?",
            *last,
            end,
            _PAGE,
        ):
            yield [
                S3Object(
                    bucket=self._keys[number].source.bucket,
                    key=key,
                    version_id=version or None,
                    size=size or 0,
                    size_is_known=size is not None,
                    etag=etag,
                    storage_class="",
                )
                for number, key, version, size, etag in rows
            ]
            last = rows[-1][:3]

    def begin_page(self, keys: KeyRange, objects: Sequence[S3Object]) -> Sequence[S3Object]:
        """Note a page of the listing; return those of its objects that are still to be copied."""
        with self._store.lock:
            finished = self._finished_in(keys)
            unfinished = [listed for listed in objects if listed.id not in finished]
            page = _Page(keys, len(unfinished))
            if unfinished:
                self._open_pages.update(dict.fromkeys(map(_identity, unfinished), page))
            else:
                self._close(page)
            return unfinished

    def record(self, outcome: Outcome) -> None:
        """Write the outcome of one object; one that was interrupted has none."""
        with self._store.lock:
            source = outcome.task.source
            page = self._open_pages.pop(_identity(source), None)
            match outcome:
                case Copied():
                    self._finish(page, source, outcome.size_bytes, COPIED, outcome.engine)
                case Skipped():
                    self._finish(page, source, source.size, SKIPPED, outcome.reason.value)
                case Failed() if not _is_interrupted(outcome):
                    self._fail(page, outcome)
                case Failed() | NotAttempted():
                    return
            if page:
                page.unfinished -= 1
                if not page.unfinished:
                    self._close(page)

    def _finish(
        self, page: _Page | None, source: S3Object, size: int, outcome: str, detail: str
    ) -> None:
        version = source.version_id or ""
        if page:
            number = page.keys.source
            self._store.put("finished", number, source.key, version, size, outcome, detail)
            return
        with self._changing() as new:
            new.add(outcome, detail, 1, size)
            new.pending -= self._store.delete(
                "pending",
                "source = ? AND key = ? AND version = ?",
                self._keys.of(source).number,
                source.key,
                version,
            )

    def _fail(self, page: _Page | None, failed: Failed) -> None:
        source, error = failed.task.source, json.dumps(outcome_line(failed))
        with self._changing() as new:
            new.pending += page is not None
            number, version = self._keys.of(source).number, source.version_id or ""
            # Without its ETag: it is copied as it is then.
            self._store.put("pending", number, source.key, version, source.size, "", error)

    def _finished_in(self, keys: KeyRange) -> frozenset[ObjectId]:
        """Return which objects of a page an earlier run has finished."""
        if not self._has_rows:
            return frozenset()
        where, *values = _between(keys)
        rows = self._store.rows(f"SELECT key, version FROM finished WHERE {where}", *values)  # noqa: S608
        return frozenset(ObjectId(key, version or None) for key, version in rows)

    def _close(self, page: _Page) -> None:
        """Mark the range of a page as done: each of its objects has an outcome."""
        keys = page.keys
        if keys.after == keys.until:
            return
        with self._changing() as new:
            new.done = merged((*new.done, keys))
            self._add_rows(new, *_between(keys))
            self._store.delete("finished", *_between(keys))

    def _add_rows(self, progress: _Progress, where: str, *values: Any) -> None:
        for sums in self._store.rows(
            f"SELECT outcome, detail, count(*), sum(size) FROM finished WHERE {where}"  # noqa: S608
            " GROUP BY outcome, detail",
            *values,
        ):
            progress.add(*sums)

    @contextmanager
    def _changing(self) -> Iterator[_Progress]:
        """Change rows and sums together; the sums in memory only follow what was written."""
        with self._store.lock:
            new = replace(self._progress, totals=deepcopy(self._progress.totals))
            with self._store.transaction():
                yield new
                self._store.put_fact(PROGRESS, new.to_json())
            self._progress = new

    def _drop_failures_to_relist(self) -> None:
        """Drop the failures among keys that are to be listed: they are found there again."""
        with self._changing() as new:
            if new.pending != _count_pending(self._store):
                raise self._store.damaged("it has lost some of what is to be done")
            for keys in self.pending_ranges:
                self._store.delete("pending", *_between(keys))
            new.pending = _count_pending(self._store)

    def _earlier(self) -> Totals:
        """Return what all runs so far have finished."""
        progress = replace(self._progress, totals=deepcopy(self._progress.totals))
        self._add_rows(progress, "1")
        return progress.totals


def begin(
    store: Store, keys: KeyMaps, *, ranges: Sequence[KeyRange], objects: Iterable[S3Object]
) -> None:
    """Write into a new journal what is to be listed, and what is to be copied besides."""
    for named in objects:
        size, number = named.size if named.size_is_known else None, keys.of(named).number
        store.put("pending", number, named.key, named.version_id or "", size, named.etag, "")
    store.put_fact(HAS_DELETED, value=False)
    done = gaps(ranges, sources=len(keys))
    store.put_fact(PROGRESS, _Progress(done, {}, _count_pending(store)).to_json())


def _count_pending(store: Store) -> int:
    return int(store.rows("SELECT count(*) FROM pending")[0][0])


def _identity(found: S3Object) -> _Identity:
    """Return what an object is known by among those of all buckets."""
    return found.bucket, found.id


def _is_interrupted(failed: Failed) -> bool:
    return failed.error.info.error_class is ErrorClass.INTERRUPTED


def _between(keys: KeyRange) -> tuple[Any, ...]:
    """Return the condition for keys of a range, and its values."""
    if keys.until is None:
        return "source = ? AND key > ?", keys.source, keys.after
    return "source = ? AND key > ? AND key <= ?", keys.source, keys.after, keys.until
