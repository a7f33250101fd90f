"""Everything that can go wrong, and what each kind means for a run.

The exceptions::

    S3XferError
    ├── ValidationError     the request makes no sense; nothing was sent
    ├── PreflightError      S3 or an account would refuse it; nothing was written
    ├── ReportError         a report cannot be read or written
    ├── JournalError        a journal is damaged, in use, of another copy, or cannot be written
    ├── ObjectError         one object was not copied (an Outcome carries it, it does not fly far)
    ├── RunAborted          the run ended early because going on was pointless
    ├── RunCancelled        the run ended early because somebody asked
    └── CopyFailed          the run finished, some objects did not

Every one carries ``problem`` (what), ``remedy`` (what to do next) and ``error_class``.

This module holds the one translation from foreign errors (botocore, s3transfer, S3's codes) to
:class:`ErrorClass`; nothing else in the package compares error codes. It refuses to know about
retries, counts or threads: an :class:`ErrorClass` only says how to react, others do it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

import botocore.exceptions as bc
import botocore.parsers

if TYPE_CHECKING:
    from s3_xfer.findings import Diagnosis, Step

RUNBOOK = "docs/runbook.md"


class Reaction(enum.Enum):
    """What a run does about an error."""

    RETRY = enum.auto()  # send the same request again, after a wait
    SLOW_DOWN = enum.auto()  # the same, and the server asked for fewer requests
    RESTART_OBJECT = enum.auto()  # the request is beyond repair, its object is not
    FAIL_OBJECT = enum.auto()  # this object fails, the others go on
    END_RUN = enum.auto()  # every further object would fail the same way


class ErrorClass(enum.Enum):
    """Kinds of error, each with its reaction, its meaning and the next step for a person.

    The value is what reports and messages show, and (lower-case, hyphenated) the section of the
    runbook. Values are API: they do not change.
    """

    reaction: Reaction
    meaning: str
    remedy: str

    def __new__(cls, value: str, reaction: Reaction, meaning: str, remedy: str) -> ErrorClass:
        """Attach the three facts to the member; the value stays the plain name."""
        member = object.__new__(cls)
        member._value_ = value
        member.reaction = reaction
        member.meaning = meaning
        member.remedy = remedy
        return member

    THROTTLED = (
        "Throttled",
        Reaction.SLOW_DOWN,
        "S3 asked for fewer requests per second and did not relent",
        "run it again, with a lower --concurrency",
    )
    SERVER_ERROR = (
        "ServerError",
        Reaction.RETRY,
        "S3 had an internal error every time",
        "run it again; if it persists, give AWS support the request id",
    )
    TIMEOUT = (
        "Timeout",
        Reaction.RETRY,
        "S3 did not answer in time",
        "run it again; for objects of several GB lower --multipart-threshold",
    )
    NETWORK = (
        "Network",
        Reaction.RETRY,
        "the connection to S3 failed",
        "check name resolution, proxy, certificates and route to the endpoint, then run it again",
    )
    CONFLICT = (
        "Conflict",
        Reaction.RETRY,
        "another request changed the destination key at the same moment",
        "find out who else writes to the destination, then run it again",
    )
    EMPTY_RESPONSE = (
        "EmptyResponse",
        Reaction.RETRY,
        "S3 answered 200 without what it never leaves out, such as the ETag of the copy",
        "run it again; a proxy or endpoint that strips answers must be fixed",
    )
    UPLOAD_LOST = (
        "UploadLost",
        Reaction.RESTART_OBJECT,
        "the multipart upload disappeared or its parts were refused before it was complete",
        "check that no other job or lifecycle rule aborts uploads, then run it again",
    )
    SOURCE_CHANGED = (
        "SourceChanged",
        Reaction.FAIL_OBJECT,
        "the source object was overwritten after it was listed",
        "run it again: it takes the object as it is then",
    )
    SOURCE_VANISHED = (
        "SourceVanished",
        Reaction.FAIL_OBJECT,
        "the source object was deleted after it was listed",
        "nothing, if the deletion was intended; otherwise restore it and run it again",
    )
    ACCESS_DENIED = (
        "AccessDenied",
        Reaction.FAIL_OBJECT,
        "a policy, an ACL or a key denies the copy of this object",
        "compare source bucket policy, identity policy, tag and KMS rights with docs/access.md",
    )
    ARCHIVED = (
        "Archived",
        Reaction.FAIL_OBJECT,
        "the source object is archived (Glacier or an archive tier) and cannot be read",
        "restore it (aws s3api restore-object), then run it again",
    )
    KMS = (
        "Kms",
        Reaction.FAIL_OBJECT,
        "the KMS key of the object or of the destination is missing, disabled or refused",
        "check key id (a full ARN), key state and key policy on both sides",
    )
    KEY_TOO_LONG = (
        "KeyTooLong",
        Reaction.FAIL_OBJECT,
        "the destination key would be longer than the 1,024 bytes that S3 allows",
        "choose a shorter destination prefix",
    )
    EMPTY_KEY = (
        "EmptyKey",
        Reaction.FAIL_OBJECT,
        "the destination key would be empty",
        "give the destination a prefix",
    )
    MISMATCH = (
        "Mismatch",
        Reaction.FAIL_OBJECT,
        "the copy's MD5 (ETag) differs from the source's",
        "do not trust the copy: delete it, run it again, and report it to the provider",
    )
    TAGS_NOT_COPIED = (
        "TagsNotCopied",
        Reaction.FAIL_OBJECT,
        "the object arrived, its tags did not",
        "grant s3:PutObjectTagging on the destination and run it again, or use --tags skip",
    )
    INVALID_REQUEST = (
        "InvalidRequest",
        Reaction.FAIL_OBJECT,
        "S3 refuses the request as such",
        "read S3's message: an option does not fit this object or this bucket",
    )
    CREDENTIALS_REFUSED = (
        "CredentialsRefused",
        Reaction.END_RUN,
        "the credentials are missing or not accepted",
        "check profile, role and account (aws sts get-caller-identity --profile NAME)",
    )
    CREDENTIALS_EXPIRED = (
        "CredentialsExpired",
        Reaction.END_RUN,
        "the credentials expired and could not be refreshed",
        "log in again or use a role that refreshes, then run again from the report",
    )
    BUCKET_MISSING = (
        "BucketMissing",
        Reaction.END_RUN,
        "the bucket does not exist",
        "check the name and the account; bucket names are case-sensitive",
    )
    WRONG_REGION = (
        "WrongRegion",
        Reaction.END_RUN,
        "the bucket is in another region than the request was sent to",
        "give --source-region or --dest-region",
    )
    CLOCK_SKEW = (
        "ClockSkew",
        Reaction.END_RUN,
        "this machine's clock differs too much from S3's",
        "set the clock (NTP), then run it again",
    )
    NOT_SUPPORTED = (
        "NotSupported",
        Reaction.END_RUN,
        "this S3 service does not support something that the options ask for",
        "leave out the option that S3's message names",
    )
    CONFIGURATION = (
        "Configuration",
        Reaction.END_RUN,
        "the AWS configuration of this machine cannot be used",
        "check ~/.aws/config, the profile's name and the environment variables",
    )
    INVALID_INPUT = (
        "InvalidInput",
        Reaction.END_RUN,
        "what was asked for makes no sense, whatever S3 would say",
        "correct the value that the message names",
    )
    NOTHING_TO_COPY = (
        "NothingToCopy",
        Reaction.END_RUN,
        "there is no object at the source",
        "check bucket, key and prefix; keys are case-sensitive",
    )
    REPORT_UNUSABLE = (
        "ReportUnusable",
        Reaction.END_RUN,
        "the report cannot be read as input, or cannot be written",
        "do what the message says about the file",
    )
    TOO_MANY_FAILURES = (
        "TooManyFailures",
        Reaction.END_RUN,
        "more objects failed than the limits of the run allow",
        "read why the first ones failed, mend that, then run it again from the report",
    )
    UNORDERED_LISTING = (
        "UnorderedListing",
        Reaction.END_RUN,
        "the service does not list keys in the order of their bytes, so nothing can be compared",
        "compare another way; a copy does not depend on the order",
    )
    JOURNAL_UNUSABLE = (
        "JournalUnusable",
        Reaction.END_RUN,
        "the journal is damaged, belongs to another copy, or cannot be written",
        "do what the message says about the file",
    )
    JOURNAL_BUSY = (
        "JournalBusy",
        Reaction.END_RUN,
        "another run is using the journal",
        "wait for the other run, or stop it; then resume",
    )
    INTERRUPTED = (
        "Interrupted",
        Reaction.FAIL_OBJECT,
        "the run was stopped while this object was being copied",
        "run it again to copy what is missing",
    )
    UNEXPECTED = (
        "Unexpected",
        Reaction.FAIL_OBJECT,
        "something happened that this program has no name for",
        "please report it with the traceback",
    )

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


class S3XferError(Exception):
    """Base of all errors of this package.

    ``problem`` says what is wrong, ``remedy`` what to do next, ``error_class`` what kind it is.
    ``str()`` joins them into the message for a person.
    """

    def __init__(
        self, problem: str, *, remedy: str = "", error_class: ErrorClass | None = None
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.error_class = error_class
        self.remedy = remedy or (error_class.remedy if error_class else "")

    def __str__(self) -> str:
        parts = [self.problem]
        if self.remedy:
            parts.append(f"Next: {self.remedy}.")
        if self.error_class:
            parts.append(self.error_class.see)
        return "\n".join(parts)


class ValidationError(S3XferError):
    """The inputs are wrong in themselves. Raised before any request is sent."""

    def __init__(self, problem: str, *, remedy: str = "") -> None:
        super().__init__(problem, remedy=remedy, error_class=ErrorClass.INVALID_INPUT)


class PreflightError(S3XferError):
    """Buckets, keys or permissions are not as the copy needs them. Nothing was written.

    ``step`` says what was tried, where that is known; ``diagnosis`` what a denial means, where
    somebody has looked into it.
    """

    def __init__(
        self,
        problem: str,
        *,
        remedy: str = "",
        error_class: ErrorClass | None = None,
        step: Step | None = None,
        facts: ErrorFacts | None = None,
    ) -> None:
        super().__init__(problem, remedy=remedy, error_class=error_class)
        self.step = step
        self.facts = facts
        self.diagnosis: Diagnosis | None = None

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.diagnosis}" if self.diagnosis else super().__str__()


class ReportError(S3XferError):
    """A report file cannot be read as input, or cannot be written."""

    def __init__(self, problem: str, *, remedy: str = "") -> None:
        super().__init__(problem, remedy=remedy, error_class=ErrorClass.REPORT_UNUSABLE)


class JournalError(S3XferError):
    """A journal is damaged, in use, of another copy, or cannot be read or written."""

    def __init__(
        self,
        problem: str,
        *,
        remedy: str = "",
        error_class: ErrorClass = ErrorClass.JOURNAL_UNUSABLE,
    ) -> None:
        super().__init__(problem, remedy=remedy, error_class=error_class)


class RunAborted(S3XferError):  # noqa: N818 - an end, reported as such
    """The run ended early: an error made every further copy pointless."""


class RunCancelled(S3XferError):  # noqa: N818 - an end, reported as such
    """The run ended early because it was asked to."""


class CopyFailed(S3XferError):  # noqa: N818 - the mission's word for this end
    """The run finished, but some objects were not copied. The message names the first of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorFacts:
    """What is known about one foreign error, in our terms."""

    error_class: ErrorClass
    code: str  # S3's code, or the name of the exception's class
    message: str
    http_status: int | None = None
    request_id: str | None = None
    attempts: int = 1  # how often the request was sent; 0 if it never was


