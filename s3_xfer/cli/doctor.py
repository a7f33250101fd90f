"""The command ``doctor``: would this copy be allowed, and if not, what is missing where.

Writes nothing that stays, and takes ten seconds at most.
"""

from __future__ import annotations

from typing import Any

import click

from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.factory import operation_from
from s3_xfer.cli.options import copy_options, doctor_options
from s3_xfer.cli.params import SectionedCommand
from s3_xfer.cli.stdio import print_json, print_line

DOCTOR_HELP = """Try every step of a copy from SOURCE to DESTINATION, and say what is denied.

    Give the options of the copy: the doctor sends what the copy would send. An upload is
    opened, given one part and aborted; no object, version or event appears. Every denial comes
    with its likely causes and the statement that is missing. Ten seconds at most.

    \b
    Examples:
      s3-xfer doctor s3://from/data/a.csv s3://to/data/a.csv
      s3-xfer doctor --recursive --dest-profile us s3://from/data/ s3://to/data/
    """

EXIT_HELP = "\b\nExit status:\n    0  nothing failed\n    3  the copy would be refused"


@click.command(
    cls=SectionedCommand,
    help=DOCTOR_HELP,
    short_help="Try every step of a copy and say what is denied.",
    epilog=EXIT_HELP,
)
@click.argument("source")
@click.argument("destination")
@copy_options
@doctor_options
def doctor(source: str, destination: str, **values: Any) -> ExitCode:
    """Examine the copy, and print the report."""
    from s3_xfer.access.doctor import examine  # noqa: PLC0415 - slow to import
    from s3_xfer.access.documents import Principal  # noqa: PLC0415
    from s3_xfer.render.doctor import doctor_lines  # noqa: PLC0415

    operation = operation_from(source, destination, values)
    principal = Principal.parse(values["principal"]) if values["principal"] else None
    report = examine(operation, principal=principal)
    if values["json"]:
        print_json(report.to_dict())
    elif not values["quiet"]:
        print_line("\n".join(doctor_lines(report)))
    return ExitCode.REFUSED if report.failed else ExitCode.OK
