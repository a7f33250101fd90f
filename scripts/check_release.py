"""Says whether the checkout is ready for a tag: ``make release-check`` (docs/releasing.md)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from s3_xfer.version import VERSION

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Print what is missing; return 1 if anything is."""
    problems = problems_of((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), _changed(), _tags())
    for problem in problems:
        print(f"not ready: {problem}")
    if not problems:
        print(f"Ready: git tag -a v{VERSION} -m 's3-xfer {VERSION}'")
    return 1 if problems else 0


def problems_of(changelog: str, changed: str, tags: set[str]) -> list[str]:
    """Return what keeps this version from being released."""
    problems = []
    if not re.search(rf"^## \[{re.escape(VERSION)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.M):
        problems.append(f"CHANGELOG.md has no '## [{VERSION}] - YYYY-MM-DD'")
    if changed:
        problems.append(f"there are changes that are not committed:\n{changed}")
    if f"v{VERSION}" in tags:
        problems.append(f"v{VERSION} is tagged already; raise VERSION in s3_xfer/version.py")
    return problems


def _changed() -> str:
    return _git("status", "--porcelain")


def _tags() -> set[str]:
    return set(_git("tag", "--list").split())


def _git(*words: str) -> str:
    return subprocess.run(  # noqa: S603
        ["git", *words],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


if __name__ == "__main__":
    sys.exit(main())
