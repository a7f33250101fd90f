"""Shards have every key exactly once, and about the same weight."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_xfer.model import S3Object
from s3_xfer.planning.ranges import KeyRange
from s3_xfer.planning.shards import (
    AUTO_SHARDS_MAX,
    BALANCE_MAX,
    Shard,
    ShardCutter,
    is_tiling,
    strided,
    weight_of,
)
from s3_xfer.units import GIB, KIB

PAGE = 1000


def cut(sizes: Sequence[int], count: int, *, page: int = PAGE) -> tuple[Shard, ...]:
    """Return shards of objects with these sizes, whose pages come in no order."""
    cutter = cutter_of(sizes, page=page)
    return cutter.cut(count)


def cutter_of(sizes: Sequence[int], *, page: int = PAGE) -> ShardCutter:
    """Return a cutter that has taken objects with these sizes."""
    objects = [
        S3Object(bucket="bucket", key=key_of(number), size=size)
        for number, size in enumerate(sizes)
    ]
    starts = list(range(0, max(1, len(objects)), page))
    random.Random(1).shuffle(starts)
    cutter = ShardCutter()
    for start in starts:
        after = key_of(start - 1) if start else ""
        until = key_of(start + page - 1) if start + page < len(objects) else None
        cutter.add(KeyRange(after, until), objects[start : start + page])
    return cutter


def key_of(number: int) -> str:
    """Return the key of an object, in order."""
    return f"{number:07}"


def found_in(shard: Shard, sizes: Sequence[int]) -> tuple[int, int]:
    """Return how many objects, and bytes, a listing of the shard's ranges finds."""
    inside = [
        size
        for number, size in enumerate(sizes)
        if any(
            keys.after < key_of(number) and (keys.until is None or key_of(number) <= keys.until)
            for keys in shard.ranges
        )
    ]
    return len(inside), sum(inside)


def check(shards: Sequence[Shard], sizes: Sequence[int]) -> None:
    """Assert that every key is in one shard, and that the counts are those of a listing."""
    assert is_tiling([keys for shard in shards for keys in shard.ranges])
    assert [shard.number for shard in shards] == list(range(len(shards)))
    for shard in shards:
        assert (shard.objects, shard.size_bytes) == found_in(shard, sizes)


def skewed(count: int) -> list[int]:
    """Return sizes as real data has them: many small, some large."""
    rng = random.Random(2)
    return [int(rng.lognormvariate(10, 2.5)) for _ in range(count)]


@pytest.mark.parametrize(
    ("sizes", "count"),
    [
        pytest.param(lambda: [KIB] * 5000, 1, id="one shard"),
        pytest.param(lambda: [KIB] * 5000, 16, id="small"),
        pytest.param(lambda: [0] * 5000, 64, id="empty"),
        pytest.param(lambda: skewed(20_000), 8, id="skewed"),
        pytest.param(lambda: skewed(20_000), 64, id="skewed, many shards"),
        pytest.param(lambda: skewed(20_000), 200, id="skewed, very many shards"),
        pytest.param(lambda: [KIB] * 5000 + [4 * GIB] * 8, 16, id="large apart"),
        pytest.param(
            lambda: [KIB] * 2500 + [3 * GIB] * 40 + [KIB] * 2500, 4, id="large share a shard"
        ),
        pytest.param(lambda: [KIB] * 4000 + [GIB] * 10, 16, id="half a shard each"),
        pytest.param(lambda: [100 * GIB] * 64, 8, id="large only"),
    ],
)
def test_the_heaviest_shard_is_near_the_ideal(sizes: Callable[[], list[int]], count: int) -> None:
    """At most 1.05 of it, unless a single object is more."""
    given_sizes = sizes()
    shards = cut(given_sizes, count)

    ideal = sum(shard.weight for shard in shards) / count
    assert len(shards) == count
    heaviest = weight_of(1, max(given_sizes))
    assert max(shard.weight for shard in shards) <= max(BALANCE_MAX * ideal, heaviest)


@given(
    sizes=st.lists(st.sampled_from([0, KIB, 100 * KIB, GIB, 70 * GIB, 5000 * GIB]), max_size=60),
    count=st.integers(1, 20),
    page=st.integers(1, 12),
)
def test_every_key_is_in_exactly_one_shard(sizes: list[int], count: int, page: int) -> None:
    """Whatever the sizes, the pages and the number of shards."""
    shards = cut(sizes, count, page=page)

    check(shards, sizes)
    assert 1 <= len(shards) <= count


def test_a_very_large_object_has_a_shard_of_its_own() -> None:
    """No shard of small objects waits for it; keys beside it stay where they are."""
    sizes = [KIB] * 3000
    sizes[1234] = 5000 * GIB
    first, *others = cut(sizes, 8)

    assert first.is_of_large
    assert first.ranges == (KeyRange(key_of(1233), key_of(1234)),)
    assert not any(shard.is_of_large for shard in others)
    assert len(others) == 7
    check([first, *others], sizes)


def test_neighbours_do_not_start_together() -> None:
    """Of any few consecutive numbers, no two are of ranges beside each other."""
    order = strided(16)

    assert sorted(order) == list(range(16))
    for start in range(13):
        together = sorted(order[start : start + 4])
        assert all(later - earlier > 1 for earlier, later in itertools.pairwise(together))


def test_there_are_no_more_shards_than_objects() -> None:
    """One without objects would only cost its start."""
    assert len(cut([KIB] * 3, 16)) == 3
    assert len(cut([], 16)) == 1


def test_auto_is_by_weight() -> None:
    """A small copy is one shard; a huge one has as many as an orchestrator shows well."""
    small, huge = ShardCutter(), ShardCutter()
    small.objects = 1000
    huge.objects, huge.size_bytes = 10**9, 10**18

    assert small.auto_count() == 1
    assert huge.auto_count() == AUTO_SHARDS_MAX


@pytest.mark.parametrize(
    ("ranges", "is_whole"),
    [
        ([KeyRange()], True),
        ([KeyRange("m", None), KeyRange("", "m")], True),
        ([KeyRange("", "m")], False),
        ([KeyRange("a", None)], False),
        ([KeyRange("", "m"), KeyRange("n", None)], False),
        ([KeyRange("", "n"), KeyRange("m", None)], False),
        ([KeyRange("", None), KeyRange("m", None)], False),
        ([], False),
    ],
)
def test_what_leaves_keys_out_or_has_them_twice_is_no_tiling(
    ranges: list[KeyRange], *, is_whole: bool
) -> None:
    """The proof of a merge."""
    assert is_tiling(ranges) is is_whole