class ObjectError(S3XferError):
    """One object was not copied. ``facts`` is the last error seen."""

    def __init__(self, facts: ErrorFacts) -> None:
        super().__init__(facts.error_class.meaning, error_class=facts.error_class)
        self.facts = facts

    @classmethod
    def of(cls, error_class: ErrorClass, message: str, *, attempts: int = 0) -> ObjectError:
        """Return an error that this package found by itself, without an answer from S3."""
        return cls(
            ErrorFacts(
                error_class=error_class, code=error_class.value, message=message, attempts=attempts
            )
        )


# --------------------------------------------------------------------------- the translation

ATTEMPTS = "s3_xfer_attempts"  # attribute that our hooks set on errors of the connection

_E = ErrorClass

# S3's codes. A missing body (HEAD) makes botocore use the status as the code.
# Sources: "Error responses" of the S3 API reference; botocore/retries/standard.py; issue threads
# named in docs/decisions/0003-errors-and-retries.md.
_BY_CODE: Mapping[str, ErrorClass] = {
    **dict.fromkeys(
        (
            "SlowDown",
            "ServiceUnavailable",
            "503",
            "429",
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "RequestThrottled",
            "RequestThrottledException",
            "RequestLimitExceeded",
            "TooManyRequests",
            "TooManyRequestsException",
            "BandwidthLimitExceeded",
            "KMS.ThrottlingException",
        ),
        _E.THROTTLED,
    ),
    **dict.fromkeys(("InternalError", "500", "502", "504", "BadGateway"), _E.SERVER_ERROR),
    **dict.fromkeys(("RequestTimeout", "RequestTimeoutException", "GatewayTimeout"), _E.TIMEOUT),
    **dict.fromkeys(("ConditionalRequestConflict", "OperationAborted", "409"), _E.CONFLICT),
    **dict.fromkeys(
        ("NoSuchUpload", "InvalidPart", "InvalidPartOrder", "EntityTooSmall", "BadDigest"),
        _E.UPLOAD_LOST,
    ),
    **dict.fromkeys(("PreconditionFailed", "412"), _E.SOURCE_CHANGED),
    **dict.fromkeys(("NoSuchKey", "NoSuchVersion", "404"), _E.SOURCE_VANISHED),
    **dict.fromkeys(
        ("AccessDenied", "403", "AllAccessDisabled", "MethodNotAllowed", "405"), _E.ACCESS_DENIED
    ),
    **dict.fromkeys(("InvalidObjectState", "ObjectNotInActiveTierError"), _E.ARCHIVED),
    "KeyTooLongError": _E.KEY_TOO_LONG,
    **dict.fromkeys(
        (
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "InvalidToken",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "NotSignedUp",
            "AccountProblem",
            "InvalidPayer",
            "OptInRequired",
            "InvalidSecurity",
        ),
        _E.CREDENTIALS_REFUSED,
    ),
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"),
        _E.CREDENTIALS_EXPIRED,
    ),
    **dict.fromkeys(("NoSuchBucket", "InvalidBucketName"), _E.BUCKET_MISSING),
    **dict.fromkeys(
        (
            "PermanentRedirect",
            "AuthorizationHeaderMalformed",
            "IllegalLocationConstraintException",
            "BucketRegionError",
            "301",
        ),
        _E.WRONG_REGION,
    ),
    **dict.fromkeys(("TemporaryRedirect", "307"), _E.SERVER_ERROR),
    "RequestTimeTooSkewed": _E.CLOCK_SKEW,
    **dict.fromkeys(
        ("NotImplemented", "501", "AccessControlListNotSupported", "InvalidStorageClass"),
        _E.NOT_SUPPORTED,
    ),
}

