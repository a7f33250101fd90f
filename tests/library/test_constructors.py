"""No public constructor takes a value of another kind: it is refused where it is written."""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any

import boto3
import pytest

from s3_xfer import (
    AccountContext,
    CheckRun,
    CompareField,
    CopyOptions,
    CopyRun,
    Engine,
    Extra,
    FailOn,
    RunMode,
    S3CheckOperation,
    S3CopyOperation,
    S3Location,
    Skipped,
    SkipReason,
    StorageClass,
    TagPolicy,
    ValidationError,
)
from tests.library.examples import (
    LOCATIONS,
    OTHERS,
    RUNS,
    TASK,
    VALUES,
    construct,
    constructor_cases,
    public_classes,
)

CASES = [case for case in constructor_cases() if case[0].__name__ not in RUNS]
PARSE: Any = S3Location.parse
# Values, and the words of annotations that take them.
PROBES: tuple[tuple[Any, str], ...] = (
    (object(), "Any"),
    (b"bytes", "Any"),
    ("\N{SNOWMAN}", "Any|str|Path"),
    ("", "Any|str|Path"),
    ("false", "Any|str|Path"),
    (True, "Any|bool"),
    (7, "Any|int|float"),
    (7.5, "Any|float"),
    (Decimal(3), "Any"),
    ([object()], "Any|Iterable"),  # which is looked at when it is read
    ({"a": object()}, "Any"),
    (None, "Any|None"),
    (RunMode, "Any|type|Callable|Rename|Iterable"),
)


def test_every_public_class_has_an_example() -> None:
    """A new one is added to the values of these tests."""
    known = {type(value) for value in VALUES} | set(OTHERS)

    assert {cls.__name__ for cls in public_classes()} == {c.__name__ for c in known} | set(RUNS)


@pytest.mark.parametrize(
    ("cls", "name", "annotation"), CASES, ids=[f"{cls.__name__}.{name}" for cls, name, _ in CASES]
)
def test_a_value_of_another_kind_is_refused(cls: type, name: str, annotation: str) -> None:
    """With the name of the field, the value, and what it must be."""
    outer = re.sub(r"\[.*\]", "", annotation)
    wrong = [value for value, words in PROBES if not re.search(rf"\b({words})\b", outer)]
    assert wrong or annotation == "Any"

    for value in wrong:
        with pytest.raises(ValidationError, match=r"it must be|is empty") as refused:
            construct(cls, **{name: value})
        if refused.value.problem.endswith("is empty"):
            assert value == ""
            continue
        assert refused.value.problem.startswith(f"{name} is ")
        if name != "external_id":
            assert ascii(value)[:20] in refused.value.problem


