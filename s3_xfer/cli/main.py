"""The program ``s3-xfer``: its commands, and the one place where errors become exit codes.

Imports neither boto3 nor rich, so that ``--help`` and ``--version`` answer at once, and of the
commands only the one that was typed. An error without an exit code of its own is printed with its
traceback.
"""

from __future__ import annotations

import gc
import sys
import traceback
from collections.abc import Sequence

import click

from s3_xfer.cli.commands import Commands
from s3_xfer.cli.end_of_run import END
from s3_xfer.cli.exit_codes import ExitCode, code_of_stop, exit_code
from s3_xfer.cli.follow import end_process
from s3_xfer.cli.help import PROGRAM
from s3_xfer.cli.output import print_error, print_problem, print_refusal
from s3_xfer.cli.params import HELP_FLAGS, SuggestingGroup
from s3_xfer.cli.signals import SIGNALS
from s3_xfer.cli.streams import streams_that_never_fail
from s3_xfer.cli.wording import COMMAND_LINE
from s3_xfer.errors import ErrorClass, S3XferError
from s3_xfer.version import VERSION

# Workers give up the interpreter at every request anyway; forcing them to every 5 ms, Python's
# default, costs a tenth of the throughput (benchmarks/run.py).
SWITCH_INTERVAL_S = 0.05
_UNEXPECTED = (
    "Unexpected error. Please report it with the traceback above and the command line.\n"
    + COMMAND_LINE.say(ErrorClass.UNEXPECTED.see)
)
# How newer versions of click show the help of a group that was given nothing.
_HELP_ASKED_FOR = getattr(click.exceptions, "NoArgsIsHelpError", ())

HELP = """Copy S3 objects between AWS accounts: server-side, verified, fully accounted.

    \b
    Examples:
      s3-xfer copy s3://from/data/a.csv s3://to/data/a.csv
      s3-xfer copy --recursive --dest-profile us s3://from/data/ s3://to/data/
      s3-xfer sync --dest-profile us s3://from/data/ s3://to/data/
      s3-xfer copy @nightly
      s3-xfer resume copy.db
      s3-xfer check --recursive --dest-profile us s3://from/data/ s3://to/data/
      s3-xfer plan --recursive s3://from/data/ s3://to/data/ --out s3://ctl/p
      s3-xfer interactive
      s3-xfer ls --source-profile them s3://from/data/
      s3-xfer doctor --recursive --dest-profile us s3://from/data/ s3://to/data/
      s3-xfer uploads --dest-profile us s3://to/data/
      s3-xfer policy --recursive --dest-profile us s3://from/data/ s3://to/data/
      s3-xfer runbook access-denied
    """


_SETTINGS = {"max_content_width": 100, **HELP_FLAGS}


@click.group(cls=SuggestingGroup, commands=Commands(), help=HELP, context_settings=_SETTINGS)
@click.version_option(VERSION, prog_name=PROGRAM)
def cli() -> None:
    """Group the commands."""


def main(args: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code; no exception leaves it.

    May end the process itself where a stuck thread would keep it alive.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    SIGNALS.install()
    with streams_that_never_fail():
        code = end_process(run_to_its_end(args))
    gc.freeze()  # the process ends: to look through all that is left takes as long as an import
    return code


def run_to_its_end(args: Sequence[str] | None) -> int:
    """Run one command line, and what is to follow its end; return the exit code."""
    code = answer(args)
    try:
        END.finish(code)
    except KeyboardInterrupt:
        print_error("stopped; not everything that was to follow the end was done")
    return code


def answer(args: Sequence[str] | None) -> int:
    """Do what a command line says, print what goes wrong, and return the exit code."""
    try:
        code = cli.main(args=args, prog_name=PROGRAM, standalone_mode=False)
        return int(code or ExitCode.OK)
    except _HELP_ASKED_FOR as error:
        print_error(error.format_message())
        return ExitCode.USAGE
    except click.ClickException as error:
        print_problem(*_usage_lines(error))
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt) as stop:
        after_prompt = "\n" if sys.stderr.isatty() else ""
        print_error("; ".join([f"{after_prompt}stopped", *stop.args]))
        return code_of_stop(SIGNALS.reason)
    except SystemExit as error:  # click: shell completion is done
        return int(error.code or ExitCode.OK)
    except Exception as error:  # noqa: BLE001 - the last resort, with its traceback
        return _report(error)


def _usage_lines(error: click.ClickException) -> tuple[str, ...]:
    """Return what is wrong with a command line, how it is written, and where to read on."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    usage = (context.get_usage(), f"Help: {context.command_path} --help") if context else ()
    return (
        *error.format_message().split("\n"),
        *usage,
        COMMAND_LINE.say(ErrorClass.INVALID_INPUT.see),
    )


def _report(error: BaseException) -> ExitCode:
    """Print on stderr what ``error`` means, and return its exit code."""
    if isinstance(error, S3XferError):
        print_refusal(error)
    else:
        print_error("".join(traceback.format_exception(error)) + _UNEXPECTED)
    return exit_code(error)
