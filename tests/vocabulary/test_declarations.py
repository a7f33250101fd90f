"""Every option is declared, and its declaration reads and writes its values."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from s3_xfer.declarations import JournalRole, Kind, Section, declarations_of
from s3_xfer.errors import ValidationError
from s3_xfer.model import AccountContext
from s3_xfer.options import CopyOptions
from tests.declared import CLASSES, Case, cases

ALL = list(cases(*CLASSES))
WRITABLE = [case for case in ALL if case.declaration.kind is not Kind.INSTANCE]
OF_TEXT = (Kind.TEXT, Kind.FILE, Kind.FILE_OR_URL, Kind.MOMENT, Kind.TEXTS)
FROM_A_PROGRAM = (  # no option
    *("objects", "where", "rename", "confirmed_deletes"),
    *("key_ranges", "identical_since"),
)
NESTED = {"source": AccountContext, "destination": AccountContext, "options": CopyOptions}


@pytest.mark.parametrize("cls", CLASSES)
def test_every_field_is_declared(cls: type) -> None:
    """A field without a declaration is a value with declared fields of its own."""
    undeclared: dict[str, Any] = {
        field.name: field.default_factory
        for field in dataclasses.fields(cls)
        if field.name not in declarations_of(cls) and field.name not in FROM_A_PROGRAM
    }

    assert undeclared == {name: NESTED[name] for name in undeclared}


@pytest.mark.parametrize("case", ALL, ids=str)
def test_every_declaration_is_complete(case: Case) -> None:
    """Help is a sentence, and the docstring of the class has it."""
    declaration = case.declaration

    assert declaration.help.endswith(".")
    assert isinstance(declaration.section, Section)
    assert isinstance(declaration.journal, JournalRole)
    assert declaration.flag == "" or declaration.flag.startswith("--")
    if case.cls in (CopyOptions, AccountContext):
        words = " ".join((case.cls.__doc__ or "").split())
        assert f" {case.name}: " in words
        assert declaration.help in words


@pytest.mark.parametrize("case", WRITABLE, ids=str)
def test_values_survive_text_and_json(case: Case) -> None:
    """What is written is read back as the same value, and a value is taken as it is."""
    declaration, value = case.declaration, case.value
    text, plain = declaration.to_text(value), json.dumps(declaration.to_json(value))

    assert declaration.parse(value) == value
    assert declaration.parse(json.loads(plain)) == value
    if not declaration.word:  # a command line says another word
        assert declaration.parse(text) == value
    assert value != declaration.default


@pytest.mark.parametrize("case", ALL, ids=str)
def test_what_is_no_value_is_refused(case: Case) -> None:
    """With the field, the value and what it must be."""
    wrong: Any = 1 if case.declaration.kind in OF_TEXT else "\N{SNOWMAN}"

    with pytest.raises(ValidationError, match="it must be") as refused:
        case.declaration.parse(wrong)

    assert refused.value.problem == (
        f"{case.name} is {wrong!r}; it must be {case.declaration.expected}"
    )


def test_nothing_is_no_value() -> None:
    """None stands for "not given" in every field, and is in range."""
    for case in ALL:
        assert case.declaration.parse(None) is None
        case.declaration.check(None)
