"""The words that options of a copy choose from."""

from __future__ import annotations

import enum


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


class ListFormat(enum.Enum):
    """How a list of keys is written."""

    AUTO = "auto"  # by the name: .jsonl and .csv (also with .gz), otherwise lines
    LINES = "lines"  # a key on each line, as it is
    NUL = "nul"  # a key before each NUL byte
    CSV = "csv"  # the first line names the columns, of which key is one
    JSONL = "jsonl"  # a JSON object on each line, with the same names


class ListedKeys(enum.Enum):
    """What the keys of a list begin with."""

    WHOLE = "whole"  # each is the key in the bucket, and begins with the source prefix
    RELATIVE = "relative"  # each is what follows the source prefix


class CompareBy(enum.Enum):
    """What tells whether the destination's object is the same as the source's.

    Objects of different sizes differ by every rule.
    """

    AUTO = "auto"  # ETags where they prove something, else a checksum of all of the content
    SIZE = "size"  # the same size is the same object: an edit of the same length is not noticed
    ETAG = "etag"  # equal ETags alone
    CHECKSUM = "checksum"  # a checksum of all of the content alone: a HEAD of both sides for each
    NEWER = "newer"  # the same size, and not modified after the destination's object


class Delete(enum.Enum):
    """What happens to what only the destination has."""

    NOTHING = "nothing"  # it stays
    EXTRA = "extra"  # it is deleted, once everything was copied


class RunMode(enum.Enum):
    """Whether anything is written."""

    COPY = "copy"
    DRY_RUN = "dry-run"  # list, map and count; send no request that writes


class Engine(enum.Enum):
    """What sends the copies, of objects in one request and of parts."""

    AUTO = "auto"  # CRT where it is installed and can say what boto3 would, else managed
    MANAGED = "managed"  # boto3's transfer manager (s3transfer)
    CRT = "crt"  # the AWS Common Runtime (awscrt); refused where it cannot be used


class Preflight(enum.Enum):
    """How much is proven before the first object."""

    FULL = "full"  # list, HEAD, and a multipart upload that is opened, given a part and aborted
    SKIP = "skip"  # nothing; the first errors come from real objects


class SourceCheck(enum.Enum):
    """How a source that changes while it is copied is noticed."""

    CONDITION = "condition"  # the copy itself requires the ETag of the listing
    HEAD = "head"  # a HEAD before and after; for services that refuse that condition


class JournalUse(enum.Enum):
    """What a run does about a journal that is there already."""

    BEGIN = "begin"  # refuse: a copy begins here
    RESUME = "resume"  # go on from it; refuse if there is none
    CONTINUE = "continue"  # go on from one that is unfinished, begin otherwise


class SecondChance(enum.Enum):
    """What happens to objects that failed for a temporary reason after all repetitions."""

    GIVE = "give"  # they are tried once more when everything else is done
    SKIP = "skip"  # they have failed


class ReportScope(enum.Enum):
    """Which objects the report names."""

    NOT_COPIED = "not-copied"  # failed, not attempted, skipped
    ALL = "all"
