"""How a copy is done, as opposed to what is copied.

One frozen value, :class:`CopyOptions`. Each field is declared with all that is known about it; a
new option is a new field, and the code that uses it. No field takes a key or a token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from s3_xfer.declarations import (
    JournalRole,
    Kind,
    Section,
    check_values,
    documented,
    option,
    optional,
)
from s3_xfer.errors import ValidationError
from s3_xfer.options.delete_limit import most_deletes
from s3_xfer.options.enums import (
    CannedAcl,
    ChecksumAlgorithm,
    CompareBy,
    Delete,
    Encryption,
    Engine,
    Identical,
    JournalUse,
    ListedKeys,
    ListFormat,
    Preflight,
    ReportScope,
    RunMode,
    SecondChance,
    SourceCheck,
    StorageClass,
    TagPolicy,
)
from s3_xfer.options.filters import parse_rules
from s3_xfer.options.limits import (
    BATCH_SIZE_MAX,
    CONCURRENCY_MAX,
    LISTING_THREADS_MAX,
    MAX_IN_FLIGHT,
    OUTAGE_LIMIT_MAX_S,
    PART_MAX_BYTES,
    PART_MIN_BYTES,
    PARTS_MAX,
    RETRIES_MAX,
    SINGLE_COPY_MAX_BYTES,
    THREADS,
    WAIT_MAX_S,
)
from s3_xfer.options.moments import moment_after, moment_before
from s3_xfer.text import printable
from s3_xfer.units import exact_size
from s3_xfer.wording import message

__all__ = [
    "BATCH_SIZE_MAX",
    "PARTS_MAX",
    "PART_MAX_BYTES",
    "PART_MIN_BYTES",
    "SINGLE_COPY_MAX_BYTES",
    "THREADS",
    "CannedAcl",
    "ChecksumAlgorithm",
    "CompareBy",
    "CopyOptions",
    "Delete",
    "Encryption",
    "Engine",
    "Identical",
    "JournalUse",
    "ListFormat",
    "ListedKeys",
    "Preflight",
    "ReportScope",
    "RunMode",
    "SecondChance",
    "SourceCheck",
    "StorageClass",
    "TagPolicy",
]

_WHAT, _FIDELITY, _SPEED = Section.WHAT, Section.FIDELITY, Section.SPEED
_LIMITS, _OUTPUT = Section.LIMITS, Section.OUTPUT
_IDENTITY, _REMEMBERED = JournalRole.IDENTITY, JournalRole.REMEMBERED
_FIRST_RUN = JournalRole.FIRST_RUN
_AGE_DETAILS = "By S3's LastModified; an age counts from the start of the first run."
_SECONDS: Mapping[str, Any] = {"range": (0, WAIT_MAX_S), "unit": "s", "metavar": "SECONDS"}


@documented
@dataclass(frozen=True, kw_only=True)
class CopyOptions:
    """Everything adjustable about a copy. All sizes in bytes, all times in seconds.

    Raises:
        ValidationError: a value is out of range or contradicts another.
    """

    identical: Identical = option(
        Identical.COPY,
        _WHAT,
        "Do not copy objects that are identical at the destination, by listing it.",
        flag="--skip-identical",
        when_given=Identical.SKIP,
        journal=_REMEMBERED,
    )
    compare_by: CompareBy = option(
        CompareBy.AUTO,
        Section.SYNC,
        "What tells that an object is the same at both sides.",
        flag="--compare",
        metavar="RULE",
        details=(
            "auto: the ETag where it proves something, else a checksum of all of the content. "
            "Objects of different sizes differ by every rule; what cannot be compared is copied."
        ),
    )
    delete: Delete = option(
        Delete.NOTHING,
        Section.SYNC,
        "Delete what only DESTINATION has, once everything was copied.",
        flag="--delete",
        when_given=Delete.EXTRA,
        details="Nothing is deleted after an error, nor what the filters leave out.",
    )
    delete_excluded: bool = option(
        False,
        Section.SYNC,
        "Where extra objects are deleted, delete also what filters leave out.",
    )
    max_delete: str | None = optional(
        str,
        Section.SYNC,
        "Delete nothing at all if it would be more than so many objects, or per cent.",
        metavar="N|P%",
        default_text="10% of those at DESTINATION, or 1000 if that is more",
        journal=_REMEMBERED,
    )
    backup_prefix: str | None = optional(
        str,
        Section.SYNC,
        "Copy each object here, below s3://BUCKET/PREFIX/, before it is deleted.",
        metavar="S3URL",
        details=(
            "With the credentials of DESTINATION. What cannot be copied is not deleted; another "
            "object that is there already is not overwritten."
        ),
    )
    from_report_path: Path | None = optional(
        Path,
        _WHAT,
        "Copy only what this report of an earlier run says is missing.",
        journal=_FIRST_RUN,
        details=(
            "It may also be the completion report of an S3 Batch Operations job: manifest.json "
            "with its results beside it, or a results file (.csv)."
        ),
    )
    files_from: str | None = optional(
        str,
        _WHAT,
        "Copy only what this list names: a file, s3://BUCKET/KEY, or - for stdin.",
        kind=Kind.FILE_OR_URL,
        metavar="FILE",
        journal=_FIRST_RUN,
        is_input=True,
        details="A journal keeps the list itself, so that a resumed copy does not need the file.",
    )
    files_from_format: ListFormat = option(
        ListFormat.AUTO,
        _WHAT,
        "How the list is written.",
        metavar="FORMAT",
        journal=_FIRST_RUN,
        is_input=True,
        details="auto goes by the name: .csv, .jsonl, otherwise lines; any may be gzipped.",
    )
    files_from_keys: ListedKeys = option(
        ListedKeys.WHOLE,
        _WHAT,
        "The list has what follows the prefix SOURCE, not whole keys.",
        flag="--files-from-relative",
        when_given=ListedKeys.RELATIVE,
        journal=_FIRST_RUN,
        is_input=True,
    )
    inventory: str | None = optional(
        str,
        _WHAT,
        "Copy what this S3 Inventory has: a manifest.json or its folder, here or in S3.",
        kind=Kind.FILE_OR_URL,
        metavar="FILE",
        is_input=True,
        details="Of a folder, the newest one. What has changed since is skipped, and counted.",
    )
    mode: RunMode = option(
        RunMode.COPY,
        _WHAT,
        "List, count and show; write nothing.",
        flag="--dry-run",
        when_given=RunMode.DRY_RUN,
        journal=_FIRST_RUN,
    )
    preflight: Preflight = option(
        Preflight.FULL,
        _WHAT,
        "Skip the access checks; errors come from the first objects.",
        flag="--no-preflight",
        when_given=Preflight.SKIP,
        journal=_REMEMBERED,
    )
    filters: tuple[str, ...] = option(
        (),
        _WHAT,
        "Rules that choose objects by key, in order; the first that matches decides.",
        flag="",  # --include, --exclude and --filter-from, in the order in which they are typed
        details=(
            "Each is '+ PATTERN' (include) or '- PATTERN' (exclude); a pattern is matched on the "
            "key below the source prefix. What no rule matches is copied, unless a rule includes "
            "something: then it is left out."
        ),
    )
    min_size_bytes: int | None = optional(int, _WHAT, "Leave out smaller objects.", range=(0, None))
    max_size_bytes: int | None = optional(int, _WHAT, "Leave out larger objects.", range=(0, None))
    newer_than: str | None = optional(
        str,
        _WHAT,
        "Leave out what was last modified before: 7d ago, or 2026-03-01T00:00:00Z.",
        kind=Kind.MOMENT,
        metavar="WHEN",
        details=_AGE_DETAILS,
    )
    older_than: str | None = optional(
        str,
        _WHAT,
        "Leave out what was last modified since: 7d ago, or 2026-03-01T00:00:00Z.",
        kind=Kind.MOMENT,
        metavar="WHEN",
        details=_AGE_DETAILS,
    )
    source_storage_class: tuple[str, ...] = option(
        (),
        _WHAT,
        "Leave out objects of other storage classes; can be repeated.",
        metavar="CLASS",
    )
    if_tag: tuple[str, ...] = option(
        (),
        _WHAT,
        "Leave out objects without this tag (one request for each object); can be repeated.",
        metavar="KEY=VALUE",
    )
    source_check: SourceCheck = option(
        SourceCheck.CONDITION,
        _WHAT,
        "How a changed source is noticed: by a condition on the copy, or by a HEAD.",
        metavar="HOW",
        journal=_REMEMBERED,
        details="head, two more requests each, is for services that refuse the condition.",
    )
    tags: TagPolicy = option(
        TagPolicy.COPY, _FIDELITY, "Whether object tags are copied or skipped."
    )
    storage_class: StorageClass | None = optional(
        StorageClass,
        _FIDELITY,
        "Storage class of the copies, STANDARD unless given.",
        metavar="CLASS",
    )
    acl: CannedAcl | None = optional(
        CannedAcl, _FIDELITY, "Canned ACL of the copies.", metavar="ACL"
    )
    sse: Encryption | None = optional(
        Encryption, _FIDELITY, "Encryption; otherwise the bucket's default.", metavar="MODE"
    )
    sse_kms_key_id: str | None = optional(
        str, _FIDELITY, "KMS key, best as a full ARN.", metavar="KEY"
    )
    bucket_key: bool = option(False, _FIDELITY, "Use an S3 Bucket Key (fewer KMS requests).")
    checksum_algorithm: ChecksumAlgorithm | None = optional(
        ChecksumAlgorithm, _FIDELITY, "Checksum that S3 stores with the copies.", metavar="NAME"
    )
    request_payer: bool = option(
        False, _FIDELITY, "Accept that this account pays for reading the source.", word="requester"
    )
    concurrency: int | None = optional(
        int,
        _SPEED,
        "Maximum number of copies at the same time.",
        range=(1, CONCURRENCY_MAX),
        default_text=(
            f"as many as make it faster, up to {MAX_IN_FLIGHT} (crt); {THREADS} (managed)"
        ),
        details=(
            "The managed engine needs a thread for each. The parts of large objects have as many "
            f"requests again ({THREADS} without a value)."
        ),
    )
    engine: Engine = option(
        Engine.AUTO,
        _SPEED,
        "What sends the copies: awscrt where it can be used, or boto3's transfer manager.",
        metavar="NAME",
    )
    listing_threads: int = option(
        8,
        _SPEED,
        "Maximum number of listing pages requested at once; more than one only while copies wait.",
        range=(1, LISTING_THREADS_MAX),
    )
    multipart_threshold_bytes: int = option(
        SINGLE_COPY_MAX_BYTES,
        _SPEED,
        "Objects of this size or more are copied in parts.",
        range=(PART_MIN_BYTES, SINGLE_COPY_MAX_BYTES),
        journal=_IDENTITY,
    )
    part_size_bytes: int | None = optional(
        int,
        _SPEED,
        "Size of a part; chosen by the object's size (128 to 512 MiB) unless given.",
        range=(PART_MIN_BYTES, PART_MAX_BYTES),
        journal=_IDENTITY,
        details="It grows where 10,000 parts would not be enough.",
    )
    retries: int = option(
        3,
        _SPEED,
        "How often a request that failed for a temporary reason is repeated.",
        range=(0, RETRIES_MAX),
    )
    retry_delay_s: float = option(
        1.0, _SPEED, "Wait before the first repetition; doubles with each.", **_SECONDS
    )
    second_chance: SecondChance = option(
        SecondChance.GIVE,
        _SPEED,
        "Do not retry, at the end, objects that failed for a temporary reason.",
        flag="--no-second-chance",
        when_given=SecondChance.SKIP,
    )
    read_timeout_s: float = option(
        300.0,
        _SPEED,
        "Time to wait for a response; single copies of several GB take minutes.",
        low_is_open=True,
        **_SECONDS,
    )
    stop_grace_s: float = option(
        10.0,
        _SPEED,
        "Time that a stopped run waits for the responses to requests under way.",
        flag="",
        **_SECONDS,
    )
    max_failures: int | None = optional(
        int, _LIMITS, "End the run once more than N objects have failed.", range=(0, None)
    )
    max_error_rate_percent: float | None = optional(
        float,
        _LIMITS,
        "End the run once more than this share of the last 1,000 objects (at least 100) failed.",
        range=(0, 100),
        high_is_open=True,
        unit="per cent",
        metavar="PERCENT",
    )
    max_requests_per_s: float | None = optional(
        float,
        _LIMITS,
        "Maximum number of requests to S3 per second, of all kinds together.",
        flag="--max-requests-per-second",
        range=(0, None),
        low_is_open=True,
        metavar="N",
        journal=_REMEMBERED,
    )
    deadline: str | None = optional(
        str,
        _LIMITS,
        "Stop cleanly after 2h, 90m, ... or at 2026-03-01T06:00:00Z.",
        kind=Kind.MOMENT,
        metavar="WHEN",
        is_repeated=False,  # a moment that has passed is refused
        details="A duration counts from the start of the run; a moment needs a time zone.",
    )
    outage_limit_s: float = option(
        600.0,
        _LIMITS,
        "How long to wait for a server that fails every request, before the run ends; 0 for none.",
        kind=Kind.DURATION,
        range=(0, OUTAGE_LIMIT_MAX_S),
        unit="s",
        details="The wait begins once the server has answered a request of the run.",
    )
    report_path: Path | None = optional(
        Path,
        _OUTPUT,
        "Write one JSON line for each object that was not copied.",
        is_repeated=False,  # a re-run writes another one
    )
    report_scope: ReportScope = option(
        ReportScope.NOT_COPIED,
        _OUTPUT,
        "Write a line for every object into the report.",
        flag="--report-all",
        when_given=ReportScope.ALL,
    )
    journal: str | None = optional(
        str,
        _OUTPUT,
        "Keep what is done here (or in s3://BUCKET/KEY), so that the copy can be resumed.",
        kind=Kind.FILE_OR_URL,
        metavar="FILE",
        journal=_FIRST_RUN,
        details="A dry run has none.",
    )
    prices_path: Path | None = optional(
        Path, _OUTPUT, "Prices for the estimated bill, instead of AWS's list prices."
    )
    principal: str | None = optional(
        str,
        _OUTPUT,
        "Role or user that makes the copy, where STS does not say it; used in diagnoses.",
        metavar="ARN",
    )
    journal_use: JournalUse = option(
        JournalUse.BEGIN,
        _OUTPUT,
        "Begin a copy, resume it from its journal, or resume it if it is not finished.",
        flag="",
        journal=_FIRST_RUN,
    )

    def __post_init__(self) -> None:
        check_values(self)
        _check_encryption(self)
        _check_files(self)
        _check_inputs(self)
        _check_filters(self)
        most_deletes(self.max_delete, 0)  # refuses what is no limit
        if self.deadline is not None:
            moment_after(self.deadline, datetime.now().astimezone(), name="deadline")

    @property
    def has_filters(self) -> bool:
        """Whether objects may be left out."""
        limits = (self.min_size_bytes, self.max_size_bytes, self.newer_than, self.older_than)
        lists = (self.filters, self.source_storage_class, self.if_tag)
        return any(lists) or any(limit is not None for limit in limits)

    @property
    def reads_tags(self) -> bool:
        """Whether tags of the source's objects are read."""
        return self.tags is TagPolicy.COPY or bool(self.if_tag)

    @property
    def threads(self) -> int:
        """How many copies, or parts, that need a thread each are under way at once."""
        return THREADS if self.concurrency is None else self.concurrency

    @property
    def max_in_flight(self) -> int:
        """How many copies that need no thread are under way at once."""
        return MAX_IN_FLIGHT if self.concurrency is None else self.concurrency

    def ends_at(self, start: datetime) -> datetime | None:
        """Return when a run that starts at ``start`` (with a time zone) has to stop, if ever.

        Raises:
            ValidationError: that moment has passed.
        """
        moment = self.deadline and moment_after(self.deadline, start, name="deadline")
        if moment and moment <= start:
            raise ValidationError(
                f"the deadline {self.deadline!r} has passed: it is {start:%Y-%m-%dT%H:%M:%S%z}",
                remedy="give a later one, or none",
            )
        return moment or None


