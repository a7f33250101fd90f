"""The commands ``help`` and ``version``: what ``--help`` and ``--version`` print.

People type either, as other programs have it.
"""

from __future__ import annotations

from collections.abc import Sequence

import click

from s3_xfer.cli.completion import commands
from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.output import print_line
from s3_xfer.cli.params import CheckedArgument, SectionedCommand
from s3_xfer.cli.unknown_words import unknown_command
from s3_xfer.version import VERSION

PROGRAM = "s3-xfer"

HELP_HELP = """Print the help of a COMMAND, or the list of commands.

    \b
    Examples:
      s3-xfer help
      s3-xfer help copy
      s3-xfer help batch plan
    """

VERSION_HELP = """Print the version of this program.

    \b
    Examples:
      s3-xfer version
    """


@click.command(
    "help", cls=SectionedCommand, help=HELP_HELP, short_help="Print the help of a command."
)
@click.argument(
    "words", cls=CheckedArgument, metavar="[COMMAND]...", nargs=-1, shell_complete=commands
)
@click.pass_context
def help_command(context: click.Context, words: Sequence[str]) -> ExitCode:
    """Print what ``--help`` of the command prints."""
    asked = context.find_root()
    for word in words:
        group = asked.command
        known = group.commands if isinstance(group, click.Group) else {}
        if word not in known:
            raise click.UsageError(_unknown(word, asked), asked)
        asked = click.Context(known[word], parent=asked, info_name=word)
    print_line(asked.get_help())
    return ExitCode.OK


def _unknown(word: str, asked: click.Context) -> str:
    if isinstance(asked.command, click.Group):
        return unknown_command(word, asked)
    return f"The command {asked.command.name} has no commands of its own, so no {word!r}."


@click.command(
    cls=SectionedCommand, help=VERSION_HELP, short_help="Print the version of this program."
)
def version() -> ExitCode:
    """Print it as ``--version`` does."""
    print_line(f"{PROGRAM}, version {VERSION}")
    return ExitCode.OK
