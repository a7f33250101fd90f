"""The report of a run, which may have none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from s3_xfer.comparison import CompareResult
from s3_xfer.ledger.report import ReportWriter
from s3_xfer.model import Outcome, S3Location, S3Object
from s3_xfer.options import CopyOptions, ReportScope
from s3_xfer.planning.ranges import KeyRange


class RunReport:
    """Takes what a run reports, and writes it if the ``options`` name a file. Thread-safe.

    There is no file until it is opened. Everything raises :class:`ReportError` if it cannot be
    written.
    """

    def __init__(self, options: CopyOptions) -> None:
        self._path, self._scope = options.report_path, options.report_scope
        self._writer: ReportWriter | None = None

    def open(self) -> None:
        """Begin the file; nobody else may be writing it."""
        if self._path:
            self._writer = ReportWriter(self._path, self._scope)

    def left_out(self, found: S3Object, rule: str) -> None:
        """Add an object that a filter has left out, to a report of all objects."""
        if self._writer and self._scope is ReportScope.ALL:
            self._writer.left_out(found, rule)

    def record(self, outcome: Outcome) -> None:
        """Add how one object ended."""
        if self._writer:
            self._writer.record(outcome)

    def compared(self, result: CompareResult) -> None:
        """Add what a check says about one object."""
        if self._writer:
            self._writer.compared(result)

    def finish(self, sources: Sequence[S3Location], remaining: Sequence[KeyRange]) -> Path | None:
        """Give the file its final name, with the ``remaining`` ranges of ``sources`` in it.

        Returns its path; None if there is none.
        """
        if not self._writer:
            return None
        for keys in remaining:
            source = sources[keys.source]
            self._writer.not_listed(
                bucket=source.bucket, prefix=source.key, after=keys.after, until=keys.until
            )
        return self._writer.finish()

    def leave(self) -> None:
        """Close the file under its ``.partial`` name: it is not complete."""
        if self._writer:
            self._writer.leave()
