"""The one translation from foreign errors (botocore, s3transfer, S3's codes) to our classes.

Nothing else in the package compares error codes. It never raises: an error that it does not know
is ``UNEXPECTED``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import CancelledError
from traceback import walk_tb
from typing import Any

import botocore.exceptions as bc

from s3_xfer.errors.error_class import ErrorClass, RetryAction
from s3_xfer.errors.exceptions import ErrorInfo, ObjectError, S3XferError

_PARSERS = "botocore.parsers"  # by name: to import it takes longer than ``s3-xfer --help`` does
ATTEMPTS = "s3_xfer_attempts"  # attribute that our hooks set on errors of the connection

_E = ErrorClass

# S3's codes. A missing body (HEAD) makes botocore use the status as the code.
# Sources: "Error responses" of the S3 API reference; botocore/retries/standard.py; issue threads
# named in docs/decisions/0003-errors-and-retries.md.
_CODES: Mapping[ErrorClass, str] = {
    _E.THROTTLED: "SlowDown ServiceUnavailable 503 429 Throttling ThrottlingException "
    "ThrottledException RequestThrottled RequestThrottledException RequestLimitExceeded "
    "TooManyRequests TooManyRequestsException BandwidthLimitExceeded KMS.ThrottlingException",
    _E.SERVER_ERROR: "InternalError 500 502 504 BadGateway TemporaryRedirect 307",
    _E.TIMEOUT: "RequestTimeout RequestTimeoutException GatewayTimeout",
    _E.CONFLICT: "ConditionalRequestConflict OperationAborted 409",
    _E.UPLOAD_LOST: "NoSuchUpload InvalidPart InvalidPartOrder EntityTooSmall BadDigest",
    _E.SOURCE_CHANGED: "PreconditionFailed 412",
    _E.SOURCE_VANISHED: "NoSuchKey NoSuchVersion 404",
    _E.ACCESS_DENIED: "AccessDenied 403 AllAccessDisabled MethodNotAllowed 405",
    _E.ARCHIVED: "InvalidObjectState ObjectNotInActiveTierError",
    _E.KEY_TOO_LONG: "KeyTooLongError",
    _E.CREDENTIALS_REFUSED: "InvalidAccessKeyId SignatureDoesNotMatch InvalidToken "
    "InvalidClientTokenId UnrecognizedClientException NotSignedUp AccountProblem InvalidPayer "
    "OptInRequired InvalidSecurity",
    _E.CREDENTIALS_EXPIRED: "ExpiredToken ExpiredTokenException TokenRefreshRequired "
    "RequestExpired",
    _E.BUCKET_MISSING: "NoSuchBucket InvalidBucketName",
    _E.WRONG_REGION: "PermanentRedirect AuthorizationHeaderMalformed "
    "IllegalLocationConstraintException BucketRegionError 301",
    _E.CLOCK_SKEW: "RequestTimeTooSkewed",
    _E.NOT_SUPPORTED: "NotImplemented 501 UnsupportedOperation AccessControlListNotSupported "
    "InvalidStorageClass",
}
_BY_CODE = {code: error_class for error_class, codes in _CODES.items() for code in codes.split()}

# What services other than AWS say of an operation, or of a header, that they do not have.
_NO_SUCH_OPERATION = ("NotImplemented", "501", "UnsupportedOperation", "MethodNotAllowed", "405")
_OF_PARTS = ("CreateMultipartUpload", "UploadPartCopy")
_OF_TAGS = ("GetObjectTagging", "PutObjectTagging")
_TAGS = re.compile(r"\btag|tagging", re.IGNORECASE)

# Exceptions that never reached S3, most specific first.
_Kind = type[BaseException] | tuple[type[BaseException], ...]
_BY_EXCEPTION: tuple[tuple[_Kind, ErrorClass], ...] = (
    ((bc.ReadTimeoutError, bc.ConnectTimeoutError), _E.TIMEOUT),
    ((bc.NoCredentialsError, bc.PartialCredentialsError), _E.CREDENTIALS_REFUSED),
    ((bc.CredentialRetrievalError, bc.TokenRetrievalError), _E.CREDENTIALS_REFUSED),
    ((bc.UnauthorizedSSOTokenError, bc.SSOTokenLoadError), _E.CREDENTIALS_EXPIRED),
    ((bc.ConnectionError, bc.HTTPClientError), _E.NETWORK),
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


def translate_answer(operation: str, parsed: Mapping[str, Any]) -> ErrorInfo | None:
    """Return what botocore's ``parsed`` answer to ``operation`` means; None if it is no error."""
    metadata = parsed.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode")
    error = parsed.get("Error")
    if not error and (status is None or status < 300):  # noqa: PLR2004 - HTTP's own number
        return None
    error = error or {}
    code = str(error.get("Code") or status)
    message = str(error.get("Message") or "")
    return ErrorInfo(
        error_class=_in_context(operation, code, message, classify(code, status)),
        code=code,
        message=message,
        http_status=status,
        request_id=metadata.get("RequestId"),
        attempts=metadata.get("RetryAttempts", 0) + 1,
    )


