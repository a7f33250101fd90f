"""The multipart uploads that a run may leave to the next one.

An upload is recorded twice: as *pending* before S3 is asked to create it, since the answer may be
lost together with the process, and with its id when S3 has given one. The first record is where the
journal belongs before the request is sent: whenever a process is killed, its journal names every
key to which it has opened an upload. Which parts are there is not recorded: S3 lists them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import astuple
from datetime import UTC, datetime

from s3_xfer.copying.upload_registry import (
    UNPLANNED,
    ResumableUpload,
    UploadFingerprint,
)
from s3_xfer.ledger.journal.store import Store
from s3_xfer.model import OpenUpload


class JournalUploadRegistry:
    """An :class:`~s3_xfer.copying.upload_registry.UploadRegistry` in a journal. Thread-safe.

    ``save`` returns when all that was recorded is where the journal belongs. Once closed it records
    nothing more; the next run learns from S3 what became of the uploads. Methods raise JournalError
    when the journal cannot be written.
    """

    def __init__(self, store: Store, *, save: Callable[[], None]) -> None:
        self._store = store
        self._save = save
        self._is_closed = False
        self._plans: dict[str, UploadFingerprint] = {}
        self._pending_before = self.pending()

    def plan(self, key: str, fingerprint: UploadFingerprint) -> None:
        """Record what the next upload to ``key`` will be made from; wait until that is saved.

        Here callers wait at the same time and share a save; s3transfer creates few uploads at once.
        """
        with self._store.lock:
            self._plans[key] = fingerprint
        self.create_pending(key)

    def create_pending(self, key: str) -> None:
        """Record that an upload to ``key`` will be created now; wait until that is saved.

        What is recorded already was saved then.
        """
        with self._store.lock:
            is_recorded = self._store.rows("SELECT 1 FROM pending_creates WHERE key = ?", key)
            if self._is_closed or is_recorded:
                return
            self._store.put("pending_creates", key, datetime.now(UTC).isoformat())
        self._save()

    def created(self, upload: OpenUpload, *, may_be_another: bool) -> None:
        """Record the id; the key stays pending if there may be another upload to it."""
        with self._store.lock:
            if self._is_closed:
                return
            fingerprint = json.dumps(astuple(self._plans.pop(upload.key, UNPLANNED)))
            with self._store.transaction():
                self._store.put("uploads", upload.upload_id, upload.key, fingerprint)
                if not may_be_another and upload.key not in self._pending_before:
                    self._store.delete("pending_creates", "key = ?", upload.key)

    def closed(self, upload_id: str) -> None:
        """Record that an upload is completed, aborted, or unknown to S3."""
        with self._store.lock:
            if not self._is_closed:
                self._store.delete("uploads", "upload_id = ?", upload_id)

    def resumable(self, key: str = "") -> tuple[ResumableUpload, ...]:
        """Return the uploads that are open, as far as is known; with a ``key`` those to it."""
        rows = self._store.rows(
            "SELECT upload_id, key, fingerprint FROM uploads WHERE ? IN ('', key)", key
        )
        return tuple(
            ResumableUpload(upload_id, key, UploadFingerprint(*json.loads(fingerprint)))
            for upload_id, key, fingerprint in rows
        )

    def pending(self) -> dict[str, datetime]:
        """Return the keys to which there may be uploads of unknown id, and since when."""
        rows = self._store.rows("SELECT key, since FROM pending_creates")
        return {key: datetime.fromisoformat(since) for key, since in rows}

    @property
    def may_be_open(self) -> bool:
        """Whether any is open, or may be."""
        return bool(self.resumable() or self.pending())

    def resolve_pending(self, key: str) -> None:
        """Record that there is no unknown upload to ``key``."""
        with self._store.lock:
            self._pending_before.pop(key, None)
            self._store.delete("pending_creates", "key = ?", key)

    def close(self) -> None:
        """Record nothing more."""
        with self._store.lock:
            self._is_closed = True
