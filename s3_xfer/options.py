"""How a copy is done, as opposed to what is copied.

One frozen value, :class:`CopyOptions`; every field is checked on construction, and the message
names the offending value. Refuses secrets: no field takes a key or a token.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from s3_xfer.errors import ValidationError
from s3_xfer.text import printable
from s3_xfer.units import GIB, MIB, format_size, parse_duration

SINGLE_COPY_MAX_BYTES = 5 * GIB  # API reference, CopyObject: "up to 5 GB in a single operation"
PART_MIN_BYTES = 5 * MIB  # S3 User Guide, "Amazon S3 multipart upload limits"
PART_MAX_BYTES = 5 * GIB
PARTS_MAX = 10_000
BATCH_SIZE_MAX = 1000
CONCURRENCY_MAX = 1000
LISTING_THREADS_MAX = 32
THREADS = 64  # more make boto3 slower
MAX_IN_FLIGHT = 1000
RETRIES_MAX = 10
WAIT_MAX_S = 3600


class TagPolicy(enum.Enum):
    """What happens to object tags."""

    COPY = "copy"  # needs s3:GetObjectTagging on the source, s3:PutObjectTagging on the destination
    SKIP = "skip"  # needs neither


class Encryption(enum.Enum):
    """Server-side encryption asked of the destination; without it the bucket's default applies."""

    S3 = "AES256"
    KMS = "aws:kms"
    KMS_DSSE = "aws:kms:dsse"


class ChecksumAlgorithm(enum.Enum):
    """The checksum that S3 computes and stores with the copy."""

    CRC32 = "CRC32"
    CRC32C = "CRC32C"
    CRC64NVME = "CRC64NVME"
    SHA1 = "SHA1"
    SHA256 = "SHA256"


class StorageClass(enum.Enum):
    """Storage class of the copies. S3 itself makes every copy STANDARD unless told otherwise."""

    STANDARD = "STANDARD"
    STANDARD_IA = "STANDARD_IA"
    ONEZONE_IA = "ONEZONE_IA"
    INTELLIGENT_TIERING = "INTELLIGENT_TIERING"
    GLACIER_IR = "GLACIER_IR"
    GLACIER = "GLACIER"
    DEEP_ARCHIVE = "DEEP_ARCHIVE"
    REDUCED_REDUNDANCY = "REDUCED_REDUNDANCY"


class CannedAcl(enum.Enum):
    """Canned ACL of the copies. Only for destination buckets that still have ACLs enabled."""

    PRIVATE = "private"
    BUCKET_OWNER_FULL_CONTROL = "bucket-owner-full-control"
    BUCKET_OWNER_READ = "bucket-owner-read"
    AUTHENTICATED_READ = "authenticated-read"
    AWS_EXEC_READ = "aws-exec-read"
    PUBLIC_READ = "public-read"
    PUBLIC_READ_WRITE = "public-read-write"


class Identical(enum.Enum):
    """What happens to objects whose content is at the destination already."""

    COPY = "copy"  # they are copied again, without a look
    SKIP = "skip"  # they are left alone, where size and ETag or checksum prove it


class RunMode(enum.Enum):
    """Whether anything is written."""

    COPY = "copy"
    DRY_RUN = "dry-run"  # list, map and count; send no request that writes


class Engine(enum.Enum):
    """What sends the single-request copies. Copies in parts go through boto3 with either engine."""

    AUTO = "auto"  # CRT where it is installed and can say what boto3 would, else managed
    MANAGED = "managed"  # boto3's transfer manager (s3transfer)
    CRT = "crt"  # the AWS Common Runtime (awscrt); refused where it cannot be used


class Preflight(enum.Enum):
    """How much is proven before the first object."""

    FULL = "full"  # list, HEAD, and a multipart upload that is opened, given a part and aborted
    SKIP = "skip"  # nothing; the first errors come from real objects


class JournalUse(enum.Enum):
    """What a run does about a journal that is there already."""

    BEGIN = "begin"  # refuse: a copy begins here
    RESUME = "resume"  # go on from it; refuse if there is none
    CONTINUE = "continue"  # go on from one that is unfinished, begin otherwise


class ReportScope(enum.Enum):
    """Which objects the report names."""

    NOT_COPIED = "not-copied"  # failed, not attempted, skipped
    ALL = "all"


