"""Options that several commands take: places and credentials, patience, limits, output."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Any

import click

from s3_xfer.cli.options.declaring import (
    BOTH,
    DESTINATION,
    FIDELITY,
    LIMITS,
    OUTPUT,
    SOURCE,
    SPEED,
    choice,
    flag,
    option,
)
from s3_xfer.options import CONCURRENCY_MAX, RETRIES_MAX, WAIT_MAX_S, CopyOptions

_SIDES = (("source", SOURCE), ("dest", DESTINATION))


class Progress(enum.Enum):
    """How the progress of a run is shown on stderr."""

    AUTO = "auto"
    BAR = "bar"
    PLAIN = "plain"
    NONE = "none"


def side(name: str, section: str) -> Iterator[Any]:
    """Declare the options that say with whose credentials, and where, one side is reached."""
    yield option(
        section, f"--{name}-profile", metavar="NAME", help="AWS profile for this side's requests."
    )
    yield option(section, f"--{name}-role-arn", metavar="ARN", help="Role to assume.")
    yield option(
        section,
        f"--{name}-external-id",
        metavar="ID",
        envvar=f"S3_XFER_{name.upper()}_EXTERNAL_ID",
        show_envvar=True,
        help="External id that the role's trust policy asks for.",
    )
    yield option(section, f"--{name}-region", metavar="REGION", help="Region of the bucket.")
    yield option(
        section, f"--{name}-endpoint-url", metavar="URL", help="S3 endpoint of this side alone."
    )
    yield option(
        section,
        f"--{name}-bucket-owner",
        metavar="ACCOUNT",
        help="12-digit account that must own the bucket; otherwise S3 refuses every request.",
    )


CA_BUNDLE = option(
    BOTH,
    "--ca-bundle",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="Certificates to trust instead of the usual ones.",
)

PLACES: tuple[Any, ...] = (
    *(declaration for each in _SIDES for declaration in side(*each)),
    option(BOTH, "--endpoint-url", metavar="URL", help="S3 endpoint of both sides."),
    CA_BUNDLE,
)

REQUEST_PAYER = option(
    FIDELITY,
    "--request-payer",
    type=click.Choice(["requester"]),
    help="Accept that this account pays for reading the source.",
)


def concurrency(text: str) -> Any:
    """Declare how much is done at once; ``text`` says what, and the default."""
    limits = click.IntRange(1, CONCURRENCY_MAX)
    return option(SPEED, "--concurrency", type=limits, metavar="N", help=text)


RETRYING: tuple[Any, ...] = (
    option(
        SPEED,
        "--retries",
        type=click.IntRange(0, RETRIES_MAX),
        metavar="N",
        default=CopyOptions.retries,
        show_default=True,
        help="Repetitions of a request that failed for a passing reason.",
    ),
    option(
        SPEED,
        "--retry-delay",
        type=click.FloatRange(0, WAIT_MAX_S),
        metavar="SECONDS",
        default=CopyOptions.retry_delay_s,
        show_default=True,
        help="Wait before the first repetition; doubles with each.",
    ),
    option(
        SPEED,
        "--read-timeout",
        type=click.FloatRange(0, WAIT_MAX_S),
        metavar="SECONDS",
        default=CopyOptions.read_timeout_s,
        show_default=True,
        help="How long S3 may be silent; single copies of several GB take minutes.",
    ),
)

HOLDING_BACK: tuple[Any, ...] = (
    option(
        LIMITS,
        "--max-requests-per-second",
        type=click.FloatRange(0, min_open=True),
        metavar="N",
        help="Requests sent to S3, of all kinds together, at most.",
    ),
    option(
        LIMITS,
        "--deadline",
        metavar="WHEN",
        help="Stop in order after 2h, 90m, ... or at 2026-03-01T06:00:00Z.",
    ),
)

JSON = flag(OUTPUT, "--json", "Print the result as one JSON object on stdout, nothing else.")

TALKING: tuple[Any, ...] = (
    choice(
        OUTPUT,
        "--progress",
        Progress,
        "Bars, or a line every 5 seconds; auto: bars on a terminal.",
        default=Progress.AUTO.value,
        show_default=True,
    ),
    flag(OUTPUT, "--quiet", "Print errors and failures only."),
)
