"""Two listings merged: every object once, with its counterpart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_xfer.errors import ErrorClass, RunAborted
from s3_xfer.model import S3Location, S3Object
from s3_xfer.planning.mapping import plan_keys
from s3_xfer.sources.paired import pair_up

KEYS = plan_keys(
    S3Location(bucket="src", key="in/"), S3Location(bucket="dst", key="a/longer/"), recursive=True
)
# What UTF-8 and UTF-16 order differently is in there: astral characters, and those above U+E000.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


def listing(bucket: str, prefix: str, names: set[str]) -> list[S3Object]:
    """Return objects in the order of S3: by the bytes of their keys in UTF-8."""
    keys = sorted((prefix + name for name in names), key=str.encode)
    return [S3Object(bucket=bucket, key=key, size=0) for key in keys]


@given(st.sets(TEXT), st.sets(TEXT))
def test_a_merge_says_what_sets_say(source: set[str], destination: set[str]) -> None:
    """Whatever the keys are: what is in both, in one, in the other, each once and in order."""
    pairs = list(
        pair_up(listing("src", "in/", source), listing("dst", "a/longer/", destination), KEYS)
    )

    names = [
        (
            pair.source and pair.source.key.removeprefix("in/"),
            pair.destination and pair.destination.key.removeprefix("a/longer/"),
        )
        for pair in pairs
    ]
    assert {one for one, another in names if one == another} == source & destination
    assert {one for one, another in names if another is None} == source - destination
    assert {another for one, another in names if one is None} == destination - source
    order = [one if one is not None else another for one, another in names]
    assert order == sorted(source | destination, key=lambda name: (name or "").encode())


@given(st.sets(TEXT))
def test_pairs_are_those_of_the_copy(names: set[str]) -> None:
    """What the copy's own mapping leads to is the counterpart."""
    objects = listing("src", "in/", names)
    copies = [
        S3Object(bucket="dst", key=task.destination_key, size=0) for task in KEYS.tasks(objects)
    ]

    assert [pair.destination for pair in pair_up(objects, copies, KEYS)] == copies


@pytest.mark.parametrize("keys", [["in/b", "in/a"], ["in/a", "in/a"]])
def test_another_order_is_refused(keys: list[str]) -> None:
    """With both keys, the bucket and the section of the runbook."""
    objects = [S3Object(bucket="src", key=key, size=0) for key in keys]

    with pytest.raises(RunAborted, match="s3://src lists 'in/a' behind") as refused:
        list(pair_up(objects, [], KEYS))

    assert refused.value.error_class is ErrorClass.UNORDERED_LISTING


def test_listings_are_not_held() -> None:
    """A merge takes an object of each side at a time."""
    taken = []

    def endless() -> object:
        for number in range(10**9):
            taken.append(number)
            yield S3Object(bucket="src", key=f"in/{number:010}", size=0)

    pairs = pair_up(endless(), [], KEYS)  # type: ignore[arg-type]
    next(iter(pairs))

    assert len(taken) <= 2
