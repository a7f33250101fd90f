"""The options of every command: declared here, and only here.

Names, sections, defaults and words come from this table; the defaults and choices themselves
from :mod:`s3_xfer.options`. Refuses secrets: no option takes a secret key or a token.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from s3_xfer.cli.params import Duration, EnumChoice, SectionOption, Size
from s3_xfer.options import (
    BATCH_SIZE_MAX,
    CONCURRENCY_MAX,
    FLIGHTS,
    LISTING_THREADS_MAX,
    RETRIES_MAX,
    THREADS,
    WAIT_MAX_S,
    CannedAcl,
    ChecksumAlgorithm,
    CopyOptions,
    Encryption,
    Engine,
    StorageClass,
    TagPolicy,
)
from s3_xfer.units import exact_size

SOURCE, DESTINATION = "Source", "Destination"
WHAT = "What to copy"
FIDELITY = "Fidelity"
SPEED = "Speed and retries"
LIMITS = "Limits"
COMPARED = "What to compare"
REMOVING = "What to list and abort"
BOTH = "Both sides"
OUTPUT = "Output"
PARTIES = "Who and what takes part"
PAPER = "Policies"
SIDES = (("source", SOURCE), ("dest", DESTINATION))

_Callback = TypeVar("_Callback", bound=Callable[..., Any])


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


def _option(section: str, *names: str, **settings: Any) -> Callable[[_Callback], _Callback]:
    return click.option(*names, cls=SectionOption, section=section, **settings)


def _size(section: str, name: str, default_bytes: int, text: str) -> Any:
    return _option(
        section,
        name,
        type=Size(),
        metavar="SIZE",
        default=exact_size(default_bytes),
        show_default=True,
        help=text,
    )


def _choice(section: str, name: str, kind: type[enum.Enum], text: str, **settings: Any) -> Any:
    """Declare an option over ``kind``; many choices move from the metavar into the text."""
    words = ", ".join(member.value for member in kind)
    if settings.get("metavar"):
        text = f"{text}: {words}."
    return _option(section, name, type=EnumChoice(kind), help=text, **settings)


def _flag(section: str, name: str, text: str) -> Any:
    return _option(section, name, is_flag=True, help=text)


def _file(section: str, name: str, text: str) -> Any:
    path = click.Path(dir_okay=False, path_type=Path)
    return _option(section, name, type=path, metavar="FILE", help=text)


def _side(side: str, section: str) -> Iterable[Any]:
    """Declare the options that say with whose credentials, and where, one side is reached."""
    yield _option(
        section, f"--{side}-profile", metavar="NAME", help="AWS profile for this side's requests."
    )
    yield _option(section, f"--{side}-role-arn", metavar="ARN", help="Role to assume.")
    yield _option(
        section,
        f"--{side}-external-id",
        metavar="ID",
        envvar=f"S3_XFER_{side.upper()}_EXTERNAL_ID",
        show_envvar=True,
        help="External id that the role's trust policy asks for.",
    )
    yield _option(section, f"--{side}-region", metavar="REGION", help="Region of the bucket.")
    yield _option(
        section, f"--{side}-endpoint-url", metavar="URL", help="S3 endpoint of this side alone."
    )
    yield _option(
        section,
        f"--{side}-bucket-owner",
        metavar="ACCOUNT",
        help="12-digit account that must own the bucket; otherwise S3 refuses every request.",
    )


_DEFAULT = CopyOptions

_CA_BUNDLE = _option(
    BOTH,
    "--ca-bundle",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="Certificates to trust instead of the usual ones.",
)

_PLACES: tuple[Any, ...] = (
    *(declaration for side in SIDES for declaration in _side(*side)),
    _option(BOTH, "--endpoint-url", metavar="URL", help="S3 endpoint of both sides."),
    _CA_BUNDLE,
)

_REQUEST_PAYER = _option(
    FIDELITY,
    "--request-payer",
    type=click.Choice(["requester"]),
    help="Accept that this account pays for reading the source.",
)

_RETRYING: tuple[Any, ...] = (
    _option(
        SPEED,
        "--retries",
        type=click.IntRange(0, RETRIES_MAX),
        metavar="N",
        default=_DEFAULT.retries,
        show_default=True,
        help="Repetitions of a request that failed for a passing reason.",
    ),
    _option(
        SPEED,
        "--retry-delay",
        type=click.FloatRange(0, WAIT_MAX_S),
        metavar="SECONDS",
        default=_DEFAULT.retry_delay_s,
        show_default=True,
        help="Wait before the first repetition; doubles with each.",
    ),
    _option(
        SPEED,
        "--read-timeout",
        type=click.FloatRange(0, WAIT_MAX_S),
        metavar="SECONDS",
        default=_DEFAULT.read_timeout_s,
        show_default=True,
        help="How long S3 may be silent; single copies of several GB take minutes.",
    ),
)

_HOLDING_BACK: tuple[Any, ...] = (
    _option(
        LIMITS,
        "--max-requests-per-second",
        type=click.FloatRange(0, min_open=True),
        metavar="N",
        help="Requests sent to S3, of all kinds together, at most.",
    ),
    _option(
        LIMITS,
        "--deadline",
        metavar="WHEN",
        help="Stop in order after 2h, 90m, ... or at 2026-03-01T06:00:00Z.",
    ),
)

_JSON = _flag(OUTPUT, "--json", "Print the result as one JSON object on stdout, nothing else.")

_TALKING: tuple[Any, ...] = (
    _choice(
        OUTPUT,
        "--progress",
        Progress,
        "Bars, or a line every 5 seconds; auto: bars on a terminal.",
        default=Progress.AUTO.value,
        show_default=True,
    ),
    _flag(OUTPUT, "--quiet", "Print errors and failures only."),
)

_DECLARATIONS: tuple[Any, ...] = (
    *_PLACES,
    _flag(WHAT, "--recursive", "Copy everything under the prefix SOURCE."),
    _flag(
        WHAT, "--no-overwrite", "Leave objects alone that exist at the destination (atomic on AWS)."
    ),
    _flag(
        WHAT,
        "--skip-identical",
        "Leave objects alone whose content is there already (one HEAD for each).",
    ),
    _file(WHAT, "--from-report", "Copy only what this report of an earlier run says is missing."),
    _flag(WHAT, "--dry-run", "List, count and show; write nothing."),
    _flag(WHAT, "--no-preflight", "Do not check access first; the first objects will tell."),
    _choice(
        FIDELITY,
        "--tags",
        TagPolicy,
        "Copy object tags, or leave them behind.",
        default=_DEFAULT.tags.value,
        show_default=True,
    ),
    _choice(
        FIDELITY,
        "--storage-class",
        StorageClass,
        "Storage class of the copies, STANDARD unless given",
        metavar="CLASS",
    ),
    _choice(FIDELITY, "--acl", CannedAcl, "Canned ACL of the copies", metavar="ACL"),
    _choice(
        FIDELITY, "--sse", Encryption, "Encryption; otherwise the bucket's default", metavar="MODE"
    ),
    _option(FIDELITY, "--sse-kms-key-id", metavar="KEY", help="KMS key, best as a full ARN."),
    _flag(FIDELITY, "--bucket-key", "Use an S3 Bucket Key (fewer KMS requests)."),
    _choice(
        FIDELITY,
        "--checksum-algorithm",
        ChecksumAlgorithm,
        "Checksum that S3 stores with the copies",
        metavar="NAME",
    ),
    _REQUEST_PAYER,
    _option(
        SPEED,
        "--concurrency",
        type=click.IntRange(1, CONCURRENCY_MAX),
        metavar="N",
        help="Copies under way at the same time, at most.  [default: as many as make it faster, "
        f"up to {FLIGHTS} (crt); {THREADS} (managed)]",
    ),
    _choice(
        SPEED,
        "--engine",
        Engine,
        "What sends the copies: awscrt where it can be used, or boto3's transfer manager",
        metavar="NAME",
        default=_DEFAULT.engine.value,
        show_default=True,
    ),
    _option(
        SPEED,
        "--batch-size",
        type=click.IntRange(1, BATCH_SIZE_MAX),
        metavar="N",
        default=100,
        show_default=True,
        help="Objects handed to the workers at once.",
    ),
    _option(
        SPEED,
        "--listing-threads",
        type=click.IntRange(1, LISTING_THREADS_MAX),
        metavar="N",
        default=_DEFAULT.listing_threads,
        show_default=True,
        help="Pages of the listing asked for at once, at most; more than one only if copies wait.",
    ),
    _size(
        SPEED,
        "--multipart-threshold",
        _DEFAULT.multipart_threshold_bytes,
        "Objects of this size or more are copied in parts.",
    ),
    _option(
        SPEED,
        "--part-size",
        type=Size(),
        metavar="SIZE",
        help="Size of a part; chosen by the object's size (128 to 512 MiB) unless given.",
    ),
    *_RETRYING,
    _option(
        LIMITS,
        "--max-failures",
        type=click.IntRange(0),
        metavar="N",
        help="End the run once more than N objects have failed.",
    ),
    _option(
        LIMITS,
        "--max-error-rate",
        type=click.FloatRange(0, 100, max_open=True),
        metavar="PERCENT",
        help="End it once more than this share failed of the last 1,000 tried (at least 100).",
    ),
    *_HOLDING_BACK,
    _file(OUTPUT, "--report", "Write one JSON line for each object that was not copied."),
    _flag(OUTPUT, "--report-all", "Write a line for every object into the report."),
    _option(
        OUTPUT,
        "--journal",
        metavar="FILE",
        help="Keep what is done here (or in s3://BUCKET/KEY), for s3-xfer resume.",
    ),
    _file(OUTPUT, "--prices", "Prices for the estimated bill, instead of AWS's list prices."),
    _JSON,
    *_TALKING,
    _flag(OUTPUT, "--verbose", "Print every failure that is kept, with tracebacks."),
)


_PRINCIPAL = _option(
    PARTIES,
    "--principal",
    metavar="ARN",
    help="Role or user that makes the copy; --dest-role-arn, or what STS answers, unless given.",
)

_POLICY_DECLARATIONS: tuple[Any, ...] = (
    _PRINCIPAL,
    _option(
        PARTIES, "--trusted", metavar="ARN", help="Role or user that assumes the role that copies."
    ),
    _option(
        PARTIES,
        "--source-kms-key",
        metavar="ARN",
        multiple=True,
        help="KMS key of source objects; can be repeated.",
    ),
    _option(
        PARTIES,
        "--dest-kms-key",
        metavar="ARN",
        multiple=True,
        help="KMS key of the destination bucket's default encryption; can be repeated.",
    ),
    _choice(
        PAPER,
        "--format",
        PolicyFormat,
        "What to write them as.",
        default=PolicyFormat.JSON.value,
        show_default=True,
    ),
    _option(PAPER, "--only", metavar="PLACE", help="Print this document alone, as JSON."),
    _flag(PAPER, "--revert", "Print the commands that take everything back."),
)


_CHECK_DECLARATIONS: tuple[Any, ...] = (
    *_PLACES,
    _flag(COMPARED, "--recursive", "Compare everything under the prefix SOURCE."),
    _flag(
        COMPARED,
        "--checksums",
        "Compare stored checksums where ETags prove nothing (two HEADs for each object).",
    ),
    _flag(COMPARED, "--metadata", "Compare metadata and headers (two HEADs for each object)."),
    _flag(COMPARED, "--tags", "Compare tags (two requests for each object)."),
    _flag(COMPARED, "--ignore-extra", "Leave out objects that only the destination has."),
    _REQUEST_PAYER,
    _option(
        SPEED,
        "--concurrency",
        type=click.IntRange(1, CONCURRENCY_MAX),
        metavar="N",
        help=f"Objects that S3 is asked about at the same time.  [default: {THREADS}]",
    ),
    *_RETRYING,
    *_HOLDING_BACK,
    _file(OUTPUT, "--report", "Write one JSON line for each difference, for copy --from-report."),
    _JSON,
    *_TALKING,
    _flag(OUTPUT, "--verbose", "Print up to a hundred differences."),
)

_UPLOADS_DECLARATIONS: tuple[Any, ...] = (
    *_side("dest", DESTINATION),
    _CA_BUNDLE,
    _option(
        REMOVING,
        "--abort-older-than",
        type=Duration(),
        metavar="AGE",
        help="Abort those that these credentials began longer ago than 2d, 12h, ...",
    ),
    _option(
        REMOVING,
        "--journal",
        metavar="FILE",
        multiple=True,
        help="Spare those that this journal means to go on with; several may be given.",
    ),
    _flag(REMOVING, "--all", "Abort those of others too, after a question."),
    _flag(REMOVING, "--yes", "Do not ask."),
    _flag(REMOVING, "--no-sizes", "Do not add up the parts (one request for each upload)."),
    *_RETRYING,
    _JSON,
)

_DOCTOR_DECLARATIONS: tuple[Any, ...] = (_PRINCIPAL,)


def check_options(command: _Callback) -> _Callback:
    """Give ``command`` what describes a comparison."""
    for declaration in reversed(_CHECK_DECLARATIONS):
        command = declaration(command)
    return command


def uploads_options(command: _Callback) -> _Callback:
    """Give ``command`` what is about unfinished uploads at one place."""
    for declaration in reversed(_UPLOADS_DECLARATIONS):
        command = declaration(command)
    return command


# What a resumed copy may do differently: how it gets there, not what it copies.
_MAY_CHANGE = frozenset(
    {
        *("endpoint_url", "ca_bundle", "concurrency", "engine", "batch_size", "listing_threads"),
        *("retries", "retry_delay", "read_timeout", "no_preflight", "skip_identical"),
        *("report", "report_all", "prices", "json", "progress", "quiet", "verbose"),
    }
)
_MAY_CHANGE_ALL_OF = (SOURCE, DESTINATION, LIMITS)


def resume_options(command: _Callback) -> _Callback:
    """Give ``command`` every option of a copy that may differ when the copy goes on."""

    def probe() -> None:
        """Take the options of a copy, to choose from."""

    params: list[click.Parameter] = vars(copy_options(probe))["__click_params__"]
    chosen = [
        param
        for param in params
        if param.name in _MAY_CHANGE or getattr(param, "section", "") in _MAY_CHANGE_ALL_OF
    ]
    vars(command)["__click_params__"] = [*vars(command).get("__click_params__", []), *chosen]
    return command


def doctor_options(command: _Callback) -> _Callback:
    """Give ``command`` what a check-up needs besides the copy itself."""
    for declaration in reversed(_DOCTOR_DECLARATIONS):
        command = declaration(command)
    return command


def policy_options(command: _Callback) -> _Callback:
    """Give ``command`` what decides about policies besides the copy itself."""
    for declaration in reversed(_POLICY_DECLARATIONS):
        command = declaration(command)
    return command


def copy_options(command: _Callback) -> _Callback:
    """Give ``command`` every option that describes a copy."""
    for declaration in reversed(_DECLARATIONS):
        command = declaration(command)
    return command