@pytest.mark.parametrize(
    ("cls", "given", "taken"),
    [
        (CopyOptions, {"mode": "dry-run"}, RunMode.DRY_RUN),
        (CopyOptions, {"mode": "DRY-RUN"}, RunMode.DRY_RUN),
        (CopyOptions, {"tags": "skip"}, TagPolicy.SKIP),
        (CopyOptions, {"engine": "managed"}, Engine.MANAGED),
        (CopyOptions, {"storage_class": "GLACIER_IR"}, StorageClass.GLACIER_IR),
        (CopyOptions, {"report_path": "x.jsonl"}, Path("x.jsonl")),
        (CopyOptions, {"report_path": PurePosixPath("x")}, Path("x")),
        (CopyOptions, {"journal": Path("x.journal")}, "x.journal"),
        (CopyOptions, {"journal": "s3://bucket/j"}, "s3://bucket/j"),
        (CopyOptions, {"deadline": timedelta(hours=1.5)}, "5400s"),
        (CopyOptions, {"deadline": datetime(2096, 3, 1, tzinfo=UTC)}, "2096-03-01T00:00:00+00:00"),
        (CopyOptions, {"read_timeout_s": timedelta(minutes=2)}, 120.0),
        (CopyOptions, {"stop_grace_s": 2}, 2),
        (AccountContext, {"ca_bundle": Path("/dev/null")}, "/dev/null"),
        (S3CheckOperation, {"extra": "ignore"}, Extra.IGNORE),
        (S3CheckOperation, {"fail_on": "same-size"}, FailOn.SAME_SIZE),
        (S3CheckOperation, {"compare": {"tags"}}, frozenset({CompareField.TAGS})),
        (S3CheckOperation, {"compare": [CompareField.TAGS]}, frozenset({CompareField.TAGS})),
        (Skipped, {"reason": "dry run"}, SkipReason.DRY_RUN),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_forms_that_people_write_are_taken(
    cls: type, given: dict[str, Any], taken: object
) -> None:
    """An enum's member or its value, a path or a text, a duration as such."""
    (name,) = given
    value = getattr(construct(cls, **given), name)

    assert value == taken
    assert type(value) is type(taken)


@pytest.mark.parametrize(
    ("cls", "wrong"),
    [
        (CopyOptions, {"mode": "dryrun"}),
        (CopyOptions, {"mode": None}),
        (CopyOptions, {"mode": Engine.AUTO}),
        (CopyOptions, {"engine": RunMode.COPY}),
        (CopyOptions, {"journal_use": "start"}),
        (CopyOptions, {"concurrency": "8"}),
        (CopyOptions, {"concurrency": 8.0}),
        (CopyOptions, {"retries": True}),
        (CopyOptions, {"part_size_bytes": "8MiB"}),
        (CopyOptions, {"deadline": 3600}),
        (CopyOptions, {"deadline": datetime(2096, 3, 1)}),
        (CopyOptions, {"deadline": ""}),
        (CopyOptions, {"report_path": ""}),
        (CopyOptions, {"report_path": "a\0b"}),
        (CopyOptions, {"retries": timedelta(seconds=1)}),
        (AccountContext, {"session": boto3}),
        (AccountContext, {"client_config": {}}),
        (AccountContext, {"profile": ["them"]}),
        (S3Location, {"bucket": None}),
        (S3CopyOperation, {"overwrite": "false"}),
        (S3CopyOperation, {"overwrite": 0}),
        (S3CopyOperation, {"recursive": 1}),
        (S3CopyOperation, {"source": None}),
        (S3CopyOperation, {"source": "them"}),
        (S3CopyOperation, {"options": {"mode": "dry-run"}}),
        (S3CopyOperation, {"options": None}),
        (S3CopyOperation, {"source_bucket": None}),
        (S3CopyOperation, {"batch_size": 10.0}),
        (S3CheckOperation, {"compare": "tags"}),
        (S3CheckOperation, {"compare": {"size"}}),
        (S3CheckOperation, {"extra": False}),
    ],
    ids=str,
)
def test_nothing_is_decided_by_a_value_that_was_not_understood(
    cls: type, wrong: dict[str, Any]
) -> None:
    """Neither taken nor left for the run to stumble over."""
    with pytest.raises(ValidationError):
        construct(cls, **wrong)


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (S3Location.parse, (7,)),
        (functools.partial(PARSE, account="them"), ("s3://bucket/k",)),
        (S3CopyOperation.between, ("s3://a", "s3://b")),
        (S3CopyOperation.resume, (7,)),
        (CopyRun, ("x",)),
        (CopyRun, (S3CheckOperation(**LOCATIONS),)),
        (CheckRun, (S3CopyOperation(**LOCATIONS),)),
    ],
    ids=str,
)
def test_the_other_ways_to_a_value_refuse_too(make: Any, arguments: tuple[Any, ...]) -> None:
    """A class method's arguments are those of a constructor."""
    with pytest.raises(ValidationError, match="it must be"):
        make(*arguments)


def test_a_secret_of_another_kind_is_not_shown() -> None:
    """The refusal names the field alone."""
    with pytest.raises(ValidationError) as refused:
        AccountContext(external_id=b"hush")  # type: ignore[arg-type]

    assert "external_id" in refused.value.problem
    assert "hush" not in str(refused.value)


def test_what_a_value_holds_cannot_change() -> None:
    """The mapping and the set that were given are not those that are kept."""
    metadata = {"a": "b"}
    taken = construct(type(TASK.source), metadata=metadata)
    metadata["a"] = "c"

    assert taken.metadata == {"a": "b"}
    with pytest.raises(TypeError, match="cannot be changed"):
        taken.metadata["a"] = "d"
    with pytest.raises(TypeError, match="cannot be changed"):
        taken.metadata.update(a="d")
