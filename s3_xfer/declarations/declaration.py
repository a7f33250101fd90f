"""The declaration of one option, kept in the metadata of its field."""

from __future__ import annotations

import dataclasses
import enum
import functools
import inspect
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from s3_xfer.declarations.kinds import Kind
from s3_xfer.errors import ValidationError

_KEY = "option"
_DERIVED = "derived from the field"
# What a field's name ends in and an option's does not: units, and that a text is a path.
_SUFFIX = re.compile(r"_(s|bytes|percent|path)$")
_T = TypeVar("_T")
_ClassT = TypeVar("_ClassT", bound=type)


class Section(enum.Enum):
    """The heading under which help and reference show an option."""

    LOCATIONS = "Locations"
    ONE_SIDE = "Source or destination"
    BOTH_SIDES = "Both sides"
    WHAT = "What to copy"
    COMPARISON = "What to compare"
    FIDELITY = "Fidelity"
    SPEED = "Speed and retries"
    LIMITS = "Limits"
    OUTPUT = "Output"


class JournalRole(enum.Enum):
    """What a journal does with an option."""

    IDENTITY = "identity"  # written down; must be the same in every run of the copy
    REMEMBERED = "remembered"  # written down; a resumed run may change it
    PER_RUN = "per run"  # not written down; each run is given its own
    FIRST_RUN = "first run"  # not written down; only a copy that begins has it


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """Everything that is known about one option.

    ``name`` is the field. ``flag`` is how it is typed on the command line, empty if it cannot be.
    ``default`` is the field's, MISSING if it has none; ``default_text`` says what happens without a
    value. ``help`` is one sentence; of a flag it says what the flag does. ``details`` are for the
    reference. ``is_repeated`` says whether the command for a re-run has it again. A secret is read
    from the environment and never shown. ``after`` names the option, of another class, that help
    shows before this one.
    """

    name: str = ""
    help: str
    section: Section
    kind: Kind
    journal: JournalRole
    flag: str = _DERIVED
    default: Any = None
    default_text: str = ""
    details: str = ""
    is_repeated: bool = True
    is_secret: bool = False
    after: str = ""

    @property
    def label(self) -> str:
        """What messages call it: ``part size``."""
        return self.flag.removeprefix("--").replace("-", " ") or _plain_name(self.name, " ")

    def parse(self, value: Any) -> Any:
        """Return ``value``, which may be text, as the field takes it; None stays None.

        Raises:
            ValidationError: it cannot be read.
        """
        if value is None:
            return None
        try:
            return self.kind.parse(value)
        except (ValueError, TypeError, OverflowError) as error:
            raise ValidationError(
                f"{self.name} is {value!r}; it must be {self.kind.expected}"
            ) from error

    def check(self, value: Any) -> None:
        """Return if ``value`` is in range; None always is.

        Raises:
            ValidationError: it is not.
        """
        if value is not None:
            self.kind.check(self.label, value)

    def to_json(self, value: Any) -> Any:
        """Return ``value`` as a plain JSON value that :meth:`parse` reads."""
        return None if value is None else self.kind.to_json(value)


def declared(declaration: Declaration) -> dict[str, Declaration]:
    """Return the metadata of a field that ``declaration`` is about."""
    return {_KEY: declaration}


def option(
    default: _T,
    *,
    help: str,  # noqa: A002 - as click and argparse call it
    section: Section,
    kind: Kind,
    journal: JournalRole,
    flag: str = _DERIVED,
    default_text: str = "",
    details: str = "",
    is_repeated: bool = True,
    after: str = "",
) -> _T:
    """Return a field of a dataclass that is declared as an option, see :class:`Declaration`.

    Unless given, ``flag`` is derived from the field's name: ``--part-size`` of ``part_size_bytes``.
    """
    declaration = Declaration(
        help=help,
        section=section,
        kind=kind,
        journal=journal,
        flag=flag,
        default_text=default_text,
        details=details,
        is_repeated=is_repeated,
        after=after,
    )
    return dataclasses.field(default=default, metadata=declared(declaration))


@functools.cache
def declarations_of(cls: type) -> Mapping[str, Declaration]:
    """Return the declarations of a dataclass's fields, by field, in order."""
    return MappingProxyType(
        {
            field.name: _completed(field.metadata[_KEY], field)
            for field in dataclasses.fields(cls)
            if _KEY in field.metadata
        }
    )


def _completed(declaration: Declaration, field: dataclasses.Field[Any]) -> Declaration:
    """Return ``declaration`` with what its field says."""
    is_derived = declaration.flag == _DERIVED
    flag = f"--{_plain_name(field.name, '-')}" if is_derived else declaration.flag
    return dataclasses.replace(declaration, name=field.name, flag=flag, default=field.default)


def _plain_name(field: str, separator: str) -> str:
    return _SUFFIX.sub("", field).replace("_", separator)


def check_values(instance: Any) -> None:
    """Return if every declared field of ``instance`` is in range.

    Raises:
        ValidationError: one is not.
    """
    cls: type = type(instance)
    for name, declaration in declarations_of(cls).items():
        declaration.check(getattr(instance, name))


def documented(cls: _ClassT) -> _ClassT:
    """Add the declared fields to the docstring of a dataclass, below ``Args``."""
    fields = "\n".join(_paragraph(declaration) for declaration in declarations_of(cls).values())
    summary, raises, rest = inspect.cleandoc(cls.__doc__ or "").partition("\n\nRaises:")
    cls.__doc__ = f"{summary}\n\nArgs:\n{fields}{raises}{rest}\n"
    return cls


def _paragraph(declaration: Declaration) -> str:
    flag_value = getattr(declaration.kind, "when_given", None)
    condition = f"{flag_value}:" if flag_value is not None else ""
    sentences = [condition, declaration.help, declaration.details]
    if declaration.default_text:
        sentences.append(f"Default: {declaration.default_text}.")
    text = f"{declaration.name}: {' '.join(filter(None, sentences))}"
    return textwrap.fill(text, 96, initial_indent="    ", subsequent_indent="        ")