@dataclass(frozen=True, kw_only=True)
class CopyOptions:
    """Everything adjustable about a copy. All sizes in bytes, all times in seconds.

    ``concurrency`` is how many copies are under way at once; None takes 64 of the managed engine,
    which needs a thread for each, or up to 1,000 of the CRT engine. The parts of large objects have
    as many requests again (64 with None). ``listing_threads`` is how many pages of the listing may
    be asked for at once; more than one are if the workers wait for them. Objects of
    ``multipart_threshold_bytes`` or more go in parts of ``part_size_bytes``, which grows where
    10,000 parts would not suffice; with None it is chosen by the object's size, see
    :mod:`s3_xfer.planning.part_size`. Each request is repeated at most ``retries`` times, after
    ``retry_delay_s``, twice that, four times that. ``read_timeout_s`` is how long S3 may be
    silent: a single copy of 5 GB takes minutes. ``stop_grace_s`` is how long a stopped run waits
    for answers that are under way. ``identical`` decides about what an earlier run has copied;
    looking costs a HEAD per object. ``journal`` is a file, or ``s3://BUCKET/KEY``, in which the run
    keeps what is done, so that another run can go on from there; ``journal_use`` decides about one
    that exists; a dry run has none. ``prices_path`` is a price file for the estimated bill, see
    :mod:`s3_xfer.ledger.prices`.

    Limits, all off unless given: the run ends early once more than ``max_failures`` objects have
    failed, or more than ``max_error_rate_percent`` of the last thousand that were tried (a hundred
    at least); it sends at most ``max_requests_per_s`` requests to S3, of all kinds together; it
    stops at ``deadline``, a duration from its start (``2h``) or a moment in ISO 8601 with its time
    zone (``2026-03-01T06:00:00Z``).

    Raises:
        ValidationError: a value is out of range or contradicts another.
    """

    concurrency: int | None = None
    engine: Engine = Engine.AUTO
    listing_threads: int = 8
    multipart_threshold_bytes: int = SINGLE_COPY_MAX_BYTES
    part_size_bytes: int | None = None
    retries: int = 3
    retry_delay_s: float = 1.0
    read_timeout_s: float = 300.0
    stop_grace_s: float = 10.0
    tags: TagPolicy = TagPolicy.COPY
    storage_class: StorageClass | None = None
    acl: CannedAcl | None = None
    sse: Encryption | None = None
    sse_kms_key_id: str | None = None
    bucket_key: bool = False
    request_payer: bool = False
    checksum_algorithm: ChecksumAlgorithm | None = None
    identical: Identical = Identical.COPY
    mode: RunMode = RunMode.COPY
    preflight: Preflight = Preflight.FULL
    report_path: Path | None = None
    report_scope: ReportScope = ReportScope.NOT_COPIED
    from_report_path: Path | None = None
    prices_path: Path | None = None
    max_failures: int | None = None
    max_error_rate_percent: float | None = None
    max_requests_per_s: float | None = None
    deadline: str | None = None
    journal: str | None = None
    journal_use: JournalUse = JournalUse.BEGIN

    def __post_init__(self) -> None:
        _in_range("concurrency", self.threads, 1, CONCURRENCY_MAX)
        _in_range("listing threads", self.listing_threads, 1, LISTING_THREADS_MAX)
        _in_range("retries", self.retries, 0, RETRIES_MAX)
        _size_in_range(
            "multipart threshold",
            self.multipart_threshold_bytes,
            PART_MIN_BYTES,
            SINGLE_COPY_MAX_BYTES,
        )
        if self.part_size_bytes is not None:
            _size_in_range("part size", self.part_size_bytes, PART_MIN_BYTES, PART_MAX_BYTES)
        for name, value_s in (
            ("retry delay", self.retry_delay_s),
            ("read timeout", self.read_timeout_s),
            ("stop grace", self.stop_grace_s),
        ):
            if not 0 <= value_s <= WAIT_MAX_S:
                raise ValidationError(
                    f"{name} is {value_s} s; it must be between 0 and {WAIT_MAX_S} s"
                )
        self._check_encryption()
        self._check_reports()
        self._check_limits()
        self._check_journal()

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
        if self.deadline is None:
            return None
        moment = _moment(self.deadline, start)
        if moment <= start:
            raise ValidationError(
                f"the deadline {self.deadline!r} has passed: it is {start:%Y-%m-%dT%H:%M:%S%z}",
                remedy="give a later one, or none",
            )
        return moment

    def _check_limits(self) -> None:
        if self.max_failures is not None and self.max_failures < 0:
            raise ValidationError(f"max failures is {self.max_failures}; it must be 0 or more")
        rate = self.max_error_rate_percent
        if rate is not None and not 0 <= rate < 100:  # noqa: PLR2004 - per cent
            raise ValidationError(
                f"max error rate is {rate} per cent; it must be 0 or more, and below 100"
            )
        per_s = self.max_requests_per_s
        if per_s is not None and not (per_s > 0 and math.isfinite(per_s)):
            raise ValidationError(f"max requests per second is {per_s}; it must be above 0")
        if self.deadline is not None:
            _moment(self.deadline, datetime.now().astimezone())

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

    def _check_reports(self) -> None:
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

    def _check_journal(self) -> None:
        if self.journal_use is JournalUse.RESUME and not self.journal:
            raise ValidationError("no journal to resume was given", remedy="name its file")


def _moment(deadline: str, start: datetime) -> datetime:
    """Return the moment that ``deadline`` names for a run that starts at ``start``."""
    try:
        return start + timedelta(seconds=parse_duration(deadline))
    except ValidationError:
        pass
    except OverflowError as error:
        raise _no_deadline(deadline) from error
    try:
        moment = datetime.fromisoformat(deadline)
    except ValueError as error:
        raise _no_deadline(deadline) from error
    if moment.tzinfo is None:
        raise ValidationError(
            f"the deadline {deadline!r} has no time zone",
            remedy="add one: Z for UTC, or an offset like +02:00",
        )
    return moment


def _no_deadline(deadline: str) -> ValidationError:
    return ValidationError(
        f"{deadline!r} is not a deadline",
        remedy="write it as a duration (90m, 2h) or as a moment (2026-03-01T06:00:00Z)",
    )


def _in_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValidationError(f"{name} is {value}; it must be between {low} and {high}")


def _size_in_range(name: str, size_bytes: int, low: int, high: int) -> None:
    if not low <= size_bytes <= high:
        raise ValidationError(
            f"{name} is {format_size(size_bytes)}; it must be between "
            f"{format_size(low)} and {format_size(high)}"
        )
