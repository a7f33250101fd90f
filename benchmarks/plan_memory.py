"""What it takes to cut very many keys: simulated pages, fed to the cutter of plans.

python -m benchmarks.plan_memory [OBJECTS] [SHARDS]
"""

from __future__ import annotations

import random
import resource
import sys
import time
from collections.abc import Iterator

from s3_xfer.model import S3Object
from s3_xfer.planning.ranges import KeyRange
from s3_xfer.planning.shards import ShardCutter, is_tiling

PAGE = 1000
_SEED = 1


def pages(objects: int) -> Iterator[tuple[KeyRange, list[S3Object]]]:
    """Yield pages as a listing of skewed sizes has them."""
    rng = random.Random(_SEED)  # noqa: S311 - sizes, not secrets
    after = ""
    for start in range(0, objects, PAGE):
        page = [
            S3Object(
                bucket="bucket",
                key=f"data/{number:012}/{rng.getrandbits(64):016x}",
                size=int(rng.lognormvariate(11, 2)),
            )
            for number in range(start, min(start + PAGE, objects))
        ]
        is_last = start + PAGE >= objects
        until = None if is_last else page[-1].key
        yield KeyRange(after, until), page
        after = page[-1].key


def main() -> None:
    """Cut, and print time, memory and balance."""
    given = [int(word.replace("_", "")) for word in sys.argv[1:]]
    objects, count = (given + [10_000_000, 200][len(given) :])[:2]
    before_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cutter = ShardCutter()
    cpu_s = 0.0
    for keys, page in pages(objects):
        began_s = time.process_time()
        cutter.add(keys, page)
        cpu_s += time.process_time() - began_s
    began_s = time.process_time()
    shards = cutter.cut(count)
    cut_s = time.process_time() - began_s
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    heaviest = max(shard.weight for shard in shards) * len(shards) / cutter.weight
    if not is_tiling([keys for shard in shards for keys in shard.ranges]):
        raise RuntimeError("the shards do not have every key exactly once")
    print(
        f"{objects:,} keys, {len(shards)} shards: {cpu_s:.1f} s CPU for the pages, {cut_s:.1f} s "
        f"to cut; {before_mib:.0f} MiB before, {peak_mib:.0f} MiB at most; the heaviest shard has "
        f"{heaviest:.3f} of the ideal"
    )


if __name__ == "__main__":
    main()