def _check_filters(options: CopyOptions) -> None:
    parse_rules(options.filters)
    now = datetime.now().astimezone()
    newer, older = (
        text and moment_before(text, now) for text in (options.newer_than, options.older_than)
    )
    if newer and older and newer >= older:
        raise ValidationError(
            f"nothing is both newer than {options.newer_than} and older than {options.older_than}",
            remedy="exchange them, or leave one out",
        )
    least, most = options.min_size_bytes, options.max_size_bytes
    if least is not None and most is not None and least > most:
        raise ValidationError(
            f"nothing has at least {exact_size(least)} and at most {exact_size(most)}",
            remedy="exchange them, or leave one out",
        )
    for tag in options.if_tag:
        if not tag.partition("=")[0] or "=" not in tag:
            raise ValidationError(f"{tag!r} is not a tag", remedy="write it as KEY=VALUE")


def _check_encryption(options: CopyOptions) -> None:
    kms = options.sse in (Encryption.KMS, Encryption.KMS_DSSE)
    if options.sse_kms_key_id and not kms:
        raise ValidationError(
            "a KMS key was given without KMS encryption", remedy=message("add {sse=aws:kms}")
        )
    if options.bucket_key and options.sse is not Encryption.KMS:
        raise ValidationError(
            "an S3 Bucket Key only exists with KMS encryption", remedy=message("add {sse=aws:kms}")
        )


