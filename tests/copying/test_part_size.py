"""How large the parts of an object are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_xfer.ledger.prices import AWS_PRICES
from s3_xfer.options import PART_MAX_BYTES, PART_MIN_BYTES, PARTS_MAX, CopyOptions
from s3_xfer.planning.part_size import part_count, part_size
from s3_xfer.units import GIB, MIB, TIB

LARGEST_OBJECT = PARTS_MAX * PART_MAX_BYTES  # 48.8 TiB
SIZES = st.integers(1, LARGEST_OBJECT)
CHOICES = st.builds(CopyOptions, concurrency=st.none() | st.integers(1, 1000))
GIVEN = st.builds(CopyOptions, part_size_bytes=st.integers(PART_MIN_BYTES, PART_MAX_BYTES))


def constant(size_bytes: int) -> int:
    """Return the parts that 128 MiB each, doubled where they must be, would make."""
    return part_count(size_bytes, CopyOptions(part_size_bytes=128 * MIB))


def in_turn(size_bytes: int, options: CopyOptions) -> int:
    """Return the bytes that the busiest of the requests at once copies, last part or not."""
    turns = -(-part_count(size_bytes, options) // options.threads)
    return turns * min(size_bytes, part_size(size_bytes, options))


@given(size_bytes=SIZES, options=CHOICES | GIVEN)
def test_parts_keep_the_limits_of_s3_and_cover_the_object(
    size_bytes: int, options: CopyOptions
) -> None:
    """5 MiB to 5 GiB, 10,000 at most, and the last one is not empty."""
    each, count = part_size(size_bytes, options), part_count(size_bytes, options)

    assert PART_MIN_BYTES <= each <= PART_MAX_BYTES
    assert 1 <= count <= PARTS_MAX
    assert (count - 1) * each < size_bytes <= count * each


@given(size_bytes=SIZES, options=GIVEN)
def test_a_given_size_is_only_doubled_and_only_if_it_must_be(
    size_bytes: int, options: CopyOptions
) -> None:
    """What the user says counts, at any size and concurrency."""
    given_bytes = options.part_size_bytes
    assert given_bytes
    each = part_size(size_bytes, options)

    if given_bytes * PARTS_MAX >= size_bytes:
        assert each == given_bytes
    else:
        doubled = {given_bytes * 2**times for times in range(1, 11)}
        assert each in doubled or each == PART_MAX_BYTES
        assert each // 2 * PARTS_MAX < size_bytes


@given(size_bytes=SIZES, options=CHOICES)
def test_parts_cost_four_cents_per_tib_at_most(size_bytes: int, options: CopyOptions) -> None:
    """However large an object is, its parts cost five cents at most: 10,000 requests."""
    count = part_count(size_bytes, options)
    usd = AWS_PRICES.bill({"UploadPartCopy": count}).usd

    assert count <= 1 + size_bytes // (128 * MIB)
    assert usd <= 0.05


@given(size_bytes=st.integers(1, 1280_000 * MIB), options=CHOICES)
def test_up_to_ten_thousand_parts_of_128_mib_there_are_never_more(
    size_bytes: int, options: CopyOptions
) -> None:
    """Choosing never adds to the bill."""
    assert part_count(size_bytes, options) <= constant(size_bytes)


@given(size_bytes=st.integers(5 * GIB, 1280_000 * MIB), options=CHOICES)
def test_the_last_wave_is_never_worse_than_with_128_mib(
    size_bytes: int, options: CopyOptions
) -> None:
    """If time is proportional to size, a copy is not slower, but for rounding to MiB (1 in 128)."""
    fixed = CopyOptions(concurrency=options.concurrency, part_size_bytes=128 * MIB)

    assert in_turn(size_bytes, options) <= in_turn(size_bytes, fixed) * (1 + 1 / 128)


@given(size_bytes=SIZES, concurrency=st.integers(1, 1000))
def test_large_parts_are_for_objects_that_fill_all_requests_many_times(
    size_bytes: int, concurrency: int
) -> None:
    """One slow request delays a sixteenth of an object; a tenth if 1,000 share 10,000 parts."""
    each = part_size(size_bytes, CopyOptions(concurrency=concurrency))
    waves = min(16, PARTS_MAX // concurrency)

    if 256 * MIB < each <= 512 * MIB:
        assert size_bytes > waves * concurrency * (each - MIB)


@pytest.mark.parametrize(
    ("size_bytes", "each_mib", "count"),
    [
        (10 * 10**6, 128, 1),
        (1 * GIB, 128, 8),
        (5 * GIB, 128, 40),
        (9 * GIB, 144, 64),
        (10 * GIB, 160, 64),
        (25 * GIB, 134, 192),
        (100 * GIB, 134, 765),
        (256 * GIB, 256, 1024),
        (512 * GIB, 512, 1024),
        (1 * TIB, 512, 2048),
        (5 * TIB, 1024, 5120),
        (LARGEST_OBJECT, 5120, 10_000),
    ],
)
def test_sizes_as_documented(size_bytes: int, each_mib: int, count: int) -> None:
    """What docs/decisions/0020 shows, with the default of 64 requests at once."""
    assert part_size(size_bytes, CopyOptions()) == each_mib * MIB
    assert part_count(size_bytes, CopyOptions()) == count


@pytest.mark.parametrize(
    ("given_bytes", "size_bytes", "count"),
    [
        (128 * MIB, 5 * GIB + 1, 41),
        (128 * MIB, 1 * TIB, 8192),
        (128 * MIB, 5 * TIB, 5120),
        (128 * MIB, 48 * TIB, 9831),  # 5 GiB: twice 4 would be more than S3 takes
    ],
)
def test_given_parts_grow_until_ten_thousand_suffice(
    given_bytes: int, size_bytes: int, count: int
) -> None:
    """128 MiB up to 1.2 TiB, then twice as large, and so on."""
    assert part_count(size_bytes, CopyOptions(part_size_bytes=given_bytes)) == count


def test_a_thousand_requests_at_once_have_fewer_turns() -> None:
    """Sixteen turns of a thousand would be more parts than S3 allows, so there are ten."""
    options = CopyOptions(concurrency=1000)

    assert part_size(2 * TIB, options) == 210 * MIB
    assert part_count(2 * TIB, options) == 9987
