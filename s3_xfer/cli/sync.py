"""The command ``sync``: bring a prefix up to date at the destination.

Nothing is deleted that was not confirmed: what a dry run finds is shown, and exactly that is
deleted, or nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from s3_xfer.cli.copy import EXIT_HELP, context_of, output_of, perform, print_end
from s3_xfer.cli.exit_codes import ExitCode, exit_code
from s3_xfer.cli.factory import operation_from
from s3_xfer.cli.interactive import count_first
from s3_xfer.cli.json_result import save_result
from s3_xfer.cli.options import sync_options
from s3_xfer.cli.output import Output, can_ask, discard_input, print_error
from s3_xfer.cli.params import command
from s3_xfer.cli.several_sources import LocationsCommand
from s3_xfer.cli.signals import SIGNALS
from s3_xfer.ledger.result import RunState
from s3_xfer.options import Delete, RunMode
from s3_xfer.planning.delete_plan import DeletePlan
from s3_xfer.render.context import Context
from s3_xfer.text import s3_url
from s3_xfer.units import format_size, plural

if TYPE_CHECKING:
    from s3_xfer.operations import S3CopyOperation

SYNC_HELP = """Copy what is new or different under SOURCE to DESTINATION, and leave the rest alone.

    Both are prefixes: s3://BUCKET/PREFIX/, or whole buckets. Both are listed, and compared a
    thousand objects at a time; S3 is asked about single objects only where sizes agree and ETags
    prove nothing. What cannot be compared is copied, and counted.

    With --delete, what only DESTINATION has is deleted once everything was copied: never after an
    error, never what the filters leave out, never more than --max-delete. It is shown first, and
    confirmed on a terminal; elsewhere --yes is needed.

    \b
    Examples:
      s3-xfer sync --dest-profile us s3://from/data/ s3://to/data/
      Look first at what would be deleted:
        s3-xfer sync --dest-profile us s3://from/data/ s3://to/data/ \\
            --delete --dry-run
    """


class SyncCommand(LocationsCommand):
    """Always copies everything that is new or different."""

    implied = ("recursive", "skip_identical")


@command(
    SYNC_HELP,
    "Copy what is new or different under a prefix.",
    sync_options,
    epilog=EXIT_HELP,
    cls=SyncCommand,
)
def sync(source: str, destination: str, *, yes: bool, **values: Any) -> ExitCode:
    """Sync; ask before anything is deleted."""
    output = output_of(values)
    operation = operation_from(source, destination, values, is_sync=True)
    context = context_of(source, destination, values, of=sync)
    deletes = operation.options.delete is Delete.EXTRA
    if not deletes or yes or operation.options.mode is RunMode.DRY_RUN:
        return perform(operation, output, context)
    if not can_ask():
        raise click.UsageError(
            "There is no terminal to confirm the deletes on. Give --yes, or look with "
            "--dry-run first."
        )
    return _ask_and_perform(operation, output, context)


def _ask_and_perform(operation: S3CopyOperation, output: Output, context: Context) -> ExitCode:
    counted = count_first(operation, output)
    plan = counted.delete_plan
    if counted.state is not RunState.COMPLETED or plan is None:
        save_result(counted)
        print_end(counted, operation, output, replace(context, dry_run=True))
        return exit_code(counted)
    SIGNALS.no_run()
    if plan.is_too_much:
        print_error(
            f"{plural(plan.count, 'object')} would be deleted, and {plan.allowed:,} may be "
            "(--max-delete); nothing was written"
        )
        return ExitCode.TOO_MANY_DELETES
    if plan.count and not _confirm(plan, operation.key_map().destination.bucket):
        print_error("nothing was written")
        return ExitCode.OK
    return perform(replace(operation, confirmed_deletes=plan.fingerprint), output, context)


def _confirm(plan: DeletePlan, bucket: str) -> bool:
    """Show what would be deleted, and ask."""
    print_error(
        f"To be deleted: {plural(plan.count, 'object')} of {plan.of_objects:,}, "
        f"{format_size(plan.size_bytes)}; {plan.effect}"
    )
    for key in plan.examples:
        print_error(f"  {s3_url(bucket, key)}")
    if plan.count > len(plan.examples):
        print_error("  ...")
    discard_input()
    try:
        return click.confirm(f"Delete {plural(plan.count, 'object')}?", err=True)
    except click.Abort as abort:
        raise click.Abort("nothing was written") from abort
