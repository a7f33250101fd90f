"""A long copy with faults, and exact counts at its end: ``python benchmarks/soak.py``.

A million objects; one copy in a hundred is answered 503, and every copy of one key in a thousand is
denied. At the end the server's counters, ``--json``, the report and the exit code must agree on
every object. Then the copy is run again from the report, on the same server, and must fail for the
same objects. It prints the comparisons; the exit code is 1 if anything differs. Time is not
measured: that is for ``run.py``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import textwrap
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.measure import environment
from benchmarks.server import (
    DESTINATION_BUCKET,
    PREFIX,
    SOURCE_BUCKET,
    Conditions,
    CountingServer,
    Stats,
)

_ROOT = Path(__file__).resolve().parents[1]
OBJECTS = 1_000_000
ANSWERED_503 = 0.01
DENIED = 0.001
_LINE_MAX = 160
_SOME_FAILED = 1  # s3-xfer's exit code


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two values that must be equal."""

    subject: str
    actual: object
    expected: object

    @property
    def holds(self) -> bool:
        """Whether they are equal."""
        return self.actual == self.expected

    def __str__(self) -> str:
        mark = "ok   " if self.holds else "WRONG"
        return f"{mark} {self.subject}: {self.actual} ({self.expected} expected)"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutput:
    """The output of one run: exit code, ``--json``, statuses and keys of its report."""

    exit_code: int
    metrics: Mapping[str, Any]
    statuses: Counter[str]
    failed: frozenset[str]


def soak(objects: int) -> list[Comparison]:
    """Copy ``objects`` with faults, once and again from the report; return the comparisons."""
    with (
        CountingServer(
            Conditions(objects=objects, answered_503=ANSWERED_503, denied=DENIED)
        ) as server,
        tempfile.TemporaryDirectory() as scratch,
    ):
        first = _run(server, scratch, "first.jsonl")
        stats = server.stats()
        again = _run(server, scratch, "again.jsonl", "--from-report", f"{scratch}/first.jsonl")
        after = server.stats()
    return [
        *_compare(first, stats),
        Comparison(
            subject="objects that fail again",
            actual=sorted(again.failed),
            expected=sorted(first.failed),
        ),
        Comparison(
            subject="objects copied in the end",
            actual=after.unique_copied,
            expected=stats.unique_copied,
        ),
    ]


def _compare(output: RunOutput, stats: Stats) -> list[Comparison]:
    """Return the comparisons of a first run, with nothing at the destination before it."""
    metrics, denied = output.metrics, stats.objects - stats.unique_copied
    outcomes = (
        "files_copied_successfully",
        "files_skipped",
        "files_failed",
        "files_not_attempted",
    )
    values: dict[str, tuple[object, object]] = {
        "found": (metrics["total_files_found"], stats.objects),
        "found, as the sum of the outcomes": (
            sum(metrics[name] for name in outcomes),
            metrics["total_files_found"],
        ),
        "copied": (metrics["files_copied_successfully"], stats.unique_copied),
        "copies, none twice": (stats.copies_done, stats.unique_copied),
        "failed": (metrics["files_failed"], denied),
        "failed, by class": (
            metrics["errors_by_class"],
            {"AccessDenied": denied} if denied else {},
        ),
        "throttled": (metrics["throttles"], stats.refused),
        "repeated": (metrics["retries"], stats.refused),
        "CopyObject requests": (
            metrics["requests"]["CopyObject"],
            stats.by_operation["CopyObject"],
        ),
        "lines of the report": (dict(output.statuses), {"failed": denied} if denied else {}),
        "keys in the report, none twice": (len(output.failed), denied),
        "exit code": (output.exit_code, _SOME_FAILED if denied else 0),
    }
    comparisons = [
        Comparison(subject=subject, actual=actual, expected=expected)
        for subject, (actual, expected) in values.items()
    ]
    problems = Comparison(subject="what no copier may do", actual=stats.problems(), expected=[])
    return [*comparisons, problems]


def _run(server: CountingServer, scratch: str, report: str, *options: str) -> RunOutput:
    path = Path(scratch, report)
    command = [
        *(sys.executable, "-m", "s3_xfer.cli", "copy"),
        *(f"s3://{SOURCE_BUCKET}/{PREFIX}", f"s3://{DESTINATION_BUCKET}/{PREFIX}"),
        *("--recursive", "--json", "--endpoint-url", server.url, "--report", str(path)),
        *options,
    ]
    process = subprocess.run(
        command,
        cwd=_ROOT,
        env=environment(scratch, {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    *lines, _counts = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return RunOutput(
        exit_code=process.returncode,
        metrics=json.loads(process.stdout),
        statuses=Counter(line["status"] for line in lines),
        failed=frozenset(line["source_key"] for line in lines),
    )


def main() -> int:
    """Soak, print the comparisons, and return the exit code."""
    parser = argparse.ArgumentParser(description="Copy with faults, and compare all counts.")
    parser.add_argument("--objects", type=int, default=OBJECTS, metavar="N")
    comparisons = soak(parser.parse_args().objects)
    for comparison in comparisons:
        print(textwrap.shorten(str(comparison), _LINE_MAX, placeholder=" …"))
    return 0 if all(comparison.holds for comparison in comparisons) else 1


if __name__ == "__main__":
    sys.exit(main())
