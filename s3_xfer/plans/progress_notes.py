"""Notes beside the plan of how far an attempt at a shard has come, while it goes on.

Who waits for the shard sees that it is not abandoned. There is one note for each shard, and it is
replaced only when something has happened since: an attempt that hangs leaves no news.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable

from s3_xfer.access.plan_storage import PlanStorage
from s3_xfer.errors import PlanError
from s3_xfer.ledger.metrics import TransferMetrics

NOTE_INTERVAL_S = 60.0

_log = logging.getLogger("s3_xfer")


class ProgressNotes:
    """Writes what ``snapshot`` returns under ``name``, in a thread of its own, until it is closed.

    A note that cannot be written is logged: the copy goes on.
    """

    def __init__(
        self,
        storage: PlanStorage,
        name: str,
        snapshot: Callable[[], TransferMetrics],
        *,
        interval_s: float,
    ) -> None:
        self._storage, self._name = storage, name
        self._snapshot = snapshot
        self._interval_s = interval_s
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="s3-xfer-progress", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it; a note that is being written is finished."""
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        last = b""
        while not self._closed.wait(self._interval_s):
            note = _note(self._snapshot())
            if note != last:
                self._write(note)
                last = note

    def _write(self, note: bytes) -> None:
        try:
            self._storage.replace(self._name, note)
        except PlanError as error:
            _log.warning("a merge that waits for this shard sees no progress: %s", error)


def _note(metrics: TransferMetrics) -> bytes:
    """Return what has happened so far; it says no time, so it differs only if something has."""
    counts = {
        "operation_id": metrics.operation_id,
        "total_files_found": metrics.total_files_found,
        "files_copied_successfully": metrics.files_copied_successfully,
        "requests": sum(metrics.requests.values()),
    }
    return json.dumps(counts).encode()
