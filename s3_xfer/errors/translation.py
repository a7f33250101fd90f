"""The one translation from foreign errors (botocore, s3transfer, S3's codes) to our classes.

The codes are in :mod:`.codes`; nothing else in the package compares any. It never raises: an error
that it does not know is ``UNEXPECTED``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from concurrent.futures import CancelledError
from traceback import walk_tb
from typing import Any

from s3_xfer.errors.base import S3XferError
from s3_xfer.errors.codes import by_message, classify
from s3_xfer.errors.error_class import ErrorClass, RetryAction
from s3_xfer.errors.exceptions import ErrorInfo, ObjectError
from s3_xfer.errors.machine_limits import are_files_used_up, exhausts_machine, files_max

# By name: to import them takes longer than ``s3-xfer --help`` does.
_PARSERS, _URLLIB3 = "botocore.parsers", "urllib3.exceptions"
ATTEMPTS = "s3_xfer_attempts"  # attribute that our hooks set on errors of the connection

_E = ErrorClass
# A name that cannot be resolved, certificates or settings that are not found.
_MAY_LACK_FILES = (_E.NETWORK, _E.CONFIGURATION, _E.CREDENTIALS_REFUSED)

_WRITING = (
    "CopyObject",
    "CreateMultipartUpload",
    "UploadPartCopy",
    "CompleteMultipartUpload",
    "PutObject",
    "PutObjectTagging",
)
# Operations that read no object: what is missing is the upload.
_ABOUT_AN_UPLOAD = ("ListParts", "CompleteMultipartUpload", "AbortMultipartUpload")

# What services other than AWS say of an operation that they do not have is NOT_SUPPORTED, or this.
_NO_SUCH_METHOD = ("MethodNotAllowed", "405")
_OF_OPTIONS = ("AccessControlListNotSupported", "InvalidStorageClass")  # of options, on AWS too
_OF_PARTS = ("CreateMultipartUpload", "UploadPartCopy")
_OF_TAGS = ("GetObjectTagging", "PutObjectTagging")
_TAGS = re.compile(r"\btag|tagging", re.IGNORECASE)

_Kind = type[BaseException] | tuple[type[BaseException], ...]


def translate_answer(operation: str, parsed: Mapping[str, Any]) -> ErrorInfo | None:
    """Return what botocore's ``parsed`` answer to ``operation`` means; None if it is no error."""
    metadata = parsed.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode")
    error = parsed.get("Error")
    if not error and (status is None or status < 300):  # noqa: PLR2004 - HTTP's own number
        return None
    error = error or {}
    code, message = str(error.get("Code") or status), str(error.get("Message") or "")
    error_class = _in_context(operation, code, message, classify(code, status))
    return ErrorInfo(
        error_class=by_message(error_class, message, writes=operation in _WRITING),
        code=code,
        message=message,
        http_status=status,
        request_id=metadata.get("RequestId"),
        attempts=metadata.get("RetryAttempts", 0) + 1,
    )


def upload_is_gone(info: ErrorInfo) -> bool:
    """Return whether ``info`` says that an upload does not exist, rather than that it failed."""
    missing = info.http_status == 404 or info.code == "NoSuchUpload"  # noqa: PLR2004 - HTTP's own
    return info.error_class is _E.UPLOAD_LOST and missing


def translate(error: BaseException) -> ErrorInfo:
    """Return what ``error``, of any library, means here. Never raises."""
    if isinstance(error, ObjectError):
        return error.info
    from botocore.exceptions import ClientError  # noqa: PLC0415 - as in _by_exception

    if isinstance(error, ClientError):
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
    if exhausts_machine(error):
        error_class, message = _E.MACHINE_LIMIT, _one_line(str(error)) or type(error).__name__
    elif _raised_by_parser(error):  # its text repeats the whole answer
        error_class, message = _E.SERVER_ERROR, "the answer cannot be read"
    else:
        classes = (known for kind, known in _by_exception() if isinstance(error, kind))
        error_class = next(classes, None) or _of_urllib3(error) or _E.UNEXPECTED
        message = _one_line(str(error))
        if _is_out_of_files(error_class):
            error_class = _E.MACHINE_LIMIT
            message += f" (this process may have {files_max()} files open, and has)"
    return ErrorInfo(
        error_class=error_class,
        code=type(error).__name__,
        message=message,
        attempts=getattr(error, ATTEMPTS, 1),
    )


@functools.cache
def _by_exception() -> tuple[tuple[_Kind, ErrorClass], ...]:
    """Return what exceptions that never reached S3 mean, most specific first."""
    import botocore.exceptions as bc  # noqa: PLC0415 - Airflow parses DAGs without botocore

    return (
        ((bc.ReadTimeoutError, bc.ConnectTimeoutError), _E.TIMEOUT),
        ((bc.NoCredentialsError, bc.PartialCredentialsError), _E.CREDENTIALS_REFUSED),
        (bc.CredentialRetrievalError, _E.CREDENTIALS_REFUSED),
        (
            (bc.UnauthorizedSSOTokenError, bc.SSOTokenLoadError, bc.TokenRetrievalError),
            _E.CREDENTIALS_EXPIRED,
        ),
        (
            (bc.ConnectionError, bc.HTTPClientError, bc.IncompleteReadError),
            _E.NETWORK,
        ),
        (bc.ParamValidationError, _E.INVALID_REQUEST),
        (bc.BotoCoreError, _E.CONFIGURATION),
        (CancelledError, _E.INTERRUPTED),
    )


def _of_urllib3(error: BaseException) -> ErrorClass | None:
    """Return what an error of urllib3 means, which botocore passes on from inside a body."""
    names = {one.__name__ for one in type(error).__mro__ if one.__module__ == _URLLIB3}
    if not names:
        return None
    return _E.TIMEOUT if "ReadTimeoutError" in names else _E.NETWORK


def _is_out_of_files(error_class: ErrorClass) -> bool:
    """Return whether an error that may come from the limit of open files does, most likely."""
    return error_class in _MAY_LACK_FILES and are_files_used_up()


def _one_line(text: str) -> str:
    """Return the lines of a text, such as a program wrote before it ended, as one."""
    return " ".join(text.split())


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
    elif operation in _ABOUT_AN_UPLOAD and error_class is _E.SOURCE_VANISHED:
        return _E.UPLOAD_LOST  # whatever a service calls it: Ceph's ListParts says NoSuchKey
    elif operation in ("ListObjectsV2", "HeadBucket") and code == "404":
        return _E.BUCKET_MISSING
    return error_class


def _lacking(operation: str, code: str, message: str, error_class: ErrorClass) -> ErrorClass | None:
    """Return what a service other than AWS lacks, if that is what its error says."""
    if operation == "GetObjectTagging" and error_class is _E.INVALID_REQUEST:
        return _E.TAGS_NOT_SUPPORTED
    is_refused = error_class is _E.NOT_SUPPORTED and code not in _OF_OPTIONS
    if not is_refused and code not in _NO_SUCH_METHOD:
        return None
    if operation in _OF_TAGS or _TAGS.search(message):
        return _E.TAGS_NOT_SUPPORTED
    return _E.PARTS_NOT_SUPPORTED if operation in _OF_PARTS else None