# Exceptions that never reached S3, most specific first.
_BY_EXCEPTION: tuple[tuple[type[BaseException], ErrorClass], ...] = (
    (bc.ReadTimeoutError, _E.TIMEOUT),
    (bc.ConnectTimeoutError, _E.TIMEOUT),
    (bc.NoCredentialsError, _E.CREDENTIALS_REFUSED),
    (bc.PartialCredentialsError, _E.CREDENTIALS_REFUSED),
    (bc.CredentialRetrievalError, _E.CREDENTIALS_REFUSED),
    (bc.TokenRetrievalError, _E.CREDENTIALS_REFUSED),
    (bc.UnauthorizedSSOTokenError, _E.CREDENTIALS_EXPIRED),
    (bc.SSOTokenLoadError, _E.CREDENTIALS_EXPIRED),
    (bc.ConnectionError, _E.NETWORK),
    (bc.HTTPClientError, _E.NETWORK),
    (bc.ParamValidationError, _E.INVALID_REQUEST),
    (bc.BotoCoreError, _E.CONFIGURATION),
    (CancelledError, _E.INTERRUPTED),
)


def classify(code: str, http_status: int | None = None) -> ErrorClass:
    """Return the class of S3's error ``code``.

    The code decides; the status only where the code is unknown. botocore turns an error inside a
    200 into status 500, so the status of a known code means nothing.
    """
    known = _BY_CODE.get(code)
    if known:
        return known
    if code.startswith("KMS."):
        return _E.KMS
    if http_status is None:
        return _E.UNEXPECTED
    by_status = _BY_CODE.get(str(http_status))
    if by_status and http_status not in (403, 404, 409, 412):
        return by_status
    if http_status == 403:  # noqa: PLR2004 - HTTP's own number
        return _E.ACCESS_DENIED
    return _E.SERVER_ERROR if http_status >= 500 else _E.INVALID_REQUEST  # noqa: PLR2004


