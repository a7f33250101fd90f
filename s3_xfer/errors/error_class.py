"""The classes of errors: what each is called, what a run does about it, what a person can do.

A class says how to react; retries, counts and threads are elsewhere.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

RUNBOOK = "docs/runbook.md"


class RetryAction(enum.Enum):
    """What a run does about an error: which part is tried again, if any."""

    RETRY = enum.auto()  # send the same request again, after a wait
    SLOW_DOWN = enum.auto()  # the same, and the server asked for fewer requests
    RESTART_OBJECT = enum.auto()  # the request cannot succeed, a new copy of the object can
    FAIL_OBJECT = enum.auto()  # this object fails, the others go on
    END_RUN = enum.auto()  # every further object would fail the same way


class ErrorClass(enum.Enum):
    """Classes of error, each with its retry action, its description and the next step for a person.

    The value is what reports and messages show, and (lower-case, hyphenated) the section of the
    runbook. Values are API: they do not change.
    """

    THROTTLED = "Throttled"
    SERVER_ERROR = "ServerError"
    TIMEOUT = "Timeout"
    NETWORK = "Network"
    CONFLICT = "Conflict"
    EMPTY_RESPONSE = "EmptyResponse"
    UPLOAD_LOST = "UploadLost"
    SOURCE_CHANGED = "SourceChanged"
    SOURCE_VANISHED = "SourceVanished"
    ACCESS_DENIED = "AccessDenied"
    ARCHIVED = "Archived"
    KMS = "Kms"
    KEY_TOO_LONG = "KeyTooLong"
    EMPTY_KEY = "EmptyKey"
    MISMATCH = "Mismatch"
    TAGS_NOT_COPIED = "TagsNotCopied"
    INVALID_REQUEST = "InvalidRequest"
    CREDENTIALS_REFUSED = "CredentialsRefused"
    CREDENTIALS_EXPIRED = "CredentialsExpired"
    BUCKET_MISSING = "BucketMissing"
    WRONG_REGION = "WrongRegion"
    CLOCK_SKEW = "ClockSkew"
    NOT_SUPPORTED = "NotSupported"
    CONFIGURATION = "Configuration"
    INVALID_INPUT = "InvalidInput"
    NOTHING_TO_COPY = "NothingToCopy"
    REPORT_UNUSABLE = "ReportUnusable"
    TOO_MANY_FAILURES = "TooManyFailures"
    UNORDERED_LISTING = "UnorderedListing"
    JOURNAL_UNUSABLE = "JournalUnusable"
    JOURNAL_BUSY = "JournalBusy"
    INTERRUPTED = "Interrupted"
    UNEXPECTED = "Unexpected"

    @property
    def retry_action(self) -> RetryAction:
        """What a run does about it."""
        return _KINDS[self].retry_action

    @property
    def description(self) -> str:
        """What happened, as the beginning of a message."""
        return _KINDS[self].description

    @property
    def remedy(self) -> str:
        """What a person can do next."""
        return _KINDS[self].remedy

    @property
    def runbook(self) -> str:
        """The place in the runbook that explains this class."""
        return f"{RUNBOOK}#{self.section}"

    @property
    def section(self) -> str:
        """The name of that section, as ``s3-xfer runbook`` takes it."""
        return "".join(f"-{c.lower()}" if c.isupper() else c for c in self.value).lstrip("-")

    @property
    def see(self) -> str:
        """The last line of a message: where to read on, in a checkout or installed."""
        return f"See {self.runbook} (s3-xfer runbook {self.section})"


@dataclass(frozen=True, slots=True)
class _Kind:
    retry_action: RetryAction
    description: str
    remedy: str


_KINDS: Mapping[ErrorClass, _Kind] = {
    ErrorClass.THROTTLED: _Kind(
        RetryAction.SLOW_DOWN,
        "S3 asked for fewer requests per second and did not relent",
        "run it again, with a lower --concurrency",
    ),
    ErrorClass.SERVER_ERROR: _Kind(
        RetryAction.RETRY,
        "S3 had an internal error every time",
        "run it again; if it persists, give AWS support the request id",
    ),
    ErrorClass.TIMEOUT: _Kind(
        RetryAction.RETRY,
        "S3 did not answer in time",
        "run it again; for objects of several GB lower --multipart-threshold",
    ),
    ErrorClass.NETWORK: _Kind(
        RetryAction.RETRY,
        "the connection to S3 failed",
        "check name resolution, proxy, certificates and route to the endpoint, then run it again",
    ),
    ErrorClass.CONFLICT: _Kind(
        RetryAction.RETRY,
        "another request changed the destination key at the same moment",
        "find out who else writes to the destination, then run it again",
    ),
    ErrorClass.EMPTY_RESPONSE: _Kind(
        RetryAction.RETRY,
        "S3 answered 200 without what it never leaves out, such as the ETag of the copy",
        "run it again; a proxy or endpoint that strips answers must be fixed",
    ),
    ErrorClass.UPLOAD_LOST: _Kind(
        RetryAction.RESTART_OBJECT,
        "the multipart upload disappeared or its parts were refused before it was complete",
        "check that no other job or lifecycle rule aborts uploads, then run it again",
    ),
    ErrorClass.SOURCE_CHANGED: _Kind(
        RetryAction.FAIL_OBJECT,
        "the source object was overwritten after it was listed",
        "run it again: it takes the object as it is then",
    ),
    ErrorClass.SOURCE_VANISHED: _Kind(
        RetryAction.FAIL_OBJECT,
        "the source object was deleted after it was listed",
        "nothing, if the deletion was intended; otherwise restore it and run it again",
    ),
    ErrorClass.ACCESS_DENIED: _Kind(
        RetryAction.FAIL_OBJECT,
        "a policy, an ACL or a key denies the copy of this object",
        "compare source bucket policy, identity policy, tag and KMS rights with docs/access.md",
    ),
    ErrorClass.ARCHIVED: _Kind(
        RetryAction.FAIL_OBJECT,
        "the source object is archived (Glacier or an archive tier) and cannot be read",
        "restore it (aws s3api restore-object), then run it again",
    ),
    ErrorClass.KMS: _Kind(
        RetryAction.FAIL_OBJECT,
        "the KMS key of the object or of the destination is missing, disabled or refused",
        "check key id (a full ARN), key state and key policy on both sides",
    ),
    ErrorClass.KEY_TOO_LONG: _Kind(
        RetryAction.FAIL_OBJECT,
        "the destination key would be longer than the 1,024 bytes that S3 allows",
        "choose a shorter destination prefix",
    ),
    ErrorClass.EMPTY_KEY: _Kind(
        RetryAction.FAIL_OBJECT,
        "the destination key would be empty",
        "give the destination a prefix",
    ),
    ErrorClass.MISMATCH: _Kind(
        RetryAction.FAIL_OBJECT,
        "the copy's MD5 (ETag) differs from the source's",
        "do not trust the copy: delete it, run it again, and report it to the provider",
    ),
    ErrorClass.TAGS_NOT_COPIED: _Kind(
        RetryAction.FAIL_OBJECT,
        "the object arrived, its tags did not",
        "grant s3:PutObjectTagging on the destination and run it again, or use --tags skip",
    ),
    ErrorClass.INVALID_REQUEST: _Kind(
        RetryAction.FAIL_OBJECT,
        "S3 refuses the request as such",
        "read S3's message: an option does not fit this object or this bucket",
    ),
    ErrorClass.CREDENTIALS_REFUSED: _Kind(
        RetryAction.END_RUN,
        "the credentials are missing or not accepted",
        "check profile, role and account (aws sts get-caller-identity --profile NAME)",
    ),
    ErrorClass.CREDENTIALS_EXPIRED: _Kind(
        RetryAction.END_RUN,
        "the credentials expired and could not be refreshed",
        "log in again or use a role that refreshes, then run again from the report",
    ),
    ErrorClass.BUCKET_MISSING: _Kind(
        RetryAction.END_RUN,
        "the bucket does not exist",
        "check the name and the account; bucket names are case-sensitive",
    ),
    ErrorClass.WRONG_REGION: _Kind(
        RetryAction.END_RUN,
        "the bucket is in another region than the request was sent to",
        "give --source-region or --dest-region",
    ),
    ErrorClass.CLOCK_SKEW: _Kind(
        RetryAction.END_RUN,
        "this machine's clock differs too much from S3's",
        "set the clock (NTP), then run it again",
    ),
    ErrorClass.NOT_SUPPORTED: _Kind(
        RetryAction.END_RUN,
        "this S3 service does not support something that the options ask for",
        "leave out the option that S3's message names",
    ),
    ErrorClass.CONFIGURATION: _Kind(
        RetryAction.END_RUN,
        "the AWS configuration of this machine cannot be used",
        "check ~/.aws/config, the profile's name and the environment variables",
    ),
    ErrorClass.INVALID_INPUT: _Kind(
        RetryAction.END_RUN,
        "what was asked for makes no sense, whatever S3 would say",
        "correct the value that the message names",
    ),
    ErrorClass.NOTHING_TO_COPY: _Kind(
        RetryAction.END_RUN,
        "there is no object at the source",
        "check bucket, key and prefix; keys are case-sensitive",
    ),
    ErrorClass.REPORT_UNUSABLE: _Kind(
        RetryAction.END_RUN,
        "the report cannot be read as input, or cannot be written",
        "do what the message says about the file",
    ),
    ErrorClass.TOO_MANY_FAILURES: _Kind(
        RetryAction.END_RUN,
        "more objects failed than the limits of the run allow",
        "read why the first ones failed, mend that, then run it again from the report",
    ),
    ErrorClass.UNORDERED_LISTING: _Kind(
        RetryAction.END_RUN,
        "the service does not list keys in the order of their bytes, so nothing can be compared",
        "compare another way; a copy does not depend on the order",
    ),
    ErrorClass.JOURNAL_UNUSABLE: _Kind(
        RetryAction.END_RUN,
        "the journal is damaged, belongs to another copy, or cannot be written",
        "do what the message says about the file",
    ),
    ErrorClass.JOURNAL_BUSY: _Kind(
        RetryAction.END_RUN,
        "another run is using the journal",
        "wait for the other run, or stop it; then resume",
    ),
    ErrorClass.INTERRUPTED: _Kind(
        RetryAction.FAIL_OBJECT,
        "the run was stopped while this object was being copied",
        "run it again to copy what is missing",
    ),
    ErrorClass.UNEXPECTED: _Kind(
        RetryAction.FAIL_OBJECT,
        "something happened that this program has no name for",
        "please report it with the traceback",
    ),
}
