"""Every public value and exception can be sent to another process, copied, and kept in a set."""

from __future__ import annotations

import copy
import dataclasses
import json
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import boto3
import pytest

from s3_xfer import (
    AccountContext,
    CopyResult,
    ErrorClass,
    ObjectError,
    RunAborted,
    S3CopyOperation,
    S3XferError,
    ValidationError,
)
from tests.library.examples import FAILED, LOCATIONS, METRICS, VALUES

IDS = [f"{number}-{type(value).__name__}" for number, value in enumerate(VALUES)]


@pytest.mark.parametrize("value", VALUES, ids=IDS)
def test_a_value_survives_pickle_and_copy(value: Any) -> None:
    """The same comes back, with every fact, and prints the same."""
    pickled = [
        pickle.loads(pickle.dumps(value, protocol))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    ]
    for same in [*pickled, copy.copy(value), copy.deepcopy(value)]:
        assert same == value
        assert type(same) is type(value)
        assert hash(same) == hash(value)
        assert str(same) == str(value)


@pytest.mark.parametrize("value", VALUES, ids=IDS)
def test_a_value_has_its_facts(value: Any) -> None:
    """As a dictionary, and as an attribute of each name."""
    if isinstance(value, S3XferError):
        again = pickle.loads(pickle.dumps(value))
        assert vars(again) == vars(value)
    else:
        fields = dataclasses.asdict(value)
        assert fields.keys() == {field.name for field in dataclasses.fields(value)}
        assert {value} == {copy.deepcopy(value)}


def test_an_error_keeps_what_it_was_told_later() -> None:
    """Its remedy, its class, S3's answer, and what was added to it."""
    error = ObjectError.of(ErrorClass.THROTTLED, "slow down", attempts=4)
    error.problem += " (again)"
    error.add_note("while copying a/b")
    again = pickle.loads(pickle.dumps(error))

    assert (again.problem, again.info, again.remedy) == (error.problem, error.info, error.remedy)
    assert again.__notes__ == ["while copying a/b"]
    assert again.error_class is ErrorClass.THROTTLED


def test_errors_that_say_different_things_differ() -> None:
    """Equality is that of what they say."""
    assert RunAborted("a") != RunAborted("b")
    assert RunAborted("a") != ValidationError("a")
    assert RunAborted("a", remedy="x") != RunAborted("a", remedy="y")


def test_a_result_with_failures_leaves_a_process() -> None:
    """A pool does not hang on the bad day."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        result = pool.submit(result_with_failures).result(timeout=120)

    assert result == result_with_failures()
    assert result.failures[0].error.info == FAILED.error.info


def result_with_failures() -> CopyResult:
    """Return, in another process, what a bad day returns."""
    return dataclasses.replace(
        next(value for value in VALUES if isinstance(value, CopyResult)), metrics=METRICS
    )


def test_a_live_session_stays_where_it_is() -> None:
    """A copy of an operation shares it, with its credentials and what refreshes them."""
    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b")
    account = AccountContext(session=session)
    operation = S3CopyOperation(**{**LOCATIONS, "source": account})

    assert copy.deepcopy(operation).source.session is session
    assert copy.copy(account).session is session


def test_plain_dictionaries_stay_plain_json() -> None:
    """What a mapping is frozen with is a dictionary for every library that writes JSON."""
    assert json.loads(json.dumps(METRICS.requests)) == {"CopyObject": 1}
    assert METRICS.to_dict()["requests"] == {"CopyObject": 1}
