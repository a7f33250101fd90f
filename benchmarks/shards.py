"""A plan cut into 16 shards, run by four processes at a time under one limit of the server.

    python -m benchmarks.shards [OBJECTS] [WRITES_PER_S]

Two shards are killed after a third of their time and repeated at the end; some keys are denied, so
that their shards end with the code that says not to repeat them. Printed is what the server has
counted: every other object once or more, the rate, and the share of requests that was in vain. The
account of the merge has to be exact.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path

from benchmarks.server import (
    DESTINATION_BUCKET,
    PREFIX,
    SOURCE_BUCKET,
    Conditions,
    CountingServer,
    Stats,
)
from s3_xfer import (
    AccountContext,
    CopyOptions,
    MergedResult,
    S3CopyOperation,
    make_plan,
    merge_plan,
)

SHARDS, TOGETHER, KILLED = 16, 4, 2
DENIED = 3  # keys, by chance: it may be one or two more or less
PERMANENT = 78
_POLL_S = 0.1


def main() -> None:
    """Plan, copy, merge, and print the account."""
    given = [float(word) for word in sys.argv[1:]]
    objects, writes_per_s = (given + [10_000_000, 3_000][len(given) :])[:2]
    os.environ |= {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
    os.environ |= {"AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
    with (
        tempfile.TemporaryDirectory() as folder,
        CountingServer(
            Conditions(objects=int(objects), writes_per_s_max=writes_per_s, denied=DENIED / objects)
        ) as server,
    ):
        plan = Path(folder) / "plan"
        began_s = time.monotonic()
        _plan(server, plan, writes_per_s)
        print(f"planned {objects:,.0f} objects in {time.monotonic() - began_s:.0f} s")
        _copy(plan, kill_after_s=objects / writes_per_s * TOGETHER / SHARDS / 3)
        _print(server.stats(), merge_plan(plan), int(objects), writes_per_s)


def _plan(server: CountingServer, plan: Path, writes_per_s: float) -> None:
    account = AccountContext(endpoint_url=server.url)
    operation = S3CopyOperation(
        source_bucket=SOURCE_BUCKET,
        source_key=PREFIX,
        destination_bucket=DESTINATION_BUCKET,
        destination_key=PREFIX,  # the server lists copies under no other
        recursive=True,
        source=account,
        destination=account,
        options=CopyOptions(max_requests_per_s=writes_per_s),
    )
    make_plan(operation, plan, shards=SHARDS, parallelism=TOGETHER)


def _copy(plan: Path, *, kill_after_s: float) -> None:
    """Run all shards, and again those that did not end with 0."""
    waiting = deque(range(SHARDS))
    running: dict[int, tuple[subprocess.Popen[bytes], float]] = {}
    to_kill = KILLED
    while waiting or running:
        while waiting and len(running) < TOGETHER:
            shard = waiting.popleft()
            command = [sys.executable, "-m", "s3_xfer.cli", "copy", "--plan", str(plan)]
            child = subprocess.Popen([*command, "--shard", str(shard), "--quiet"])
            running[shard] = (child, time.monotonic())
        time.sleep(_POLL_S)
        for shard, (child, began_s) in list(running.items()):
            if to_kill and time.monotonic() - began_s > kill_after_s:
                child.send_signal(signal.SIGKILL)
                to_kill -= 1
            if child.poll() is not None:
                del running[shard]
                if child.returncode:
                    is_final = child.returncode == PERMANENT
                    print(f"shard {shard} ended with {child.returncode}", end="")
                    print("" if is_final else "; again")
                    waiting.extend([] if is_final else [shard])


def _print(stats: Stats, merged: MergedResult, objects: int, writes_per_s: float) -> None:
    busy = sorted(stats.copies_by_second, reverse=True)[: len(stats.copies_by_second) // 2]
    rate = sum(busy) / max(1, len(busy))
    wasted = (stats.requests - stats.unique_copied - stats.by_operation["ListObjectsV2"]) / (
        stats.requests
    )
    account = merged.to_dict()
    failed, found = account["files_failed"], account["total_files_found"]
    arrived = account["files_copied_successfully"] + account["files_skipped"]
    print(f"merged: found {found:,}, failed {failed:,}; not done: {account['shards_missing']}")
    print(f"left out by the repeated shards: {account['files_skipped']:,}")
    print(f"copied, each object once or more: {stats.unique_copied:,} of {objects:,}")
    if (found, arrived) != (objects, stats.unique_copied) or arrived + failed != objects:
        print(f"WRONG: the merge says {arrived:,} of {found:,}")
    whole = stats.unique_copied / max(1, len(stats.copies_by_second))
    print(
        f"rate: {rate:,.0f}/s in the busier half, {whole:,.0f}/s overall; limit {writes_per_s:,.0f}"
    )
    print(f"in vain: {wasted:.1%} of {stats.requests:,} requests; throttled {stats.throttled:,}")
    for problem in stats.problems():
        print(f"WRONG: {problem}")


if __name__ == "__main__":
    main()
