"""The command ``interactive``: nothing is written before the answer yes, or ``--yes``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from s3_xfer.cli.conversation import Conversation
from s3_xfer.cli.copy import context_of, output_of, perform, print_end
from s3_xfer.cli.exit_codes import ExitCode, exit_code
from s3_xfer.cli.factory import operation_from
from s3_xfer.cli.follow import follow
from s3_xfer.cli.json_result import give_json, refusal_json, save_result
from s3_xfer.cli.options import interactive_options
from s3_xfer.cli.output import (
    Output,
    can_ask,
    print_error,
    print_lines,
    print_refusal,
    text_width,
)
from s3_xfer.cli.params import command
from s3_xfer.cli.questions import Answers, GoBack, confirm
from s3_xfer.cli.saved_jobs import JobCommand
from s3_xfer.cli.signals import SIGNALS
from s3_xfer.errors import S3XferError
from s3_xfer.ledger.result import CopyResult, RunState
from s3_xfer.options import ReportScope, RunMode
from s3_xfer.planning.cost import requests_of_checks
from s3_xfer.render.plan import plan_rows, question
from s3_xfer.render.summary import table_lines

if TYPE_CHECKING:
    from s3_xfer.operations import S3CopyOperation


HELP = """Copy SOURCE to DESTINATION after showing what will happen and asking.

    Asks for what is not given. Takes the same options as copy.

    \b
    Examples:
      s3-xfer interactive
      s3-xfer interactive --recursive s3://from/data/ s3://to/data/
    """


@command(
    HELP,
    "Copy after showing what will happen, and asking.",
    interactive_options,
    optional=True,
    cls=JobCommand,
)
def interactive(
    source: str | None, destination: str | None, *, yes: bool, **values: Any
) -> ExitCode:
    """Ask, show, confirm, copy."""
    if not (yes or can_ask()):
        raise click.UsageError("There is no terminal to ask on. Give --yes, or use copy.")
    if yes and not (source and destination):
        raise click.UsageError("With --yes, SOURCE and DESTINATION must be given.")
    if values["files_from"] == "-":
        raise click.UsageError("Stdin is for answers here. Give --files-from a file, or use copy.")
    given = {**values, "source": source, "destination": destination}
    try:
        if yes:
            return _count_and_copy(given, yes=True)
        return _converse(given)
    except click.Abort as abort:  # Ctrl-C or end of input at a question
        raise click.Abort("nothing was written") from abort


def _converse(given: Answers) -> ExitCode:
    """Ask, count and copy; what is refused before anything was written can be corrected."""
    conversation = Conversation(given)
    while True:
        answers = conversation.answers()
        try:
            return _count_and_copy(answers, yes=False)
        except GoBack:
            conversation.begin_again(answers)
        except S3XferError as refusal:
            SIGNALS.no_run()
            print_refusal(refusal)
            if not _wants_to_change():
                give_json(refusal_json(refusal), on_stdout=given["json"])
                return exit_code(refusal)
            conversation.begin_again(answers)


def _wants_to_change() -> bool:
    try:
        return confirm("Change the answers and try again?", default=True)
    except GoBack:
        return True


def _count_and_copy(values: Answers, *, yes: bool) -> ExitCode:
    source, destination = values["source"], values["destination"]
    operation = operation_from(source, destination, values)
    output = output_of(values)
    counted = count_first(operation, output)
    if counted.state is not RunState.COMPLETED or values["mode"] is RunMode.DRY_RUN:
        save_result(counted)
        context = replace(context_of(source, destination, values), dry_run=True)
        print_end(counted, operation, output, context)
        return exit_code(counted)
    SIGNALS.no_run()
    if not (output.quiet or output.json):
        _show_plan(operation, counted)
    if not yes and not confirm(question(counted)):
        print_error("nothing was written")
        return ExitCode.OK
    return perform(operation, output, context_of(source, destination, values))


def count_first(operation: S3CopyOperation, output: Output) -> CopyResult:
    """Return the end of a dry run of ``operation``, with the count shown as it grows."""
    options = replace(
        operation.options,
        mode=RunMode.DRY_RUN,
        report_path=None,
        report_scope=ReportScope.NOT_COPIED,
        journal=None,
    )
    keys = operation.key_maps()
    view = output.view(dry_run=True, route=(keys.source_url, keys.destination.url))
    return follow(replace(operation, options=options), view)


def _show_plan(operation: S3CopyOperation, counted: CopyResult) -> None:
    from s3_xfer.locations import principal_of  # noqa: PLC0415 - boto3 is slow to import

    keys = operation.key_maps()
    rows = plan_rows(
        source_url=keys.source_url,
        destination_url=keys.destination.url,
        source=operation.source,
        destination=operation.destination,
        principals={
            side: principal_of(account, side=side)
            for side, account in (
                ("source", operation.source),
                ("destination", operation.destination),
            )
            if side == "destination" or account.names_credentials
        },
        counted=counted,
        overwrite=operation.overwrite,
        requests=counted.planned_requests,
        checks=requests_of_checks(operation.options),
    )
    print_lines(table_lines(list(rows), width=text_width()))
