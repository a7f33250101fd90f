"""Profiles one copy of many small objects on the counting server: ``make profile``.

    python -m benchmarks.profile_copy --objects 20000 --engine managed --latency-ms 50

Prints the functions that took the most processor time in all threads, and writes what
``python -m pstats`` and other viewers read. Profiling slows the copy down several times: read the
shares, not the seconds. Threads that Python did not start (those of awscrt) are not seen.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import boto3

from benchmarks.server import (
    DESTINATION_BUCKET,
    PREFIX,
    SOURCE_BUCKET,
    Conditions,
    CountingServer,
)
from s3_xfer import AccountContext, CopyOptions, Engine, S3CopyOperation

_SHOWN = 30


def main() -> int:
    """Copy under the profiler, print, and return an exit code."""
    options = _arguments()
    conditions = Conditions(objects=options.objects, latency_ms=options.latency_ms)
    with CountingServer(conditions) as server:
        operation = _operation(server.url, Engine(options.engine))
        profiles: list[cProfile.Profile] = []
        _profile_threads(profiles)
        result = operation.run()
        threading.setprofile(None)
    result.raise_for_failures()
    statistics = pstats.Stats(profiles[0])
    for profile in profiles[1:]:
        statistics.add(profile)
    statistics.sort_stats("tottime").print_stats(_SHOWN)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    statistics.dump_stats(options.output)
    print(f"Written: {options.output} (python -m pstats {options.output})")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Profile one copy of many small objects.")
    parser.add_argument("--objects", type=int, default=20_000)
    parser.add_argument("--latency-ms", type=int, default=0)
    parser.add_argument("--engine", choices=[engine.value for engine in Engine], default="auto")
    parser.add_argument("--output", type=Path, default=Path("build/copy.prof"))
    return parser.parse_args()


def _operation(url: str, engine: Engine) -> S3CopyOperation:
    account = AccountContext(
        endpoint_url=url,
        session=boto3.Session(
            aws_access_key_id="AKIAPROFILE",
            aws_secret_access_key="any",  # noqa: S106 - for a server that checks none
            region_name="us-east-1",
        ),
    )
    return S3CopyOperation(
        source_bucket=SOURCE_BUCKET,
        source_key=PREFIX,
        destination_bucket=DESTINATION_BUCKET,
        destination_key=PREFIX,
        recursive=True,
        source=account,
        destination=account,
        options=CopyOptions(engine=engine),
    )


def _profile_threads(profiles: list[cProfile.Profile]) -> None:
    """Give each thread that starts from now on a profile of its own, by its processor time."""

    def begin(*_: object) -> None:
        profile = cProfile.Profile(time.thread_time)
        profiles.append(profile)
        profile.enable()

    threading.setprofile(begin)


if __name__ == "__main__":
    sys.exit(main())
