"""The command ``sync``: bring a prefix up to date at the destination."""

from __future__ import annotations

from typing import Any

from s3_xfer.cli.copy import EXIT_HELP, context_of, output_of, perform
from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.factory import operation_from
from s3_xfer.cli.options import sync_options
from s3_xfer.cli.params import command

SYNC_HELP = """Copy what is new or different under SOURCE to DESTINATION, and leave the rest alone.

    Both are prefixes: s3://BUCKET/PREFIX/, or whole buckets. Both are listed, and compared a
    thousand objects at a time; S3 is asked about single objects only where sizes agree and ETags
    prove nothing. What cannot be compared is copied, and counted.

    \b
    Examples:
      s3-xfer sync --dest-profile us s3://from/data/ s3://to/data/
      Look first:
        s3-xfer sync --dest-profile us s3://from/data/ s3://to/data/ --dry-run
    """


@command(SYNC_HELP, "Copy what is new or different under a prefix.", sync_options, epilog=EXIT_HELP)
def sync(source: str, destination: str, **values: Any) -> ExitCode:
    """Sync without asking."""
    output = output_of(values)
    with output.printing_refusals():
        operation = operation_from(source, destination, values, is_sync=True)
        return perform(operation, output, context_of(source, destination, values, of=sync))
