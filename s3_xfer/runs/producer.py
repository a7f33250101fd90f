"""The thread that finds what is to be copied: a listing, a report, or one object.

Keeps the books of what was found: a page is counted and handed over as a whole, or not at all,
and :meth:`Producer.unlisted` always says what is left to list, so that a stopped run can be
continued. Refuses to run ahead: it waits while the channel is full.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from s3_xfer.ledger.journal.journal import Journal
from s3_xfer.ledger.metrics import MetricsCollector
from s3_xfer.listing.pages import PageReader
from s3_xfer.listing.parallel import Listing
from s3_xfer.model import CopyTask, NotAttempted, Outcome, S3Object, Skipped, SkipReason
from s3_xfer.pipeline.channel import Channel
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.planning.ranges import KeyRange
from s3_xfer.runs.todo import Todo
from s3_xfer.sources.report import ReportSource

_POLL_S = 0.1


class Producer:
    """Fills ``channel`` in a thread of its own, and closes it when nothing more will come.

    ``single`` is the object of a copy that is not recursive; ``report_source`` replaces both it
    and the listing, and so does a ``journal``, whose copy ``began`` earlier. ``record`` takes
    outcomes of objects that never reach a worker; ``on_error`` is told what ended the thread
    early. ``client`` lists, ``listing_threads`` pages at a time at most.
    """

    def __init__(
        self,
        *,
        client: Any,
        keys: KeyMap,
        single: S3Object | None,
        report_source: ReportSource | None,
        listing_threads: int,
        batch_size: int,
        channel: Channel[CopyTask],
        metrics: MetricsCollector,
        stop: StopFlag,
        record: Callable[[Outcome], None],
        on_error: Callable[[BaseException, str], None],
        journal: Journal | None = None,
        began: datetime | None = None,
    ) -> None:
        self._keys = keys
        self._todo = Todo(single=single, report_source=report_source, journal=journal)
        self._batch_size = batch_size
        self._channel = channel
        self._metrics = metrics
        self._stop = stop
        self._record = record
        self._on_error = on_error
        self._journal = journal
        self._started_at = began or metrics.snapshot().start_time
        self._reading_report = report_source is not None or journal is not None
        self._listing = Listing(
            PageReader(client, bucket=keys.source.bucket, prefix=keys.source.key),
            prefix=keys.source.key,
            ranges=self._todo.ranges,
            must_be_ordered=journal is not None,
            threads=listing_threads,
            is_starved=lambda: channel.is_starved,
        )
        self._books = threading.Lock()
        self._books_closed = False
        self._thread = threading.Thread(target=self._run, name="s3-xfer-producer", daemon=True)

    def unlisted(self) -> tuple[KeyRange, ...]:
        """Return where keys may be that were not listed; nothing if the listing is complete."""
        return self._listing.unlisted()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> bool:
        """Wait for the end and return True."""
        self._thread.join()
        return True

    def close(self, grace_s: float) -> bool:
        """End after a stop: wait ``grace_s`` for S3, and return whether the thread has ended.

        The rest of a report is always read: it is on this disk, and must not be lost. A page that
        S3 answers later is not counted.
        """
        deadline_s = time.monotonic() + grace_s
        self._listing.close()
        self._thread.join(grace_s)
        while self._reading_report:
            self._thread.join(_POLL_S)
        with self._books:
            self._books_closed = True
        all_ended = self._listing.join(deadline_s - time.monotonic())
        return all_ended and not self._thread.is_alive()

    # ------------------------------------------------------------------ in the thread itself

    def _run(self) -> None:
        try:
            self._produce()
        except BaseException as error:  # noqa: BLE001 - the run's reason to end
            self._on_error(error, "listing the source")
        finally:
            self._reading_report = False
            self._listing.close()
            self._channel.close()

    def _produce(self) -> None:
        for page in self._todo.known():
            self._offer(page)
        self._reading_report = False
        for listed in self._listing.iter_pages():
            if self._stop.is_set() or not self._offer(listed.objects, listed.keys):
                return
        if not self._listing.unlisted():
            self._metrics.listing_completed()

    def _offer(self, page: Sequence[S3Object], keys: KeyRange | None = None) -> bool:
        """Count a page and pass it on in batches; what the channel refuses was not attempted.

        Returns False, counting nothing, when the run has ended without waiting for the page.
        """
        with self._books:
            if self._books_closed:
                return False
            if self._journal and keys:
                page = self._journal.found(keys, page)
            tasks = self._keys.tasks(page)
            self._metrics.found(len(tasks), sum(found.size for found in page))
            if self._keys.may_meet_own_copies:
                tasks = self._without_own_copies(tasks)
            for start in range(0, len(tasks), self._batch_size):
                batch = tasks[start : start + self._batch_size]
                if not self._channel.put(batch):
                    for task in batch:
                        self._record(NotAttempted(task))
        return True

    def _without_own_copies(self, tasks: list[CopyTask]) -> list[CopyTask]:
        """Leave alone what appeared after the start: it may be what this run wrote."""
        kept = []
        for task in tasks:
            modified = task.source.last_modified
            if modified and modified > self._started_at:
                self._record(Skipped(task, SkipReason.APPEARED_LATER))
            else:
                kept.append(task)
        return kept
