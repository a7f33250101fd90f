"""The soak, in small: all counts agree, and a difference is reported."""

from __future__ import annotations

import pytest

from benchmarks import server
from benchmarks.soak import Comparison, soak

pytestmark = pytest.mark.skipif(
    server.compiler() is None, reason="the counting server is C, and there is no C compiler"
)


def test_all_counts_agree_after_faults() -> None:
    """Server, metrics, report and exit code, to the last object."""
    comparisons = soak(3_000)

    assert [str(comparison) for comparison in comparisons if not comparison.holds] == []
    expected = {comparison.subject: comparison.expected for comparison in comparisons}
    assert expected["throttled"] != 0
    assert expected["failed"] != 0


def test_counts_that_differ_are_reported() -> None:
    """The line has both numbers."""
    comparison = Comparison(subject="copied", actual=1, expected=2)

    assert not comparison.holds
    assert str(comparison) == "WRONG copied: 1 (2 expected)"
