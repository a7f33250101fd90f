"""The classes of errors: what each is called, what a person can do, what a run does about it.

A class says how to react; retries, counts and threads are elsewhere.
"""

from __future__ import annotations

import enum

from s3_xfer.wording import Message, message

RUNBOOK = "docs/runbook.md"


class RetryAction(enum.Enum):
    """What a run does about an error."""

    RETRY = enum.auto()  # send the same request again, after a wait
    SLOW_DOWN = enum.auto()  # the same, and the server asked for fewer requests
    RESTART_OBJECT = enum.auto()  # the request cannot succeed, a new copy of the object can
    FAIL_OBJECT = enum.auto()  # this object fails, the others go on
    END_RUN = enum.auto()  # every further object would fail the same way


class _Explained(enum.Enum):
    """What every class of error carries. ``description`` begins a message."""

    description: Message
    remedy: Message
    retry_action: RetryAction

    def __new__(
        cls,
        value: str,
        description: str,
        remedy: str,
        retry_action: RetryAction = RetryAction.FAIL_OBJECT,
    ) -> _Explained:
        """Attach what the table says to the member."""
        member = object.__new__(cls)
        member._value_ = value
        member.description, member.remedy = message(description), message(remedy)
        member.retry_action = retry_action
        return member

    @property
    def runbook(self) -> str:
        """The place in the runbook that explains this class."""
        return f"{RUNBOOK}#{self.section}"

    @property
    def section(self) -> str:
        """The name of that section, as ``s3-xfer runbook`` takes it."""
        return self.name.lower().replace("_", "-")

    @property
    def see(self) -> Message:
        """The last line of a message: where to read on."""
        return message("{READ_ON}", section=self.section)


