"""The command ``interactive``: nothing is written before the answer yes, or ``--yes``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from s3_xfer.cli.copy import context_of, output_of, perform
from s3_xfer.cli.exit_codes import ExitCode, exit_code
from s3_xfer.cli.factory import operation_from
from s3_xfer.cli.follow import follow
from s3_xfer.cli.json_result import save_result
from s3_xfer.cli.options import interactive_options
from s3_xfer.cli.output import Output, can_ask, print_error, print_lines, text_width
from s3_xfer.cli.params import command
from s3_xfer.cli.signals import SIGNALS
from s3_xfer.cli.wording import COMMAND_LINE
from s3_xfer.errors import ValidationError
from s3_xfer.ledger.result import CopyResult, RunState
from s3_xfer.model import S3Location
from s3_xfer.options import ReportScope, RunMode
from s3_xfer.render.plan import plan_rows, question
from s3_xfer.render.summary import table_lines
from s3_xfer.text import printable

if TYPE_CHECKING:
    from s3_xfer.operations import S3CopyOperation

Answers = dict[str, Any]

HELP = """Copy SOURCE to DESTINATION after showing what will happen and asking.

    Asks for what is not given. Takes the same options as copy.

    \b
    Examples:
      s3-xfer interactive
      s3-xfer interactive --recursive s3://from/data/ s3://to/data/
    """


@command(
    HELP, "Copy after showing what will happen, and asking.", interactive_options, optional=True
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
    try:
        source = _ask_location("Copy from", source)
        destination = _ask_location("Copy to", destination)
        if not yes:
            values |= _ask_rest(source, values)
        return _count_and_copy(source, destination, values, yes=yes)
    except click.Abort as abort:  # Ctrl-C or end of input at a question
        raise click.Abort("nothing was written") from abort


def _count_and_copy(source: str, destination: str, values: Answers, *, yes: bool) -> ExitCode:
    operation = operation_from(source, destination, values)
    output = output_of(values)
    counted = count_first(operation, output)
    if counted.state is not RunState.COMPLETED or values["mode"] is RunMode.DRY_RUN:
        save_result(counted)
        output.print_result(counted, replace(context_of(source, destination, values), dry_run=True))
        return exit_code(counted)
    SIGNALS.no_run()
    if not (output.quiet or output.json):
        _show_plan(operation, source, destination, counted)
    if not yes and not click.confirm(question(counted), err=True):
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
    keys = operation.key_map()
    view = output.view(dry_run=True, route=(keys.source.url, keys.destination.url))
    return follow(replace(operation, options=options), view)


def _show_plan(
    operation: S3CopyOperation, source: str, destination: str, counted: CopyResult
) -> None:
    rows = plan_rows(
        source_url=source,
        destination_url=destination,
        source=operation.source,
        destination=operation.destination,
        counted=counted,
        overwrite=operation.overwrite,
        requests=counted.planned_requests,
    )
    print_lines(table_lines(list(rows), width=text_width()))


def _ask_location(prompt: str, given: str | None) -> str:
    """Return an S3 URL: the one given, or one that is asked for until it is valid."""
    if given:
        S3Location.parse(given)
        return given
    while True:
        answer: str = click.prompt(f"{prompt} (s3://BUCKET/KEY or s3://BUCKET/PREFIX/)", err=True)
        try:
            S3Location.parse(answer.strip())
        except ValidationError as error:
            say = COMMAND_LINE.say
            print_error(printable(f"{say(error.problem)}; {say(error.remedy)}."))
        else:
            return answer.strip()


def _ask_rest(source: str, values: Mapping[str, Any]) -> Answers:
    """Return answers to what the command line left open."""
    answers: Answers = {}
    key = S3Location.parse(source).key
    if (not key or key.endswith("/")) and not values["recursive"]:
        answers["recursive"] = click.confirm(
            f"Copy everything under {printable(source)}?", default=True, err=True
        )
    return answers | _ask_profiles(values)


def _ask_profiles(values: Mapping[str, Any]) -> Answers:
    """Return the profiles to use; asks only if no option names credentials."""
    credentials = ("source_profile", "source_role_arn", "dest_profile", "dest_role_arn")
    from botocore.session import Session  # noqa: PLC0415 - slow to import

    known = sorted(Session().available_profiles)
    if any(values[name] for name in credentials) or not known:
        return {}
    print_error(f"Profiles configured here: {printable(', '.join(known))}")
    return {
        "dest_profile": _ask_profile("Profile for the destination (makes the copy)", known),
        "source_profile": _ask_profile("Profile for the source (lists)", known),
    }


def _ask_profile(prompt: str, known: list[str]) -> str | None:
    while True:
        answer: str = click.prompt(
            f"{prompt}, Enter for the default", default="", show_default=False, err=True
        )
        if not answer or answer in known:
            return answer or None
        print_error(f"There is no profile {printable(answer)!r}.")
