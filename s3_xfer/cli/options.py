"""Which command takes which options.

What is a field of the library is declared there and only named here; the rest, which says how the
program talks, is declared here. No option takes a secret key or a token.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from s3_xfer.cli.end_of_run import with_end_of_run
from s3_xfer.cli.filter_options import filter_options
from s3_xfer.cli.json_result import with_result_file
from s3_xfer.cli.params import (
    Decorator,
    EnumChoice,
    UnitParam,
    declared,
    member_flags,
    own,
    own_choice,
    own_flag,
)
from s3_xfer.declarations import Declaration, JournalRole, Section, declarations_of
from s3_xfer.errors import ValidationError
from s3_xfer.model import AccountContext
from s3_xfer.options import THREADS, CopyOptions
from s3_xfer.spec import CheckSpec, CopySpec
from s3_xfer.units import parse_duration

SOURCE, DESTINATION = "Source", "Destination"
OUTPUT = Section.OUTPUT.value
SAVED = "Saved job"
LOOKING = "What to look at"
ABORTING = "What to list and abort"
UNDOING = "What to bring back"
PRINCIPALS = "Who and what takes part"
POLICY_OUTPUT = "Policies"
PLAN = "Plan and shards"
JOB = "Job"
# What a resumed copy is given anew; what is not here is in its journal, or is a matter of its
# first run.
MAY_CHANGE = (JournalRole.REMEMBERED, JournalRole.PER_RUN)


class Progress(enum.Enum):
    """How the progress of a run is shown on stderr."""

    AUTO = "auto"
    BAR = "bar"
    PLAIN = "plain"
    NONE = "none"


def parse_shards(text: str) -> int | None:
    """Return how many shards ``text`` asks for; None if that is left to the program.

    Raises:
        ValidationError: it is neither ``auto`` nor a number that a plan can have.
    """
    from s3_xfer.planning.shards import SHARDS_MAX  # noqa: PLC0415 - a plan needs it

    if text == "auto":
        return None
    if text.isdecimal() and 1 <= int(text) <= SHARDS_MAX:
        return int(text)
    raise ValidationError(
        f"{text!r} is not a number of shards", remedy=f"give auto, or a number up to {SHARDS_MAX:,}"
    )


class Side(enum.Enum):
    """One of the two sides of a copy."""

    SOURCE = "source"
    DESTINATION = "destination"


class PolicyFormat(enum.Enum):
    """What the policies are written as."""

    JSON = "json"
    TERRAFORM = "terraform"
    CLOUDFORMATION = "cloudformation"


_ACCOUNT, _COPY = declarations_of(AccountContext), declarations_of(CopyOptions)
_CHECK = declarations_of(CheckSpec)


def _copy_declarations() -> list[Declaration]:
    """Return what can be typed about a copy, in the order of the help.

    What only a sync has is left out.
    """
    options = {**declarations_of(CopySpec), **_COPY}
    batch_size = options.pop("batch_size")
    typed = [
        declaration
        for declaration in options.values()
        if declaration.flag and declaration.section is not Section.SYNC
    ]
    typed.insert(typed.index(options["listing_threads"]), batch_size)
    return typed


def _side(side: str, section: str) -> Iterator[Decorator[Any]]:
    """Yield the options that say with whose credentials, and where, one side is reached."""
    sections = [Section.ONE_SIDE, *([Section.SOURCE_SIDE] if side == "source" else [])]
    for account_option in _ACCOUNT.values():
        if account_option.flag and account_option.section in sections:
            yield declared(account_option, side=side, section=section)


_CA_BUNDLE = declared(_ACCOUNT["ca_bundle"])
_LOCATIONS = (
    *_side("source", SOURCE),
    *_side("dest", DESTINATION),
    declared(
        _ACCOUNT["endpoint_url"],
        help="S3 endpoint of both sides.",
        section=Section.BOTH_SIDES.value,
    ),
    _CA_BUNDLE,
)


def _config(text: str, *, expose_value: bool = False) -> Decorator[Any]:
    return own(
        SAVED,
        "--config",
        text,
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        expose_value=expose_value,
    )


_CONFIG = _config("Take the job @NAME and the defaults from this file, not from s3_xfer.toml.")
_RETRIES = tuple(declared(_COPY[name]) for name in ("retries", "retry_delay_s", "read_timeout_s"))
_JSON = (
    with_result_file,
    own_flag(OUTPUT, "--json", "Print the result as one JSON object on stdout, nothing else."),
    own(
        OUTPUT,
        "--json-file",
        "Write it to this file when the command ends, however it ends.",
        type=click.Path(path_type=Path),
        metavar="FILE",
    ),
)


def _quiet(*, hidden: bool = False) -> Decorator[Any]:
    return own_flag(OUTPUT, "--quiet", "Print errors and failures only.", hidden=hidden)


def _progress(*, hidden: bool = False) -> Decorator[Any]:
    text = "Bars, or a line every 5 seconds; auto: bars on a terminal."
    return own_choice(OUTPUT, "--progress", text, Progress.AUTO, hidden=hidden)


def _verbose(*, hidden: bool = False) -> Decorator[Any]:
    text = "Print every failure that is kept, with tracebacks."
    return own_flag(OUTPUT, "--verbose", text, hidden=hidden)


_REPORTING = (*_JSON, _progress(), _quiet())
_VERBOSE = _verbose()
_AT_THE_END = (
    with_end_of_run,
    own(
        OUTPUT,
        "--html",
        "Write the end of the run as an HTML page, one file that needs nothing else.",
        name="html_path",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
    ),
    own(
        OUTPUT,
        "--on-end",
        "Run this with the result on its standard input, or POST it to this https:// address.",
        metavar="COMMAND|URL",
        envvar="S3_XFER_ON_END",
        show_envvar=True,
    ),
    own(
        OUTPUT,
        "--on-end-limit",
        "How long that may take.",
        type=UnitParam("duration", parse_duration),
        metavar="TIME",
        default="30s",
        show_default=True,
    ),
)
_METRICS = own(
    OUTPUT,
    "--metrics-file",
    "Keep the numbers of the run in this file, as node exporter's textfile collector reads them.",
    name="metrics_path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
)

_INPUTS_OF_CHECK = {
    "files_from": "Compare only what this list names: a file, s3://BUCKET/KEY, or - for stdin.",
    "files_from_format": _COPY["files_from_format"].help,
    "files_from_keys": _COPY["files_from_keys"].help,
    "inventory": "Compare only what this S3 Inventory has: a manifest.json or its folder.",
}

_SELECTED_BY = (
    "min_size_bytes",
    "max_size_bytes",
    "newer_than",
    "older_than",
    "source_storage_class",
)
_SELECTING = (*filter_options(), *(declared(_COPY[name]) for name in _SELECTED_BY))

copy_options = (
    _CONFIG,
    *_LOCATIONS,
    *filter_options(),
    *(declared(each) for each in _copy_declarations()),
    *_REPORTING,
    *_AT_THE_END,
    _METRICS,
    _VERBOSE,
)

_SYNC = tuple(
    declared(each) for each in declarations_of(CopyOptions).values() if each.section is Section.SYNC
)
# What a sync always does.
_IMPLIED_BY_SYNC = ("recursive", "identical")

sync_options = (
    own_flag(Section.SYNC.value, "--yes", "Delete without asking what --delete has found."),
    _CONFIG,
    *_LOCATIONS,
    *_SYNC,
    *filter_options(),
    *(declared(each) for each in _copy_declarations() if each.name not in _IMPLIED_BY_SYNC),
    *_REPORTING,
    *_AT_THE_END,
    _METRICS,
    _VERBOSE,
)

interactive_options = (
    own_flag(OUTPUT, "--yes", "Do not ask for confirmation; everything must be given."),
    *copy_options,
)

resume_options = (
    *_LOCATIONS,
    *(declared(each) for each in _copy_declarations() if each.journal in MAY_CHANGE),
    declared(_COPY["max_delete"]),
    *_REPORTING,
    *_AT_THE_END,
    _METRICS,
    _VERBOSE,
)

check_options = (
    _CONFIG,
    *_LOCATIONS,
    declared(
        _CHECK["recursive"],
        help="Compare everything under the prefix SOURCE.",
        section=Section.COMPARISON.value,
    ),
    *(
        declared(_COPY[name], help=text, section=Section.COMPARISON.value)
        for name, text in _INPUTS_OF_CHECK.items()
    ),
    *_SELECTING,
    *member_flags(_CHECK["compare"]),
    declared(_CHECK["extra"]),
    declared(_CHECK["fail_on"]),
    declared(_COPY["request_payer"]),
    declared(
        _COPY["concurrency"],
        help="Maximum number of objects compared at the same time.",
        default_text=str(THREADS),
    ),
    *_RETRIES,
    declared(_COPY["max_requests_per_s"]),
    declared(_COPY["deadline"]),
    declared(
        _COPY["report_path"],
        help="Write one JSON line for each difference, for copy --from-report.",
    ),
    *_REPORTING,
    *_AT_THE_END,
    _METRICS,
    own_flag(OUTPUT, "--verbose", "Print up to a hundred differences."),
)

_LOOKING = (
    own(
        LOOKING,
        "--side",
        "Whose credentials to use, where options of both sides are given.",
        type=EnumChoice(Side),
    ),
    *_LOCATIONS,
    *_SELECTING,
    declared(_COPY["request_payer"]),
    *_RETRIES,
    declared(_COPY["max_requests_per_s"]),
)

ls_options = (
    declared(_CHECK["recursive"], help="List everything, at all levels.", section=LOOKING),
    *_LOOKING,
    own_flag(OUTPUT, "--json", "Print one JSON object for each object or prefix."),
)

du_options = (*_LOOKING, declared(_COPY["listing_threads"]), *_REPORTING)

uploads_options = (
    *_side("dest", DESTINATION),
    _CA_BUNDLE,
    own(
        ABORTING,
        "--abort-older-than",
        "Abort those that these credentials began longer ago than 2d, 12h, ...",
        type=UnitParam("duration", parse_duration),
        metavar="AGE",
    ),
    own(
        ABORTING,
        "--journal",
        "Keep those that this journal will resume; can be repeated.",
        name="journals",
        metavar="FILE",
        multiple=True,
    ),
    own_flag(ABORTING, "--all", "Also abort those of others, after a confirmation."),
    own_flag(ABORTING, "--yes", "Do not ask."),
    own_flag(ABORTING, "--no-sizes", "Do not add up the parts (one request for each upload)."),
    *_RETRIES,
    *_JSON,
)

undo_options = (
    *_side("dest", DESTINATION),
    _CA_BUNDLE,
    own_flag(UNDOING, "--yes", "Do not ask."),
    declared(_COPY["mode"], help="Say what would come back; write nothing.", section=UNDOING),
    declared(
        _COPY["concurrency"],
        help="Maximum number of objects at the same time.",
        default_text=str(THREADS),
    ),
    *_RETRIES,
    declared(_COPY["report_path"], help="Write one JSON line for each object."),
    *_REPORTING,
)

# What decides what a copy has to be allowed to do. Of a command line of copy, which may be given
# whole, the rest is taken and not shown.
_DECIDES = (Section.WHAT, Section.FIDELITY)
_DECIDES_TOO = ("multipart_threshold_bytes", "engine", "journal")
_ONLY_SELECTS = (*_SELECTED_BY, "files_from_format", "files_from_keys")


def _examined(*also: str) -> Iterator[Decorator[Any]]:
    """Yield the options of a copy for a command that only looks at what it needs."""
    yield _CONFIG
    yield from _LOCATIONS
    yield from filter_options(hidden=True)
    for each in _copy_declarations():
        decides = each.section in _DECIDES and each.name not in _ONLY_SELECTS
        yield declared(each, hidden=not decides and each.name not in (*_DECIDES_TOO, *also))
    yield from (declared(_COPY["delete"]), declared(_COPY["backup_prefix"]))
    yield from (_progress(hidden=True), _verbose(hidden=True))


# What is frozen in a plan; what is given anew to each shard is no matter of it.
_FROZEN = (JournalRole.IDENTITY, JournalRole.REMEMBERED)

jobs_options = (_config("List those of this file alone.", expose_value=True),)

plan_options = (
    own(
        PLAN,
        "--out",
        "Where the plan is written: a folder, or s3://BUCKET/PREFIX.",
        metavar="PLAN",
        required=True,
    ),
    own(
        PLAN,
        "--shards",
        "How many shards; auto: by objects and bytes, at most 200.",
        type=UnitParam("number", parse_shards),
        metavar="N|auto",
        default="auto",
        show_default=True,
    ),
    own(
        PLAN,
        "--parallelism",
        "How many shards run at the same time, at most: so many share the rate of requests.  "
        "[default: all]",
        type=click.IntRange(1),
        metavar="N",
    ),
    _CONFIG,
    *_LOCATIONS,
    *filter_options(),
    *(declared(each) for each in _copy_declarations() if each.journal in _FROZEN),
    declared(_COPY["prices_path"]),
    *_REPORTING,
    *_AT_THE_END,
    _VERBOSE,
)

shard_options = (
    own(
        PLAN,
        "--plan",
        "Copy a shard of this plan, in place of SOURCE and DESTINATION.",
        metavar="PLAN",
    ),
    own(PLAN, "--shard", "Which one; auto: the environment of the job says it.", metavar="K|auto"),
)

merge_options = (
    *_side("dest", DESTINATION),
    _CA_BUNDLE,
    own_flag(OUTPUT, "--wait", "Wait until each shard is done, or has failed for good."),
    own(
        OUTPUT,
        "--wait-limit",
        "Give up when nothing has happened in any shard for so long; 1h without it.",
        type=UnitParam("duration", parse_duration),
        metavar="TIME",
    ),
    own(
        OUTPUT,
        "--report",
        "Write what is left of all shards, for copy --from-report.",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
    ),
    *_JSON,
    own_flag(OUTPUT, "--quiet", "Print errors and failures only."),
    *_AT_THE_END,
)

doctor_options = (
    *_examined("principal", "max_requests_per_s"),
    *_JSON,
    _quiet(),
    own(
        PRINCIPALS,
        "--time-limit",
        "How long the checks may take together, once the clients are open.",
        type=UnitParam("duration", parse_duration),
        metavar="TIME",
        default="10s",
        show_default=True,
    ),
)

policy_options = (
    *_examined("principal"),
    own_flag(OUTPUT, "--json", "", hidden=True),
    own(OUTPUT, "--json-file", "", type=click.Path(path_type=Path), hidden=True),
    _quiet(hidden=True),
    own(PRINCIPALS, "--trusted", "Role or user that assumes the role that copies.", metavar="ARN"),
    own(
        PRINCIPALS,
        "--source-kms-key",
        "KMS key of source objects; can be repeated.",
        metavar="ARN",
        multiple=True,
    ),
    own(
        PRINCIPALS,
        "--dest-kms-key",
        "KMS key of the destination bucket's default encryption; can be repeated.",
        metavar="ARN",
        multiple=True,
    ),
    own_choice(POLICY_OUTPUT, "--format", "What to write them as.", PolicyFormat.JSON),
    own(POLICY_OUTPUT, "--only", "Print this document alone, as JSON.", metavar="PLACE"),
    own_flag(POLICY_OUTPUT, "--revert", "Print the commands that revoke everything again."),
)

_IN_A_JOB = ("tags", "storage_class", "acl", "sse", "sse_kms_key_id", "bucket_key")
_NOT_IN_A_JOB = (
    "overwrite",
    "identical",
    "journal",
    "if_tag",
)  # known, so that they are refused with why
_CONTROL_ENDPOINT = own(
    JOB, "--control-endpoint", "Endpoint of the control API, if it is not AWS's.", metavar="URL"
)
_JOB_SIDE = (*_side("dest", DESTINATION), _CA_BUNDLE, _CONTROL_ENDPOINT)

batch_plan_options = (
    own(
        JOB,
        "--out",
        "Where the plan is written: a folder, or s3://BUCKET/PREFIX.",
        metavar="PLAN",
        required=True,
    ),
    own(JOB, "--role-arn", "Role that the job assumes.", metavar="ARN", required=True),
    own(
        JOB,
        "--report-bucket",
        "Where the job writes its report, and the manifest goes.",
        metavar="BUCKET[/PREFIX]",
        required=True,
    ),
    own(
        JOB,
        "--manifest-bucket",
        "Where the manifest goes instead.",
        metavar="BUCKET[/PREFIX]",
    ),
    own(
        JOB,
        "--source-kms-key",
        "KMS key of source objects; can be repeated.",
        metavar="ARN",
        multiple=True,
    ),
    _CONFIG,
    *_LOCATIONS,
    *_SELECTING,
    *(
        declared(_COPY[name])
        for name in ("files_from", "files_from_format", "files_from_keys", "inventory")
    ),
    *(
        declared({**declarations_of(CopySpec), **_COPY}[name])
        for name in (*_NOT_IN_A_JOB, *_IN_A_JOB, "checksum_algorithm", "request_payer")
    ),
    *_RETRIES,
    *(declared(_COPY[name]) for name in ("max_requests_per_s", "prices_path")),
    *_JSON,
)

batch_submit_options = (*_JOB_SIDE, *_JSON)

batch_watch_options = (*_JOB_SIDE, *_REPORTING)

batch_collect_options = (
    own(
        JOB,
        "--report",
        "File for the report.",
        metavar="FILE",
        required=True,
        type=click.Path(dir_okay=False, path_type=Path),
    ),
    *_LOCATIONS,
    _CONTROL_ENDPOINT,
    declared(_COPY["request_payer"]),
    declared(
        _COPY["concurrency"],
        help="Objects that S3 is asked about at the same time.",
        default_text=str(THREADS),
    ),
    *_RETRIES,
    declared(_COPY["max_requests_per_s"]),
    *_JSON,
)