class ErrorClass(_Explained):
    """Classes of error: what happened, what a person can do next, what a run does.

    The value is what reports show, and hyphenated the section of the runbook. Values are API.
    """

    @property
    def is_transient(self) -> bool:
        """Whether a later try, perhaps on another machine, may succeed although nobody acted."""
        return self in _TRANSIENT

    THROTTLED = (
        "Throttled",
        "S3 still asked for fewer requests per second after every retry",
        "{RUN_AGAIN}, with a lower {concurrency}",
        RetryAction.SLOW_DOWN,
    )
    SERVER_ERROR = (
        "ServerError",
        "the S3 service had an internal error, or sent an unreadable answer, every time",
        "{RUN_AGAIN}; if it persists, give the request id to the support of the S3 service",
        RetryAction.RETRY,
    )
    TIMEOUT = (
        "Timeout",
        "S3 did not answer in time",
        "{RUN_AGAIN}; for objects of several GB lower {multipart_threshold_bytes}",
        RetryAction.RETRY,
    )
    NETWORK = (
        "Network",
        "the connection to S3 failed",
        "check name resolution, proxy, certificates and route to the endpoint, then {RUN_AGAIN}",
        RetryAction.RETRY,
    )
    MACHINE_LIMIT = (
        "MachineLimit",
        "this machine ran out of open files, threads or memory",
        "raise the limit (ulimit -n, ulimit -u, the container's memory) or lower {concurrency}, "
        "then {RUN_AGAIN}",
        RetryAction.RETRY,
    )
    CONFLICT = (
        "Conflict",
        "another request changed the destination key at the same moment",
        "find out who else writes to the destination, then {RUN_AGAIN}",
        RetryAction.RETRY,
    )
    EMPTY_RESPONSE = (
        "EmptyResponse",
        "S3 answered 200, but left out what the answer must contain, such as the copy's ETag",
        "{RUN_AGAIN}; a proxy or endpoint that strips answers must be fixed",
        RetryAction.RETRY,
    )
    UPLOAD_LOST = (
        "UploadLost",
        "the multipart upload disappeared or its parts were refused before it was complete",
        "check that no other job or lifecycle rule aborts uploads, then {RUN_AGAIN}",
        RetryAction.RESTART_OBJECT,
    )
    SOURCE_CHANGED = (
        "SourceChanged",
        "the source object was overwritten after it was listed",
        "{RUN_AGAIN}: it copies the object as it is then",
    )
    SOURCE_VANISHED = (
        "SourceVanished",
        "the source object is not there: deleted after it was listed, or the list is wrong",
        "nothing, if the deletion was intended; otherwise restore it, or correct the list, and "
        "{RUN_AGAIN}",
    )
    CONDITION_REFUSED = (
        "ConditionRefused",
        "the service says that the source has changed, although it still has its ETag",
        "add {source_check=head}: it compares the ETag before and after each copy instead",
    )
    SOURCE_NOT_FOUND = (
        "SourceNotFound",
        "the service does not find the source for the copy, although a HEAD does",
        "check that both buckets are on one service, and that it can copy such a key",
    )
    ACCESS_DENIED = (
        "AccessDenied",
        "a policy, an ACL or a key denies the copy of this object",
        "compare source bucket policy, identity policy, tag and KMS rights with {ACCESS_GUIDE}",
    )
    ARCHIVED = (
        "Archived",
        "the source object is archived (Glacier or an archive tier) and cannot be read",
        "restore it (RestoreObject), then {RUN_AGAIN}",
    )
    KMS = (
        "Kms",
        "the KMS key of the object or of the destination is missing, disabled or refused",
        "check key id (a full ARN), key state and key policy on both sides",
    )
    KEY_TOO_LONG = (
        "KeyTooLong",
        "the destination key would be longer than the 1,024 bytes that S3 allows",
        "choose a shorter destination prefix",
    )
    EMPTY_KEY = ("EmptyKey", "the destination key would be empty", "give the destination a prefix")
    SIZE_REFUSED = (
        "SizeRefused",
        "the S3 service does not accept an object or a part of this size",
        "lower {multipart_threshold_bytes}; for parts too large or too small "
        "change {part_size_bytes}",
    )
    KEY_TAKEN = (
        "KeyTaken",
        "another object of this copy goes to the same destination key",
        "let rename= return a key of its own for each object, then {RUN_AGAIN}",
    )
    MISMATCH = (
        "Mismatch",
        "the copy's MD5 (ETag) differs from the source's",
        "do not trust the copy: delete it, {RUN_AGAIN}, and report it to the provider",
    )
    TAGS_NOT_COPIED = (
        "TagsNotCopied",
        "the object arrived, its tags did not",
        "grant s3:PutObjectTagging on the destination and {RUN_AGAIN}, or use {tags=skip}",
    )
    TAGS_NOT_SUPPORTED = (
        "TagsNotSupported",
        "this S3 service has no object tags",
        "copy without tags: {tags=skip}",
    )
    PARTS_NOT_SUPPORTED = (
        "PartsNotSupported",
        "this S3 service does not copy in parts, which an object of this size needs",
        "raise {multipart_threshold_bytes} above its size (5GiB at most)",
    )
    METADATA_UNREADABLE = (
        "MetadataUnreadable",
        "the object has metadata that S3 does not show, which a copy in parts would lose",
        "copy it in one request ({multipart_threshold_bytes} above its size), "
        "or give it other metadata",
    )
    INVALID_REQUEST = (
        "InvalidRequest",
        "S3 rejected the request as invalid",
        "read S3's message: an option does not fit this object or this bucket",
    )
    CREDENTIALS_REFUSED = (
        "CredentialsRefused",
        "the credentials are missing or not accepted",
        "{CHECK_CREDENTIALS}",
        RetryAction.END_RUN,
    )
    CREDENTIALS_EXPIRED = (
        "CredentialsExpired",
        "the credentials expired and could not be refreshed",
        "log in again or use a role that refreshes, then {RUN_AGAIN}",
        RetryAction.END_RUN,
    )
    BUCKET_MISSING = (
        "BucketMissing",
        "the bucket does not exist",
        "check the name and the account; bucket names are case-sensitive",
        RetryAction.END_RUN,
    )
    WRONG_REGION = (
        "WrongRegion",
        "the bucket is in another region than the request was sent to",
        "give {source.region} or {destination.region}",
        RetryAction.END_RUN,
    )
    CLOCK_SKEW = (
        "ClockSkew",
        "this machine's clock differs too much from S3's",
        "set the clock (NTP), then {RUN_AGAIN}",
        RetryAction.END_RUN,
    )
    DESTINATION_FULL = (
        "DestinationFull",
        "the destination accepts no more data: it is full, over its quota, or read-only",
        "make room, have the quota raised, or allow writing; then {RUN_AGAIN}",
        RetryAction.END_RUN,
    )
    NOT_SUPPORTED = (
        "NotSupported",
        "this S3 service does not support something that the copy needs or the options ask for",
        "leave out the option that the message names, if it names one; else use another service",
        RetryAction.END_RUN,
    )
    MALFORMED = (
        "Malformed",
        "the S3 service gave an answer that contradicts itself or the request",
        "give the message to the provider of the S3 service; do not trust what it lists until then",
    )
    CONFIGURATION = (
        "Configuration",
        "the AWS configuration of this machine cannot be used",
        "{CHECK_CONFIGURATION}",
        RetryAction.END_RUN,
    )
    INVALID_INPUT = (
        "InvalidInput",
        "the values given are invalid, or contradict each other",
        "correct the value that the message names",
        RetryAction.END_RUN,
    )
    NOTHING_TO_COPY = (
        "NothingToCopy",
        "there is no object at the source",
        "check bucket, key and prefix; keys are case-sensitive",
        RetryAction.END_RUN,
    )
    REPORT_UNUSABLE = (
        "ReportUnusable",
        "the report cannot be read as input, or cannot be written",
        "do what the message says about the file",
        RetryAction.END_RUN,
    )
    LIST_UNUSABLE = (
        "ListUnusable",
        "the list of what is to be copied cannot be used",
        "do what the message says about the list",
        RetryAction.END_RUN,
    )
    TOO_MANY_FAILURES = (
        "TooManyFailures",
        "more objects failed than the limits of the run allow",
        "read why the first ones failed, fix that, then {RUN_AGAIN}",
        RetryAction.END_RUN,
    )
    BACKUP_FAILED = (
        "BackupFailed",
        "the object was not copied to the backup prefix, so it was not deleted",
        "fix what the message says about its copy, then {RUN_AGAIN}",
    )
    TOO_MANY_DELETES = (
        "TooManyDeletes",
        "more objects would be deleted than may be, or others than were confirmed",
        "look at what would be deleted with {mode=dry-run}; if it is right, raise {max_delete}",
        RetryAction.END_RUN,
    )
    OUTAGE = (
        "Outage",
        "the server did not answer for longer than the run waits",
        "find out when the server answers again, then {RUN_AGAIN}",
        RetryAction.END_RUN,
    )
    UNORDERED_LISTING = (
        "UnorderedListing",
        "the service does not list keys in the order of their bytes, so nothing can be compared",
        "compare another way; a copy does not depend on the order",
        RetryAction.END_RUN,
    )
    JOURNAL_UNUSABLE = (
        "JournalUnusable",
        "the journal is damaged, belongs to another copy, or cannot be written",
        "do what the message says about the file",
        RetryAction.END_RUN,
    )
    JOURNAL_BUSY = (
        "JournalBusy",
        "another run is using the journal",
        "wait for the other run, or stop it; then {RUN_AGAIN}",
        RetryAction.END_RUN,
    )
    PLAN_UNUSABLE = (
        "PlanUnusable",
        "the plan is damaged, of another version, or cannot be read or written",
        "do what the message says about the plan",
        RetryAction.END_RUN,
    )
    INTERRUPTED = (
        "Interrupted",
        "the run was stopped while this object was being copied",
        "{RUN_AGAIN} to copy what is missing",
    )
    UNEXPECTED = (
        "Unexpected",
        "an unexpected error occurred",
        "please report it with the traceback",
    )


# What schedulers repeat; everything else is permanent. An object that changed or vanished is listed
# anew; expired credentials are fetched anew; why too many objects failed is not known, and the
# limit makes another try cheap.
_TRANSIENT = frozenset(
    {
        ErrorClass.THROTTLED,
        ErrorClass.SERVER_ERROR,
        ErrorClass.TIMEOUT,
        ErrorClass.NETWORK,
        ErrorClass.MACHINE_LIMIT,
        ErrorClass.OUTAGE,
        ErrorClass.CONFLICT,
        ErrorClass.EMPTY_RESPONSE,
        ErrorClass.UPLOAD_LOST,
        ErrorClass.SOURCE_CHANGED,
        ErrorClass.SOURCE_VANISHED,
        ErrorClass.MISMATCH,
        ErrorClass.CREDENTIALS_EXPIRED,
        ErrorClass.JOURNAL_BUSY,
        ErrorClass.TOO_MANY_FAILURES,
        ErrorClass.INTERRUPTED,
        ErrorClass.UNEXPECTED,
    }
)
