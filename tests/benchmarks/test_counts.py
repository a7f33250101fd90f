"""What a copy costs in requests and memory: counts, which a busy machine cannot change.

The times are for ``make bench``. Both run whole processes against the same counting server.
"""

from __future__ import annotations

import pytest

from benchmarks import server
from benchmarks.copiers import S3_XFER
from benchmarks.measure import Measurement, Scenario, measure

FEW, MANY = 3_000, 15_000  # MANY is more than wait at a time, so memory is at its bound
CHECKS = 5  # requests besides copies and pages: what is tried before the copy
KEYS_PER_PAGE = 1_000
FEW_REQUESTS_PER_OBJECT_MAX = 1.01
MANY_REQUESTS_PER_OBJECT_MAX = 1.002
PEAK_MIB_MAX = 120
GROWTH_MIB_MAX = 12  # keeping every listed object would take more

pytestmark = pytest.mark.skipif(
    server.compiler() is None, reason="the counting server is C, and there is no C compiler"
)


@pytest.fixture(scope="module")
def few() -> Measurement:
    """A copy of few objects."""
    return copy(FEW)


@pytest.fixture(scope="module")
def many() -> Measurement:
    """A copy of many objects."""
    return copy(MANY)


def copy(objects: int) -> Measurement:
    """Copy that many; ``measure`` refuses a run that did not copy each key exactly once."""
    scenario = Scenario(copier=S3_XFER, objects=objects)
    with scenario.server() as running:
        return measure(scenario, running)


def test_each_key_takes_one_request(few: Measurement, many: Measurement) -> None:
    """One CopyObject per key, and hardly anything else, is what a run may cost."""
    assert few.stats.by_operation["CopyObject"] == FEW
    assert many.stats.by_operation["CopyObject"] == MANY
    assert few.requests_per_object <= FEW_REQUESTS_PER_OBJECT_MAX
    assert many.requests_per_object <= MANY_REQUESTS_PER_OBJECT_MAX


def test_besides_the_copies_there_are_pages_and_a_fixed_number_of_checks(
    few: Measurement, many: Measurement
) -> None:
    """The other requests are the listing and the checks before the copy."""
    for run in (few, many):
        beside = run.stats.requests - run.stats.objects
        assert beside <= run.stats.objects // KEYS_PER_PAGE + CHECKS


def test_no_object_is_looked_at_before_it_is_copied(many: Measurement) -> None:
    """Size and ETag come from the listing, not from a request per object."""
    looking = ("HeadObject", "GetObject", "GetObjectTagging", "GetObjectAttributes")
    assert not [operation for operation in looking if operation in many.stats.by_operation]


def test_memory_does_not_grow_with_the_number_of_objects(
    few: Measurement, many: Measurement
) -> None:
    """What was copied is forgotten, and what was found waits in a bounded channel."""
    assert max(few.peak_mib, many.peak_mib) < PEAK_MIB_MAX
    assert many.peak_mib - few.peak_mib < GROWTH_MIB_MAX
