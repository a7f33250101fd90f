"""What a run has to do, before it lists anything: objects that are known, and keys to be listed.

One answer for the producer, which begins with it, and for a run that is stopped during its checks,
which leaves all of it to the next. Refuses to look anything up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from s3_xfer.ledger.journal.journal import Journal
from s3_xfer.ledger.metrics import MetricsCollector
from s3_xfer.ledger.report import ReportWriter
from s3_xfer.model import NotAttempted, S3Object
from s3_xfer.options import CopyOptions
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.planning.ranges import EVERYTHING, KeyRange
from s3_xfer.sources.report import ReportSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Todo:
    """Everything that is left to do when a run begins.

    ``single`` is the object of a copy that is not recursive; ``report_source`` replaces both it
    and the listing, and so does a ``journal``.
    """

    single: S3Object | None
    report_source: ReportSource | None
    journal: Journal | None

    @property
    def ranges(self) -> Sequence[KeyRange]:
        """The ranges of keys to be listed: none for one object, what is left for a report."""
        if self.journal:
            return self.journal.to_list
        if self.report_source:
            return self.report_source.unlisted
        return () if self.single else EVERYTHING

    def known(self) -> Iterable[Sequence[S3Object]]:
        """Return what is to be copied without being listed."""
        if self.single and not (self.journal and self.journal.is_complete):
            return ([self.single],)
        if self.journal:
            return self.journal.to_copy()
        return self.report_source.pages() if self.report_source else ()


def leave_everything(
    todo: Todo, *, keys: KeyMap, metrics: MetricsCollector, options: CopyOptions
) -> Path | None:
    """Account for a run of which nothing was begun; return its report, if it has one.

    Raises:
        S3XferError: the report cannot be written, or what is to do cannot be read.
    """
    report = (
        ReportWriter(options.report_path, options.report_scope) if options.report_path else None
    )
    for page in todo.known():
        metrics.found(len(page), sum(found.size for found in page))
        for task in keys.tasks(page):
            outcome = NotAttempted(task)
            metrics.record(outcome)
            if report:
                report.record(outcome)
    if not report:
        return None
    source = keys.source
    for left in todo.ranges:
        report.not_listed(
            bucket=source.bucket, prefix=source.key, after=left.after, until=left.until
        )
    return report.finish()
