"""The objects that failed for a temporary reason, to be tried once more when all others are done.

Until then they have no outcome: not in the metrics, not in the journal, not in the report. A run
that ends before their second try records them as they had failed.
"""

from __future__ import annotations

import threading
from dataclasses import replace

from s3_xfer.errors import RetryAction
from s3_xfer.model import CopyTask, DeleteTask, Failed, Outcome

DEFERRED_MAX = 10_000  # objects: bounds memory to some ten MiB
_PASSING = (RetryAction.RETRY, RetryAction.SLOW_DOWN)


class SecondChances:
    """Keeps what is to be tried once more, at most :data:`DEFERRED_MAX` objects. Thread-safe.

    ``declined`` counts the objects beyond that.
    """

    def __init__(self) -> None:
        self.declined = 0
        self._lock = threading.Lock()
        self._tasks: list[CopyTask] = []

    def defer(self, outcome: Outcome) -> bool:
        """Keep the object if it gets a second chance; return whether it does."""
        if not isinstance(outcome, Failed) or outcome.task.earlier_error:
            return False
        if isinstance(outcome.task, DeleteTask):
            return False
        if outcome.error.info.error_class.retry_action not in _PASSING:
            return False
        with self._lock:
            if len(self._tasks) >= DEFERRED_MAX:
                self.declined += 1
                return False
            self._tasks.append(replace(outcome.task, earlier_error=outcome.error))
            return True

    def take(self) -> list[CopyTask]:
        """Return what is to be tried, with the error of the first try, and forget it."""
        with self._lock:
            tasks, self._tasks = self._tasks, []
            return tasks