def _check_files(options: CopyOptions) -> None:
    if options.report_scope is ReportScope.ALL and not options.report_path:
        raise ValidationError(
            "a report of all objects needs a file", remedy=message("add {report_path=...}")
        )
    if options.report_path and options.report_path in (
        options.from_report_path,
        options.prices_path,
    ):
        raise ValidationError(
            f"{printable(str(options.report_path))} would be read and overwritten at the same time",
            remedy="write the new report to another file",
        )
    if options.journal_use is JournalUse.RESUME and not options.journal:
        raise ValidationError(
            "no journal to resume was given", remedy=message("name it: {journal=...}")
        )


def _check_inputs(options: CopyOptions) -> None:
    inputs = {
        "a report": options.from_report_path,
        "a list": options.files_from,
        "an inventory": options.inventory,
    }
    given = [name for name, value in inputs.items() if value is not None]
    if len(given) > 1:
        raise ValidationError(
            f"{' and '.join(given)} both say what is to be copied",
            remedy=message(
                "leave out all but one of {from_report_path}, {files_from} and {inventory}"
            ),
        )
    is_plain = (options.files_from_format, options.files_from_keys) == (
        ListFormat.AUTO,
        ListedKeys.WHOLE,
    )
    if not options.files_from and not is_plain:
        raise ValidationError(
            "how a list is written was given without a list", remedy=message("add {files_from=...}")
        )
