"""What a copy makes of a batch: every object counted, decided about, and given its key."""

from __future__ import annotations

from collections.abc import Sequence

from s3_xfer.ledger.ledger import Ledger
from s3_xfer.model import CopyTask, S3Object
from s3_xfer.planning.decisions import Copy, Step, decide, outcome_of
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.sources.source import Batch


class CopyPlanner:
    """Asks ``steps`` about each object, and records in ``ledger`` what is not to be copied."""

    def __init__(self, keys: KeyMap, steps: Sequence[Step], ledger: Ledger) -> None:
        self._keys = keys
        self._steps = steps
        self._ledger = ledger

    def plan(self, batch: Batch[S3Object]) -> Sequence[CopyTask]:
        """Return the tasks of a batch that are to be copied."""
        objects = self._ledger.found(batch.items, batch.keys)
        return [task for task in self._keys.tasks(objects) if self._is_copied(task)]

    def _is_copied(self, task: CopyTask) -> bool:
        decision = decide(self._steps, task, None)
        if isinstance(decision, Copy):
            return True
        self._ledger.record_late(outcome_of(decision, task))
        return False

    def not_attempted(self, item: CopyTask) -> None:
        """Record a task that the run ended before."""
        self._ledger.not_attempted(item)
