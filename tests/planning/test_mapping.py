"""Which key an object gets, and which copies are refused before any request."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from s3_xfer.errors import ValidationError
from s3_xfer.model import S3Location, S3Object
from s3_xfer.planning.mapping import plan_keys

# A deliberately tiny alphabet, so that prefixes, slashes and dots collide all the time.
keys = st.text(alphabet="ab/.+% é😀\n", max_size=12)


def located(bucket: str, key: str) -> S3Location:
    """Return a location of ``bucket``."""
    return S3Location(bucket=bucket, key=key)


def found(key: str) -> S3Object:
    """Return an object under ``key``."""
    return S3Object(bucket="src-bucket", key=key, size=1)


@given(source=keys, destination=keys, rest=keys)
def test_prefix_is_replaced_and_the_rest_kept_byte_for_byte(
    source: str, destination: str, rest: str
) -> None:
    """Whatever follows the effective prefix arrives unchanged behind the other prefix."""
    planned = plan_keys(
        located("src-bucket", source), located("dst-bucket", destination), recursive=True
    )

    task = planned.task(found(planned.source.key + rest))

    assert task.destination_key == planned.destination.key + rest
    assert planned.source.key in (source, source + "/")
    assert planned.destination.key in (destination, destination + "/")


@given(source=keys, destination=keys, one=keys, other=keys)
def test_two_objects_never_meet_in_one_key(
    source: str, destination: str, one: str, other: str
) -> None:
    """Different source keys have different destination keys."""
    assume(one != other)
    planned = plan_keys(
        located("src-bucket", source), located("dst-bucket", destination), recursive=True
    )

    first = planned.task(found(planned.source.key + one))
    second = planned.task(found(planned.source.key + other))

    assert first.destination_key != second.destination_key


@pytest.mark.parametrize(
    ("written", "effective"),
    [("data", "data/"), ("data/", "data/"), ("", ""), ("a//", "a//"), ("/", "/")],
)
def test_prefix_means_a_directory(written: str, effective: str) -> None:
    """``data`` stands for ``data/``, so ``database/x`` is outside."""
    planned = plan_keys(
        located("src-bucket", written), located("dst-bucket", written), recursive=True
    )

    assert (planned.source.key, planned.destination.key) == (effective, effective)


@pytest.mark.parametrize(
    ("source", "destination", "expected"),
    [
        ("a/b.txt", "", "b.txt"),
        ("a/b.txt", "in/", "in/b.txt"),
        ("a/b.txt", "in", "in"),
        ("b.txt", "x//", "x//b.txt"),
        ("/lead", "x/", "x/lead"),
    ],
)
def test_single_object_goes_to_a_key_or_into_a_prefix(
    source: str, destination: str, expected: str
) -> None:
    """A destination that is empty or ends in a slash receives the object under its own name."""
    planned = plan_keys(
        located("src-bucket", source), located("dst-bucket", destination), recursive=False
    )

    assert planned.task(found(source)).destination_key == expected


@pytest.mark.parametrize(
    ("source", "recursive", "says"), [("", False, "whole bucket"), ("data/", False, "is a prefix")]
)
def test_prefix_without_recursive_is_refused(source: str, recursive: bool, says: str) -> None:
    """A prefix without ``recursive`` is an error that says so."""
    with pytest.raises(ValidationError, match=says) as refused:
        plan_keys(located("src-bucket", source), located("dst-bucket", "x"), recursive=recursive)

    assert "recursive=True" in refused.value.remedy


@pytest.mark.parametrize(
    ("source", "destination", "recursive", "says"),
    [
        ("a", "a", True, "onto itself"),
        ("a/x", "a/x", False, "onto itself"),
        ("a/x", "a/", False, "onto itself"),
        ("a", "a/b", True, "without end"),
        ("", "b", True, "without end"),
        ("a/b", "a", True, "still to be copied"),
        ("a/b", "", True, "still to be copied"),
    ],
)
def test_overlap_in_one_bucket_is_refused(
    source: str, destination: str, recursive: bool, says: str
) -> None:
    """A copy within one bucket must not read what it writes."""
    with pytest.raises(ValidationError, match=says):
        plan_keys(
            located("one-bucket", source), located("one-bucket", destination), recursive=recursive
        )


@given(source=keys, destination=keys)
def test_disjoint_prefixes_of_one_bucket_are_allowed(source: str, destination: str) -> None:
    """A refusal within one bucket means that one prefix contains the other."""
    try:
        plan_keys(located("one-bucket", source), located("one-bucket", destination), recursive=True)
    except ValidationError:
        one = source if source.endswith("/") or not source else source + "/"
        other = destination if destination.endswith("/") or not destination else destination + "/"
        assert one.startswith(other) or other.startswith(one)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("src-bucket", "dst-bucket", False),
        ("mine-abc123-s3alias", "dst-bucket", True),
        ("src-bucket", "mine-abc123-s3alias", True),
        ("lambda-abc123--ol-s3", "dst-bucket", True),
        ("src-bucket", "lambda-abc123--ol-s3", True),
        ("src-bucket", "src-bucket", False),
    ],
)
def test_access_point_alias_may_hide_the_same_bucket(one: str, other: str, expected: bool) -> None:
    """Only an alias makes it possible that two names are one bucket."""
    planned = plan_keys(located(one, "a"), located(other, "b"), recursive=True)

    assert planned.may_meet_own_copies is expected


@pytest.mark.parametrize(("source", "destination"), [("a", "ab"), ("ab", "a"), ("a/x", "a/x/y")])
def test_one_object_may_go_to_a_key_that_begins_like_its_own(source: str, destination: str) -> None:
    """A single object lists nothing, so only a copy onto itself would read what it writes."""
    planned = plan_keys(
        located("one-bucket", source), located("one-bucket", destination), recursive=False
    )

    assert planned.task(found(source)).destination_key == destination


def test_an_alias_for_both_sides_is_one_bucket() -> None:
    """Equal names are known to be one bucket, so overlap is refused instead of suspected."""
    alias = "mine-abc123-s3alias"

    planned = plan_keys(located(alias, "a"), located(alias, "b"), recursive=True)

    assert not planned.may_meet_own_copies
