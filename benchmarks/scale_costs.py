"""What a copy of many objects costs and takes: the table of docs/scale.md.

python -m benchmarks.scale_costs
"""

from __future__ import annotations

from collections.abc import Iterator

from s3_xfer.ledger.prices import AWS_PRICES, BATCH_JOB_USD, BATCH_OBJECT_USD
from s3_xfer.planning.shards import OBJECT_WEIGHT_BYTES, ShardCutter
from s3_xfer.plans.survey import PARTITION_REQUESTS_PER_S
from s3_xfer.units import format_count, format_duration, format_usd

COUNTS = (10**6, 10**7, 10**8, 10**9)
KEYS_PER_PAGE = 1000
HEADING = (
    "| objects | copies | listing | Batch Operations | at 3,500/s | on 4 partitions | shards |"
)


def rows() -> Iterator[str]:
    """Yield the table in Markdown."""
    yield HEADING
    yield "| --- " * HEADING.count("| ") + "|"
    for objects in COUNTS:
        copies = AWS_PRICES.bill({"CopyObject": objects}).usd
        listings = AWS_PRICES.bill({"ListObjectsV2": 2 * objects // KEYS_PER_PAGE}).usd
        batch = BATCH_JOB_USD + BATCH_OBJECT_USD * objects
        duration_s = objects / PARTITION_REQUESTS_PER_S
        cutter = ShardCutter()
        cutter.objects = objects
        cells = (
            format_count(objects),
            format_usd(copies),
            format_usd(listings),
            f"+ {format_usd(batch)}",
            format_duration(duration_s),
            format_duration(duration_s / 4),
            format_count(cutter.auto_count()),
        )
        yield f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    print("\n".join(rows()))
    print(f"\nAn object weighs as much as {OBJECT_WEIGHT_BYTES:,} bytes.")


if __name__ == "__main__":
    main()
