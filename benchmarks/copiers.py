"""The programs that are compared. A new peer is one more function and one more :data:`Copier`.

Each is a command line, measured as a whole process. ``wrongs`` compares what the program says of
its run with what the server counted, for those that say anything.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.server import Stats

_BASELINE = Path(__file__).with_name("baseline.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """From where to where: everything below ``prefix``, to the same keys."""

    endpoint_url: str
    source_bucket: str
    destination_bucket: str
    prefix: str


def _says_nothing(_said: str, _stats: Stats) -> list[str]:
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Copier:
    """A program: its name in the tables, and its command for a place and a concurrency."""

    name: str
    command: Callable[[Place, int], list[str]]
    wrongs: Callable[[str, Stats], list[str]] = _says_nothing


def _s3_xfer(place: Place, concurrency: int) -> list[str]:
    return [
        *(sys.executable, "-m", "s3_xfer.cli", "copy"),
        f"s3://{place.source_bucket}/{place.prefix}",
        f"s3://{place.destination_bucket}/{place.prefix}",
        *("--recursive", "--json"),
        *("--endpoint-url", place.endpoint_url),
        *("--concurrency", str(concurrency)),
    ]


def _s3_xfer_wrongs(said: str, stats: Stats) -> list[str]:
    """Return where the metrics on stdout differ from what really happened."""
    metrics = json.loads(said or "{}")
    due = {
        "total_files_found": stats.objects,
        "files_copied_successfully": stats.objects,
        "files_failed": 0,
        "requests": dict(stats.by_operation),
    }
    return [
        f"--json says {name} {metrics.get(name)}, the server {value}"
        for name, value in due.items()
        if metrics.get(name) != value
    ]


def _baseline(place: Place, concurrency: int) -> list[str]:
    return [
        *(sys.executable, str(_BASELINE)),
        *(place.endpoint_url, place.source_bucket, place.destination_bucket, place.prefix),
        str(concurrency),
    ]


S3_XFER = Copier(name="s3-xfer", command=_s3_xfer, wrongs=_s3_xfer_wrongs)
CLIENT_COPY = Copier(name="client.copy() in threads", command=_baseline)
