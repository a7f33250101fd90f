"""A report that lost a line is not given its final name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from s3_xfer import ReportError, ReportScope
from s3_xfer.ledger.report import ReportWriter


def test_a_report_that_lost_a_line_keeps_its_partial_name(tmp_path: Path) -> None:
    """The final name would say that it is complete."""
    path = tmp_path / "r.jsonl"
    report = ReportWriter(path, ReportScope.NOT_COPIED)
    full = os.open("/dev/full", os.O_WRONLY)
    kept = os.dup(report._file.fileno())
    os.dup2(full, report._file.fileno())
    with pytest.raises(ReportError, match="cannot be written"):
        report.not_listed(bucket="b", prefix="p", after="", until=None)
    os.dup2(kept, report._file.fileno())

    with pytest.raises(ReportError, match="cannot be written"):
        report.finish()

    assert not path.exists()
    os.close(full)
    os.close(kept)