def translate(error: BaseException) -> ErrorInfo:
    """Return what ``error``, of any library, means here. Never raises."""
    if isinstance(error, ObjectError):
        return error.info
    if isinstance(error, bc.ClientError):
        info = translate_answer(error.operation_name, error.response)
        if info:
            return info
    if isinstance(error, S3XferError) and error.error_class:
        return ErrorInfo(
            error_class=error.error_class,
            code=error.error_class.value,
            message=error.problem,
            attempts=0,
        )
    if _raised_by_parser(error):  # its text repeats the whole answer
        error_class, message = _E.SERVER_ERROR, "the answer cannot be read"
    else:
        classes = (known for kind, known in _BY_EXCEPTION if isinstance(error, kind))
        error_class, message = next(classes, _E.UNEXPECTED), str(error)
    return ErrorInfo(
        error_class=error_class,
        code=type(error).__name__,
        message=message,
        attempts=getattr(error, ATTEMPTS, 1),
    )


def _raised_by_parser(error: BaseException) -> bool:
    """Return whether botocore could not read an answer.

    It has an exception for that, but lets through what a number or a date that is none raises.
    """
    where = {frame.f_globals["__name__"] for frame, _ in walk_tb(error.__traceback__)}
    return _PARSERS in where


def _in_context(operation: str, code: str, message: str, error_class: ErrorClass) -> ErrorClass:
    """Return the class of an error whose code may mean something else for ``operation``."""
    if operation in ("AssumeRole", "AssumeRoleWithWebIdentity", "GetRoleCredentials"):
        if error_class.retry_action in (RetryAction.RESTART_OBJECT, RetryAction.FAIL_OBJECT):
            return _E.CREDENTIALS_REFUSED
    elif lacking := _lacking(operation, code, message, error_class):
        return lacking
    elif operation == "CompleteMultipartUpload" and error_class is _E.CONFLICT:
        return _E.UPLOAD_LOST  # API reference: "start the upload again"
    elif operation in ("ListObjectsV2", "HeadBucket") and code == "404":
        return _E.BUCKET_MISSING
    return error_class


def _lacking(operation: str, code: str, message: str, error_class: ErrorClass) -> ErrorClass | None:
    """Return what a service other than AWS lacks, if that is what its error says."""
    if operation == "GetObjectTagging" and error_class is _E.INVALID_REQUEST:
        return _E.TAGS_NOT_SUPPORTED
    if code not in _NO_SUCH_OPERATION:
        return None
    if operation in _OF_TAGS or _TAGS.search(message):
        return _E.TAGS_NOT_SUPPORTED
    return _E.PARTS_NOT_SUPPORTED if operation in _OF_PARTS else None
