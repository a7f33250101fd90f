"""The commands ``copy`` and ``resume``: from a command line to a finished run and its exit code.

``interactive`` runs an operation the same way: start it, follow it, print its result. What is
copied, and everything that decides about the copies, is in the journal of a copy that is resumed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from s3_xfer.cli.end_of_run import END
from s3_xfer.cli.exit_codes import ExitCode, exit_code
from s3_xfer.cli.factory import (
    Values,
    account_from,
    catch_up_command,
    check_command,
    fields_from,
    operation_from,
    rerun_command,
)
from s3_xfer.cli.follow import follow
from s3_xfer.cli.json_result import save_result
from s3_xfer.cli.options import copy_options, resume_options, shard_options
from s3_xfer.cli.output import Output
from s3_xfer.cli.params import command
from s3_xfer.cli.several_sources import LocationsCommand
from s3_xfer.cli.wording import COMMAND_LINE
from s3_xfer.ledger.result import CopyResult
from s3_xfer.model import AccountContext
from s3_xfer.options import CopyOptions, RunMode
from s3_xfer.render.context import Context
from s3_xfer.spec import CopySpec
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
      A job that was saved in s3_xfer.toml (docs/how-to/saved-jobs.md):
        s3-xfer copy @nightly
    """

RESUME_HELP = """Go on with a copy from the journal that --journal wrote: a file, or s3://BUCKET/KEY.

    The listing continues where it was, finished objects are not copied again, failed ones are tried
    again, and large objects continue with their missing parts. Both locations and everything that
    decides about the copies are in the journal; the options below may differ from those of the
    first run. External ids are not in it: give them again.

    \b
    Exit status: that of the copy; 0 as well if nothing was left to do.

    \b
    Examples:
      s3-xfer copy --recursive --journal copy.db s3://from/data/ s3://to/data/
      s3-xfer resume copy.db
      s3-xfer resume --concurrency 32 --report r.jsonl copy.db
    """

_CODES = "\n".join(f"  {code.value:>3}  {code.meaning}" for code in ExitCode)
EXIT_HELP = f"\b\nExit status:\n{_CODES}"


class CopyCommand(LocationsCommand):
    """Takes either two locations, or a plan and a shard of it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; what belongs together has to be there."""
        rest = super().parse_args(ctx, args)
        if ctx.resilient_parsing:  # for completion
            return rest
        given = {name for name, value in ctx.params.items() if value is not None}
        if given & {"plan", "shard"}:
            if not given >= {"plan", "shard"}:
                raise click.UsageError("--plan and --shard belong together.", ctx)
            if "source" in given:
                text = "The plan says what is copied: leave out SOURCE and DESTINATION."
                raise click.UsageError(text, ctx)
            return rest
        for param in self.params:
            if isinstance(param, click.Argument) and param.name not in given:
                hint = f"'{str(param.name).upper()}'"
                raise click.MissingParameter(ctx=ctx, param=param, param_hint=hint)
        return rest


@command(
    COPY_HELP,
    "Copy one object, or everything under a prefix.",
    (*shard_options, *copy_options),
    optional=True,
    cls=CopyCommand,
    epilog=EXIT_HELP,
)
def copy(
    source: str | None,
    destination: str | None,
    *,
    plan: str | None,
    shard: str | None,
    **values: Any,
) -> ExitCode:
    """Copy without asking."""
    if plan and shard:
        from s3_xfer.cli.shards import copy_shard  # noqa: PLC0415 - it imports this module

        return copy_shard(plan, shard, values)
    assert source and destination  # noqa: S101, PT018 - parsed
    output = output_of(values)
    operation = operation_from(source, destination, values)
    return perform(operation, output, context_of(source, destination, values))


@command(
    RESUME_HELP,
    "Go on with a copy where its journal stops.",
    resume_options,
    arguments=("journal",),
    epilog=EXIT_HELP,
)
def resume(journal: str, **values: Any) -> ExitCode:
    """Resume without asking."""
    output = output_of(values)
    return _resume(journal, values, output)


def _resume(journal: str, values: Values, output: Output) -> ExitCode:
    source_of, default = click.get_current_context().get_parameter_source, ParameterSource.DEFAULT
    given = {name: value for name, value in values.items() if source_of(name) is not default}
    from s3_xfer.operations import S3CopyOperation  # noqa: PLC0415 - boto3 is slow to import

    operation = S3CopyOperation.resume(
        journal,
        source=_account(values, "source"),
        destination=_account(values, "dest"),
        source_external_id=values["source_external_id"],
        destination_external_id=values["dest_external_id"],
        batch_size=given.get("batch_size"),
        **fields_from(CopyOptions, given),
    )
    keys = operation.key_maps()
    context = Context(
        source_url=keys.source_url,
        destination_url=keys.destination.url,
        verbose=values["verbose"],
        destination=operation.destination,
        wording=COMMAND_LINE,
    )
    return perform(operation, output, context)


def _account(values: Values, side: str) -> AccountContext:
    """Return the account of ``side``; an external id without a role is for the journal's role."""
    role = values[f"{side}_role_arn"]
    external_id = values[f"{side}_external_id"] if role else None
    return account_from({**values, f"{side}_external_id": external_id}, side)


def output_of(values: Values) -> Output:
    """Return how much is to be printed."""
    return Output(**{name: values[name] for name in ("progress", "json", "quiet", "verbose")})


def context_of(
    source: str, destination: str, values: Values, *, of: click.Command | None = None
) -> Context:
    """Return what the summary shows besides the result of the command ``of``, by default copy."""
    is_copy = "mode" in values
    return Context(
        source_url=printable(source),
        destination_url=printable(destination),
        dry_run=values.get("mode") is RunMode.DRY_RUN,
        verbose=values["verbose"],
        rerun=rerun_command(of or copy, source, destination, values),
        check=check_command(_check_params(), source, destination, values) if is_copy else None,
        catch_up=catch_up_command(copy, source, destination, values) if is_copy else None,
        destination=account_from(values, "dest"),
        wording=COMMAND_LINE,
    )


def _check_params() -> list[click.Parameter]:
    from s3_xfer.cli.check import check  # noqa: PLC0415 - it imports this module

    return check.params


def perform(operation: S3CopyOperation, output: Output, context: Context) -> ExitCode:
    """Run ``operation`` to its end, print its result, and return the exit code.

    Raises:
        S3XferError: the run was refused; nothing was written.
    """
    dry_run = operation.options.mode is RunMode.DRY_RUN
    keys = operation.key_maps()
    route = (keys.source_url, keys.destination.url)
    view = output.view(dry_run=dry_run, route=route)
    is_single = len(keys) == 1 and not operation.is_of_prefix
    context = replace(context, source_url=route[0], destination_url=route[1], is_single=is_single)
    result = follow(
        operation,
        view,
        failures_shown=output.failures_shown,
        keep=save_result,
    )
    print_end(result, operation, output, context)
    return exit_code(result)


def print_end(result: CopyResult, spec: CopySpec, output: Output, context: Context) -> None:
    """Print the result of a copy, and write its page."""
    output.print_result(result, context)

    def page() -> str:
        from s3_xfer.render.html.copies import copy_page  # noqa: PLC0415 - for few runs

        return copy_page(result, spec, context)

    END.write_page(page)
