"""How large the parts of an object are: the one rule, for engine, continuation and forecast.

What the user says is respected, and doubled only while 10,000 parts would not suffice. Otherwise
the parts of an object fill the requests that may be under way a whole number of times, its *waves*:

- *Time.* S3 takes for a part in proportion to its size, so one lonely part in a last wave costs as
  much as a full wave. Sixteen waves are fine enough (as many as make 10,000 parts, if more than
  625 requests share them): what the slowest request delays is a sixteenth of the whole.
- *Cost.* Every part is a billed request. None has less than 128 MiB: at most 8,192 parts per TiB,
  4 cents at AWS's list price. Parts grow with the object, up to 512 MiB: 1 cent per TiB.
- *Limits.* No part of more than 512 MiB: even at 10 MiB/s its answer comes before the read times
  out, and little is lost with it. Only where 10,000 such parts would not suffice they are doubled.
- *Many objects.* An object just above the threshold has few parts, since others fill the waves.

Refuses to look at anything but size and options: an object has the same parts, and so the same
ETag, in every run with the same options.
"""

from __future__ import annotations

from s3_xfer.options import PART_MAX_BYTES, PARTS_MAX, CopyOptions
from s3_xfer.units import MIB

CHOSEN_MIN_BYTES = 128 * MIB
CHOSEN_MAX_BYTES = 512 * MIB
WAVES = 16


def part_size(size_bytes: int, options: CopyOptions) -> int:
    """Return the bytes of each part, but the last, of an object of ``size_bytes``."""
    wanted = options.part_size_bytes or _chosen(size_bytes, at_once=options.threads)
    return _sufficient(wanted, size_bytes)


def part_count(size_bytes: int, options: CopyOptions) -> int:
    """Return how many parts an object of ``size_bytes`` has."""
    return _ceil_div(size_bytes, part_size(size_bytes, options))


def _chosen(size_bytes: int, *, at_once: int) -> int:
    """Return the size, in whole MiB, that fills ``at_once`` requests some whole number of times."""
    waves_of_small = size_bytes // (at_once * CHOSEN_MIN_BYTES)
    waves_of_large = _ceil_div(size_bytes, at_once * CHOSEN_MAX_BYTES)
    enough = min(WAVES, PARTS_MAX // at_once)
    waves = max(1, min(enough, waves_of_small), waves_of_large)
    even = _ceil_div(size_bytes, waves * at_once * MIB) * MIB
    return max(CHOSEN_MIN_BYTES, even)


def _sufficient(part_bytes: int, size_bytes: int) -> int:
    """Return ``part_bytes``, doubled until 10,000 parts suffice, but never above S3's limit."""
    while _ceil_div(size_bytes, part_bytes) > PARTS_MAX and part_bytes < PART_MAX_BYTES:
        part_bytes *= 2
    return min(part_bytes, PART_MAX_BYTES)


def _ceil_div(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)
