"""``make release-check`` names what keeps a version from being released."""

from __future__ import annotations

import pytest

from s3_xfer.version import VERSION
from scripts.check_release import problems_of

DATED = f"# Changelog\n\n## [{VERSION}] - 2026-03-01\n"


def test_a_dated_version_in_a_clean_checkout_is_ready() -> None:
    """Nothing is named."""
    assert problems_of(DATED, "", {"v0.0.9"}) == []


@pytest.mark.parametrize(
    ("changelog", "changed", "tags", "problem"),
    [
        (f"## [{VERSION}] - unreleased\n", "", set(), "CHANGELOG.md has no"),
        ("## [99.0.0] - 2026-03-01\n", "", set(), "CHANGELOG.md has no"),
        (DATED, " M Makefile\n", set(), "not committed"),
        (DATED, "", {f"v{VERSION}"}, "tagged already"),
    ],
)
def test_what_is_missing_is_named(
    changelog: str, changed: str, tags: set[str], problem: str
) -> None:
    """Each by itself."""
    (named,) = problems_of(changelog, changed, tags)
    assert problem in named
