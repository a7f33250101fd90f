"""The multipart uploads that a run may leave to the next one.

An upload is written down twice: as an *intent* before S3 is asked for it, since the answer may be
lost together with the process, and with its id when S3 has given one. Which of its parts are there
only S3 knows, and is asked. Refuses to know how parts are copied.
"""

from __future__ import annotations

import json
from dataclasses import astuple
from datetime import UTC, datetime

from s3_xfer.copying.uploads import UNPLANNED, Intent, LeftUpload, MadeOf
from s3_xfer.ledger.journal.store import Store
from s3_xfer.model import OpenUpload


class JournaledUploads:
    """An :class:`~s3_xfer.copying.uploads.UploadBook` in a journal. Thread-safe.

    Once closed it notes nothing more: what happens to an upload then is asked of S3 by the next
    run. Methods raise JournalError when the file cannot be written.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._is_closed = False
        self._plans: dict[str, MadeOf] = {}
        self._doubts = {each.key: each.since for each in self.intents()}  # of earlier runs

    def plans(self, key: str, made_of: MadeOf) -> None:
        """Note what the next upload to ``key`` will be made of."""
        with self._store.lock:
            self._plans[key] = made_of

    def begins(self, key: str) -> None:
        """Note that an upload to ``key`` will be created now."""
        with self._store.lock:
            if not self._is_closed:
                since = self._doubts.get(key) or datetime.now(UTC)
                self._store.put("intents", key, since.isoformat())

    def opened(self, upload: OpenUpload, *, doubtful: bool) -> None:
        """Note the id; a ``doubtful`` intent stands, because there may be another upload."""
        with self._store.lock:
            if self._is_closed:
                return
            made_of = json.dumps(astuple(self._plans.pop(upload.key, UNPLANNED)))
            with self._store.transaction():
                self._store.put("uploads", upload.upload_id, upload.key, made_of)
                if not doubtful and upload.key not in self._doubts:
                    self._store.drop("intents", "key", upload.key)

    def closed(self, upload_id: str) -> None:
        """Note that an upload is completed, aborted, or unknown to S3."""
        with self._store.lock:
            if not self._is_closed:
                self._store.drop("uploads", "upload_id", upload_id)

    def left(self) -> tuple[LeftUpload, ...]:
        """Return the uploads that are open, as far as is known."""
        return tuple(
            LeftUpload(upload_id, key, MadeOf(*json.loads(made_of)))
            for upload_id, key, made_of in self._store.rows(
                "SELECT upload_id, key, made_of FROM uploads"
            )
        )

    def left_for(self, key: str) -> tuple[LeftUpload, ...]:
        """Return those to one key."""
        return tuple(
            LeftUpload(upload_id, key, MadeOf(*json.loads(made_of)))
            for upload_id, made_of in self._store.rows(
                "SELECT upload_id, made_of FROM uploads WHERE key = ?", key
            )
        )

    def intents(self) -> tuple[Intent, ...]:
        """Return the keys to which there may be uploads whose id nobody knows."""
        return tuple(
            Intent(key, datetime.fromisoformat(since))
            for key, since in self._store.rows("SELECT key, since FROM intents")
        )

    @property
    def may_be_open(self) -> bool:
        """Whether any is open, or may be."""
        return bool(self.left() or self.intents())

    def settled(self, key: str) -> None:
        """Note that there is no unknown upload to ``key``."""
        with self._store.lock:
            self._doubts.pop(key, None)
            self._store.drop("intents", "key", key)

    def close(self) -> None:
        """Take note of nothing more."""
        with self._store.lock:
            self._is_closed = True
