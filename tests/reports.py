"""Reports as tests read and write them: lines about objects, and a last one with their counts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def lines_of(report: Path) -> list[dict[str, Any]]:
    """Return the lines of a complete report but the last, which must count them."""
    *lines, last = [json.loads(line) for line in report.read_text().splitlines()]
    assert last == {"status": "end", "counts": Counter(line["status"] for line in lines)}
    return lines


def write_report(path: Path, *lines: Mapping[str, Any]) -> Path:
    """Write a complete report of these lines, and return its path."""
    last = {"status": "end", "counts": Counter(line["status"] for line in lines)}
    path.write_text("".join(json.dumps(line) + "\n" for line in (*lines, last)))
    return path
