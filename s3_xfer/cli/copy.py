"""The command ``copy``: from a command line to a finished run and its exit code.

``interactive`` and ``resume`` run an operation the same way: start it, follow it, print its result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from s3_xfer.cli.exit_codes import ExitCode, exit_code
from s3_xfer.cli.factory import Values, account_from, operation_from, rerun_command
from s3_xfer.cli.follow import follow
from s3_xfer.cli.options import copy_options
from s3_xfer.cli.output import Output
from s3_xfer.cli.params import SectionedCommand
from s3_xfer.options import RunMode
from s3_xfer.render.summary import Context
from s3_xfer.text import printable

if TYPE_CHECKING:
    from s3_xfer.operations import S3CopyOperation

COPY_HELP = """Copy SOURCE to DESTINATION, both s3://BUCKET/KEY, inside S3.

    The bytes never pass through this machine. The destination's credentials make the copy; the
    source's, where given, list objects and read their metadata.

    \b
    Examples:
      One object:
        s3-xfer copy s3://from/data/a.csv s3://to/data/a.csv
      Everything under a prefix, into another account:
        s3-xfer copy --recursive --source-profile them --dest-profile us \\
            s3://from/data/ s3://to/data/
      Look first, then copy with a report, then only what is missing:
        s3-xfer copy --recursive s3://from/data/ s3://to/data/ --dry-run
        s3-xfer copy --recursive s3://from/data/ s3://to/data/ --report r.jsonl
        s3-xfer copy --recursive s3://from/data/ s3://to/data/ \\
            --from-report r.jsonl --report r-2.jsonl
    """

_CODES = "\n".join(f"  {code.value:>3}  {code.meaning}" for code in ExitCode)
EXIT_HELP = f"\b\nExit status:\n{_CODES}"


@click.command(
    cls=SectionedCommand,
    help=COPY_HELP,
    short_help="Copy one object, or everything under a prefix.",
    epilog=EXIT_HELP,
)
@click.argument("source")
@click.argument("destination")
@copy_options
def copy(source: str, destination: str, **values: Any) -> ExitCode:
    """Copy without asking."""
    operation = operation_from(source, destination, values)
    return perform(operation, output_of(values), context_of(source, destination, values))


def output_of(values: Values) -> Output:
    """Return how much is to be printed."""
    return Output(
        progress=values["progress"],
        json=values["json"],
        quiet=values["quiet"],
        verbose=values["verbose"],
    )


def context_of(source: str, destination: str, values: Values) -> Context:
    """Return what the summary shows besides the result."""
    return Context(
        source_url=printable(source),
        destination_url=printable(destination),
        dry_run=values["mode"] is RunMode.DRY_RUN,
        verbose=values["verbose"],
        rerun=rerun_command(copy, source, destination, values),
        destination=account_from(values, "dest"),
    )


def perform(operation: S3CopyOperation, output: Output, context: Context) -> ExitCode:
    """Run ``operation`` to its end, print its result, and return the exit code.

    Raises:
        S3XferError: the run was refused; nothing was written.
    """
    run = operation.start()
    dry_run = operation.options.mode is RunMode.DRY_RUN
    follow(run, output.view(dry_run=dry_run), failures_shown=output.failures_shown)
    result = run.result()
    output.result(result, context)
    return exit_code(result)
