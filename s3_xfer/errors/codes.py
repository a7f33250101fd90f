"""What the error codes of S3 and the statuses of HTTP mean: the one table of them.

The code decides; the status only where the code is unknown or missing. Words of a message count
only for what some services have no code for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from s3_xfer.errors.error_class import ErrorClass

_E = ErrorClass

# Sources: "Error responses" of the S3 API reference; botocore/retries/standard.py; minio
# cmd/api-errors.go; Ceph rgw_common.cc; issue threads named in
# docs/decisions/0003-errors-and-retries.md.
_CODES: Mapping[ErrorClass, str] = {
    _E.THROTTLED: "SlowDown SlowDownRead SlowDownWrite ServiceUnavailable ServerBusy Busy "
    "Throttling ThrottlingException ThrottledException EC2ThrottledException RequestThrottled "
    "RequestThrottledException RequestLimitExceeded TooManyRequests TooManyRequestsException "
    "BandwidthLimitExceeded LimitExceededException ProvisionedThroughputExceededException "
    "RateLimitExceeded UserRateLimitExceeded QpsLimitExceeded KMS.ThrottlingException",
    _E.SERVER_ERROR: "InternalError InternalServerError InternalFailure ServerError BadGateway "
    "TemporaryRedirect PriorRequestNotComplete TransactionInProgressException IncompleteBody "
    "ServiceFailure TooEarly XMinioServerNotInitialized XMinioBackendDown XMinioReadQuorum "
    "XMinioWriteQuorum",
    _E.TIMEOUT: "RequestTimeout RequestTimeoutException RequestTimedOut RequestTimedout "
    "OperationTimedOut OperationTimeout GatewayTimeout Timeout",
    _E.NETWORK: "ClientDisconnected ConnectionReset ConnectionClosed",
    _E.CONFLICT: "ConditionalRequestConflict OperationAborted ConcurrentModification "
    "ResourceConflict RequestConflict Locked",
    _E.UPLOAD_LOST: "NoSuchUpload InvalidPart InvalidPartOrder BadDigest",
    _E.SOURCE_CHANGED: "PreconditionFailed",
    _E.SOURCE_VANISHED: "NoSuchKey NoSuchVersion",
    _E.ACCESS_DENIED: "AccessDenied AllAccessDisabled MethodNotAllowed",
    _E.ARCHIVED: "InvalidObjectState ObjectNotInActiveTierError",
    _E.KEY_TOO_LONG: "KeyTooLongError",
    _E.SIZE_REFUSED: "EntityTooLarge EntityTooSmall",
    _E.CREDENTIALS_REFUSED: "InvalidAccessKeyId SignatureDoesNotMatch InvalidToken "
    "InvalidClientTokenId UnrecognizedClientException NotSignedUp AccountProblem InvalidPayer "
    "OptInRequired InvalidSecurity",
    _E.CREDENTIALS_EXPIRED: "ExpiredToken ExpiredTokenException TokenRefreshRequired "
    "RequestExpired",
    _E.BUCKET_MISSING: "NoSuchBucket InvalidBucketName",
    _E.WRONG_REGION: "PermanentRedirect AuthorizationHeaderMalformed "
    "IllegalLocationConstraintException BucketRegionError",
    _E.CLOCK_SKEW: "RequestTimeTooSkewed",
    _E.DESTINATION_FULL: "QuotaExceeded StorageQuotaExceeded BucketQuotaExceeded StorageFull "
    "StorageCapExceeded InsufficientStorage XMinioStorageFull XMinioAdminBucketQuotaExceeded",
    _E.NOT_SUPPORTED: "NotImplemented UnsupportedOperation AccessControlListNotSupported "
    "InvalidStorageClass",
}
_BY_CODE = {code: error_class for error_class, codes in _CODES.items() for code in codes.split()}

# Of S3 and of what stands before it: 444, 460 and 499 are load balancers', 52x and 530 a content
# delivery network's, 509, 529, 598 and 599 proxies'. Every other 5xx is an error of the server.
_STATUSES: Mapping[ErrorClass, tuple[int, ...]] = {
    _E.THROTTLED: (429, 503, 509, 529),
    _E.SERVER_ERROR: (307, 421, 425),
    _E.TIMEOUT: (408, 504, 522, 524, 598, 599),
    _E.NETWORK: (407, 444, 460, 499, 511, 520, 521, 523, 525, 526, 527, 530),
    _E.CONFLICT: (409, 423),
    _E.SOURCE_CHANGED: (412,),
    _E.SOURCE_VANISHED: (404,),
    _E.ACCESS_DENIED: (403, 405),
    _E.WRONG_REGION: (301, 308),
    _E.DESTINATION_FULL: (507,),
    _E.NOT_SUPPORTED: (501, 505),
}
_BY_STATUS = {status: one for one, statuses in _STATUSES.items() for status in statuses}
# A code that is unknown may mean much under these, and nothing of the usual.
_NEEDS_CODE = frozenset({404, 409, 412})
_SERVER_ERRORS = 500

# How services call what has no common code, in the code or in the message. Compiled when an error
# is looked at: most runs meet none.
_BY_PATTERN: tuple[tuple[str, ErrorClass], ...] = (
    (r"^KMS\.", _E.KMS),
    (
        r"(?i)throttl|slow_?down|(?:rate|requests?|qps|bandwidth|traffic)\w*exceeded",
        _E.THROTTLED,
    ),
    (
        r"(?i)(?:quota|cap|capacity|space|storage_?limit)_?(?:is)?_?(?:exceeded|reached)|"
        r"exceeds?_?\w*quota|"
        r"(?:out_?of|no)_?space|insufficient_?(?:storage|capacity|space)|"
        r"(?:disk|storage|bucket|account)_?(?:is)?_?(?:full|read_?only)|"
        r"^(?:service|server)?_?read_?only",
        _E.DESTINATION_FULL,
    ),
)
_FULL_MESSAGE = (
    r"(?i)\bquota\b[^.]*\b(?:reached|exceeded|full)|\bexceed\w*\b[^.]*\bquota|"
    r"\bcap (?:is )?exceeded|"
    r"\bno space left|\binsufficient (?:storage|space|disk)|\bout of (?:disk )?space|"
    r"\b(?:disk|storage|bucket|pool|cluster|volume) (?:is )?full\b|"
    r"\b(?:storage|bucket|volume|cluster|pool|service|system) is (?:in )?read[- ]?only|"
    r"\bread[- ]only (?:mode|file ?system)"
)
_SIZE_MESSAGE = "maximum allowable size for a copy source"  # AWS has no code of its own for it
_POLICY_WORDS = "not authorized to perform"  # with names of roles, which may be any words
# What a service that has no code of its own for it says when it is full.
_VAGUE = frozenset({_E.ACCESS_DENIED, _E.INVALID_REQUEST, _E.SERVER_ERROR, _E.SIZE_REFUSED})


def classify(code: str, http_status: int | None = None) -> ErrorClass:
    """Return the class of S3's error ``code``.

    botocore turns an error inside a 200 into status 500, so the status of a known code means
    nothing. Where there is no code it uses the status as one.
    """
    known = _BY_CODE.get(code) or (_BY_STATUS.get(int(code)) if code.isdecimal() else None)
    known = known or next((one for words, one in _BY_PATTERN if re.search(words, code)), None)
    if known:
        return known
    if http_status is None:
        return _E.UNEXPECTED
    by_status = _BY_STATUS.get(http_status)
    if by_status and http_status not in _NEEDS_CODE:
        return by_status
    return _E.SERVER_ERROR if http_status >= _SERVER_ERRORS else _E.INVALID_REQUEST


def by_message(error_class: ErrorClass, message: str, *, writes: bool) -> ErrorClass:
    """Return the class of an error that only the words of its message tell from ``error_class``."""
    if error_class is _E.INVALID_REQUEST and _SIZE_MESSAGE in message:
        return _E.SIZE_REFUSED
    may_be_full = writes and error_class in _VAGUE and _POLICY_WORDS not in message
    return _E.DESTINATION_FULL if may_be_full and re.search(_FULL_MESSAGE, message) else error_class
