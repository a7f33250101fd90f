"""The command ``check``: is what is at the destination what was to be copied.

Takes the places and credentials of the copy, asks nothing and writes nothing but the report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from s3_xfer.cli import building
from s3_xfer.cli.copying import copy, output_of
from s3_xfer.cli.exit_codes import ExitCode, exit_code_of_check
from s3_xfer.cli.options.checking import check_options
from s3_xfer.cli.output import Output, print_lines, text_width
from s3_xfer.cli.params import SectionedCommand
from s3_xfer.cli.running import follow
from s3_xfer.cli.streams import if_anybody_reads, say_json, tell
from s3_xfer.comparison import CompareField, CompareStatus, Extra
from s3_xfer.ledger.comparison import CheckResult
from s3_xfer.model import S3Location
from s3_xfer.options import CopyOptions
from s3_xfer.render.summary import Context
from s3_xfer.text import printable

if TYPE_CHECKING:
    from s3_xfer.operations import S3CheckOperation

CHECK_HELP = """Compare SOURCE with DESTINATION, as a copy would have made it; write nothing.

    Give the places and credentials of the copy. Both listings are read side by side: objects are
    missing, different, extra, or the same, which means proven by ETag. What has the same size and
    ETags that cannot be compared (parts, KMS) is counted by itself.

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


@click.command(
    cls=SectionedCommand,
    help=CHECK_HELP,
    short_help="Compare both sides, and say what is missing or different.",
)
@click.argument("source")
@click.argument("destination")
@check_options
def check(source: str, destination: str, **values: Any) -> ExitCode:
    """Compare and tell."""
    from s3_xfer.render.check import check_frame, check_line  # noqa: PLC0415 - slow to import

    output = output_of(values)
    run = _operation(source, destination, values).start()
    view = output.view(line=check_line, draw=check_frame)
    follow(run, view, failures_told=output.failures_told, line=check_line)
    result = run.result()
    _print(result, output, _context(source, destination, values))
    return exit_code_of_check(result)


def _operation(source_url: str, destination_url: str, values: building.Values) -> S3CheckOperation:
    from s3_xfer.operations import S3CheckOperation  # noqa: PLC0415 - slow to import

    source = S3Location.parse(source_url, account=building.account(values, "source"))
    destination = S3Location.parse(destination_url, account=building.account(values, "dest"))
    return S3CheckOperation(
        source_bucket=source.bucket,
        source_key=source.key,
        destination_bucket=destination.bucket,
        destination_key=destination.key,
        recursive=values["recursive"],
        source=source.account,
        destination=destination.account,
        compare=frozenset(aspect for aspect in CompareField if values[aspect.value]),
        extra=Extra.IGNORE if values["ignore_extra"] else Extra.COUNT,
        options=CopyOptions(
            concurrency=values["concurrency"],
            retries=values["retries"],
            retry_delay_s=values["retry_delay"],
            read_timeout_s=values["read_timeout"],
            request_payer=values["request_payer"] == "requester",
            max_requests_per_s=values["max_requests_per_second"],
            deadline=values["deadline"],
            report_path=values["report"],
        ),
    )


def _context(source: str, destination: str, values: building.Values) -> Context:
    # What the copy calls --tags is a policy; here it is a question.
    typed = {name: value for name, value in values.items() if name != "tags"}
    return Context(
        source_url=printable(source),
        destination_url=printable(destination),
        verbose=values["verbose"],
        rerun=building.rerun_command(copy, source, destination, typed),
        destination=building.account(values, "dest"),
    )


def _print(result: CheckResult, output: Output, context: Context) -> None:
    """Print the end; a reader that went away does not change it."""
    from s3_xfer.render.check import summarize_check  # noqa: PLC0415 - slow to import
    from s3_xfer.render.tables import summary_lines  # noqa: PLC0415

    summary = summarize_check(result, context)
    with if_anybody_reads():
        if output.json:
            say_json(result.to_dict())
        elif not output.quiet:
            print_lines(summary_lines(summary, width=text_width()))
        if output.quiet and (not result.no_difference or _unproven(result)):
            tell("\n".join([summary.headline, *summary.diagnosis]))


def _unproven(result: CheckResult) -> int:
    return result.totals.counts[CompareStatus.SAME_SIZE]
