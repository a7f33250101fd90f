"""Which command takes which options.

What is a field of the library is declared there and only named here; the rest, which says how the
program talks, is declared here. No option takes a secret key or a token.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from s3_xfer.cli.decorators import Decorator, add_options, declared, flag, members, option
from s3_xfer.cli.params import DurationParam, EnumChoice
from s3_xfer.declarations import Declaration, JournalRole, Section, declarations_of
from s3_xfer.model import AccountContext
from s3_xfer.options import THREADS, CopyOptions
from s3_xfer.spec import CheckSpec, CopySpec

SOURCE, DESTINATION = "Source", "Destination"
OUTPUT = Section.OUTPUT.value
ABORTING = "What to list and abort"
PRINCIPALS = "Who and what takes part"
POLICY_OUTPUT = "Policies"
# What a resumed copy is given anew; what is not here is in its journal, or is a matter of its
# first run.
_MAY_CHANGE = (JournalRole.REMEMBERED, JournalRole.PER_RUN)

_ACCOUNT, _COPY = declarations_of(AccountContext), declarations_of(CopyOptions)
_CHECK = declarations_of(CheckSpec)


class Progress(enum.Enum):
    """How the progress of a run is shown on stderr."""

    AUTO = "auto"
    BAR = "bar"
    PLAIN = "plain"
    NONE = "none"


class PolicyFormat(enum.Enum):
    """What the policies are written as."""

    JSON = "json"
    TERRAFORM = "terraform"
    CLOUDFORMATION = "cloudformation"


def in_order(*classes: type) -> list[Declaration]:
    """Return what these classes declare for the command line, in the order of the help."""
    typed = [
        declaration
        for cls in classes
        for declaration in declarations_of(cls).values()
        if declaration.flag
    ]
    ordered = [declaration for declaration in typed if not declaration.after]
    for declaration in typed:
        if declaration.after:
            names = [option.name for option in ordered]
            ordered.insert(names.index(declaration.after) + 1, declaration)
    return ordered


def _side(side: str, section: str) -> Iterator[Decorator[Any]]:
    """Yield the options that say with whose credentials, and where, one side is reached."""
    for account_option in _ACCOUNT.values():
        if account_option.flag and account_option.section is Section.ONE_SIDE:
            yield declared(account_option, side=side, section=section)


_CA_BUNDLE = declared(_ACCOUNT["ca_bundle"])
LOCATION_OPTIONS = (
    *_side("source", SOURCE),
    *_side("dest", DESTINATION),
    declared(
        replace(
            _ACCOUNT["endpoint_url"],
            help="S3 endpoint of both sides.",
            section=Section.BOTH_SIDES,
        )
    ),
    _CA_BUNDLE,
)
RETRY_OPTIONS = tuple(
    declared(_COPY[name]) for name in ("retries", "retry_delay_s", "read_timeout_s")
)
LIMIT_OPTIONS = tuple(declared(_COPY[name]) for name in ("max_requests_per_s", "deadline"))
JSON = flag(OUTPUT, "--json", "Print the result as one JSON object on stdout, nothing else.")
VERBOSITY_OPTIONS = (
    option(
        OUTPUT,
        "--progress",
        type=EnumChoice(Progress),
        help="Bars, or a line every 5 seconds; auto: bars on a terminal.",
        default=Progress.AUTO.value,
        show_default=True,
    ),
    flag(OUTPUT, "--quiet", "Print errors and failures only."),
)
_REPORTING = (
    JSON,
    *VERBOSITY_OPTIONS,
    flag(OUTPUT, "--verbose", "Print every failure that is kept, with tracebacks."),
)

copy_options = add_options(
    *LOCATION_OPTIONS,
    *(declared(copy_option) for copy_option in in_order(CopySpec, CopyOptions)),
    *_REPORTING,
)

interactive_options = add_options(
    flag(OUTPUT, "--yes", "Do not ask for confirmation; everything must be given."),
    copy_options,
)

resume_options = add_options(
    *LOCATION_OPTIONS,
    *(
        declared(copy_option)
        for copy_option in in_order(CopySpec, CopyOptions)
        if copy_option.journal in _MAY_CHANGE
    ),
    *_REPORTING,
)

check_options = add_options(
    *LOCATION_OPTIONS,
    declared(
        replace(
            _CHECK["recursive"],
            help="Compare everything under the prefix SOURCE.",
            section=Section.COMPARISON,
        )
    ),
    *members(_CHECK["compare"]),
    declared(_CHECK["extra"]),
    declared(_COPY["request_payer"]),
    declared(
        replace(
            _COPY["concurrency"],
            help="Objects that S3 is asked about at the same time.",
            default_text=str(THREADS),
        )
    ),
    *RETRY_OPTIONS,
    *LIMIT_OPTIONS,
    declared(
        replace(
            _COPY["report_path"],
            help="Write one JSON line for each difference, for copy --from-report.",
        )
    ),
    JSON,
    *VERBOSITY_OPTIONS,
    flag(OUTPUT, "--verbose", "Print up to a hundred differences."),
)

uploads_options = add_options(
    *_side("dest", DESTINATION),
    _CA_BUNDLE,
    option(
        ABORTING,
        "--abort-older-than",
        type=DurationParam(),
        metavar="AGE",
        help="Abort those that these credentials began longer ago than 2d, 12h, ...",
    ),
    option(
        ABORTING,
        "--journal",
        "journals",
        metavar="FILE",
        multiple=True,
        help="Spare those that this journal means to go on with; several may be given.",
    ),
    flag(ABORTING, "--all", "Abort those of others too, after a question."),
    flag(ABORTING, "--yes", "Do not ask."),
    flag(ABORTING, "--no-sizes", "Do not add up the parts (one request for each upload)."),
    *RETRY_OPTIONS,
    JSON,
)

doctor_options = option(
    PRINCIPALS,
    "--principal",
    metavar="ARN",
    help="Role or user that makes the copy; --dest-role-arn, or what STS answers, unless given.",
)

policy_options = add_options(
    doctor_options,
    option(
        PRINCIPALS,
        "--trusted",
        metavar="ARN",
        help="Role or user that assumes the role that copies.",
    ),
    option(
        PRINCIPALS,
        "--source-kms-key",
        metavar="ARN",
        multiple=True,
        help="KMS key of source objects; can be repeated.",
    ),
    option(
        PRINCIPALS,
        "--dest-kms-key",
        metavar="ARN",
        multiple=True,
        help="KMS key of the destination bucket's default encryption; can be repeated.",
    ),
    option(
        POLICY_OUTPUT,
        "--format",
        type=EnumChoice(PolicyFormat),
        help="What to write them as.",
        default=PolicyFormat.JSON.value,
        show_default=True,
    ),
    option(POLICY_OUTPUT, "--only", metavar="PLACE", help="Print this document alone, as JSON."),
    flag(POLICY_OUTPUT, "--revert", "Print the commands that take everything back."),
)
