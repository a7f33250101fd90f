"""What click lacks for this program: sizes, enums as choices, options in sections."""

from __future__ import annotations

import difflib
import enum
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from s3_xfer.declarations import Choice, Declaration
from s3_xfer.errors import ValidationError
from s3_xfer.units import parse_duration, parse_size

if TYPE_CHECKING:
    _Choice = click.Choice[str]
    _ParamType = click.ParamType[int]
    _Seconds = click.ParamType[float]
else:  # not subscriptable in click 8.1
    _Choice = click.Choice
    _ParamType = _Seconds = click.ParamType


# Columns of --help: names beside their texts, all sections alike; above them in a narrow terminal.
_NAMES, _INDENT, _WIDE = 29, 6, 70


class SizeParam(_ParamType):
    """A number of bytes, written as ``5MiB``, ``1GB`` or ``1048576``."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the bytes; a value that is no size is a usage error."""
        if isinstance(value, int):
            return value
        try:
            return parse_size(value)
        except ValidationError as error:
            self.fail(f"{error.problem}; {error.remedy}.", param, ctx)


class DurationParam(_Seconds):
    """A number of seconds, written as ``90s``, ``12h`` or ``2d``."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds; a value that is no duration is a usage error."""
        if isinstance(value, float):
            return value
        try:
            return parse_duration(value)
        except ValidationError as error:
            self.fail(f"{error.problem}; {error.remedy}.", param, ctx)


class EnumChoice(_Choice):
    """The values of an enum as words on the command line, its members in the program."""

    def __init__(self, members: type[enum.Enum]) -> None:
        super().__init__([member.value for member in members])
        self.members = members

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the member, in whatever case it was typed; unknown words are usage errors."""
        try:
            return Choice(members=self.members).parse(value)
        except ValueError:
            known = ", ".join(repr(member.value) for member in self.members)
            return self.fail(f"{value!r} is not one of {known}.", param, ctx)


class SectionOption(click.Option):
    """An option with the heading under which ``--help`` shows it.

    ``declaration`` is that of the library's field that it sets, None if it sets none.
    """

    def __init__(
        self, *args: Any, section: str, declaration: Declaration | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.section = section
        self.declaration = declaration


class SectionedCommand(click.Command):
    """A command whose ``--help`` shows its options under headings, in order of declaration."""

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


class SuggestingGroup(click.Group):
    """A group that answers a mistyped command with the one that was probably meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; where there is none, say which one is close."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(_no_such_command(args[0], self.commands), ctx) from error


def _no_such_command(word: str, commands: Mapping[str, click.Command]) -> str:
    if word.startswith("s3://"):
        return f"{word!r} is not a command. Did you mean: s3-xfer copy SOURCE DESTINATION?"
    close = difflib.get_close_matches(word, commands, n=1, cutoff=0.5)
    hint = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(sorted(commands))}."
    return f"No such command {word!r}. {hint}"
