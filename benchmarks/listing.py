"""What a listing costs by itself, with one reader and with several.

Usage: ``python -m benchmarks.listing [OBJECTS [LATENCY_MS]]``; nothing is copied.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from benchmarks.server import PREFIX, SOURCE_BUCKET, Conditions, CountingServer
from s3_xfer.listing import parsing
from s3_xfer.listing.pages import PageReader
from s3_xfer.listing.parallel import Listing
from s3_xfer.planning.ranges import EVERYTHING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

THREADS = (1, 8)


def main(objects: str = "1000000", latency_ms: str = "50") -> None:
    """Print one line for each number of threads."""
    with CountingServer(Conditions(objects=int(objects), latency_ms=float(latency_ms))) as server:
        for threads in THREADS:
            server.reset()
            wall_s, cpu_s = measured(server.url, threads, expected=int(objects))
            print(
                f"{threads} threads: {wall_s:.1f} s, {cpu_s / int(objects) * 1e6:.1f} µs CPU per "
                f"key, {server.stats().requests:,} requests"
            )


def measured(url: str, threads: int, *, expected: int) -> tuple[float, float]:
    """List everything for a consumer that is always starved; return wall and CPU seconds."""
    client: S3Client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="AKIABENCHMARK",
        aws_secret_access_key="secret",  # noqa: S106 - the server checks none
        config=Config(max_pool_connections=2 * threads),
    )
    parsing.attach(client)
    listing = Listing(
        PageReader(client, bucket=SOURCE_BUCKET, prefix=PREFIX),
        prefix=PREFIX,
        ranges=EVERYTHING,
        threads=threads,
        is_starved=lambda: True,
    )
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    listed = sum(len(page.objects) for page in listing.iter_pages())
    if listed != expected:
        raise SystemExit(f"{listed:,} keys were listed instead of {expected:,}")
    return time.perf_counter() - began_s, time.process_time() - began_cpu_s


if __name__ == "__main__":
    main(*sys.argv[1:])
