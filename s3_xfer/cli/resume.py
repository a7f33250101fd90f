"""The command ``resume``: go on with a copy from its journal.

What is copied, and everything that decides about the copies, is in the journal; the other options
can be given here.
"""

from __future__ import annotations

from typing import Any

import click

from s3_xfer.cli.copy import EXIT_HELP, output_of, perform
from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.factory import Values, account_from, fields_from
from s3_xfer.cli.options import resume_options
from s3_xfer.cli.params import SectionedCommand
from s3_xfer.model import AccountContext
from s3_xfer.options import CopyOptions
from s3_xfer.render.summary import Context

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


@click.command(
    cls=SectionedCommand,
    help=RESUME_HELP,
    short_help="Go on with a copy where its journal stops.",
    epilog=EXIT_HELP,
)
@click.argument("journal")
@resume_options
def resume(journal: str, **values: Any) -> ExitCode:
    """Resume without asking."""
    ctx = click.get_current_context()
    given = {
        name: value
        for name, value in values.items()
        if ctx.get_parameter_source(name) is not _DEFAULT
    }
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
    keys = operation.key_map()
    context = Context(
        source_url=keys.source.url,
        destination_url=keys.destination.url,
        verbose=values["verbose"],
        destination=operation.destination,
    )
    return perform(operation, output_of(values), context)


_DEFAULT = click.core.ParameterSource.DEFAULT


def _account(values: Values, side: str) -> AccountContext:
    """Return the account of ``side``; an external id without a role is for the journal's role."""
    role = values[f"{side}_role_arn"]
    external_id = values[f"{side}_external_id"] if role else None
    return account_from({**values, f"{side}_external_id": external_id}, side)
