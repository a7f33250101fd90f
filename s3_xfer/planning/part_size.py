"""How large the parts of an object are: the one rule, for engine, continuation and forecast.

What the user says is respected, and doubled only while 10,000 parts would not suffice. Otherwise
the parts of an object fill the requests that may be under way a whole number of times, its *waves*:

- *Time.* One part in a last wave costs as much as a full wave. With sixteen waves (fewer, if 10,000
  parts do not suffice for them) the slowest request delays a sixteenth of the whole.
- *Cost.* Every part is a billed request, so none has less than 128 MiB: 4 cents per TiB at AWS's
  list price. Parts grow with the object, up to 512 MiB: 1 cent per TiB.
- *Limits.* Even at 10 MiB/s the answer to 512 MiB comes before the read times out. Only where
  10,000 such parts would not suffice they are doubled.

Only size and options count: an object has the same parts, and so the same ETag, in every run with
the same options.
"""

from __future__ import annotations

from s3_xfer.options import PART_MAX_BYTES, PARTS_MAX, CopyOptions
from s3_xfer.units import MIB

CHOSEN_MIN_BYTES = 128 * MIB
CHOSEN_MAX_BYTES = 512 * MIB
WAVES = 16


def part_size(size_bytes: int, options: CopyOptions) -> int:
    """Return the bytes of each part, but the last, of an object of ``size_bytes``."""
    part_bytes = options.part_size_bytes or _chosen(size_bytes, at_once=options.threads)
    while _ceil_div(size_bytes, part_bytes) > PARTS_MAX and part_bytes < PART_MAX_BYTES:
        part_bytes *= 2
    return min(part_bytes, PART_MAX_BYTES)


def part_count(size_bytes: int, options: CopyOptions) -> int:
    """Return how many parts an object of ``size_bytes`` has."""
    return _ceil_div(size_bytes, part_size(size_bytes, options))


def _chosen(size_bytes: int, *, at_once: int) -> int:
    """Return the size, in whole MiB, that fills ``at_once`` requests some whole number of times."""
    waves_of_small = size_bytes // (at_once * CHOSEN_MIN_BYTES)
    waves_of_large = _ceil_div(size_bytes, at_once * CHOSEN_MAX_BYTES)
    enough = min(WAVES, PARTS_MAX // at_once)
    waves = max(1, min(enough, waves_of_small), waves_of_large)
    return max(CHOSEN_MIN_BYTES, _ceil_div(size_bytes, waves * at_once * MIB) * MIB)


def _ceil_div(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)
