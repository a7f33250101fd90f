"""The steps: for each reason not to copy an object, what it decides and what it leaves alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from s3_xfer.comparison import CompareStatus
from s3_xfer.errors import ErrorClass
from s3_xfer.model import CopyTask, Failed, S3Location, S3Object, Skipped, SkipReason
from s3_xfer.options import CompareBy
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.planning.steps import (
    COPY,
    Counterpart,
    Refuse,
    Skip,
    counterpart_steps,
    decide,
    listing_steps,
    outcome_of,
    refuse_empty_key,
    refuse_long_key,
    skip_own_copies,
)

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
KEYS = KeyMap(S3Location(bucket="src", key="in/"), S3Location(bucket="dst", key="out/"))


def task(destination_key: str = "out/x", modified: datetime | None = None) -> CopyTask:
    """Return a task for one object."""
    source = S3Object(bucket="src", key="in/x", size=1, etag='"0"', last_modified=modified)
    return CopyTask(source, "dst", destination_key)


def counterpart(status: CompareStatus | None = None) -> Counterpart:
    """Return an object at the destination."""
    return Counterpart(S3Object(bucket="dst", key="out/x", size=1), status)


@pytest.mark.parametrize(
    ("key", "error_class"),
    [
        pytest.param("", ErrorClass.EMPTY_KEY, id="empty"),
        pytest.param("x" * 1024, None, id="as long as S3 allows"),
        pytest.param("x" * 1025, ErrorClass.KEY_TOO_LONG, id="one byte longer"),
        pytest.param("é" * 512, None, id="as many bytes in fewer characters"),
        pytest.param("é" * 512 + "x", ErrorClass.KEY_TOO_LONG, id="one byte more"),
    ],
)
def test_a_key_that_cannot_exist_is_refused(key: str, error_class: ErrorClass | None) -> None:
    """S3 counts the bytes of a key, and takes 1 to 1,024."""
    decision = decide((refuse_empty_key, refuse_long_key), task(key), None)

    if error_class is None:
        assert decision == COPY
    else:
        assert isinstance(decision, Refuse)
        assert decision.error.error_class is error_class


@pytest.mark.parametrize(
    ("modified", "is_copied"),
    [
        (None, True),
        (BEGAN - timedelta(microseconds=1), True),
        (BEGAN, True),
        (BEGAN + timedelta(microseconds=1), False),
    ],
)
def test_what_appeared_after_the_beginning_is_not_copied(
    modified: datetime | None, is_copied: bool
) -> None:
    """It may be a copy that this run has written, seen under another name of the bucket."""
    decision = decide((skip_own_copies(BEGAN),), task(modified=modified), None)

    assert decision == (COPY if is_copied else Skip(SkipReason.APPEARED_LATER))


def test_own_copies_are_only_looked_for_where_both_sides_may_be_one_bucket() -> None:
    """An access point is another name for some bucket; two bucket names are two buckets."""
    later = task(modified=BEGAN + timedelta(days=1))
    alias = KeyMap(S3Location(bucket="x-s3alias", key="in/"), KEYS.destination)

    plain = decide(listing_steps(KEYS, began=BEGAN), later, None)
    aliased = decide(listing_steps(alias, began=BEGAN), later, None)

    assert (plain, aliased) == (COPY, Skip(SkipReason.APPEARED_LATER))


def test_an_existing_object_is_skipped_without_overwrite() -> None:
    """Whether it is identical does not matter then."""
    steps = counterpart_steps(CompareBy.AUTO, overwrite=False)

    assert decide(steps, task(), None) == COPY
    assert decide(steps, task(), counterpart(CompareStatus.DIFFERENT)) == Skip(SkipReason.EXISTS)


@pytest.mark.parametrize(
    ("found", "is_copied"),
    [
        (None, True),
        (counterpart(), True),
        (counterpart(CompareStatus.DIFFERENT), True),
        (counterpart(CompareStatus.SAME), False),
    ],
)
def test_an_identical_object_is_skipped_on_request(
    found: Counterpart | None, is_copied: bool
) -> None:
    """Only a proof keeps an object from being copied."""
    steps = counterpart_steps(CompareBy.AUTO, overwrite=True)

    assert decide(steps, task(), found) == (COPY if is_copied else Skip(SkipReason.IDENTICAL))
    assert counterpart_steps(None, overwrite=True) == ()


def test_a_decision_not_to_copy_is_an_outcome() -> None:
    """A skip is a skipped object, a refusal a failed one."""
    refused = decide((refuse_empty_key,), task(""), None)
    assert isinstance(refused, Refuse)

    assert outcome_of(Skip(SkipReason.EXISTS), task()) == Skipped(task(), SkipReason.EXISTS)
    assert outcome_of(refused, task("")) == Failed(task(""), refused.error)
