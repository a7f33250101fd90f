"""Measures s3-xfer and prints one table per question: ``python benchmarks/run.py``.

Every number comes from whole processes, start-up included, that copied from and to the counting
server and were then checked: see README.md beside this file for how to read them.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.copiers import CLIENT_COPY, S3_XFER
from benchmarks.measure import Measurement, Scenario, WrongRunError, measure
from benchmarks.server import ServerUnavailableError
from benchmarks.tables import hundredths, per_object, spread, table, whole

LATENCIES_MS = (0, 50)
BASELINE_SHARE = 10  # of the objects: the baseline is slow, and each one costs it the same
MEMORY_OBJECTS = (10_000, 100_000)
MEMORY_OBJECTS_FULL = (*MEMORY_OBJECTS, 1_000_000)

Results = Mapping[Scenario, Sequence[Measurement]]


def main() -> int:
    """Measure, print, and return an exit code."""
    wanted = _arguments()
    try:
        _print_conditions()
        if wanted.question in ("speed", "all"):
            results = measure_interleaved(speed_scenarios(wanted.objects), wanted.repetitions)
            _print_speed(results)
            _print_requests(results)
        if wanted.question in ("memory", "all"):
            counts = MEMORY_OBJECTS_FULL if wanted.full else MEMORY_OBJECTS
            _print_memory(measure_interleaved(memory_scenarios(counts), 1))
    except (ServerUnavailableError, WrongRunError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    _print_load("after")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure s3-xfer against a counting server.")
    parser.add_argument(
        "question", nargs="?", choices=("all", "speed", "memory"), default="all", help="what to ask"
    )
    parser.add_argument("--objects", type=int, default=20_000, help="for speed; default 20000")
    parser.add_argument("--repetitions", type=int, default=3, help="of each scenario; default 3")
    parser.add_argument("--full", action="store_true", help="memory at 1,000,000 objects as well")
    return parser.parse_args()


# ------------------------------------------------------------------------- what is measured


def speed_scenarios(objects: int) -> list[Scenario]:
    """Return s3-xfer and the baseline at each latency, next to each other."""
    return [
        Scenario(copier=copier, objects=count, latency_ms=latency_ms)
        for latency_ms in LATENCIES_MS
        for copier, count in ((S3_XFER, objects), (CLIENT_COPY, max(1, objects // BASELINE_SHARE)))
    ]


def memory_scenarios(counts: Sequence[int]) -> list[Scenario]:
    """Return s3-xfer with more and more objects."""
    return [Scenario(copier=S3_XFER, objects=count) for count in counts]


def measure_interleaved(scenarios: Sequence[Scenario], repetitions: int) -> Results:
    """Measure all scenarios in turn, then all again: what disturbs one disturbs the others."""
    results: dict[Scenario, list[Measurement]] = {scenario: [] for scenario in scenarios}
    with ExitStack() as stack:
        servers = [stack.enter_context(scenario.server()) for scenario in scenarios]
        for repetition in range(1, repetitions + 1):
            for scenario, server in zip(scenarios, servers, strict=True):
                what = f"{scenario.copier.name}, {scenario.objects:,} objects"
                print(
                    f"{repetition}/{repetitions}: {what}, {scenario.latency_ms} ms",
                    file=sys.stderr,
                )
                results[scenario].append(measure(scenario, server))
    return results


# -------------------------------------------------------------------------- what is printed


def _print_conditions() -> None:
    packages = ", ".join(f"{name} {version(name)}" for name in ("boto3", "s3transfer"))
    print(f"Python {platform.python_version()}, {packages}; {os.cpu_count()} cores.")
    _print_load("before")


def _print_load(when: str) -> None:
    loads = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"\nLoad averages {when}: {loads} (1, 5, 15 minutes).")


def _print_speed(results: Results) -> None:
    """Print how fast, at what cost, and how that compares with the baseline."""
    print("\n## How fast, and at what cost?\n")
    head = ("copier", "objects", "latency ms", "objects/s", "CPU ms/object", "peak RSS MiB")
    rows = [
        (
            scenario.copier.name,
            f"{scenario.objects:,}",
            str(scenario.latency_ms),
            spread([run.objects_per_s for run in runs], whole),
            spread([run.cpu_ms_per_object for run in runs], hundredths),
            whole(max(run.peak_mib for run in runs)),
        )
        for scenario, runs in results.items()
    ]
    print(table(head, rows))
    print(f"\n{S3_XFER.name} against {CLIENT_COPY.name}, ratios of interleaved pairs:\n")
    compared = ("latency ms", "objects/s", "CPU/object", "requests/object")
    ratios = [_ratios(results, latency_ms) for latency_ms in LATENCIES_MS]
    print(table(compared, ratios), flush=True)


def _ratios(results: Results, latency_ms: int) -> tuple[str, ...]:
    ours, theirs = (
        runs
        for copier in (S3_XFER, CLIENT_COPY)
        for scenario, runs in results.items()
        if scenario.copier is copier and scenario.latency_ms == latency_ms
    )
    pairs = list(zip(ours, theirs, strict=True))
    return (
        str(latency_ms),
        spread([a.objects_per_s / b.objects_per_s for a, b in pairs], hundredths),
        spread([a.cpu_ms_per_object / b.cpu_ms_per_object for a, b in pairs], hundredths),
        spread([a.requests_per_object / b.requests_per_object for a, b in pairs], hundredths),
    )


def _print_requests(results: Results) -> None:
    """Print what S3 is asked for; latency does not change it, so one run each will do."""
    print("\n## What is asked of S3?\n")
    rows = []
    for scenario, runs in results.items():
        if scenario.latency_ms != LATENCIES_MS[0]:
            continue
        stats = runs[0].stats
        rows += [
            (scenario.copier.name, operation, f"{count:,}", per_object(count / stats.objects))
            for operation, count in stats.by_operation.items()
        ]
        total = per_object(runs[0].requests_per_object)
        rows.append((scenario.copier.name, "**all**", f"{stats.requests:,}", f"**{total}**"))
    print(table(("copier", "operation", "requests", "per object"), rows), flush=True)


def _print_memory(results: Results) -> None:
    """Print how memory depends on the number of objects."""
    print("\n## How much memory?\n")
    rows = [
        (f"{scenario.objects:,}", whole(runs[0].peak_mib), hundredths(runs[0].cpu_ms_per_object))
        for scenario, runs in results.items()
    ]
    print(table(("objects", "peak RSS MiB", "CPU ms/object"), rows), flush=True)


if __name__ == "__main__":
    sys.exit(main())
