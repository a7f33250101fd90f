"""From declarations to click, and what click lacks: units, enums as choices, sections."""

from __future__ import annotations

import enum
import inspect
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import click
from click.core import ParameterSource

from s3_xfer.cli.unknown_words import unknown_command, unknown_option, unknown_option_of_group
from s3_xfer.declarations import Declaration, Kind, is_blank
from s3_xfer.errors import ValidationError
from s3_xfer.field_types import member_of

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    _Choice = click.Choice[str]
    _ParamType = click.ParamType[Any]
else:  # not subscriptable in click 8.1
    _Choice = click.Choice
    _ParamType = click.ParamType

_CallbackT = TypeVar("_CallbackT", bound=Callable[..., Any])
Decorator: TypeAlias = Callable[[_CallbackT], _CallbackT]
ORDERED = "filters"  # the parameter that ordered options become: the only ones there are
_EMPTY = "give a value, or leave it out; a variable of a script may not be set"
# What click need not convert: the declaration does, in the words that the library has.
_READ_BY_DECLARATION = (Kind.SIZE, Kind.DURATION, Kind.WHOLE, Kind.NUMBER, Kind.CHOICE)
_JSON = "--json"
_ORIGINS = f"{__name__}.origins"  # where click keeps them for the command line
HELP_FLAGS = {"help_option_names": ["-h", "--help"]}
# Columns of --help: names beside their texts, all sections alike; above them in a narrow terminal.
_NAMES, _INDENT, _WIDE = 29, 6, 70


class UnitParam(_ParamType):
    """A number that is written with its unit, as ``parse`` reads it."""

    def __init__(self, name: str, parse: Callable[[str], float | None]) -> None:
        self.name = name
        self._parse = parse

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,  # noqa: ARG002 - as click calls it
    ) -> Any:
        """Return the number.

        Raises:
            ValidationError: it cannot be read.
        """
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValidationError as error:
            raise ValidationError(
                f"{_label(param)}: {error.problem}", remedy=error.remedy
            ) from error


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


def _label(param: click.Parameter | None) -> str:
    """Return what a person calls a parameter: the option as typed, or the argument."""
    if isinstance(param, click.Option):
        return param.opts[0]
    return param.human_readable_name if param else ""


def keep_origins(ctx: click.Context, origins: Mapping[str, str]) -> None:
    """Keep where values that nobody typed are from, by parameter, for messages about them."""
    ctx.meta[_ORIGINS] = origins


