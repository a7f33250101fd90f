"""Reading S3's answers: what is wrong with them, and the ETag that proves a copy.

A 200 alone is no success: S3 may start to answer before the copy is finished, and put an error
into the body (API reference, CopyObject). For botocore a 200 with an empty body is one, too.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import botocore.exceptions as bc
from botocore import parsers
from botocore.awsrequest import HeadersDict

from s3_xfer.copying import documents
from s3_xfer.errors import (
    ATTEMPTS,
    ErrorClass,
    ErrorInfo,
    ObjectError,
    translate,
    translate_answer,
)

# The part of a parsed answer that holds the proof of a copy; None: the answer itself.
ETAG_RESULTS: Mapping[str, str | None] = {
    "CopyObject": "CopyObjectResult",
    "UploadPartCopy": "CopyPartResult",
    "CompleteMultipartUpload": None,
}
# What S3 never leaves out of its other answers: a 200 without it is not complete.
_OTHER_PROOFS: Mapping[str, str] = {
    "CreateMultipartUpload": "UploadId",
    "HeadObject": "ETag",
    "GetObject": "ETag",
    "PutObject": "ETag",
    "ListObjectsV2": "IsTruncated",
}
# After these S3 may have done the work, or not.
AMBIGUOUS = frozenset(
    {ErrorClass.TIMEOUT, ErrorClass.NETWORK, ErrorClass.SERVER_ERROR, ErrorClass.EMPTY_RESPONSE}
)
# How AWS and most others write it. Everything else takes longer to read.
_ORDINARY = re.compile(
    rb"\s*(?:<\?xml[^<>]*\?>)?\s*<(CopyObjectResult|CopyPartResult)\b[^<>]*>"
    rb"(?:<LastModified>[^<>]*</LastModified>)?"
    rb"<ETag>&(?:quot|#34);([!-%'-;=?-~]+)&(?:quot|#34);</ETag></\1>\s*"
)
_ENCRYPTION_HEADERS = {
    "x-amz-server-side-encryption": "ServerSideEncryption",
    "x-amz-server-side-encryption-customer-algorithm": "SSECustomerAlgorithm",
}
# How an answer with tags begins, or one with an error.
_TAGGING = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml.*?\?>\s*)?(?:<!--.*?-->\s*)*<(?:[\w.-]+:)?(?:Tagging|Error)\b",
    re.DOTALL,
)
_NO_TAGGING = (
    b"<Error><Code>NotImplemented</Code><Message>GetObjectTagging was answered with something "
    b"that is no set of tags</Message></Error>"
)
_NOT_IMPLEMENTED = 501
_LISTINGS = frozenset({"ListObjectsV2", "ListMultipartUploads", "ListParts"})
_OK = 200
_ERRORS = 301  # and above, for botocore
_INTERNAL_ERROR = 500


class Reset(enum.Enum):
    """The end of a connection before anything of an answer came."""

    OF_USED = enum.auto()  # it was used before: the other side may have closed it while it was idle
    OF_NEW = enum.auto()


@dataclass(slots=True)
class Answer:
    """The raw answer to a request of the CRT engine; or ``error``, in botocore's terms, if none.

    ``reset`` says that the connection ended without one.
    """

    status: int = 0
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    error: Exception | None = None
    reset: Reset | None = None


def copied_etag(answer: Answer) -> str | None:
    """Return the quoted ETag if ``answer`` is a copy's complete success, else None."""
    if answer.status != _OK:
        return None
    ordinary = _ORDINARY.fullmatch(answer.body)
    if ordinary:
        return f'"{ordinary[2].decode()}"'
    return documents.etag_in(answer.body)


def copied_part(answer: Answer, etag: str, output_shape: Any) -> Mapping[str, Any]:
    """Return the result in a success of ``UploadPartCopy``: the ``etag``, and any checksum."""
    if _ORDINARY.fullmatch(answer.body):
        return {"ETag": etag}
    parsed = parsed_answer(answer, output_shape, attempts=1)
    return {**parsed.get("CopyPartResult", {}), "ETag": etag}


def encryption_of(answer: Answer) -> dict[str, str]:
    """Return how the copy is encrypted, under the names of a parsed answer."""
    headers = {name.lower(): value for name, value in answer.headers}
    return {
        parsed: headers[name] for name, parsed in _ENCRYPTION_HEADERS.items() if name in headers
    }


