"""The program ``s3-xfer``: its commands, and the one place where errors become words and codes.

Imports neither boto3 nor rich, so that ``--help`` and ``--version`` answer at once. Refuses to
hide anything: what has no name here is printed with its traceback.
"""

from __future__ import annotations

import gc
import sys
import traceback
from collections.abc import Sequence

import click

from s3_xfer.cli.checking import check
from s3_xfer.cli.copying import copy
from s3_xfer.cli.doctor import doctor
from s3_xfer.cli.exit_codes import ExitCode, exit_code
from s3_xfer.cli.interactive import interactive
from s3_xfer.cli.params import SuggestingGroup
from s3_xfer.cli.policy import policy
from s3_xfer.cli.resuming import resume
from s3_xfer.cli.runbook import runbook
from s3_xfer.cli.running import leave
from s3_xfer.cli.streams import accept_any_character, discard, tell
from s3_xfer.cli.uploads import uploads
from s3_xfer.errors import ErrorClass, S3XferError
from s3_xfer.text import printable
from s3_xfer.version import VERSION

# Workers give up the interpreter at every request anyway; forcing them to every 5 ms, Python's
# default, costs a tenth of the throughput (benchmarks/run.py).
SWITCH_INTERVAL_S = 0.05
# Hundreds of copies under way are thousands of objects that live on: looking for cycles among them
# after every 700 new ones, as Python does, is a tenth of the processor's work.
GC_THRESHOLDS = (20_000, 20, 50)
_UNEXPECTED = (
    "Unexpected error. Please report it with the traceback above and the command line.\n"
    + ErrorClass.UNEXPECTED.see
)
# How newer versions of click show the help of a group that was given nothing.
_HELP_ASKED_FOR = getattr(click.exceptions, "NoArgsIsHelpError", ())

HELP = """Copy S3 objects between AWS accounts: server-side, verified, fully accounted.

    \b
    Examples:
      s3-xfer copy s3://from/data/a.csv s3://to/data/a.csv
      s3-xfer copy --recursive --dest-profile us s3://from/data/ s3://to/data/
      s3-xfer resume copy.db
      s3-xfer check --recursive --dest-profile us s3://from/data/ s3://to/data/
      s3-xfer interactive
      s3-xfer doctor --recursive --dest-profile us s3://from/data/ s3://to/data/
      s3-xfer uploads --dest-profile us s3://to/data/
      s3-xfer policy --recursive --dest-profile us s3://from/data/ s3://to/data/
      s3-xfer runbook access-denied
    """


@click.group(cls=SuggestingGroup, help=HELP, context_settings={"max_content_width": 100})
@click.version_option(VERSION, prog_name="s3-xfer")
def cli() -> None:
    """Hold the commands together."""


cli.add_command(check)
cli.add_command(copy)
cli.add_command(doctor)
cli.add_command(interactive)
cli.add_command(policy)
cli.add_command(resume)
cli.add_command(runbook)
cli.add_command(uploads)


def main(args: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code; nothing is raised, whatever happens.

    May end the process itself where a stuck thread would keep it alive.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.set_threshold(*GC_THRESHOLDS)
    return leave(_guarded(args))


def _guarded(args: Sequence[str] | None) -> int:
    accept_any_character()
    try:
        code = cli.main(args=args, prog_name="s3-xfer", standalone_mode=False)
        sys.stdout.flush()
        return int(code or ExitCode.OK)
    except click.ClickException as error:
        error.show()
        if not isinstance(error, _HELP_ASKED_FOR):
            tell(ErrorClass.INVALID_INPUT.see)
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        tell("stopped")
        return ExitCode.INTERRUPTED
    except SystemExit as error:  # click: shell completion is done, or the reader went away
        return ExitCode.OK if error.code == 0 else _explained(error)
    except Exception as error:  # noqa: BLE001 - the last resort, and it tells all
        return _explained(error)


def _explained(error: BaseException) -> ExitCode:
    """Tell on stderr what ``error`` means, and return its exit code."""
    if _reader_is_gone(error):
        discard(sys.stdout)
        return ExitCode.OUTPUT_CLOSED
    if isinstance(error, S3XferError):
        tell(f"error: {printable_lines(str(error))}")
    else:
        tell("".join(traceback.format_exception(error)) + _UNEXPECTED)
    return exit_code(error)


def _reader_is_gone(error: BaseException) -> bool:
    """Return whether this is a closed pipe, which click may answer by an exit of its own."""
    return isinstance(error, (BrokenPipeError, SystemExit))


def printable_lines(text: str) -> str:
    """Return ``text`` safe to print, its line breaks kept."""
    return "\n".join(printable(line) for line in text.split("\n"))