def facts_of_response(parsed: Mapping[str, Any]) -> ErrorFacts | None:
    """Return the facts of a parsed response of botocore, or None when it reports no error."""
    metadata = parsed.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode")
    error = parsed.get("Error")
    if not error and (status is None or status < 300):  # noqa: PLR2004 - HTTP's own number
        return None
    error = error or {}
    code = str(error.get("Code") or status)
    return ErrorFacts(
        error_class=classify(code, status),
        code=code,
        message=str(error.get("Message") or ""),
        http_status=status,
        request_id=metadata.get("RequestId"),
        attempts=metadata.get("RetryAttempts", 0) + 1,
    )


def translate(error: BaseException) -> ErrorFacts:
    """Return what ``error``, of whatever library, means here. Never raises."""
    if isinstance(error, ObjectError):
        return error.facts
    if isinstance(error, bc.ClientError):
        facts = facts_of_response(error.response)
        if facts:
            return _in_context(error.operation_name, facts)
    if isinstance(error, S3XferError) and error.error_class:
        return ErrorFacts(
            error_class=error.error_class,
            code=error.error_class.value,
            message=error.problem,
            attempts=0,
        )
    if _raised_by_parser(error):  # its text repeats the answer, whatever is in it
        return ErrorFacts(
            error_class=_E.SERVER_ERROR,
            code=type(error).__name__,
            message="the answer cannot be read",
            attempts=getattr(error, ATTEMPTS, 1),
        )
    error_class = next(
        (known for kind, known in _BY_EXCEPTION if isinstance(error, kind)), _E.UNEXPECTED
    )
    return ErrorFacts(
        error_class=error_class,
        code=type(error).__name__,
        message=str(error),
        attempts=getattr(error, ATTEMPTS, 1),
    )


