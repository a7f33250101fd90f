"""How a field is declared as an option: one place that everything about the option is read from.

A new option is a field with its declaration, and the code that uses it. The command line, the
journal, the command for a re-run, the reference pages and the Airflow operator read the
declaration.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import inspect
import math
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from s3_xfer.errors import ValidationError, check_fields, not_accepted
from s3_xfer.field_types import NotAcceptedError, convert, convert_path, member_of
from s3_xfer.units import exact_duration, exact_size, format_size, parse_seconds, parse_size

_KEY = "option"
_SECONDS = "s"  # the unit of a number that may be given as a timedelta
_DERIVED = "derived from the field"
# What a field's name ends in and an option's does not: units, and that a text is a path.
_SUFFIX = re.compile(r"_(s|bytes|percent|path)$")
_TRUE, _FALSE = frozenset({"true", "yes", "1", "on"}), frozenset({"false", "no", "0", "off"})
_T = TypeVar("_T")
_ClassT = TypeVar("_ClassT", bound=type)


class JournalRole(enum.Enum):
    """What a journal does with an option."""

    IDENTITY = "identity"  # written down; must be the same in every run of the copy
    REMEMBERED = "remembered"  # written down; a resumed run may change it
    PER_RUN = "per run"  # not written down; each run is given its own
    FIRST_RUN = "first run"  # not written down; only a copy that begins has it


class Section(enum.Enum):
    """The heading under which help and reference show an option.

    ``journal`` is the role of its options, unless they are declared with another.
    """

    journal: JournalRole

    def __new__(cls, heading: str, journal: JournalRole) -> Section:
        """Attach the role; the value is the heading."""
        member = object.__new__(cls)
        member._value_ = heading
        member.journal = journal
        return member

    LOCATIONS = "Locations", JournalRole.IDENTITY
    ONE_SIDE = "Source or destination", JournalRole.REMEMBERED
    SOURCE_SIDE = "Source", JournalRole.REMEMBERED
    BOTH_SIDES = "Both sides", JournalRole.REMEMBERED
    WHAT = "What to copy", JournalRole.IDENTITY
    SYNC = "What to replace and delete", JournalRole.IDENTITY
    COMPARISON = "What to compare", JournalRole.PER_RUN
    FIDELITY = "Fidelity", JournalRole.IDENTITY
    SPEED = "Speed and retries", JournalRole.REMEMBERED
    LIMITS = "Limits", JournalRole.PER_RUN
    OUTPUT = "Output", JournalRole.PER_RUN


class Kind(enum.Enum):
    """What a value is. The member's value is how messages say it, after "it must be"."""

    TEXT = "text"
    FLAG = "true or false"
    CHOICE = "one of"  # a member of an enum
    MEMBERS = "any of"  # a set of members; on a command line each is a flag
    WHOLE = "a whole number"
    NUMBER = "a number"
    DURATION = "a number of seconds, or a duration like 90s or 10m"
    SIZE = "a whole number of bytes, or a size like 5MiB or 1GB"
    FILE = "a path"
    FILE_OR_URL = "a path, or an s3:// URL"
    MOMENT = "a duration like 90m, or a moment with a time zone"
    TEXTS = "a list of texts"  # in text, one a line
    INSTANCE = "an object"  # that only a program can give


