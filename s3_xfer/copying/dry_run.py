"""The copier that copies nothing: it counts what a real run would send.

Stands in for :class:`~s3_xfer.copying.copier.ObjectCopier`, so that a dry run takes the same way
through listing, mapping and accounting. Refuses to look at the destination: whether a key exists
there is only known when it is written.
"""

from __future__ import annotations

from s3_xfer.copying.copier import check_key
from s3_xfer.model import CopyTask, Failed, Outcome, Skipped, SkipReason
from s3_xfer.planning.cost import RequestEstimate


class DryRunCopier:
    """Adds every task to ``estimate`` and skips it; a key that cannot exist fails here already."""

    def __init__(self, estimate: RequestEstimate) -> None:
        self._estimate = estimate

    def copy(self, task: CopyTask) -> Outcome:
        """Return how the copy of ``task`` would begin."""
        refused = check_key(task)
        if refused:
            return Failed(task, refused)
        self._estimate.add(task.source.size)
        return Skipped(task, SkipReason.DRY_RUN)
