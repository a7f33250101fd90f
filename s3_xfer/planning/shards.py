"""Cuts a listing into shards of equal weight: key ranges that together are the whole key space.

The pages of a listing are reduced to chunks, each a key range with its counts, and these are kept
on the disk: memory does not grow with the number of keys. A chunk never weighs more than a small
share of what was listed so far, so a cut between chunks is exact enough for a thousand shards, and
a billion keys leave some two million chunks.

A very large object would dominate a shard of many small ones, so it becomes a range of its own,
with the keys between its neighbour and itself, and is put into a shard of such ranges.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from s3_xfer.errors import check_fields
from s3_xfer.model import S3Object
from s3_xfer.planning.ranges import KeyRange
from s3_xfer.temporary_database import temporary_database
from s3_xfer.units import MIB

OBJECT_WEIGHT_BYTES = 6_500_000  # a request of 0.1 s, at 65 MB/s: as long as so many bytes take
BALANCE_MAX = 1.05  # the heaviest shard, as a multiple of the ideal
SHARDS_MAX = 10_000  # of an array job of AWS Batch
AUTO_SHARDS_MAX = 200
_AUTO_WEIGHT = 2_000_000 * OBJECT_WEIGHT_BYTES  # of one shard, where nobody says how many
_CHUNKS = 200_000  # a chunk weighs at most this share of what was listed before it
LARGE_BYTES = 16 * MIB  # smaller objects are never put apart
_LARGE_SHARE = 20  # and no object that weighs less than this share of a shard


def weight_of(objects: int, size_bytes: int) -> int:
    """Return how long objects take to copy, in bytes that take as long."""
    return objects * OBJECT_WEIGHT_BYTES + size_bytes


@dataclass(frozen=True, slots=True)
class Shard:
    """Some key ranges, in order, and what was found in them.

    ``is_of_large`` says that it has very large objects.
    """

    number: int
    """Its number, from 0."""
    ranges: tuple[KeyRange, ...]
    """The ranges of keys that are its own, in order."""
    objects: int
    """How many objects were found in them."""
    size_bytes: int
    """Their sizes together."""
    is_of_large: bool = False
    """Whether it has very large objects."""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def weight(self) -> int:
        """How long it takes, see :func:`weight_of`."""
        return weight_of(self.objects, self.size_bytes)


@dataclass(slots=True)
class _Draft:
    """A shard in the making; ``target`` is the weight of the chunks that it takes."""

    load: int = 0
    target: float = 0
    objects: int = 0
    size_bytes: int = 0
    ranges: list[KeyRange] = field(default_factory=list)

    def add(self, objects: int, size_bytes: int) -> None:
        self.objects += objects
        self.size_bytes += size_bytes


class ShardCutter:
    """Takes the pages of a listing in any order, and cuts it. For one thread."""

    def __init__(self) -> None:
        self.objects = self.size_bytes = 0
        self._chunks = temporary_database(
            self,
            table="chunks (after TEXT PRIMARY KEY, until TEXT, objects INTEGER,"
            " bytes INTEGER, is_large INTEGER) WITHOUT ROWID",
        )

    @property
    def weight(self) -> int:
        """The weight of everything so far."""
        return weight_of(self.objects, self.size_bytes)

    def auto_count(self) -> int:
        """Return how many shards fit what was listed, where nobody says how many."""
        return max(1, min(AUTO_SHARDS_MAX, -(-self.weight // _AUTO_WEIGHT)))

    def add(self, keys: KeyRange, objects: Sequence[S3Object]) -> None:
        """Take a page: ``objects`` are all that is wanted in the range ``keys``, in order."""
        self._chunks.executemany(
            "INSERT INTO chunks VALUES (?, ?, ?, ?, ?)", self._chunks_of(keys, objects)
        )

    def _chunks_of(
        self, keys: KeyRange, objects: Sequence[S3Object]
    ) -> Iterator[tuple[str, str | None, int, int, bool]]:
        """Yield the chunks of a page; the last one goes on to its end."""
        after, last, count, size_bytes = keys.after, keys.after, 0, 0
        limit = self.weight // _CHUNKS
        for found in objects:
            is_large = found.size >= LARGE_BYTES
            if is_large and last != after:
                yield after, last, count, size_bytes, False
                after, count, size_bytes = last, 0, 0
            last, count, size_bytes = found.key, count + 1, size_bytes + found.size
            self.objects += 1
            self.size_bytes += found.size
            if is_large or weight_of(count, size_bytes) > limit:
                yield after, last, count, size_bytes, is_large
                after, count, size_bytes = last, 0, 0
        if after != keys.until:
            yield after, keys.until, count, size_bytes, False

    def cut(self, count: int) -> tuple[Shard, ...]:
        """Return at most ``count`` shards of about the same weight, by their numbers.

        Those of large objects come first. Ranges beside each other have numbers far apart: what
        is copied at the same time is spread over the key space. There are fewer shards only if
        there are fewer objects, or a few of them weigh as much as all others.
        """
        count = max(1, min(count, self.objects))
        drafts, draft_of_large = self._drafts(count)
        self._fill(drafts, draft_of_large)
        filled = [draft for draft in drafts if draft.ranges]
        large = [draft for draft in filled if draft.load]
        others = [draft for draft in filled if not draft.load]
        ordered = [*large, *(others[index] for index in strided(len(others)))]
        return tuple(
            Shard(number, tuple(draft.ranges), draft.objects, draft.size_bytes, bool(draft.load))
            for number, draft in enumerate(ordered)
        )

    def _drafts(self, count: int) -> tuple[list[_Draft], dict[str, _Draft]]:
        """Return a draft for each shard, and to which the large objects go, by their ranges."""
        ideal = self.weight / count
        rows = self._chunks.execute(
            "SELECT after, objects, bytes FROM chunks WHERE is_large AND ? * ? * (bytes + ?) > ?"
            " ORDER BY bytes DESC, after",
            (_LARGE_SHARE, count, OBJECT_WEIGHT_BYTES, self.weight),
        )
        large = [(after, weight_of(objects, size)) for after, objects, size in rows]
        rest = self.weight - sum(weight for _, weight in large)
        enough = min(count, len(large), -(-(self.weight - rest) // max(1, int(ideal))))
        drafts, draft_of_large = _packed(large, count, min(enough, count - 1))
        _pour(rest, [draft for draft in drafts if not draft.load])
        if max(draft.load + draft.target for draft in drafts) > BALANCE_MAX * ideal:
            drafts, draft_of_large = _packed(large, count, enough)
            _pour(rest, drafts)
        return drafts, draft_of_large

    def _fill(self, drafts: Sequence[_Draft], draft_of_large: dict[str, _Draft]) -> None:
        """Give every chunk to a draft, in one pass: in order, by their targets."""
        takers = [draft for draft in drafts if draft.target] or list(drafts[-1:])
        number, poured, end = 0, 0, takers[0].target
        begin: str | None = ""
        last_until: str | None = ""
        for after, until, objects, size_bytes, _ in self._chunks.execute(
            "SELECT * FROM chunks ORDER BY after"
        ):
            last_until = until
            if after in draft_of_large:
                _close(takers[number], begin, after)
                draft_of_large[after].ranges.append(KeyRange(after, until))
                draft_of_large[after].add(objects, size_bytes)
                begin = until
                continue
            weight = weight_of(objects, size_bytes)
            while number < len(takers) - 1 and poured + weight / 2 > end:
                _close(takers[number], begin, after)
                begin, number = after, number + 1
                end += takers[number].target
            takers[number].add(objects, size_bytes)
            poured += weight
        if begin is not None:
            _close(takers[number], begin, last_until)


def _close(draft: _Draft, begin: str | None, end: str | None) -> None:
    """Let a draft have the keys between two cuts, if there are any."""
    if begin is not None and begin != end:
        draft.ranges.append(KeyRange(begin, end))


def _packed(
    large: Sequence[tuple[str, int]], count: int, used: int
) -> tuple[list[_Draft], dict[str, _Draft]]:
    """Return ``count`` drafts, and to which of the first ``used`` each large object goes.

    The heaviest come first, each to the draft with the least load.
    """
    drafts = [_Draft() for _ in range(count)]
    heap = [(0, number) for number in range(max(1, used))]
    chosen = {}
    for after, weight in large:
        load, number = heapq.heappop(heap)
        chosen[after] = drafts[number]
        drafts[number].load = load + weight
        heapq.heappush(heap, (load + weight, number))
    return drafts, chosen


def _pour(weight: int, drafts: Sequence[_Draft]) -> None:
    """Set the targets, so that all drafts come as close to the same weight as they can."""
    by_load = sorted(drafts, key=lambda draft: draft.load)
    for used in range(len(by_load), 0, -1):
        level = (weight + sum(draft.load for draft in by_load[:used])) / used
        if level >= by_load[used - 1].load:
            for draft in by_load[:used]:
                draft.target = level - draft.load
            return


def strided(count: int) -> list[int]:
    """Return the numbers below ``count`` in an order in which neighbours are far apart."""
    bits = max(1, (count - 1).bit_length())
    return sorted(range(count), key=lambda number: int(f"{number:0{bits}b}"[::-1], 2))


def is_tiling(ranges: Sequence[KeyRange]) -> bool:
    """Return whether ``ranges`` have every key exactly once."""
    at: str | None = ""
    for keys in sorted(ranges, key=lambda keys: keys.after):
        if at is None or keys.after != at or (keys.until is not None and keys.until <= keys.after):
            return False
        at = keys.until
    return at is None
