"""``render_template_as_native_obj=True``: every argument with every kind of value."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_plugin import S3CopyPermanentError
from airflow_plugin.operator import S3CrossAccountCopyOperator
from tests.airflow.stage import Stage
from tests.world import DST, SOURCE_ACCOUNT, SRC

NATIVE: list[Any] = [None, 0, 1, 7, 2.5, True, False, "", "x", "1", [], ["a"], {}, {"a": 1}, (1,)]


@pytest.fixture(scope="module")
def world() -> Any:
    """One server for all."""
    with Stage() as stage:
        yield stage


@pytest.fixture(autouse=True)
def _connections(world: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in world.connections().items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("name", sorted(S3CrossAccountCopyOperator.template_fields))
def test_every_argument_takes_a_value_or_is_refused_by_name(
    world: Stage, name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never an AttributeError or a TypeError, and never a retry."""
    monkeypatch.chdir(tmp_path)
    world.server.put(SRC, "in/x", size=1)
    for value in NATIVE:
        try:
            world.execute(**{"mode": "dry-run", "preflight": "skip", name: value})
        except S3CopyPermanentError as refused:
            message = str(refused)
            if not isinstance(value, str) and value is not None:
                assert _names(name, message), (value, message)


def _names(name: str, message: str) -> bool:
    """Return whether a refusal is about this argument."""
    words = {name, name.replace("_", " "), name.rpartition("_")[0].replace("_", " ")}
    words |= {name.removesuffix("s"), name.removeprefix("if_")}  # "is not a filter rule", "a tag"
    return any(word in message.lower() for word in words if word)


@pytest.mark.parametrize("value", [0, 5, False, [], {}, 1.5])
@pytest.mark.parametrize("name", ["source_aws_conn_id", "dest_aws_conn_id"])
def test_no_value_stands_for_the_worker_s_own_identity(
    world: Stage, name: str, value: object
) -> None:
    """Only None and empty text do."""
    arguments: dict[str, Any] = {name: value}
    with pytest.raises(S3CopyPermanentError, match=f"{name} is .*; it must be text"):
        world.execute(**arguments)


@pytest.mark.parametrize("value", [None, 1_000, 1e5, [], {"a": 1}])
@pytest.mark.parametrize("name", ["source_key", "destination_key"])
def test_a_key_that_has_become_something_else_is_refused(
    world: Stage, name: str, value: object
) -> None:
    """The number does not tell the text, and None is not the whole bucket."""
    arguments: dict[str, Any] = {name: value}
    with pytest.raises(S3CopyPermanentError, match=f"{name} is .*; it must be text"):
        world.execute(**arguments)


def test_what_a_native_template_makes_of_usual_values_is_taken(world: Stage) -> None:
    """An account as a number, flags as numbers, a mapping as JSON with numbers as text."""
    world.server.put(SRC, "in/x", size=1)

    result = world.execute(
        source_bucket_owner=int(SOURCE_ACCOUNT),
        recursive=1,
        fail_on_error="1",
        botocore_config='{"connect_timeout": "3"}',
        source_verify="true",
        destination_key=f"native/{DST}/",
        concurrency="2",
        tags="skip",
    )

    assert result["files_copied_successfully"] == 1
