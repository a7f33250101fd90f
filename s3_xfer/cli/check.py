"""The command ``check``: compare the destination with what a copy would have made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from s3_xfer.cli.copy import context_of, output_of
from s3_xfer.cli.end_of_run import END
from s3_xfer.cli.exit_codes import ExitCode, exit_code
from s3_xfer.cli.factory import Values, fields_from, locations_from, options_from
from s3_xfer.cli.follow import follow
from s3_xfer.cli.json_result import print_json, save_result
from s3_xfer.cli.options import check_options
from s3_xfer.cli.output import (
    Output,
    print_error,
    print_lines,
    text_width,
)
from s3_xfer.cli.params import command
from s3_xfer.cli.several_sources import LocationsCommand
from s3_xfer.cli.wording import COMMAND_LINE
from s3_xfer.ledger.comparison import CheckResult
from s3_xfer.render.context import Context
from s3_xfer.spec import CheckSpec

if TYPE_CHECKING:
    from s3_xfer.operations import S3CheckOperation

CHECK_HELP = """Compare SOURCE with DESTINATION, as a copy would have made it; write nothing.

    Give the locations and credentials of the copy. Both listings are read side by side: objects are
    missing, different, extra, or the same, which means proven by ETag. What has the same size and
    ETags that cannot be compared (parts, KMS) is counted by itself; with --fail-on same-size it is
    a difference.

    \b
    Exit status: 0 no difference, 5 differences,
    1 some objects could not be compared; else as copy.

    \b
    Examples:
      s3-xfer check --recursive --source-profile prod --dest-profile backup \\
          s3://from/data/ s3://to/data/
      Find what is missing or different, and copy it:
        s3-xfer check --recursive s3://from/data/ s3://to/data/ --report c.jsonl
        s3-xfer copy --recursive s3://from/data/ s3://to/data/ \\
            --from-report c.jsonl
    """


@command(
    CHECK_HELP,
    "Compare both sides, and list what is missing or different.",
    check_options,
    cls=LocationsCommand,
)
def check(source: str, destination: str, **values: Any) -> ExitCode:
    """Compare, and print the result."""
    from s3_xfer.render.check import check_line  # noqa: PLC0415 - slow to import
    from s3_xfer.render.check_frame import check_frame  # noqa: PLC0415

    output = output_of(values)
    operation = _operation(source, destination, values)
    keys = operation.key_maps()
    route = (keys.source_url, keys.destination.url)
    view = output.view(route=route, line=check_line, draw=check_frame)
    result = follow(
        operation,
        view,
        failures_shown=output.failures_shown,
        keep=save_result,
    )
    context = replace(
        context_of(source, destination, values), source_url=route[0], destination_url=route[1]
    )
    _print(result, output, context)

    def page() -> str:
        from s3_xfer.render.html.checks import check_page  # noqa: PLC0415 - for few runs

        return check_page(result, operation, context)

    END.write_page(page)
    return exit_code(result)


def _operation(source_url: str, destination_url: str, values: Values) -> S3CheckOperation:
    from s3_xfer.operations import S3CheckOperation  # noqa: PLC0415 - slow to import

    source, destination = locations_from(source_url, destination_url, values)
    return S3CheckOperation.between(
        source, destination, options=options_from(values), **fields_from(CheckSpec, values)
    )


def _print(result: CheckResult, output: Output, context: Context) -> None:
    from s3_xfer.render.check import summarize_check  # noqa: PLC0415 - slow to import
    from s3_xfer.render.summary import summary_lines  # noqa: PLC0415

    summary = summarize_check(replace(result, notes=()), context)  # printed while it lasted
    if output.json:
        print_json(COMMAND_LINE.say_all(result.to_dict()))
    elif not output.quiet:
        print_lines(summary_lines(summary, width=text_width()))
    if output.quiet and (not result.no_difference or result.totals.not_proven):
        print_error("\n".join([summary.headline, *summary.diagnosis]))
