"""Messages as data, so that each front end says them in its own words.

A message names options by their fields and standing advice by a :class:`Phrase`; a
:class:`Wording` turns both into text. The library's own wording is here; the command line's and
the operator's are beside their front ends. A message is a ``str`` that reads as the library's
wording, so whatever takes text takes a message.

A template is a literal of the program::

    message("there are objects under {url}: add {recursive=True}", url=url)

``{url}`` is a value, ``{recursive=True}`` an option with a value, ``{concurrency}`` an option,
``{source.region}`` an option of one side (a value may name the side), ``{RUN_AGAIN}`` a phrase.
``...`` as an option's value stands for one that the user knows. Values are never read as templates.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
ANY_VALUE = "..."
_SIDES = ("source", "destination")


class Phrase(enum.Enum):
    """Advice that every front end words for itself. The value is the library's wording."""

    RUN_AGAIN = "run it again"
    RUN_FROM_REPORT = "from_report_path={report!r} copies only what is missing"
    RUN_WITHOUT_REPORT = 'run it again; identical="skip" leaves out what has arrived'
    RESUME = "S3CopyOperation.resume({journal!r})"
    NEW_JOURNAL = "begin one with journal="
    LOCAL_JOURNAL = "name a file of this machine with journal="
    LOG_IN = "log in (aws sso login) with the profile {profile}, then run this again"
    CHECK_CREDENTIALS = "check profile=, role_arn= and the account that the credentials belong to"
    CHECK_CONFIGURATION = "check ~/.aws/config, profile= and the environment variables"
    ACCESS_GUIDE = "the documentation's page on access"
    LEFTOVER_UPLOADS = "section leftover-multipart-uploads of the runbook"
    READ_ON = "See the section {section} of the runbook"


@dataclass(frozen=True, slots=True)
class OptionReference:
    """An option that a message names.

    ``name`` is the field of ``CopyOptions``, of a spec, or of ``AccountContext``; the latter has a
    ``side``. ``value`` is the one to give, ``...`` for any; None if only the option is named.
    """

    name: str
    value: str | None = None
    side: str = ""


@dataclass(frozen=True, slots=True)
class PhraseReference:
    """A phrase in a message, with the values that it may need."""

    phrase: Phrase
    values: tuple[tuple[str, str], ...] = ()


Part = str | OptionReference | PhraseReference


class Wording:
    """How a front end names options and gives standing advice. This one is the library's.

    Subclasses replace :meth:`option` and :meth:`phrase`.
    """

    def option(self, name: str, value: str | None, *, side: str) -> str:
        """Return an option as it is written.

        Args:
            name: the field of ``CopyOptions``, of an operation or, with a side, of
                ``AccountContext``.
            value: the value to give; ``...`` for any, None if only the option is named.
            side: ``source``, ``destination``, or empty.
        """
        if side:
            given = ANY_VALUE if value is None else as_python(value)
            return f"{side}=AccountContext({name}={given})"
        return f"{name}={'' if value is None else as_python(value)}"

    def phrase(self, phrase: Phrase, values: Mapping[str, str]) -> str:
        """Return advice in this front end's words."""
        return phrase.value.format(**values)

    def say(self, text: str) -> str:
        """Return a message in this wording; text that is no message stays as it is."""
        return "".join(map(self._said, text.parts)) if isinstance(text, Message) else text

    def say_all(self, value: Any) -> Any:
        """Return plain JSON values with every message in them in this wording."""
        if isinstance(value, Mapping):
            return {name: self.say_all(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.say_all(one) for one in value]
        return self.say(value) if isinstance(value, str) else value

    def _said(self, part: Part) -> str:
        if isinstance(part, OptionReference):
            return self.option(part.name, part.value, side=part.side)
        if isinstance(part, PhraseReference):
            return self.phrase(part.phrase, dict(part.values))
        return part


LIBRARY = Wording()


class Message(str):
    """A text that knows the options and phrases in it; as a ``str``, the library's wording.

    Formatting or joining one gives plain text: compose messages with :func:`message`.
    """

    parts: tuple[Part, ...]

    def __new__(cls, parts: tuple[Part, ...]) -> Message:
        """Return the message of these parts."""
        text = "".join(LIBRARY._said(part) for part in parts)  # noqa: SLF001 - of this module
        self = super().__new__(cls, text)
        self.parts = parts
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Message, (self.parts,)


def message(template: str, **values: object) -> Message:
    """Return the message of a template, see the module; messages among the values stay such."""
    return Message(tuple(_parts(template, values)))


def option(name: str, value: object = None, *, side: str = "") -> Message:
    """Return an option as a message, for :func:`message` to take as a value."""
    return Message((OptionReference(name, None if value is None else str(value), side),))


def as_python(value: str) -> str:
    """Return a value as Python writes it."""
    plain = value in ("True", "False", ANY_VALUE) or value.isdecimal()
    return value if plain else f'"{value}"'


def _parts(template: str, values: Mapping[str, object]) -> Iterator[Part]:
    for number, text in enumerate(_PLACEHOLDER.split(template)):
        if number % 2 == 0:
            yield from [text] if text else []
        elif text not in values:
            yield _reference(text, values)
        elif isinstance(value := values[text], Message):
            yield from value.parts
        else:
            yield str(value)


def _reference(text: str, values: Mapping[str, object]) -> Part:
    """Return the phrase or option that a placeholder names."""
    if text.isupper():
        given = tuple((name, str(value)) for name, value in values.items())
        return PhraseReference(Phrase[text], given)
    name, _, value = text.partition("=")
    side, _, field = name.rpartition(".")
    side = str(values.get(side, side))
    if side and side not in _SIDES:
        raise ValueError(f"{text!r} names no side")
    return OptionReference(field, value or None, side)
