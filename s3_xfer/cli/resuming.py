"""The command ``resume``: go on with a copy from its journal.

What is copied, and how objects end up, stands in the journal and cannot be given here; everything
else can. Refuses nothing by itself: the journal does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from s3_xfer.cli import building
from s3_xfer.cli.copying import EXIT_HELP, output_of, perform
from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.options.copying import resume_options
from s3_xfer.cli.params import SectionedCommand
from s3_xfer.model import AccountContext
from s3_xfer.options import Identical, Preflight, ReportScope
from s3_xfer.render.summary import Context

RESUME_HELP = """Go on with a copy from the journal that --journal wrote: a file, or s3://BUCKET/KEY.

    The listing goes on where it was, what is finished is not copied again, what failed is tried
    again, and large objects go on with their missing parts. Both places and everything that decides
    about the copies is in the journal; the options below may differ from those of the first run.
    External ids are not in it, give them again.

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
    given = {name for name in values if ctx.get_parameter_source(name) is not _DEFAULT}
    from s3_xfer.operations import S3CopyOperation  # noqa: PLC0415 - boto3 is slow to import

    operation = S3CopyOperation.resume(
        journal,
        source=_account(values, "source"),
        destination=_account(values, "dest"),
        source_external_id=values["source_external_id"],
        destination_external_id=values["dest_external_id"],
        batch_size=values["batch_size"] if "batch_size" in given else None,
        **_changes(values, given),
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


def _account(values: Mapping[str, Any], side: str) -> AccountContext:
    """Return what was said about ``side``; an external id may belong to the journal's role."""
    role = values[f"{side}_role_arn"]
    external_id = values[f"{side}_external_id"] if role else None
    return building.account({**values, f"{side}_external_id": external_id}, side)


def _changes(values: Mapping[str, Any], given: set[str]) -> dict[str, Any]:
    """Return the fields of CopyOptions that were given."""
    fields = {
        "concurrency": ("concurrency", values["concurrency"]),
        "engine": ("engine", values["engine"]),
        "listing_threads": ("listing_threads", values["listing_threads"]),
        "retries": ("retries", values["retries"]),
        "retry_delay": ("retry_delay_s", values["retry_delay"]),
        "read_timeout": ("read_timeout_s", values["read_timeout"]),
        "max_failures": ("max_failures", values["max_failures"]),
        "max_error_rate": ("max_error_rate_percent", values["max_error_rate"]),
        "max_requests_per_second": ("max_requests_per_s", values["max_requests_per_second"]),
        "deadline": ("deadline", values["deadline"]),
        "no_preflight": ("preflight", Preflight.SKIP),
        "skip_identical": ("identical", Identical.SKIP),
        "report": ("report_path", values["report"]),
        "report_all": ("report_scope", ReportScope.ALL),
        "prices": ("prices_path", values["prices"]),
    }
    return dict(fields[name] for name in sorted(given & fields.keys()))