def parsed_answer(answer: Answer, output_shape: Any, *, attempts: int) -> dict[str, Any]:
    """Return what botocore would have made of ``answer``, the last of ``attempts`` answers."""
    status, body = answer.status, documents.canonical(answer.body)
    if _is_no_success(status) or (status == _OK and body and not documents.is_result(body)):
        status = _INTERNAL_ERROR  # as botocore.handlers does with an error, or half of an answer
    response = {
        "status_code": status,
        "headers": HeadersDict(dict(answer.headers)),
        "body": body,
    }
    parsed: dict[str, Any] = parsers.create_parser("rest-xml").parse(response, output_shape)
    parsed.setdefault("ResponseMetadata", {})["RetryAttempts"] = attempts - 1
    return parsed


def error_of(parsed: dict[str, Any], operation: str) -> bc.ClientError:
    """Return the exception that botocore raises for ``parsed``."""
    return bc.ClientError(parsed, operation)  # type: ignore[arg-type] # botocore's own shape


def refusal_of(
    answer: Answer, operation: str, output_shape: Any, *, attempts: int
) -> tuple[Exception, ErrorInfo]:
    """Return the exception of botocore for the last of ``attempts`` answers, and what it means."""
    if answer.error:
        set_attempts(answer.error, attempts)
        return answer.error, translate(answer.error)
    parsed = parsed_answer(answer, output_shape, attempts=attempts)
    info = facts_of(operation, parsed, None)
    if "Error" in parsed or info is None:
        error = error_of(parsed, operation)
        return error, info or translate(error)
    return ObjectError(info), info


def set_attempts(error: Exception, attempts: int) -> None:
    """Note in an error that carries no answer how often its request was sent."""
    if isinstance(error, ObjectError):
        error.info = replace(error.info, attempts=attempts)
    else:
        setattr(error, ATTEMPTS, attempts)


def facts_of(
    operation: str, parsed: Mapping[str, Any] | None, error: Exception | None
) -> ErrorInfo | None:
    """Return what is wrong with an answer, or None if nothing is."""
    if error is not None:
        return translate(error)
    if parsed is None:
        return None
    return translate_answer(operation, parsed) or missing_proof(operation, parsed)


def missing_proof(operation: str, parsed: Mapping[str, Any]) -> ErrorInfo | None:
    """Return an error if the answer to ``operation`` lacks what S3 never leaves out."""
    part, proof = ETAG_RESULTS.get(operation), _OTHER_PROOFS.get(operation, "ETag")
    if operation not in ETAG_RESULTS and operation not in _OTHER_PROOFS:
        return None
    result = parsed if part is None else parsed.get(part) or {}
    if result.get(proof) not in (None, ""):
        return None
    metadata = parsed.get("ResponseMetadata", {})
    return ErrorInfo(
        error_class=ErrorClass.EMPTY_RESPONSE,
        code=ErrorClass.EMPTY_RESPONSE.value,
        message=f"{operation} was answered without {proof}",
        http_status=metadata.get("HTTPStatusCode"),
        request_id=metadata.get("RequestId"),
        attempts=metadata.get("RetryAttempts", 0) + 1,
    )


def require_proof(parsed: dict[str, Any], model: Any, **_: object) -> None:
    """Raise if an answer without an error lacks what proves a success (event ``after-call``)."""
    info = None if parsed.get("Error") else missing_proof(model.name, parsed)
    if info:
        raise ObjectError(info)


def make_canonical(operation_model: Any, response_dict: dict[str, Any], **_: object) -> None:
    """Bring the document of an answer into the form that botocore knows (event ``before-parse``).

    Listings have a reader of their own (:mod:`s3_xfer.listing.parsing`).
    """
    is_listing = operation_model.name in _LISTINGS and response_dict["status_code"] == _OK
    if isinstance(response_dict["body"], bytes) and response_dict["body"] and not is_listing:
        response_dict["body"] = documents.canonical(response_dict["body"])
    if operation_model.name in ETAG_RESULTS and _is_no_success(response_dict["status_code"]):
        response_dict["status_code"] = _INTERNAL_ERROR


def _is_no_success(status: int) -> bool:
    """Return whether botocore takes ``status`` for a success of a copy, which only a 200 is."""
    return status < _ERRORS and status != _OK


def require_tagging(response_dict: dict[str, Any], **_: object) -> None:
    """Make a refusal of other content than tags (event ``before-parse`` of ``GetObjectTagging``).

    A service that does not know ``?tagging`` answers with the object itself (rclone 1.75, nanio).
    """
    body, status = response_dict["body"], response_dict["status_code"]
    if status == _OK and body.strip() and not _TAGGING.match(body):
        response_dict.update(status_code=_NOT_IMPLEMENTED, body=_NO_TAGGING)
