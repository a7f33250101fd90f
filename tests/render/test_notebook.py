"""How results show themselves in a notebook: short, and nothing of them is markup."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from s3_xfer.comparison import CompareStatus
from s3_xfer.ledger.comparison import CheckResult, CompareSummary
from s3_xfer.plans.result import PlanResult
from tests.render import samples

COUNTS = dict.fromkeys(CompareStatus, 0) | {CompareStatus.SAME: 2, CompareStatus.MISSING: 1}
TOTALS = CompareSummary(
    counts=COUNTS, sizes_bytes=dict.fromkeys(CompareStatus, 0), reasons={}, proofs={}, notable=()
)
HOSTILE = "s3://x/<script>\u202e"


class Table(HTMLParser):
    """What a notebook shows."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            samples.result(report_path=Path("<b>"), notes=("<b>",)),
            "<CopyResult COPY_FAILED: found=50,000, copied=49,977, skipped=20, failed=3, "
            "size=5.0 GiB, duration=1 m 23 s>",
        ),
        (
            CheckResult(metrics=samples.ended(), totals=TOTALS),
            "<CheckResult differences: same=2, missing=1, duration=1 m 23 s>",
        ),
        (
            PlanResult(location=HOSTILE, plan=None, metrics=samples.ended()),
            "<PlanResult location=s3://x/<script>\\u202e, duration=1 m 23 s>",
        ),
    ],
    ids=["copy", "check", "plan"],
)
def test_a_result_is_one_line_and_one_table(value: Any, text: str) -> None:
    """With the numbers that the line has."""
    table = Table()
    table.feed(value._repr_html_())

    assert repr(value) == text
    assert table.tags == {"div", "b", "table", "tr", "th", "td"}
    shown = text[text.index(" ") : -1].split(", ")
    assert all(pair.split("=")[-1] in table.texts for pair in shown)
