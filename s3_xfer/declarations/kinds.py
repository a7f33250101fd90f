"""The kinds of values that an option can have.

A kind reads a value from text, checks its range, and writes it as text and as JSON. The command
line chooses its parser by the kind.
"""

from __future__ import annotations

import enum
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3_xfer.errors import ValidationError
from s3_xfer.units import exact_size, format_size, parse_size

_TRUE, _FALSE = frozenset({"true", "yes", "1", "on"}), frozenset({"false", "no", "0", "off"})


@dataclass(frozen=True, kw_only=True)
class Kind(ABC):
    """What all kinds have. ``metavar`` stands for the value in usage texts; flags have none."""

    metavar: str = ""

    @property
    @abstractmethod
    def expected(self) -> str:
        """What a value must be, after "it must be"."""

    @abstractmethod
    def parse(self, value: Any) -> Any:
        """Return ``value``, which may be text or of this kind already, as this kind.

        Raises:
            ValueError: it is not of this kind. A ValidationError is not raised here.
            TypeError: the same.
        """

    def check(self, label: str, value: Any) -> None:  # noqa: B027 - most have no range
        """Return if ``value``, which is of this kind, is in range; ``label`` is its name.

        Raises:
            ValidationError: it is not.
        """

    def to_text(self, value: Any) -> str:
        """Return ``value`` as it is typed on a command line."""
        return str(value)

    def to_json(self, value: Any) -> Any:
        """Return ``value`` as a plain JSON value that :meth:`parse` reads."""
        return value


@dataclass(frozen=True, kw_only=True)
class Text(Kind):
    """Any text."""

    metavar: str = "TEXT"

    @property
    def expected(self) -> str:
        """Text."""
        return "text"

    def parse(self, value: Any) -> str:
        """Return text as it is."""
        if not isinstance(value, str):
            raise TypeError(value)
        return value


@dataclass(frozen=True, kw_only=True)
class Flag(Kind):
    """True or false. On a command line the option alone sets ``when_given``.

    With a ``word`` the option takes this word instead of standing alone.
    """

    when_given: bool = True
    word: str = ""

    @property
    def expected(self) -> str:
        """True or false."""
        return "true or false"

    def parse(self, value: Any) -> bool:
        """Return a bool, or what ``true``, ``yes``, ``on``, ``1`` and their opposites mean."""
        if isinstance(value, bool):
            return value
        word = str(value).strip().lower()
        if not isinstance(value, str) or word not in _TRUE | _FALSE:
            raise ValueError(value)
        return word in _TRUE

    def to_text(self, value: Any) -> str:
        """Return the word that turns it on."""
        return self.word or super().to_text(value)