_TEXTS = (Kind.TEXT, Kind.FILE, Kind.FILE_OR_URL, Kind.MOMENT)
_KINDS = {
    str: Kind.TEXT,
    bool: Kind.FLAG,
    int: Kind.WHOLE,
    float: Kind.NUMBER,
    Path: Kind.FILE,
    object: Kind.INSTANCE,
    tuple: Kind.TEXTS,
}
_METAVARS = {
    Kind.WHOLE: "N",
    Kind.SIZE: "SIZE",
    Kind.FILE: "FILE",
    Kind.DURATION: "DURATION",
}


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """Everything that is known about one option.

    What is for the first run alone is not repeated, unless it ``is_input``, which a report takes
    the place of.
    """

    help: str
    """One sentence; of a flag, what the flag does."""
    section: Section
    """The heading it stands under."""
    of: type
    """Its type without None; for a set, that of its members."""
    name: str = ""
    """The name of the field."""
    kind: Kind = Kind.TEXT
    """How its value is written."""
    journal: JournalRole | None = None
    """What a journal does with it."""
    flag: str = _DERIVED
    """How it is typed on the command line; empty if it cannot be."""
    short: str = ""
    """Another way to type it."""
    default: Any = None
    """The default of the field; ``inspect.Parameter.empty`` if it has none."""
    default_text: str = ""
    """What happens without a value."""
    details: str = ""
    """More, for the reference."""
    is_repeated: bool = True
    """Whether the command for a re-run has it again."""
    is_input: bool = False
    """Whether a report takes its place in a re-run."""
    is_secret: bool = False
    """Whether it is read from the environment and never shown."""
    when_given: Any = None
    """What a flag sets."""
    word: str = ""
    """The word that a flag may take."""
    metavar: str = ""
    """Stands for the value in usage texts."""
    range: tuple[float, float | None] | None = None
    """The lowest and the highest number; None is no upper bound."""
    low_is_open: bool = False
    """Whether the lowest number itself is excluded."""
    high_is_open: bool = False
    """Whether the highest number itself is excluded."""
    unit: str = ""
    """Written behind the numbers of the range."""
    helps: Mapping[Any, str] | None = None
    """Help for the members of a set."""
    must_exist: bool = False
    """Whether the file has to be there."""
    may_be_empty: bool = False
    """Whether empty text means something."""
    class_name: str = ""
    """The full name of an object's class, which is not imported to tell."""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def words(self) -> tuple[str, ...]:
        """The values to choose from, if it is a choice or a set."""
        return tuple(member.value for member in self.of) if issubclass(self.of, enum.Enum) else ()

    @property
    def expected(self) -> str:
        """What a value must be, after "it must be"."""
        return f"{self.kind.value} {', '.join(self.words)}".rstrip()

    @property
    def is_optional(self) -> bool:
        """Whether None is a value of the field."""
        return self.default is None

    @property
    def meaning(self) -> str:
        """The help with all details; of a flag, what it sets comes first."""
        value = getattr(self.when_given, "value", self.when_given)
        condition = "" if value is None else f"{value}:"
        return " ".join(filter(None, [condition, self.help, self.details]))

    def parse(self, value: Any, *, name: str = "") -> Any:
        """Return ``value``, which may be text, as the field takes it; None stays None.

        Messages call it ``name``, or like the field.

        Raises:
            ValidationError: it cannot be read.
        """
        if value is None:
            return None
        try:
            if isinstance(value, str):
                return _READERS[self.kind](self.of, value)
            return self._taken(value)
        except (ValueError, TypeError, OverflowError, ValidationError) as error:
            raise ValidationError(
                f"{name or self.name} is {value!r}; it must be {self.expected}"
            ) from error

    def accept(self, value: Any) -> Any:
        """Return what a program gave for the field as the field takes it.

        An enum's member or its value, a text or a path for a file, a ``timedelta`` for seconds; a
        text is neither a number nor true or false.

        Raises:
            ValidationError: the field takes no such value, or it is out of range.
        """
        if value is None and self.is_optional:
            return None
        if self.kind in _TEXTS:
            self._check_blank(value, self._label)
        try:
            taken = self._taken(value)
        except NotAcceptedError as error:
            accepted = f"{error} or None" if self.is_optional else str(error)
            raise not_accepted(self.name, value, accepted, is_secret=self.is_secret) from error
        self.check(taken)
        return taken

    def _taken(self, value: Any) -> Any:  # noqa: PLR0911 - one for each kind
        """Return a value that is not written as text.

        Raises:
            NotAcceptedError: the field takes no such value.
        """
        match self.kind:
            case Kind.MEMBERS:
                return convert(frozenset[self.of], value)  # type: ignore[name-defined]
            case Kind.FILE | Kind.FILE_OR_URL:
                return _taken_file(self, value)
            case Kind.MOMENT:
                return _taken_moment(value)
            case Kind.INSTANCE:
                return _taken_instance(self.class_name, value)
            case Kind.TEXTS:
                return _taken_texts(value)
        if isinstance(value, timedelta) and self.unit == _SECONDS:
            return value.total_seconds()
        return convert(self.of, value)

    def check(self, value: Any, *, name: str = "") -> None:
        """Return if ``value`` is one that the field takes: in range, or a text that is not empty.

        None always is. Messages call it ``name``, or like the option: ``part size``.

        Raises:
            ValidationError: it is not.
        """
        if value is None:
            return
        label = name or self._label
        self._check_blank(value, label)
        if self.range:
            self._check_range(value, label, self.range)

    @property
    def _label(self) -> str:
        return self.flag.removeprefix("--").replace("-", " ") or _plain_name(self.name, " ")

    def _check_blank(self, value: Any, label: str) -> None:
        is_free_text = self.kind in (Kind.TEXT, Kind.MOMENT, Kind.FILE, Kind.FILE_OR_URL)
        is_empty = isinstance(value, str) and is_blank(value)
        if is_free_text and is_empty and not self.may_be_empty:
            raise ValidationError(f"{label} is empty", remedy="give a value, or leave it out")

    def _check_range(self, value: Any, label: str, bounds: tuple[float, float | None]) -> None:
        (low, high), unit = bounds, self.unit
        write = format_size if self.kind is Kind.SIZE else lambda number: f"{number} {unit}".strip()
        is_above = value > low if self.low_is_open else value >= low
        is_below = high is None or (value < high if self.high_is_open else value <= high)
        if is_above and is_below and math.isfinite(value):
            return
        if high is None and self.low_is_open:
            raise ValidationError(f"{label} is {write(value)}; it must be above {low}")
        if high is None:
            raise ValidationError(f"{label} is {write(value)}; it must be {low} or more")
        if self.high_is_open:
            raise ValidationError(
                f"{label} is {write(value)}; it must be {low} or more, and below {high}"
            )
        least = write(low) if self.kind is Kind.SIZE else low
        raise ValidationError(
            f"{label} is {write(value)}; it must be between {least} and {write(high)}"
        )

    def to_text(self, value: Any) -> str:
        """Return ``value`` as it is typed on a command line."""
        if self.kind is Kind.SIZE:
            return exact_size(value)
        if self.kind is Kind.DURATION:
            return exact_duration(value)
        if self.kind is Kind.TEXTS:
            return "\n".join(value)
        plain = self.word or self.to_json(value)
        return ",".join(plain) if isinstance(plain, list) else str(plain)

    def to_json(self, value: Any) -> Any:
        """Return ``value`` as a plain JSON value that :meth:`parse` reads."""
        if isinstance(value, enum.Enum):
            return value.value
        if isinstance(value, frozenset):
            return sorted(member.value for member in value)
        if isinstance(value, tuple):
            return list(value)
        return str(value) if isinstance(value, Path) else value


