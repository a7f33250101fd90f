"""How a copy is done, as opposed to what is copied.

One frozen value, :class:`CopyOptions`. Each field is declared with all that is known about it; a
new option is a new field, and the code that uses it. No field takes a key or a token.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from s3_xfer.declarations import (
    Choice,
    Decimal,
    File,
    Flag,
    JournalRole,
    Section,
    Size,
    Text,
    Whole,
    check_values,
    documented,
    option,
)
from s3_xfer.errors import ValidationError
from s3_xfer.options.deadline import deadline_at, moment_of
from s3_xfer.options.enums import (
    CannedAcl,
    ChecksumAlgorithm,
    Encryption,
    Engine,
    Identical,
    JournalUse,
    Preflight,
    ReportScope,
    RunMode,
    StorageClass,
    TagPolicy,
)
from s3_xfer.options.limits import (
    CONCURRENCY_MAX,
    LISTING_THREADS_MAX,
    MAX_IN_FLIGHT,
    PART_MAX_BYTES,
    PART_MIN_BYTES,
    RETRIES_MAX,
    SINGLE_COPY_MAX_BYTES,
    THREADS,
    WAIT_MAX_S,
)
from s3_xfer.text import printable


@documented
@dataclass(frozen=True, kw_only=True)
class CopyOptions:
    """Everything adjustable about a copy. All sizes in bytes, all times in seconds.

    Raises:
        ValidationError: a value is out of range or contradicts another.
    """

    identical: Identical = option(
        Identical.COPY,
        flag="--skip-identical",
        help="Leave objects alone whose content is there already (one HEAD for each).",
        section=Section.WHAT,
        kind=Choice(members=Identical, when_given=Identical.SKIP),
        journal=JournalRole.REMEMBERED,
    )
    from_report_path: Path | None = option(
        None,
        help="Copy only what this report of an earlier run says is missing.",
        section=Section.WHAT,
        kind=File(),
        journal=JournalRole.FIRST_RUN,
        is_repeated=False,
    )
    mode: RunMode = option(
        RunMode.COPY,
        flag="--dry-run",
        help="List, count and show; write nothing.",
        section=Section.WHAT,
        kind=Choice(members=RunMode, when_given=RunMode.DRY_RUN),
        journal=JournalRole.FIRST_RUN,
        is_repeated=False,
    )
    preflight: Preflight = option(
        Preflight.FULL,
        flag="--no-preflight",
        help="Skip the access checks; errors come from the first objects.",
        section=Section.WHAT,
        kind=Choice(members=Preflight, when_given=Preflight.SKIP),
        journal=JournalRole.REMEMBERED,
    )
    tags: TagPolicy = option(
        TagPolicy.COPY,
        help="Copy object tags, or leave them behind.",
        section=Section.FIDELITY,
        kind=Choice(members=TagPolicy),
        journal=JournalRole.IDENTITY,
    )
    storage_class: StorageClass | None = option(
        None,
        help="Storage class of the copies, STANDARD unless given.",
        section=Section.FIDELITY,
        kind=Choice(members=StorageClass, metavar="CLASS"),
        journal=JournalRole.IDENTITY,
    )
    acl: CannedAcl | None = option(
        None,
        help="Canned ACL of the copies.",
        section=Section.FIDELITY,
        kind=Choice(members=CannedAcl, metavar="ACL"),
        journal=JournalRole.IDENTITY,
    )
    sse: Encryption | None = option(
        None,
        help="Encryption; otherwise the bucket's default.",
        section=Section.FIDELITY,
        kind=Choice(members=Encryption, metavar="MODE"),
        journal=JournalRole.IDENTITY,
    )
    sse_kms_key_id: str | None = option(
        None,
        help="KMS key, best as a full ARN.",
        section=Section.FIDELITY,
        kind=Text(metavar="KEY"),
        journal=JournalRole.IDENTITY,
    )
    bucket_key: bool = option(
        False,
        help="Use an S3 Bucket Key (fewer KMS requests).",
        section=Section.FIDELITY,
        kind=Flag(),
        journal=JournalRole.IDENTITY,
    )
    checksum_algorithm: ChecksumAlgorithm | None = option(
        None,
        help="Checksum that S3 stores with the copies.",
        section=Section.FIDELITY,
        kind=Choice(members=ChecksumAlgorithm, metavar="NAME"),
        journal=JournalRole.IDENTITY,
    )
    request_payer: bool = option(
        False,
        help="Accept that this account pays for reading the source.",
        section=Section.FIDELITY,
        kind=Flag(word="requester"),
        journal=JournalRole.IDENTITY,
    )
    concurrency: int | None = option(
        None,
        help="Copies under way at the same time, at most.",
        section=Section.SPEED,
        kind=Whole(low=1, high=CONCURRENCY_MAX),
        journal=JournalRole.REMEMBERED,
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
        help="What sends the copies: awscrt where it can be used, or boto3's transfer manager.",
        section=Section.SPEED,
        kind=Choice(members=Engine, metavar="NAME"),
        journal=JournalRole.REMEMBERED,
    )
    listing_threads: int = option(
        8,
        help="Pages of the listing asked for at once, at most; more than one only if copies wait.",
        section=Section.SPEED,
        kind=Whole(low=1, high=LISTING_THREADS_MAX),
        journal=JournalRole.REMEMBERED,
    )
    multipart_threshold_bytes: int = option(
        SINGLE_COPY_MAX_BYTES,
        help="Objects of this size or more are copied in parts.",
        section=Section.SPEED,
        kind=Size(low=PART_MIN_BYTES, high=SINGLE_COPY_MAX_BYTES),
        journal=JournalRole.IDENTITY,
    )
    part_size_bytes: int | None = option(
        None,
        help="Size of a part; chosen by the object's size (128 to 512 MiB) unless given.",
        section=Section.SPEED,
        kind=Size(low=PART_MIN_BYTES, high=PART_MAX_BYTES),
        journal=JournalRole.IDENTITY,
        details="It grows where 10,000 parts would not suffice.",
    )
    retries: int = option(
        3,
        help="Repetitions of a request that failed for a passing reason.",
        section=Section.SPEED,
        kind=Whole(low=0, high=RETRIES_MAX),
        journal=JournalRole.REMEMBERED,
    )
    retry_delay_s: float = option(
        1.0,
        help="Wait before the first repetition; doubles with each.",
        section=Section.SPEED,
        kind=Decimal(low=0, high=WAIT_MAX_S, unit="s", metavar="SECONDS"),
        journal=JournalRole.REMEMBERED,
    )
    read_timeout_s: float = option(
        300.0,
        help="Time to wait for a response; single copies of several GB take minutes.",
        section=Section.SPEED,
        kind=Decimal(low=0, high=WAIT_MAX_S, unit="s", metavar="SECONDS"),
        journal=JournalRole.REMEMBERED,
    )
    stop_grace_s: float = option(
        10.0,
        flag="",
        help="Time that a stopped run waits for the responses to requests under way.",
        section=Section.SPEED,
        kind=Decimal(low=0, high=WAIT_MAX_S, unit="s", metavar="SECONDS"),
        journal=JournalRole.REMEMBERED,
    )
    max_failures: int | None = option(
        None,
        help="End the run once more than N objects have failed.",
        section=Section.LIMITS,
        kind=Whole(low=0),
        journal=JournalRole.PER_RUN,
    )
    max_error_rate_percent: float | None = option(
        None,
        help="End it once more than this share failed of the last 1,000 tried (at least 100).",
        section=Section.LIMITS,
        kind=Decimal(low=0, high=100, high_is_open=True, unit="per cent", metavar="PERCENT"),
        journal=JournalRole.PER_RUN,
    )
    max_requests_per_s: float | None = option(
        None,
        flag="--max-requests-per-second",
        help="Requests sent to S3, of all kinds together, at most.",
        section=Section.LIMITS,
        kind=Decimal(low=0, low_is_open=True, metavar="N"),
        journal=JournalRole.REMEMBERED,
    )
    deadline: str | None = option(
        None,
        help="Stop cleanly after 2h, 90m, ... or at 2026-03-01T06:00:00Z.",
        section=Section.LIMITS,
        kind=Text(metavar="WHEN"),
        journal=JournalRole.PER_RUN,
        is_repeated=False,  # a moment that has passed is refused
        details="A duration counts from the start of the run; a moment needs a time zone.",
    )
    report_path: Path | None = option(
        None,
        help="Write one JSON line for each object that was not copied.",
        section=Section.OUTPUT,
        kind=File(),
        journal=JournalRole.PER_RUN,
        is_repeated=False,  # a re-run writes another one
    )
    report_scope: ReportScope = option(
        ReportScope.NOT_COPIED,
        flag="--report-all",
        help="Write a line for every object into the report.",
        section=Section.OUTPUT,
        kind=Choice(members=ReportScope, when_given=ReportScope.ALL),
        journal=JournalRole.PER_RUN,
    )
    journal: str | None = option(
        None,
        help="Keep what is done here (or in s3://BUCKET/KEY), for s3-xfer resume.",
        section=Section.OUTPUT,
        kind=Text(metavar="FILE"),
        journal=JournalRole.FIRST_RUN,
        is_repeated=False,
        details="A dry run has none.",
    )
    prices_path: Path | None = option(
        None,
        help="Prices for the estimated bill, instead of AWS's list prices.",
        section=Section.OUTPUT,
        kind=File(),
        journal=JournalRole.PER_RUN,
    )
    journal_use: JournalUse = option(
        JournalUse.BEGIN,
        flag="",
        help="Begin a copy, resume it from its journal, or resume it if it is not finished.",
        section=Section.OUTPUT,
        kind=Choice(members=JournalUse, metavar="USE"),
        journal=JournalRole.FIRST_RUN,
    )

    def __post_init__(self) -> None:
        check_values(self)
        self._check_encryption()
        self._check_files()
        if self.deadline is not None:
            moment_of(self.deadline, datetime.now().astimezone())

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
        return None if self.deadline is None else deadline_at(self.deadline, start)

    def _check_encryption(self) -> None:
        kms = self.sse in (Encryption.KMS, Encryption.KMS_DSSE)
        if self.sse_kms_key_id and not kms:
            raise ValidationError(
                "a KMS key was given without KMS encryption", remedy="add --sse aws:kms"
            )
        if self.bucket_key and self.sse is not Encryption.KMS:
            raise ValidationError(
                "an S3 Bucket Key only exists with KMS encryption", remedy="add --sse aws:kms"
            )

    def _check_files(self) -> None:
        if self.report_scope is ReportScope.ALL and not self.report_path:
            raise ValidationError(
                "a report of all objects needs a file", remedy="add --report FILE"
            )
        if self.report_path and self.report_path in (self.from_report_path, self.prices_path):
            raise ValidationError(
                f"{printable(str(self.report_path))} would be read and overwritten "
                "at the same time",
                remedy="write the new report to another file",
            )
        if self.journal_use is JournalUse.RESUME and not self.journal:
            raise ValidationError("no journal to resume was given", remedy="name its file")
