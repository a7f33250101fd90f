"""What a run did over time, and what the objects were like that it has ended."""

from __future__ import annotations

from dataclasses import dataclass, field

from s3_xfer.errors import check_fields
from s3_xfer.ledger.breakdown import Breakdown, BreakdownRecorder
from s3_xfer.ledger.timeline import Timeline, TimelineRecorder
from s3_xfer.model import Copied, DeleteTask, Failed, Outcome, S3Object


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHistory:
    """How much one run did when, and the sizes and storage classes of the objects it has ended.

    Of a run that went on from a journal it has the share of this run alone.
    """

    timeline: Timeline = field(default_factory=Timeline)
    breakdown: Breakdown = field(default_factory=Breakdown)

    def __post_init__(self) -> None:
        check_fields(self)


class HistoryRecorder:
    """Adds up the history of a run. Not thread-safe: its owner has a lock.

    ``at_s`` is the time since the start.
    """

    def __init__(self) -> None:
        self._timeline = TimelineRecorder()
        self._breakdown = BreakdownRecorder()

    def ended(self, at_s: float, outcome: Outcome, *, parts_bytes: int) -> None:
        """Add the end of one object, of which ``parts_bytes`` were added as parts."""
        failed = isinstance(outcome, Failed)
        if isinstance(outcome, Copied):
            rest_bytes = max(0, outcome.size_bytes - parts_bytes)
            self._timeline.add(at_s, objects=1, size_bytes=rest_bytes)
        elif failed:
            self._timeline.add(at_s, failed=1)
        if not isinstance(outcome.task, DeleteTask):
            source = outcome.task.source
            self._breakdown.add(source.size, source.storage_class, failed=failed)

    def part_ended(self, at_s: float, size_bytes: int) -> None:
        """Add bytes of an object that is not finished."""
        self._timeline.add(at_s, size_bytes=size_bytes)

    def retried(self, at_s: float) -> None:
        """Add one request that was sent again."""
        self._timeline.add(at_s, retries=1)

    def compared(self, at_s: float, found: S3Object, *, differs: bool) -> None:
        """Add what a check said about one object: of the source, or an extra one."""
        self._timeline.add(at_s, objects=1, size_bytes=found.size, failed=int(differs))
        self._breakdown.add(found.size, found.storage_class, failed=differs)

    def history(self) -> RunHistory:
        """Return what was added so far."""
        return RunHistory(timeline=self._timeline.timeline(), breakdown=self._breakdown.breakdown())
