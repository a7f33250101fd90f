"""The one translation from foreign errors (botocore, s3transfer, S3's codes) to our classes.

Nothing else in the package compares error codes. It never raises: an error that it does not know
is ``UNEXPECTED``.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import CancelledError
from dataclasses import replace
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


def info_of_response(parsed: Mapping[str, Any]) -> ErrorInfo | None:
    """Return what a parsed response of botocore reports, or None when it is no error."""
    metadata = parsed.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode")
    error = parsed.get("Error")
    if not error and (status is None or status < 300):  # noqa: PLR2004 - HTTP's own number
        return None
    error = error or {}
    code = str(error.get("Code") or status)
    return ErrorInfo(
        error_class=classify(code, status),
        code=code,
        message=str(error.get("Message") or ""),
        http_status=status,
        request_id=metadata.get("RequestId"),
        attempts=metadata.get("RetryAttempts", 0) + 1,
    )


def translate(error: BaseException) -> ErrorInfo:
    """Return what ``error``, of whatever library, means here. Never raises."""
    if isinstance(error, ObjectError):
        return error.info
    if isinstance(error, bc.ClientError):
        info = info_of_response(error.response)
        if info:
            return _in_context(error.operation_name, info)
    if isinstance(error, S3XferError) and error.error_class:
        return ErrorInfo(
            error_class=error.error_class,
            code=error.error_class.value,
            message=error.problem,
            attempts=0,
        )
    if _raised_by_parser(error):  # its text repeats the answer, whatever is in it
        return ErrorInfo(
            error_class=_E.SERVER_ERROR,
            code=type(error).__name__,
            message="the answer cannot be read",
            attempts=getattr(error, ATTEMPTS, 1),
        )
    error_class = next(
        (known for kind, known in _BY_EXCEPTION if isinstance(error, kind)), _E.UNEXPECTED
    )
    return ErrorInfo(
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
    return _PARSERS in where


def translate_answer(
    operation: str,
    *,
    parsed: Mapping[str, Any] | None = None,
    error: BaseException | None = None,
) -> ErrorInfo | None:
    """Return what the answer to an S3 ``operation`` means, or None if it reports no error.

    Either ``parsed`` (botocore's parsed response) or ``error`` (no response came) is given.
    """
    if error is not None:
        return translate(error)
    info = info_of_response(parsed or {})
    return _in_context(operation, info) if info else None


def _in_context(operation: str, info: ErrorInfo) -> ErrorInfo:
    """Correct the class where the same code means something else for ``operation``."""
    better = info.error_class
    if operation in ("AssumeRole", "AssumeRoleWithWebIdentity", "GetRoleCredentials"):
        if better.retry_action not in (
            RetryAction.RETRY,
            RetryAction.SLOW_DOWN,
            RetryAction.END_RUN,
        ):
            better = _E.CREDENTIALS_REFUSED
    elif operation == "CompleteMultipartUpload" and better is _E.CONFLICT:
        better = _E.UPLOAD_LOST  # API reference: "start the upload again"
    elif operation in ("ListObjectsV2", "HeadBucket") and info.code == "404":
        better = _E.BUCKET_MISSING
    return replace(info, error_class=better) if better is not info.error_class else info