def _raised_by_parser(error: BaseException) -> bool:
    """Return whether botocore could not read an answer.

    It has an exception for that, but lets through what a number or a date that is none raises.
    """
    where = {frame.f_globals["__name__"] for frame, _ in walk_tb(error.__traceback__)}
    return botocore.parsers.__name__ in where


def translate_answer(
    operation: str,
    *,
    parsed: Mapping[str, Any] | None = None,
    error: BaseException | None = None,
) -> ErrorFacts | None:
    """Return what the answer to an S3 ``operation`` means, or None if it reports no error.

    Either ``parsed`` (botocore's parsed response) or ``error`` (no response came) is given.
    """
    if error is not None:
        return translate(error)
    facts = facts_of_response(parsed or {})
    return _in_context(operation, facts) if facts else None


def _in_context(operation: str, facts: ErrorFacts) -> ErrorFacts:
    """Correct the class where the same code means something else for ``operation``."""
    better = facts.error_class
    if operation in ("AssumeRole", "AssumeRoleWithWebIdentity", "GetRoleCredentials"):
        if better.reaction not in (Reaction.RETRY, Reaction.SLOW_DOWN, Reaction.END_RUN):
            better = _E.CREDENTIALS_REFUSED
    elif operation == "CompleteMultipartUpload" and better is _E.CONFLICT:
        better = _E.UPLOAD_LOST  # API reference: "start the upload again"
    elif operation in ("ListObjectsV2", "HeadBucket") and facts.code == "404":
        better = _E.BUCKET_MISSING
    return replace(facts, error_class=better) if better is not facts.error_class else facts
