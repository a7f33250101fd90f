"""From the declaration of an option to a decorator that gives it to a click command."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import MISSING
from typing import Any, TypeAlias, TypeVar

import click

from s3_xfer.cli.params import EnumChoice, SectionOption, SizeParam
from s3_xfer.declarations import (
    Choice,
    Decimal,
    Declaration,
    File,
    Flag,
    Kind,
    Members,
    Size,
    Whole,
)

_CallbackT = TypeVar("_CallbackT", bound=Callable[..., Any])
Decorator: TypeAlias = Callable[[_CallbackT], _CallbackT]


def add_options(*decorators: Decorator[Any]) -> Decorator[Any]:
    """Return a decorator that gives a command these options, in this order."""

    def decorate(command: _CallbackT) -> _CallbackT:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


def option(section: str, *names: str, **settings: Any) -> Decorator[Any]:
    """Return an option that only the command line has; ``settings`` are click's."""
    return click.option(*names, cls=SectionOption, section=section, **settings)


def flag(section: str, name: str, text: str) -> Decorator[Any]:
    """Return a flag that only the command line has."""
    return option(section, name, is_flag=True, help=text)


def declared(declaration: Declaration, *, side: str = "", section: str = "") -> Decorator[Any]:
    """Return the option that ``declaration`` describes; its parameter is called like the field.

    Of an account, ``side`` (``source`` or ``dest``) comes before both names. ``section`` is the
    heading, unless it is the declaration's.
    """
    names = [declaration.flag, declaration.name]
    settings = _settings(declaration)
    if side:
        names = [f"--{side}-{declaration.flag.removeprefix('--')}", f"{side}_{declaration.name}"]
    if declaration.is_secret:
        settings |= {"envvar": f"S3_XFER_{names[1].upper()}", "show_envvar": True}
    return option(section or declaration.section.value, *names, declaration=declaration, **settings)


def members(declaration: Declaration) -> Iterator[Decorator[Any]]:
    """Yield a flag for each member of the enum that ``declaration`` is a set of."""
    kind = declaration.kind
    assert isinstance(kind, Members)  # noqa: S101 - for the type checker
    for member in kind.members:
        yield option(
            declaration.section.value,
            f"--{member.value}",
            member_name(declaration, member),
            is_flag=True,
            help=kind.helps[member],
        )


def member_name(declaration: Declaration, member: enum.Enum) -> str:
    """Return the parameter's name of the flag of one member."""
    return f"{declaration.name}_{member.value}"


def _settings(declaration: Declaration) -> dict[str, Any]:
    """Return what click is told about an option of this kind."""
    kind, text = declaration.kind, declaration.help
    if declaration.default_text:
        text = f"{text}  [default: {declaration.default_text}]"
    if isinstance(kind, (Flag, Choice)) and kind.when_given is not None:
        word = isinstance(kind, Flag) and kind.word
        value = {"type": click.Choice([word])} if word else {"is_flag": True}
        return {"help": text, "callback": _value_of_flag(declaration), **value}
    if isinstance(kind, Choice) and kind.metavar:  # no room for the words in the metavar
        text = f"{text.rstrip('.')}: {', '.join(kind.words)}."
    settings = {"help": text, "type": _type(kind), "metavar": kind.metavar or None}
    if declaration.default not in (None, MISSING):
        settings |= {"default": kind.to_text(declaration.default), "show_default": True}
    return settings


def _value_of_flag(declaration: Declaration) -> Callable[..., Any]:
    when_given = getattr(declaration.kind, "when_given", None)

    def value(_ctx: click.Context, _param: click.Parameter, is_given: Any) -> Any:
        return when_given if is_given else declaration.default

    return value


def _type(kind: Kind) -> click.ParamType[Any]:
    match kind:
        case Size():
            return SizeParam()
        case Whole():
            return click.IntRange(kind.low, kind.high)
        case Decimal():
            return click.FloatRange(
                kind.low, kind.high, min_open=kind.low_is_open, max_open=kind.high_is_open
            )
        case Choice():
            return EnumChoice(kind.members)
        case File():
            return click.Path(exists=kind.must_exist, dir_okay=False, path_type=kind.container)
        case _:
            return click.STRING
