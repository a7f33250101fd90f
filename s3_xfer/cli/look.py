"""The commands ``ls`` and ``du``: what is at one side, to see whether it is the right place."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.factory import Values, account_from, options_from
from s3_xfer.cli.json_result import give_json, print_json, refusals_as_json
from s3_xfer.cli.options import Side, du_options, ls_options
from s3_xfer.cli.output import Output, print_error, print_line, print_lines, text_width
from s3_xfer.cli.params import command
from s3_xfer.cli.streams import nobody_reads
from s3_xfer.declarations import declarations_of
from s3_xfer.errors import ValidationError
from s3_xfer.ledger.metrics import MetricsCollector
from s3_xfer.ledger.rate import RateMeter
from s3_xfer.model import AccountContext, S3Location, S3Object
from s3_xfer.render.progress import Phase

if TYPE_CHECKING:
    from s3_xfer.contents import Contents, Usage

LS_HELP = """List what is at LOCATION, s3://BUCKET/PREFIX/: date, size, storage class and key.

    One level, and the prefixes in it; with --recursive everything. With the credentials of the
    side whose options are given, --source-... or --dest-...: what a copy would see there. With
    --json a line for each.

    \b
    Examples:
      s3-xfer ls --source-profile them s3://from/data/
      s3-xfer ls -r --dest-profile us s3://to/data/ --newer-than 1d
    """

DU_HELP = """Add up what is under LOCATION, s3://BUCKET/PREFIX/: objects and sizes by storage class.

    With the credentials of the side whose options are given, --source-... or --dest-...: what a
    copy would see there.

    \b
    Examples:
      s3-xfer du --source-profile them s3://from/data/
      s3-xfer du --dest-profile us s3://to/ --include '*.csv'
    """

_POLL_S = 0.125


@command(LS_HELP, "List what is at one side.", ls_options, arguments=("location",))
def ls(location: str, **values: Any) -> ExitCode:
    """Print each object and prefix when it was listed."""
    from s3_xfer.contents import entry_dict  # noqa: PLC0415 - boto3 is slow to import
    from s3_xfer.render.contents import entries_total, entry_line  # noqa: PLC0415

    output = Output(json=values["json"])
    objects = size_bytes = prefixes = 0
    with refusals_as_json(wanted=output.json):
        contents = _contents(location, values, MetricsCollector("ls"))
        for entry in contents.entries(recursive=values["recursive"]):
            if isinstance(entry, S3Object):
                objects, size_bytes = objects + 1, size_bytes + entry.size
            else:
                prefixes += 1
            if output.json:
                print_json(entry_dict(entry))
            else:
                print_line(entry_line(entry))
            if nobody_reads(sys.stdout):
                return ExitCode.OK
    if sys.stdout.isatty() and not output.json:
        print_error(entries_total(objects, size_bytes, prefixes))
    return ExitCode.OK


@command(DU_HELP, "Add up what is at one side.", du_options, arguments=("location",))
def du(location: str, **values: Any) -> ExitCode:
    """Print the sums when everything was listed."""
    from s3_xfer.render.contents import usage_rows  # noqa: PLC0415 - slow to import
    from s3_xfer.render.summary import table_lines  # noqa: PLC0415

    output = Output(json=values["json"], quiet=values["quiet"], progress=values["progress"])
    counter = MetricsCollector("du")
    usage = _followed(_contents(location, values, counter), counter, output)
    give_json(usage.to_dict(), on_stdout=output.json)
    if not output.json:
        print_lines(table_lines(list(usage_rows(usage)), width=text_width()))
    return ExitCode.OK


def _followed(contents: Contents, counter: MetricsCollector, output: Output) -> Usage:
    """Return the sums, and show them as they grow."""
    meter, shown_s = RateMeter(), time.monotonic()
    with output.view(dry_run=True) as view:
        for usage in contents.usage():  # noqa: B007 - the last one is the result
            if time.monotonic() - shown_s >= _POLL_S:
                shown_s, metrics = time.monotonic(), counter.snapshot()
                view.update(Phase.LISTING, metrics, meter.observe(metrics))
    return usage


def _contents(url: str, values: Values, counter: MetricsCollector) -> Contents:
    from s3_xfer.contents import Contents  # noqa: PLC0415 - boto3 is slow to import

    side = values["side"] or _side_of(values)
    account = account_from(values, "source" if side is Side.SOURCE else "dest")
    location = S3Location.parse(url, account=account)
    return Contents(location, options_from(values), side=side.value, counter=counter)


def _side_of(values: Values) -> Side:
    """Return the side whose options are given; the destination if neither's are, as in a copy.

    Raises:
        ValidationError: both sides' are.
    """
    given = {
        side
        for side in ("source", "dest")
        if any(values.get(f"{side}_{name}") for name in declarations_of(AccountContext))
    }
    if len(given) > 1:
        raise ValidationError(
            "options of both sides are given, and one side is looked at",
            remedy="leave out those of the other side, or add --side",
        )
    return Side.SOURCE if "source" in given else Side.DESTINATION