class _CheckedValue(click.Parameter):
    """A parameter whose wrong values are refused like those that the library finds.

    An empty one is wrong: it is a variable of a script that is not set.
    """

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """Return the value in its type.

        Raises:
            ValidationError: it is none that the parameter takes.
        """
        try:
            return self._checked(ctx, value)
        except ValidationError as error:
            if ctx.get_parameter_source(str(self.name)) is not ParameterSource.DEFAULT_MAP:
                raise
            origin = ctx.meta[_ORIGINS][self.name]
            raise ValidationError(f"{origin}: {error.problem}", remedy=error.remedy) from error

    def _checked(self, ctx: click.Context, value: Any) -> Any:
        for text in value if isinstance(value, tuple | list) else (value,):
            if isinstance(text, str) and is_blank(text):
                raise ValidationError(f"{_label(self)} is empty", remedy=_EMPTY)
        try:
            return self._converted(ctx, value)
        except click.MissingParameter:
            raise
        except click.BadParameter as error:
            raise ValidationError(f"{_label(self)}: {error.message.rstrip('.')}") from error

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return what a shell may complete the value to."""
        from s3_xfer.cli.completion import complete  # noqa: PLC0415 - for shells alone

        found = complete(self, ctx, incomplete)
        return super().shell_complete(ctx, incomplete) if found is None else found

    def _converted(self, ctx: click.Context, value: Any) -> Any:
        return super().type_cast_value(ctx, value)


class CheckedArgument(_CheckedValue, click.Argument):
    """An argument whose wrong values are refused."""


class SectionOption(_CheckedValue, click.Option):
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
            raise ValidationError(f"the variable {variable} is empty", remedy=_EMPTY)
        return super().resolve_envvar_value(ctx)

    def _converted(self, ctx: click.Context, value: Any) -> Any:
        declaration = self.declaration
        if declaration is None or declaration.kind not in _READ_BY_DECLARATION:
            return super()._converted(ctx, value)
        if not isinstance(value, str):
            return value
        taken = declaration.parse(value, name=_label(self))
        declaration.check(taken, name=_label(self))
        return taken


class OrderedOption(SectionOption):
    """An option that can be repeated, and whose place among others of its kind counts."""


class SectionedCommand(click.Command):
    """A command whose ``--help`` shows its options under headings, in order of declaration.

    What its ordered options were given becomes one parameter: pairs of flag and value. If none was
    typed, those of the default map count, in its order.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; an option that there is not is answered with what there is."""
        from s3_xfer.cli.json_result import refusals_as_json  # noqa: PLC0415 - it imports this module

        typed = list(args)  # click takes away what it has read
        try:
            with refusals_as_json(wanted=_JSON in args):
                return self._parsed(ctx, args)
        except click.NoSuchOption as error:
            text = unknown_option(error.option_name, ctx, args=typed)
            raise click.UsageError(text, ctx) from error
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # the parser does not say whose arguments these are
            raise

    def _parsed(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, and gather the ordered options."""
        flags = {
            str(param.name): param.opts[0]
            for param in self.params
            if isinstance(param, OrderedOption)
        }
        if not flags:
            return super().parse_args(ctx, args)
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        rest = super().parse_args(ctx, args)
        values = {name: ctx.params.pop(name) or () for name in flags}
        typed = [str(param.name) for param in order if param.name in flags]
        saved = [name for name in ctx.default_map or () for _ in values.get(name, ())]
        remaining = {name: iter(each) for name, each in values.items()}
        ctx.params[ORDERED] = tuple((flags[name], next(remaining[name])) for name in typed or saved)
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
            function = click.argument(name, cls=CheckedArgument, required=not optional)(function)
        return click.command(
            cls=cls, help=text, short_help=short_help, epilog=epilog, context_settings=HELP_FLAGS
        )(function)

    return decorate


def own(section: str, flag: str, text: str, *, name: str = "", **settings: Any) -> Decorator[Any]:
    """Return an option that only the command line has; ``settings`` are click's."""
    names = [flag, name] if name else [flag]
    settings = {"cls": SectionOption, **settings}
    return click.option(*names, section=section, help=text, **settings)


def own_flag(
    section: str, flag: str, text: str, *, name: str = "", hidden: bool = False
) -> Decorator[Any]:
    """Return a flag that only the command line has."""
    return own(section, flag, text, name=name, is_flag=True, hidden=hidden)


def own_choice(
    section: str, flag: str, text: str, default: enum.Enum, *, hidden: bool = False
) -> Decorator[Any]:
    """Return a choice, of the members of an enum, that only the command line has."""
    settings = {"type": EnumChoice(type(default)), "default": default.value, "show_default": True}
    return own(section, flag, text, hidden=hidden, **settings)


def declared(
    declaration: Declaration,
    *,
    side: str = "",
    section: str = "",
    hidden: bool = False,
    **changes: Any,
) -> Decorator[Any]:
    """Return the option that ``declaration`` describes; its parameter is called like the field.

    Of an account, ``side`` (``source`` or ``dest``) comes before both names. ``section`` is the
    heading, unless it is the declaration's. A ``hidden`` one is taken, and not in the help.
    ``changes`` are of the declaration, for one command.
    """
    declaration = replace(declaration, **changes) if changes else declaration
    flag, name = declaration.flag, declaration.name
    if side:
        flag, name = f"--{side}-{flag.removeprefix('--')}", f"{side}_{name}"
    settings = _settings(declaration)
    if declaration.is_secret:
        settings |= {"envvar": f"S3_XFER_{name.upper()}", "show_envvar": True}
    heading = section or declaration.section.value
    flags = [flag, declaration.short] if declaration.short and not side else [flag]
    return click.option(
        *flags,
        name,
        cls=SectionOption,
        section=heading,
        declaration=declaration,
        hidden=hidden,
        **settings,
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

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; options belong behind the command."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            text = unknown_option_of_group(error.option_name, ctx)
            raise click.UsageError(text, ctx) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; where there is none, say which one is meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(unknown_command(args[0], ctx), ctx) from error
