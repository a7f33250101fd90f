"""The books of a run that may be killed: what is finished, what is not, and what went wrong.

A page of the listing is a stretch of keys. When each of its objects has its end, the stretch is
*done*; stretches that touch become one, so their number does not grow with the number of objects.
Until then every finished object has a row of its own, written before anybody is told of it, so that
a kill repeats only what was under way. Objects that failed have rows too, and so has what is not
listed at all: a single object, the lines of a report. What is neither done nor has a row is listed
again by the next run.

Refuses to guess: an object counts once, when its end is written here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from s3_xfer.errors import ErrorClass
from s3_xfer.ledger.journal.store import Store, between
from s3_xfer.ledger.journal.upload_registry import JournalUploadRegistry
from s3_xfer.ledger.metrics import Earlier
from s3_xfer.ledger.report import COPIED, SKIPPED, outcome_line
from s3_xfer.model import Copied, Failed, NotAttempted, Outcome, S3Object, Skipped
from s3_xfer.planning.ranges import KeyRange, gaps, merged

_PAGE = 1000
PROGRESS = "progress"
Totals = dict[str, dict[str, list[int]]]  # by outcome and detail: objects, bytes


@dataclass(slots=True, eq=False)
class _Page:
    """A stretch of keys, and how many of its objects have no end yet."""

    keys: KeyRange
    left: int


@dataclass(slots=True)
class _Progress:
    """The sums: what is listed and finished, what came of it, and how many rows are to be done."""

    done: tuple[KeyRange, ...]
    totals: Totals
    todo: int

    @classmethod
    def of(cls, fact: Mapping[str, Any]) -> _Progress:
        done = tuple(KeyRange(*each) for each in fact["done"])
        return cls(done, fact["totals"], fact["todo"])

    def to_json(self) -> dict[str, Any]:
        done = [(each.after, each.until) for each in self.done]
        return {"done": done, "totals": self.totals, "todo": self.todo}


class Journal:
    """What is known of one copy, over all its runs. Thread-safe.

    Every method raises JournalError when the file cannot be written; what was not written counts
    as not done. ``bucket`` is the source's.
    """

    def __init__(self, store: Store, *, bucket: str) -> None:
        self._store = store
        self._bucket = bucket
        self._open: dict[str, _Page] = {}
        self._progress = _Progress.of(store.fact(PROGRESS))
        self._forget_what_is_listed_again()
        self.earlier = self._earlier()
        self._has_rows = bool(store.rows("SELECT 1 FROM done LIMIT 1"))
        self.uploads = JournalUploadRegistry(store)

    # ------------------------------------------------------------------------- what is left

    @property
    def to_list(self) -> tuple[KeyRange, ...]:
        """Where keys may be that are not done."""
        return gaps(self._progress.done)

    @property
    def is_complete(self) -> bool:
        """Whether no object is left to copy; uploads may be left to abort."""
        with self._store.lock:
            return not self.to_list and not self._progress.todo

    def to_copy(self) -> Iterator[Sequence[S3Object]]:
        """Yield the objects to be copied that no listing will bring, a thousand at a time."""
        after = None
        while True:
            where, values = ("key > ?", (after,)) if after is not None else ("1", ())
            rows = self._store.rows(
                f"SELECT key, size FROM todo WHERE {where} ORDER BY key LIMIT {_PAGE}",  # noqa: S608
                *values,
            )
            if not rows:
                return
            after = rows[-1][0]
            yield [S3Object(bucket=self._bucket, key=key, size=size) for key, size in rows]

    # ------------------------------------------------------------------------- what happens

    def found(self, keys: KeyRange, objects: Sequence[S3Object]) -> Sequence[S3Object]:
        """Take note of a page; return those of its objects that are still to be copied."""
        with self._store.lock:
            finished = self._finished_in(keys)
            left = [each for each in objects if each.key not in finished]
            page = _Page(keys, len(left))
            if left:
                self._open.update(dict.fromkeys((each.key for each in left), page))
            else:
                self._close(page)
            return left

    def ended(self, outcome: Outcome) -> None:
        """Write down how one object ended; what was interrupted has not."""
        with self._store.lock:
            key, size = outcome.task.source.key, outcome.task.source.size
            page = self._open.pop(key, None)
            match outcome:
                case Copied():
                    self._finished(page, key, outcome.size_bytes, COPIED, outcome.engine)
                case Skipped():
                    self._finished(page, key, size, SKIPPED, outcome.reason.value)
                case Failed() if _is_interrupted(outcome):
                    return
                case Failed():
                    self._failed(page, outcome)
                case NotAttempted():
                    return
            if page:
                page.left -= 1
                if not page.left:
                    self._close(page)

    def close(self) -> None:
        """Release the file; the uploads that are noted in it stay open."""
        self.uploads.close()
        self._store.close()

    # --------------------------------------------------------------------------- one object

    def _finished(self, page: _Page | None, key: str, size: int, outcome: str, detail: str) -> None:
        if page:
            self._store.put("done", key, size, outcome, detail)
            return
        with self._changing(totals=_plus(self._progress.totals, outcome, detail, 1, size)) as new:
            new.todo -= len(self._store.rows("SELECT 1 FROM todo WHERE key = ?", key))
            self._store.drop("todo", "key", key)

    def _failed(self, page: _Page | None, failed: Failed) -> None:
        source = failed.task.source
        with self._changing() as new:
            new.todo += page is not None
            self._store.put("todo", source.key, source.size, json.dumps(outcome_line(failed)))

    # --------------------------------------------------------------------------- one page

    def _finished_in(self, keys: KeyRange) -> frozenset[str]:
        """Return which objects of a page an earlier run has finished."""
        if not self._has_rows:
            return frozenset()
        where, values = between(keys.after, keys.until)
        return frozenset(
            key
            for (key,) in self._store.rows(f"SELECT key FROM done WHERE {where}", *values)  # noqa: S608
        )

    def _close(self, page: _Page) -> None:
        """Make one stretch of a page whose objects all have their end."""
        keys = page.keys
        if keys.after == keys.until:
            return
        with self._changing(done=merged((*self._progress.done, keys))) as new:
            new.totals = self._with_rows(new.totals, *between(keys.after, keys.until))
            self._store.drop_between("done", keys.after, keys.until)

    def _with_rows(self, totals: Totals, where: str, values: Sequence[str]) -> Totals:
        sums = self._store.rows(
            f"SELECT outcome, detail, count(*), sum(size) FROM done WHERE {where}"  # noqa: S608
            " GROUP BY outcome, detail",
            *values,
        )
        result = {outcome: dict(details) for outcome, details in totals.items()}
        for outcome, detail, count, size in sums:
            result = _plus(result, outcome, detail, count, size)
        return result

    @contextmanager
    def _changing(self, **changes: Any) -> Iterator[_Progress]:
        """Change rows and sums together; the sums in memory only follow what was written."""
        with self._store.lock:
            new = replace(self._progress, **changes)
            with self._store.transaction():
                yield new
                self._store.put_fact(PROGRESS, new.to_json())
            self._progress = new

    # ------------------------------------------------------------------------ earlier runs

    def _forget_what_is_listed_again(self) -> None:
        """Drop the failures among keys that are to be listed: they are found there again."""
        with self._changing() as new:
            if new.todo != self._count_todo():
                raise self._store.damaged("it has lost some of what is to be done")
            for left in self.to_list:
                self._store.drop_between("todo", left.after, left.until)
            new.todo = self._count_todo()

    def _count_todo(self) -> int:
        return int(self._store.rows("SELECT count(*) FROM todo")[0][0])

    def _earlier(self) -> Earlier:
        """Return what all runs so far have finished."""
        totals = self._with_rows(self._progress.totals, "1", ())
        copied, skipped = totals.get(COPIED, {}), totals.get(SKIPPED, {})
        return Earlier(
            bytes_copied=sum(size for _, size in copied.values()),
            bytes_skipped=sum(size for _, size in skipped.values()),
            copied_by_engine={name: count for name, (count, _) in copied.items()},
            skips_by_reason={name: count for name, (count, _) in skipped.items()},
        )


def begin(store: Store, *, to_list: Sequence[KeyRange], to_copy: Iterable[S3Object]) -> None:
    """Write into a new journal what is to be done."""
    store.put_all("todo", ((each.key, each.size, "") for each in to_copy))
    todo = store.rows("SELECT count(*) FROM todo")[0][0]
    store.put_fact(PROGRESS, _Progress(gaps(to_list), {}, todo).to_json())


def _plus(totals: Totals, outcome: str, detail: str, count: int, size: int) -> Totals:
    before = totals.get(outcome, {}).get(detail, [0, 0])
    details = {**totals.get(outcome, {}), detail: [before[0] + count, before[1] + size]}
    return {**totals, outcome: details}


def _is_interrupted(failed: Failed) -> bool:
    return failed.error.info.error_class is ErrorClass.INTERRUPTED
