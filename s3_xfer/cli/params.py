"""From declarations to click, and what click lacks: units, enums as choices, sections."""

from __future__ import annotations

import difflib
import enum
import inspect
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import click

from s3_xfer.declarations import Declaration, Kind, is_blank
from s3_xfer.errors import ValidationError
from s3_xfer.field_types import member_of
from s3_xfer.units import parse_seconds, parse_size

if TYPE_CHECKING:
    _Choice = click.Choice[str]
    _ParamType = click.ParamType[Any]
else:  # not subscriptable in click 8.1
    _Choice = click.Choice
    _ParamType = click.ParamType

_CallbackT = TypeVar("_CallbackT", bound=Callable[..., Any])
Decorator: TypeAlias = Callable[[_CallbackT], _CallbackT]
ORDERED = "filters"  # the parameter that ordered options become: the only ones there are
# Columns of --help: names beside their texts, all sections alike; above them in a narrow terminal.
_NAMES, _INDENT, _WIDE = 29, 6, 70


class UnitParam(_ParamType):
    """A number that is written with its unit, as ``parse`` reads it."""

    def __init__(self, name: str, parse: Callable[[str], float | None]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number; what cannot be read is a usage error."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValidationError as error:
            self.fail(f"{error.problem}; {error.remedy}.", param, ctx)


_WITH_UNIT = {
    Kind.SIZE: UnitParam("size", parse_size),
    Kind.DURATION: UnitParam("duration", parse_seconds),
}


class EnumChoice(_Choice):
    """The values of an enum as words on the command line, its members in the program."""

    def __init__(self, members: type[enum.Enum]) -> None:
        super().__init__([member.value for member in members])
        self.members = members

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the member, in any case that it was typed in; unknown words are usage errors."""
        try:
            return member_of(self.members, value)
        except TypeError:
            known = ", ".join(repr(member.value) for member in self.members)
            return self.fail(f"{value!r} is not one of {known}.", param, ctx)


class _NotEmpty(click.Parameter):
    """A parameter that refuses an empty value, which is a variable of a script that is not set."""

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """Return the value; an empty one is a usage error."""
        for text in value if isinstance(value, tuple | list) else (value,):
            if isinstance(text, str) and is_blank(text):
                raise click.BadParameter("It is empty. Is a variable not set?", ctx, self)
        return super().type_cast_value(ctx, value)


class NotEmptyArgument(_NotEmpty, click.Argument):
    """An argument that refuses an empty value."""


class SectionOption(_NotEmpty, click.Option):
    """An option with the heading under which ``--help`` shows it.

    ``declaration`` is that of the library's field that it sets, None if it sets none.
    """

    def __init__(
        self, *args: Any, section: str, declaration: Declaration | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.section = section
        self.declaration = declaration

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the value of the option's variable, which must not be empty either."""
        variable = self.envvar
        if isinstance(variable, str) and is_blank(os.environ.get(variable, "not set")):
            raise click.BadParameter(f"The variable {variable} is empty.", ctx, self)
        return super().resolve_envvar_value(ctx)


class OrderedOption(SectionOption):
    """An option that can be repeated, and whose place among others of its kind counts."""


class SectionedCommand(click.Command):
    """A command whose ``--help`` shows its options under headings, in order of declaration.

    What its ordered options were given becomes one parameter: pairs of flag and value.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, and gather the ordered options."""
        names = [param.name or "" for param in self.params if isinstance(param, OrderedOption)]
        if not names:
            return super().parse_args(ctx, args)
        given, _, order = self.make_parser(ctx).parse_args(args=list(args))
        values = {name: iter(given.get(name) or ()) for name in names}
        rest = super().parse_args(ctx, args)
        for name in names:
            del ctx.params[name]
        ctx.params[ORDERED] = tuple(
            (param.opts[0], next(values[param.name or ""]))
            for param in order
            if isinstance(param, OrderedOption)
        )
        return rest

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one list per section; options without one come last."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record:
                sections.setdefault(getattr(param, "section", "Other"), []).append(record)
        sections["Other"] = sections.pop("Other", [])
        column = _NAMES if formatter.width >= _WIDE else _INDENT
        for heading, records in sections.items():
            if records:
                with formatter.section(heading):
                    aligned = [(name.ljust(column), text) for name, text in records]
                    formatter.write_dl(aligned, col_max=column)


def command(
    text: str,
    short_help: str,
    options: Sequence[Decorator[Any]],
    *,
    arguments: Sequence[str] = ("source", "destination"),
    optional: bool = False,
    epilog: str | None = None,
    cls: type[SectionedCommand] = SectionedCommand,
) -> Callable[[Callable[..., Any]], click.Command]:
    """Return a decorator that makes a command with these arguments and options, in this order.

    ``text`` is its help. With ``optional`` the arguments may be left out; ``cls``
    may check them.
    """

    def decorate(function: Callable[..., Any]) -> click.Command:
        for option in reversed(options):
            function = option(function)
        for name in reversed(arguments):
            function = click.argument(name, cls=NotEmptyArgument, required=not optional)(function)
        settings = {"help": text, "short_help": short_help, "epilog": epilog}
        return click.command(cls=cls, **settings)(function)

    return decorate


def own(section: str, flag: str, text: str, *, name: str = "", **settings: Any) -> Decorator[Any]:
    """Return an option that only the command line has; ``settings`` are click's."""
    names = [flag, name] if name else [flag]
    settings = {"cls": SectionOption, **settings}
    return click.option(*names, section=section, help=text, **settings)


def own_flag(section: str, flag: str, text: str, *, name: str = "") -> Decorator[Any]:
    """Return a flag that only the command line has."""
    return own(section, flag, text, name=name, is_flag=True)


def own_choice(section: str, flag: str, text: str, default: enum.Enum) -> Decorator[Any]:
    """Return a choice, of the members of an enum, that only the command line has."""
    choice = EnumChoice(type(default))
    return own(section, flag, text, type=choice, default=default.value, show_default=True)


def declared(
    declaration: Declaration, *, side: str = "", section: str = "", **changes: Any
) -> Decorator[Any]:
    """Return the option that ``declaration`` describes; its parameter is called like the field.

    Of an account, ``side`` (``source`` or ``dest``) comes before both names. ``section`` is the
    heading, unless it is the declaration's. ``changes`` are of the declaration, for one command.
    """
    declaration = replace(declaration, **changes)
    flag, name = declaration.flag, declaration.name
    if side:
        flag, name = f"--{side}-{flag.removeprefix('--')}", f"{side}_{name}"
    settings = _settings(declaration)
    if declaration.is_secret:
        settings |= {"envvar": f"S3_XFER_{name.upper()}", "show_envvar": True}
    heading = section or declaration.section.value
    return click.option(
        flag, name, cls=SectionOption, section=heading, declaration=declaration, **settings
    )


def _settings(declaration: Declaration) -> dict[str, Any]:
    """Return what click is told about an option of this kind."""
    text, default = declaration.help, declaration.default
    if declaration.default_text:
        text = f"{text}  [default: {declaration.default_text}]"
    if declaration.when_given is not None:
        word = declaration.word
        value = {"type": click.Choice([word])} if word else {"is_flag": True}
        return {"help": text, "callback": _value_of_flag(declaration), **value}
    if declaration.kind is Kind.CHOICE and declaration.metavar:  # which has no room for the words
        text = f"{text.rstrip('.')}: {', '.join(declaration.words)}."
    settings = {"help": text, "type": _type(declaration), "metavar": declaration.metavar or None}
    if declaration.kind is Kind.TEXTS:
        return settings | {"multiple": True}
    if default not in (None, inspect.Parameter.empty):
        settings |= {"default": declaration.to_text(default), "show_default": True}
    return settings


def _value_of_flag(declaration: Declaration) -> Callable[..., Any]:
    def value(_ctx: click.Context, _param: click.Parameter, is_given: Any) -> Any:
        return declaration.when_given if is_given else declaration.default

    return value


def _type(declaration: Declaration) -> click.ParamType[Any]:
    bounds: Any = declaration.range or (None, None)  # whole numbers, if the field is one
    low, high = bounds
    match declaration.kind:
        case Kind.SIZE | Kind.DURATION:
            return _WITH_UNIT[declaration.kind]
        case Kind.WHOLE:
            return click.IntRange(low, high)
        case Kind.NUMBER:
            return click.FloatRange(
                low, high, min_open=declaration.low_is_open, max_open=declaration.high_is_open
            )
        case Kind.CHOICE:
            return EnumChoice(declaration.of)
        case Kind.FILE:
            return click.Path(
                exists=declaration.must_exist, dir_okay=False, path_type=declaration.of
            )
        case _:
            return click.STRING


def member_flags(declaration: Declaration) -> Iterator[Decorator[Any]]:
    """Yield a flag for each member of the enum that ``declaration`` is a set of."""
    for member, text in (declaration.helps or {}).items():
        name = member_name(declaration, member)
        yield own_flag(declaration.section.value, f"--{member.value}", text, name=name)


def member_name(declaration: Declaration, member: enum.Enum) -> str:
    """Return the parameter's name of the flag of one member."""
    return f"{declaration.name}_{member.value}"


class SuggestingGroup(click.Group):
    """A group that answers a mistyped command with the one that was probably meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; where there is none, say which one is close."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            word, known = args[0], sorted(self.commands)
            text = f"{word!r} is not a command. Did you mean: s3-xfer copy SOURCE DESTINATION?"
            if not word.startswith("s3://"):
                close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
                hint = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(known)}."
                text = f"No such command {word!r}. {hint}"
            raise click.UsageError(text, ctx) from error


def commands_of(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with what is typed for it: ``copy``, ``batch plan``."""
    for name, found in group.commands.items():
        if isinstance(found, click.Group):
            yield from ((f"{name} {inner}", each) for inner, each in commands_of(found))
        else:
            yield name, found
