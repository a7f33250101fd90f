"""Whether there is a journal, whether this run may use it, and its end.

A journal is opened, and locked, before the preflight, and begun only when that has passed: a copy
that is refused leaves none behind.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime

from s3_xfer.errors import JournalError
from s3_xfer.ledger.journal.description import Description, describe, require_same
from s3_xfer.ledger.journal.journal import Journal, begin
from s3_xfer.ledger.journal.storage import JournalStorage
from s3_xfer.ledger.journal.store import Store, busy
from s3_xfer.ledger.journal.upload_registry import JournalUploadRegistry
from s3_xfer.model import S3Object
from s3_xfer.options import JournalUse
from s3_xfer.planning.ranges import EVERYTHING, KeyRange
from s3_xfer.spec import CopySpec
from s3_xfer.text import printable
from s3_xfer.wording import message

SAVE_S = 10.0
DESCRIPTION, STARTED_AT, SAVE = "description", "started_at", "save"


def read_journal(storage: JournalStorage) -> tuple[Description, frozenset[str]]:
    """Return of which copy the journal in ``storage`` is, and the ids of its open uploads.

    Raises:
        JournalError: there is none, it is damaged, or in use.
    """
    with closing(storage):
        if not storage.fetch():
            raise _missing(storage.name)
        with closing(Store(storage.path, name=storage.name)) as store:
            if store.is_blank:
                raise _missing(storage.name)
            uploads = JournalUploadRegistry(store, save=_is_not_written).resumable()
            return store.fact(DESCRIPTION), frozenset(upload.upload_id for upload in uploads)


class JournalSession:
    """The journal of one run: ``journal`` is None until it is begun, if there was none.

    ``list_digest`` is that of the list whose objects are copied, None if this run has none.

    Raises:
        JournalError: this run may not use it, or it is damaged.
    """

    def __init__(
        self, storage: JournalStorage, operation: CopySpec, *, list_digest: str | None = None
    ) -> None:
        self.name = storage.name
        self.journal: Journal | None = None
        self.started_at = datetime.now(UTC)
        self._storage = storage
        self._operation = operation
        self._list_digest = list_digest
        self._store: Store | None = None
        self._is_new = False
        self._saving = threading.Lock()  # held while the journal is put where it belongs
        self._saves_begun = self._last_save = 0
        self._ending = threading.Event()
        self._saver: threading.Thread | None = None
        try:
            self._open()
        except BaseException:
            self._release()
            raise

    def _open(self) -> None:
        use = self._operation.options.journal_use
        is_there = self._storage.fetch()
        store = self._store = Store(self._storage.path, name=self.name) if is_there else None
        if store is None or store.is_blank:
            if use is JournalUse.RESUME:
                raise _missing(self.name)
            return
        described = describe(self._operation, list_digest=self._list_digest)
        is_resumed = use is JournalUse.RESUME
        require_same(store.fact(DESCRIPTION), described, name=self.name, is_resumed=is_resumed)
        journal = self._journal_in(store)
        is_complete = journal.is_complete and not journal.uploads.may_be_open
        if use is JournalUse.BEGIN:
            raise _exists(self.name, is_complete=is_complete)
        if use is JournalUse.CONTINUE and is_complete:
            store.close()
            self._store = None
            self._storage.discard()
            return
        self.started_at = datetime.fromisoformat(store.fact(STARTED_AT))
        self.journal = journal
        self.save()

    def _journal_in(self, store: Store) -> Journal:
        return Journal(store, self._operation.key_maps(), save=self.save)

    def begin(
        self, *, ranges: Sequence[KeyRange] = EVERYTHING, objects: Iterable[S3Object] = ()
    ) -> Journal:
        """Return the journal, begun now if there was none: with what is to be listed and copied."""
        if self.journal is None:
            self._is_new = True
            path = self._storage.path
            store = self._store = self._store or Store(path, name=self.name, create=True)
            if not store.is_blank:
                raise busy(self.name, "another run has just begun it")
            with store.transaction():
                store.make_tables()
                described = describe(self._operation, list_digest=self._list_digest)
                store.put_fact(DESCRIPTION, described)
                store.put_fact(STARTED_AT, self.started_at.isoformat())
                keys = self._operation.key_maps()
                begin(store, keys, ranges=ranges, objects=objects)
            self.journal = self._journal_in(store)
            self.save()
        return self.journal

    def save(self) -> None:
        """Return when all that was recorded before the call is where the journal belongs.

        Callers that wait for the same save share it, so however many threads call, one save is
        under way and one is next.

        Raises:
            JournalError: it could not be written there.
        """
        number = self._saves_begun + 1  # the first save that is sure to hold it
        with self._saving:
            if self._last_save < number:
                self._put()

    def save_periodically(self, on_error: Callable[[BaseException], None]) -> None:
        """Put the journal where it belongs every few seconds, if that is elsewhere."""
        if self._storage.is_remote:
            self._saver = threading.Thread(
                target=self._save_until_closed,
                args=(on_error,),
                name="s3-xfer-journal",
                daemon=True,
            )
            self._saver.start()

    def close(self) -> None:
        """End the work on the journal, and leave it to the next run. May be called again.

        Raises:
            JournalError: it could not be written; it is as old as its last save.
        """
        self._ending.set()
        if self._saver:
            self._saver.join()
        try:
            if self.journal:
                self.journal.uploads.close()
                with self._saving:
                    self._put(final=True)
        finally:
            self.journal = None
            self._release()

    def abandon(self) -> None:
        """End the work of a run that was refused; a journal that it began is removed.

        Raises:
            JournalError: it could not be written.
        """
        if not self._is_new:
            self.close()
            return
        self.journal = None
        try:
            with self._saving:
                self._storage.save(b"", final=True)
        finally:
            self._release()
            self._storage.discard()

    def _put(self, *, final: bool = False) -> None:
        """Put the journal where it belongs, if that is elsewhere; hold ``_saving`` meanwhile."""
        if self._store and self._storage.is_remote:
            number = self._saves_begun = self._saves_begun + 1
            # No two saves are the same, or the ETag of one would be a key to the next.
            self._store.put_fact(SAVE, uuid.uuid4().hex)
            self._storage.save(self._store.contents(), final=final)
            self._last_save = number

    def _save_until_closed(self, on_error: Callable[[BaseException], None]) -> None:
        try:
            while not self._ending.wait(SAVE_S):
                self.save()
        except BaseException as error:  # noqa: BLE001 - the run's reason to end
            on_error(error)

    def _release(self) -> None:
        store, self._store = self._store, None
        with closing(self._storage):
            if store:
                store.close()


def _is_not_written() -> None:
    """Save nothing: the journal is only read."""


def _missing(name: str) -> JournalError:
    return JournalError(
        f"there is no journal {name}", remedy=message("check the name, or {NEW_JOURNAL}")
    )


def _exists(name: str, *, is_complete: bool) -> JournalError:
    if is_complete:
        return JournalError(
            f"the journal {name} belongs to a copy that is complete",
            remedy="there is nothing to resume; to copy again, remove it or name another journal",
        )
    return JournalError(
        f"the journal {name} belongs to this copy, which is not finished",
        remedy=message("go on from it: {RESUME}", journal=printable(name)),
    )
