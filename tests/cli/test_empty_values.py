"""A value that is empty, mostly a script's variable that is not set, is refused everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from s3_xfer import AccountContext, CopyOptions, S3CheckOperation, S3CopyOperation, ValidationError
from s3_xfer.cli.main import cli
from s3_xfer.cli.unknown_words import commands_of
from s3_xfer.declarations import Kind, declarations_of
from tests.cli.program import COPY, real

EMPTY = ("", " ", "\t\n")


def parameters() -> Iterator[tuple[str, str]]:
    """Yield every argument and option of every command that takes a value."""
    for name, command in commands_of(cli):
        for param in command.params:
            if not getattr(param, "is_flag", False) and name != "runbook":
                yield name, param.opts[0]


def words(command: str, parameter: str, value: str) -> list[str]:
    """Return a command line that gives ``parameter`` this value, and all arguments."""
    arguments = {
        param.opts[0]: "s3://src-bucket/a"
        for param in dict(commands_of(cli))[command].params
        if isinstance(param, click.Argument)
    }
    if parameter in arguments:
        arguments[parameter] = value
        return [*command.split(), *arguments.values()]
    return [*command.split(), parameter, value, *arguments.values()]


@pytest.mark.parametrize(("command", "parameter"), list(parameters()))
def test_every_option_refuses_an_empty_value(command: str, parameter: str) -> None:
    """Before anything else, like every other wrong value; the message names the option."""
    is_option = parameter.startswith("-")
    for value in EMPTY:
        with pytest.raises(ValidationError) as info:
            cli.main(words(command, parameter, value), standalone_mode=False)
        assert info.value.problem.endswith(" is empty")
        assert info.value.problem.startswith(parameter) or not is_option


def test_there_are_options_in_this_test() -> None:
    """All commands are walked, with their own options and the declared ones."""
    walked = list(parameters())
    assert len(walked) > 150
    for some in (("copy", "--journal"), ("check", "--report"), ("uploads", "--journal")):
        assert some in walked


@pytest.mark.parametrize(
    "args",
    [
        (*COPY, "--journal", ""),
        (*COPY, "--report", ""),
        (*COPY, "--source-profile", ""),
        ("resume", ""),
        ("copy", "", "s3://dst/data/"),
    ],
    ids=str,
)
def test_the_program_says_which_one_is_empty(args: tuple[str, ...]) -> None:
    """As a process: exit code 3, one sentence, no traceback."""
    done = real(*args)

    assert (done.returncode, done.stdout) == (3, "")
    assert " is empty\nNext: give a value" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("variable", "args"),
    [
        ("AWS_PROFILE", COPY),
        ("AWS_DEFAULT_PROFILE", COPY),
        ("S3_XFER_DEST_EXTERNAL_ID", COPY),
        ("S3_XFER_SOURCE_EXTERNAL_ID", ("check", *COPY[1:])),
    ],
)
def test_a_variable_that_is_empty_is_named(variable: str, args: tuple[str, ...]) -> None:
    """The identity is not chosen by chance."""
    done = real(*args, **{variable: ""})

    assert (done.returncode, done.stdout) == (3, "")
    assert f"variable {variable} is empty" in done.stderr.replace("\n  ", " ")


def _texts(*classes: type) -> Iterator[tuple[type, str]]:
    for cls in classes:
        for name, declaration in declarations_of(cls).items():
            if declaration.kind in (Kind.TEXT, Kind.FILE) and declaration.of is str:
                yield cls, name


@pytest.mark.parametrize(("cls", "name"), list(_texts(AccountContext, CopyOptions)))
def test_the_library_refuses_empty_text(cls: type, name: str) -> None:
    """Every declared text of accounts and options; a value of another type as well."""
    for value in EMPTY:
        with pytest.raises(ValidationError, match="is empty"):
            cls(**{name: value})
    with pytest.raises(ValidationError, match="it must be"):
        cls(**{name: False})


@pytest.mark.parametrize("operation", [S3CopyOperation, S3CheckOperation])
@pytest.mark.parametrize("field", ["source_bucket", "destination_bucket"])
def test_the_library_refuses_empty_buckets(operation: Any, field: str) -> None:
    """An empty key is the whole bucket; an empty bucket is nothing."""
    names = {"source_bucket": "src", "source_key": "a", "destination_bucket": "dst"}
    with pytest.raises(ValidationError):
        operation(**{**names, "destination_key": "b", field: ""})


def test_a_path_from_text_must_not_be_empty() -> None:
    """Arguments of a task: the empty path would be the working directory."""
    declaration = declarations_of(CopyOptions)["report_path"]
    assert declaration.parse("r.jsonl") == Path("r.jsonl")
    with pytest.raises(ValidationError, match="it must be a path"):
        declaration.parse("")