def option(
    default: _T,
    section: Section,
    help: str,  # noqa: A002 - as click and argparse call it
    **settings: Any,
) -> _T:
    """Return a field of a dataclass that is declared as an option, see :class:`Declaration`.

    Unless given, ``flag`` is derived from the field's name: ``--part-size`` of
    ``part_size_bytes``; ``journal`` is the section's. A secret is not in the repr, and neither is
    an object of any kind (``of=object``), which is not compared either.
    """
    settings = {"of": type(default), **settings}
    is_value = settings["of"] is not object
    return dataclasses.field(
        default=default,
        repr=is_value and not settings.get("is_secret"),
        compare=is_value,
        metadata=declared(section, help, **settings),
    )


def optional(of: type[_T], section: Section, help: str, **settings: Any) -> _T | None:  # noqa: A002
    """Return an :func:`option` of this type that is None unless given."""
    return option(None, section, help, of=of, **settings)


def declared(section: Section, help: str, **settings: Any) -> dict[str, Declaration]:  # noqa: A002
    """Return the metadata of a field that is declared with these settings."""
    return {_KEY: Declaration(section=section, help=help, **settings)}


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
    kind = _kind(declaration, field.name)
    role = declaration.journal or declaration.section.journal
    is_derived = declaration.flag == _DERIVED
    has_none = field.default is dataclasses.MISSING
    return dataclasses.replace(
        declaration,
        name=field.name,
        kind=kind,
        journal=role,
        is_repeated=declaration.is_repeated
        and (role is not JournalRole.FIRST_RUN or declaration.is_input),
        flag=f"--{_plain_name(field.name, '-')}" if is_derived else declaration.flag,
        default=inspect.Parameter.empty if has_none else field.default,
        when_given=not field.default if kind is Kind.FLAG else declaration.when_given,
        metavar=declaration.metavar or _METAVARS.get(kind, ""),
    )


