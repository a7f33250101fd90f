"""Answers to a command or an option that there is not: ours for it, or the nearest one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from s3_xfer.spelling import near_names, nearest
from s3_xfer.text import printable

if TYPE_CHECKING:
    from s3_xfer.cli.other_tools import Answer

_COMMANDS_NAMED = 4
_ANY_URL = "s3://"
_NO = "--no-"


def commands_of(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with what is typed for it: ``copy``, ``batch plan``."""
    for name, found in group.commands.items():
        if isinstance(found, click.Group):
            yield from ((f"{name} {inner}", each) for inner, each in commands_of(found))
        else:
            yield name, found


def unknown_command(word: str, ctx: click.Context) -> str:
    """Return what to type in place of a command that there is not."""
    from s3_xfer.cli.other_tools import COMMANDS  # noqa: PLC0415 - large, and few mistype

    assert isinstance(ctx.command, click.Group)  # noqa: S101 - only groups have commands
    if word.startswith(_ANY_URL):
        shown = printable(word.partition("?")[0])  # a signature may follow
        return f"{shown!r} is not a command. Did you mean: s3-xfer copy SOURCE DESTINATION?"
    text = f"No such command {word!r}."
    known = [name for name, each in ctx.command.commands.items() if not each.hidden]
    if ctx.parent is None and word.lower() in COMMANDS:
        return f"{text} {COMMANDS[word.lower()]}"
    if near := nearest(word, known):
        return f"{text} Did you mean {near}?"
    return f"{text} There are: {', '.join(sorted(known))}."


def unknown_option(typed: str, ctx: click.Context, *, args: Sequence[str] = ()) -> str:
    """Return what to type in place of an option that the command of ``ctx`` does not have.

    Of a word in ``args`` with one dash only, click tells the first letter that is no option.
    """
    whole = [each for each in args if _is_with_one_dash(each, letter=typed)]
    answers = (_instead(each, ctx) for each in (*whole, typed))
    answer = next(filter(None, answers), f"There is a list: {ctx.command_path} --help.")
    return f"No such option {printable(typed)}. {answer}"


def unknown_option_of_group(typed: str, ctx: click.Context) -> str:
    """Return what to type in place of an option before the command."""
    if near := near_names(typed, _flags(ctx.command) | {"--help"}):
        return f"No such option {printable(typed)}. Did you mean {' or '.join(near)}?"
    return (
        f"No such option {printable(typed)} before the command. Options follow it: "
        f"{ctx.command_path} COMMAND OPTIONS."
    )


def _is_with_one_dash(word: str, *, letter: str) -> bool:
    is_long = len(word) > len(letter) and word[1:2] != "-"
    return len(letter) == 2 and is_long and word.startswith("-") and letter[1] in word  # noqa: PLR2004


def _instead(typed: str, ctx: click.Context) -> str:
    """Return what to type instead of ``typed``, or what is near it; empty where nothing is."""
    from s3_xfer.cli.other_tools import OPTIONS  # noqa: PLC0415 - see above

    if typed in OPTIONS and (answer := _said(OPTIONS[typed], ctx)):
        return answer
    if owners := _owners(typed, ctx):
        return f"It is an option of {_listed(owners)}."
    return _near(typed, ctx)


def _near(typed: str, ctx: click.Context) -> str:
    """Return what is near: of this command, of another tool, of another command."""
    from s3_xfer.cli.other_tools import OPTIONS  # noqa: PLC0415 - see above

    flags = _flags(ctx.command)
    if opposite := _opposite(typed, flags):
        return f"That is so unless {opposite} is given."
    if near := near_names(typed, flags):
        return f"Did you mean {' or '.join(near)}?"
    if (theirs := nearest(typed, OPTIONS)) and (answer := _said(OPTIONS[theirs], ctx)):
        return answer
    if elsewhere := nearest(typed, _all_flags(ctx)):
        return f"Did you mean {elsewhere}? It is an option of {_listed(_owners(elsewhere, ctx))}."
    return ""


def _opposite(typed: str, flags: set[str]) -> str:
    """Return the option that switches off what ``typed`` asks for; empty if there is none."""
    plain = typed.lower().replace("_", "-")
    is_no = plain.startswith(_NO)
    other = f"--{plain.removeprefix(_NO)}" if is_no else f"{_NO}{plain.removeprefix('--')}"
    return other if other in flags else ""


def _said(answer: Answer, ctx: click.Context) -> str:
    """Return an answer for one command: with the options that it has, or who has them."""
    have = _flags(ctx.command)
    usable = [each for each in answer.ours if each.split()[0] in have or not each.startswith("-")]
    if usable:
        return f"{answer.text} Use: {' or '.join(map(_line, usable))}.".lstrip()
    if not answer.ours:
        return answer.text
    flag = answer.ours[0].split()[0]
    return f"{answer.text} {flag} is an option of {_listed(_owners(flag, ctx))}.".lstrip()


def _line(ours: str) -> str:
    return ours if ours.startswith("-") else f"s3-xfer {ours}"


def _flags(command: click.Command) -> set[str]:
    """Return the options that a command has and shows."""
    shown = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
    return {flag for each in shown for flag in each.opts}


def _all_commands(ctx: click.Context) -> Iterator[tuple[str, click.Command]]:
    root = ctx.find_root().command
    return commands_of(root) if isinstance(root, click.Group) else iter(())


def _all_flags(ctx: click.Context) -> set[str]:
    return {flag for _, each in _all_commands(ctx) for flag in _flags(each)}


def _owners(flag: str, ctx: click.Context) -> list[str]:
    """Return the commands that have an option, those of one word first."""
    names = (name for name, each in _all_commands(ctx) if flag in _flags(each))
    return sorted(names, key=lambda name: (" " in name, name))


def _listed(owners: list[str]) -> str:
    more = len(owners) - _COMMANDS_NAMED
    named = ", ".join(owners[:_COMMANDS_NAMED])
    return f"{named} and {more} more commands" if more > 1 else ", ".join(owners)