@dataclass(frozen=True, kw_only=True)
class Choice(Kind):
    """A member of an enum. With ``when_given`` the option is a flag that sets this member."""

    members: type[enum.Enum]
    when_given: enum.Enum | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The values to choose from."""
        return tuple(member.value for member in self.members)

    @property
    def expected(self) -> str:
        """One of the values."""
        return f"one of {', '.join(self.words)}"

    def parse(self, value: Any) -> enum.Enum:
        """Return the member, or the one of this value in upper or lower case."""
        if isinstance(value, self.members):
            return value
        word = str(value).casefold()
        for member in self.members:
            if member.value.casefold() == word:
                return member
        raise ValueError(value)

    def to_text(self, value: Any) -> str:
        """Return the value of the member."""
        return str(value.value)

    def to_json(self, value: Any) -> Any:
        """Return the value of the member."""
        return value.value


@dataclass(frozen=True, kw_only=True)
class Members(Kind):
    """A set of members of an enum. On a command line each member is a flag, with its help."""

    members: type[enum.Enum]
    helps: Mapping[Any, str]

    @property
    def expected(self) -> str:
        """Any of the values."""
        return f"any of {', '.join(member.value for member in self.members)}"

    def parse(self, value: Any) -> frozenset[enum.Enum]:
        """Return a set of members or their values, or values separated by commas."""
        words: Iterable[Any] = value.split(",") if isinstance(value, str) else value
        choice = Choice(members=self.members)
        return frozenset(choice.parse(word) for word in words)

    def to_text(self, value: Any) -> str:
        """Return the values, separated by commas."""
        return ",".join(self.to_json(value))

    def to_json(self, value: Any) -> Any:
        """Return the values in order."""
        return sorted(member.value for member in value)


@dataclass(frozen=True, kw_only=True)
class Decimal(Kind):
    """A number between two bounds; None is no bound. ``unit`` is written behind it."""

    metavar: str = "NUMBER"
    low: float
    high: float | None = None
    low_is_open: bool = False
    high_is_open: bool = False
    unit: str = ""

    @property
    def expected(self) -> str:
        """A number."""
        return "a number"

    def parse(self, value: Any) -> float:
        """Return a number, or what text says."""
        return float(value)

    def check(self, label: str, value: Any) -> None:
        """Compare with the bounds; infinity and "not a number" are out of range."""
        if math.isfinite(value) and self._is_inside(value):
            return
        shown, low, high = self._shown(value), self.low, self.high
        if high is None and self.low_is_open:
            raise ValidationError(f"{label} is {shown}; it must be above {low}")
        if high is None:
            raise ValidationError(f"{label} is {shown}; it must be {low} or more")
        if self.high_is_open:
            raise ValidationError(f"{label} is {shown}; it must be {low} or more, and below {high}")
        raise ValidationError(
            f"{label} is {shown}; it must be between {self._bound(low)} and {self._shown(high)}"
        )

    def _is_inside(self, value: float) -> bool:
        is_above = value > self.low if self.low_is_open else value >= self.low
        if self.high is None:
            return is_above
        return is_above and (value < self.high if self.high_is_open else value <= self.high)

    def _shown(self, value: float) -> str:
        return f"{value} {self.unit}".rstrip()

    def _bound(self, value: float) -> str:
        return str(value)


@dataclass(frozen=True, kw_only=True)
class Whole(Decimal):
    """A whole number between two bounds."""

    metavar: str = "N"
    low: int
    high: int | None = None

    @property
    def expected(self) -> str:
        """A whole number."""
        return "a whole number"

    def parse(self, value: Any) -> int:
        """Return a whole number, or what text says."""
        if isinstance(value, float) and not value.is_integer():
            raise ValueError(value)
        return int(value)


@dataclass(frozen=True, kw_only=True)
class Size(Whole):
    """A number of bytes, which text may give with its unit: ``16MiB``."""

    metavar: str = "SIZE"

    @property
    def expected(self) -> str:
        """A size."""
        return "a whole number of bytes, or a size like 5MiB or 1GB"

    def parse(self, value: Any) -> int:
        """Return a number of bytes, or what text says."""
        if not isinstance(value, str):
            return super().parse(value)
        try:
            return parse_size(value)
        except ValidationError as error:
            raise ValueError(value) from error

    def to_text(self, value: Any) -> str:
        """Return the size in the largest unit that is exact."""
        return exact_size(value)

    def _shown(self, value: float) -> str:
        return format_size(value)

    def _bound(self, value: float) -> str:
        return format_size(value)


@dataclass(frozen=True, kw_only=True)
class File(Kind):
    """The name of a file, kept as a ``container``: a path or text."""

    metavar: str = "FILE"
    container: type[Path] | type[str] = Path
    must_exist: bool = False

    @property
    def expected(self) -> str:
        """A path."""
        return "a path"

    def parse(self, value: Any) -> Path | str:
        """Return the path that text names."""
        if not isinstance(value, str | Path):
            raise TypeError(value)
        return self.container(value)

    def to_json(self, value: Any) -> Any:
        """Return the path as text."""
        return str(value)


@dataclass(frozen=True, kw_only=True)
class Instance(Kind):
    """An object that only a program can give."""

    description: str

    @property
    def expected(self) -> str:
        """The object."""
        return self.description

    def parse(self, value: Any) -> Any:
        """Return an object as it is."""
        if isinstance(value, str):
            raise TypeError(value)
        return value