def _kind(declaration: Declaration, field: str) -> Kind:
    if declaration.kind is not Kind.TEXT:
        return declaration.kind
    if declaration.helps:
        return Kind.MEMBERS
    if issubclass(declaration.of, enum.Enum):
        return Kind.CHOICE
    if declaration.must_exist:
        return Kind.FILE
    return Kind.SIZE if field.endswith("_bytes") else _KINDS[declaration.of]


def _plain_name(field: str, separator: str) -> str:
    return _SUFFIX.sub("", field).replace("_", separator)


def check_values(instance: Any) -> None:
    """Take every field of a frozen ``instance``: declared ones as declared, others as annotated.

    Raises:
        ValidationError: a field takes no such value, or it is out of range.
    """
    cls: type = type(instance)
    for name, declaration in declarations_of(cls).items():
        object.__setattr__(instance, name, declaration.accept(getattr(instance, name)))
    check_fields(instance, metadata_key=_KEY)


def documented(cls: _ClassT) -> _ClassT:
    """Add the declared fields to the docstring of a dataclass, below ``Args``."""
    fields = "\n".join(_paragraph(declaration) for declaration in declarations_of(cls).values())
    summary, raises, rest = inspect.cleandoc(cls.__doc__ or "").partition("\n\nRaises:")
    cls.__doc__ = f"{summary}\n\nArgs:\n{fields}{raises}{rest}\n"
    return cls


def _paragraph(declaration: Declaration) -> str:
    condition = "" if declaration.when_given is None else f"{declaration.when_given}:"
    default = f"Default: {declaration.default_text}." if declaration.default_text else ""
    sentences = filter(None, [condition, declaration.help, declaration.details, default])
    text = f"{declaration.name}: {' '.join(sentences)}"
    return textwrap.fill(text, 96, initial_indent="    ", subsequent_indent="        ")


def _read_members(members: type[enum.Enum], value: str) -> frozenset[enum.Enum]:
    return frozenset(member_of(members, word) for word in value.split(","))


def is_blank(text: str) -> bool:
    """Return whether ``text`` says nothing, as where a variable of a script is not set."""
    return not text.strip()


def _read_flag(_: type, value: str) -> bool:
    word = value.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(value)
    return word in _TRUE


def _read_file(container: type, value: str) -> Any:
    return container(convert_path(value))


def _read_instance(_: type, value: str) -> Any:
    raise TypeError(value)


def _taken_file(declaration: Declaration, value: Any) -> Any:
    """Return a path or a text as the type of the field; a URL stays as it is written."""
    if declaration.kind is Kind.FILE_OR_URL and isinstance(value, str) and value:
        return value
    try:
        return declaration.of(convert_path(value))
    except NotAcceptedError as error:
        raise NotAcceptedError(declaration.kind.value) from error


def _taken_moment(value: Any) -> str:
    if isinstance(value, timedelta):
        return f"{max(0.0, value.total_seconds()):f}".rstrip("0").rstrip(".") + "s"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        return value
    raise NotAcceptedError(f"{Kind.MOMENT.value}, as text, timedelta or datetime")


def _taken_texts(value: Any) -> tuple[str, ...]:
    """Return a sequence of texts that say something, in its order."""
    is_sequence = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    if not is_sequence or not all(isinstance(item, str) and not is_blank(item) for item in value):
        raise NotAcceptedError(f"{Kind.TEXTS.value}, none of them empty")
    return tuple(value)


def _taken_instance(class_name: str, value: Any) -> Any:
    names = (f"{each.__module__}.{each.__qualname__}" for each in type(value).__mro__)
    if class_name in names:
        return value
    raise NotAcceptedError(f"a {class_name}")


# Each takes the type of the field, and a text.
_READERS: Mapping[Kind, Callable[[Any, str], Any]] = {
    Kind.TEXT: lambda _, value: value,
    Kind.FLAG: _read_flag,
    Kind.CHOICE: member_of,
    Kind.MEMBERS: _read_members,
    Kind.WHOLE: lambda _, value: int(value),
    Kind.NUMBER: lambda _, value: float(value),
    Kind.SIZE: lambda _, value: parse_size(value),
    Kind.DURATION: lambda _, value: parse_seconds(value),
    Kind.FILE: _read_file,
    Kind.FILE_OR_URL: lambda _, value: value,
    Kind.MOMENT: lambda _, value: value,
    Kind.TEXTS: lambda _, value: tuple(filter(str.strip, value.splitlines())),
    Kind.INSTANCE: _read_instance,
}
