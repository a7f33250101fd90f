"""What the requests of a copy cost with each tool: the table of docs/compare.md.

python -m benchmarks.bills

Requests per object are those that ``benchmarks/run.py speed`` counted (docs/performance.md); what a
service asks for itself is in its price list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from s3_xfer.ledger.prices import AWS_PRICES, BATCH_JOB_USD, BATCH_OBJECT_USD
from s3_xfer.units import format_count, format_usd

COUNTS = (10**3, 10**6, 10**9)
KEYS_PER_PAGE = 1000
# Basic mode, US East; not checked against the price page, which AWS draws with a script.
DATASYNC_USD_PER_GB = 0.0125
OBJECT_GB = 0.001  # the example's objects have 1 MB each


def _requests(objects: int, *, copies: int = 1, heads: int = 0, listed: int = 1) -> float:
    counts = {
        "CopyObject": copies * objects,
        "HeadObject": heads * objects,
        "ListObjectsV2": listed * -(-objects // KEYS_PER_PAGE),
    }
    return AWS_PRICES.bill(counts).usd


TOOLS: Mapping[str, Callable[[int], float]] = {
    "`s3-xfer copy`, s5cmd `cp`, Airflow's operators": _requests,
    "`s3-xfer sync`, `aws s3 sync`": lambda objects: _requests(objects, listed=2),
    "`rclone copy`": lambda objects: _requests(objects, heads=1, listed=2),
    "S3 Batch Operations": lambda objects: (
        _requests(objects) + BATCH_JOB_USD + BATCH_OBJECT_USD * objects
    ),
    "DataSync, objects of 1 MB": lambda objects: (
        _requests(objects, listed=2) + DATASYNC_USD_PER_GB * OBJECT_GB * objects
    ),
    "`s3-xfer sync` again, nothing changed": lambda objects: _requests(objects, copies=0, listed=2),
    "`s3-xfer check`": lambda objects: _requests(objects, copies=0, listed=2),
}


def rows() -> Iterator[str]:
    """Yield the table in Markdown."""
    yield f"| | {' | '.join(f'{format_count(count)} objects' for count in COUNTS)} |"
    yield "| --- " + "| ---: " * len(COUNTS) + "|"
    for tool, usd in TOOLS.items():
        yield f"| {tool} | {' | '.join(format_usd(usd(count)) for count in COUNTS)} |"


def main() -> None:
    """Print the table."""
    print("\n".join(rows()))


if __name__ == "__main__":
    main()
