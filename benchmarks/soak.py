"""A long copy with faults in it, and exact accounts: ``python benchmarks/soak.py``.

A million objects; one copy in a hundred is answered 503, the copies of one key in a thousand are
denied for good. At the end four accounts must agree to the last object: what the server counted,
what ``--json`` says, what the report names, and the exit code. Then the report is run again, on the
same server, and must come to the same objects. Prints what it compared; the exit code is 1 if
anything differs. Refuses to measure time: that is for ``run.py``.
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
from benchmarks.server import DESTINATION_BUCKET, PREFIX, SOURCE_BUCKET, CountingServer, Stats

_ROOT = Path(__file__).resolve().parents[1]
OBJECTS = 1_000_000
ANSWERED_503 = 0.01
DENIED = 0.001
_LINE_MAX = 160
_SOME_FAILED = 1  # s3-xfer's exit code


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One statement that must hold: two numbers that are the same."""

    what: str
    found: object
    due: object

    @property
    def holds(self) -> bool:
        """Whether they are."""
        return self.found == self.due

    def __str__(self) -> str:
        mark = "ok   " if self.holds else "WRONG"
        return f"{mark} {self.what}: {self.found} ({self.due} expected)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What one run left: exit code, ``--json``, statuses and keys of its report."""

    exit_code: int
    metrics: Mapping[str, Any]
    statuses: Counter[str]
    failed: frozenset[str]


def soak(objects: int) -> list[Account]:
    """Copy ``objects`` with faults, once and again from the report; return what was compared."""
    with (
        CountingServer(objects=objects, answered_503=ANSWERED_503, denied=DENIED) as server,
        tempfile.TemporaryDirectory() as scratch,
    ):
        first = _run(server, scratch, "first.jsonl")
        stats = server.stats()
        again = _run(server, scratch, "again.jsonl", "--from-report", f"{scratch}/first.jsonl")
        after = server.stats()
    return [
        *_accounts(first, stats),
        Account(
            what="objects that fail again", found=sorted(again.failed), due=sorted(first.failed)
        ),
        Account(
            what="objects copied in the end", found=after.unique_copied, due=stats.unique_copied
        ),
    ]


def _accounts(ended: Ended, stats: Stats) -> list[Account]:
    """Return the comparisons of a first run, with nothing at the destination before it."""
    metrics, denied = ended.metrics, stats.objects - stats.unique_copied
    sums = (
        "files_copied_successfully",
        "files_skipped",
        "files_failed",
        "files_not_attempted",
    )
    due: dict[str, tuple[object, object]] = {
        "found": (metrics["total_files_found"], stats.objects),
        "found, as the sum of the outcomes": (
            sum(metrics[name] for name in sums),
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
        "lines of the report": (dict(ended.statuses), {"failed": denied} if denied else {}),
        "keys in the report, none twice": (len(ended.failed), denied),
        "exit code": (ended.exit_code, _SOME_FAILED if denied else 0),
    }
    compared = [Account(what=what, found=found, due=due) for what, (found, due) in due.items()]
    return [*compared, Account(what="what no copier may do", found=stats.wrongs(), due=[])]


def _run(server: CountingServer, scratch: str, report: str, *more: str) -> Ended:
    path = Path(scratch, report)
    command = [
        *(sys.executable, "-m", "s3_xfer.cli", "copy"),
        *(f"s3://{SOURCE_BUCKET}/{PREFIX}", f"s3://{DESTINATION_BUCKET}/{PREFIX}"),
        *("--recursive", "--json", "--endpoint-url", server.url, "--report", str(path)),
        *more,
    ]
    done = subprocess.run(
        command,
        cwd=_ROOT,
        env=environment(scratch, {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return Ended(
        exit_code=done.returncode,
        metrics=json.loads(done.stdout),
        statuses=Counter(line["status"] for line in lines),
        failed=frozenset(line["source_key"] for line in lines),
    )


def main() -> int:
    """Soak, print the accounts, and return the exit code."""
    parser = argparse.ArgumentParser(description="Copy with faults, and compare all accounts.")
    parser.add_argument("--objects", type=int, default=OBJECTS, metavar="N")
    accounts = soak(parser.parse_args().objects)
    for account in accounts:
        print(textwrap.shorten(str(account), _LINE_MAX, placeholder=" …"))
    return 0 if all(account.holds for account in accounts) else 1


if __name__ == "__main__":
    sys.exit(main())
