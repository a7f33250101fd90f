"""The translation of foreign errors, and what each class tells a person."""

from __future__ import annotations

import errno
import re

import botocore.exceptions as bc
import pytest

from s3_xfer.errors import ErrorClass, ObjectError, PreflightError, classify, translate


def client_error(code: str, status: int, operation: str = "CopyObject") -> bc.ClientError:
    """Return what botocore raises for an error answer."""
    return bc.ClientError(
        {
            "Error": {"Code": code, "Message": "said"},
            "ResponseMetadata": {
                "HTTPStatusCode": status,
                "RequestId": "id-1",
                "HTTPHeaders": {},
                "HostId": "",
                "RetryAttempts": 0,
            },
        },
        operation,
    )


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("SlowDown", 503, ErrorClass.THROTTLED),
        ("SlowDown", 500, ErrorClass.THROTTLED),  # inside a 200, as botocore shows it
        ("503", 503, ErrorClass.THROTTLED),
        ("InternalError", 500, ErrorClass.SERVER_ERROR),
        ("NeverSeenBefore", 500, ErrorClass.SERVER_ERROR),
        ("NeverSeenBefore", 503, ErrorClass.THROTTLED),
        ("NeverSeenBefore", 400, ErrorClass.INVALID_REQUEST),
        ("NeverSeenBefore", 403, ErrorClass.ACCESS_DENIED),
        ("AccessDenied", 500, ErrorClass.ACCESS_DENIED),  # inside a 200
        ("KMS.DisabledException", 400, ErrorClass.KMS),
        ("KMS.ThrottlingException", 400, ErrorClass.THROTTLED),
        ("ExpiredToken", 400, ErrorClass.CREDENTIALS_EXPIRED),
        ("NoSuchBucket", 404, ErrorClass.BUCKET_MISSING),
        ("NoSuchKey", 404, ErrorClass.SOURCE_VANISHED),
        ("InvalidObjectState", 403, ErrorClass.ARCHIVED),
        ("PreconditionFailed", 412, ErrorClass.SOURCE_CHANGED),
        ("RequestTimeTooSkewed", 403, ErrorClass.CLOCK_SKEW),
    ],
)
def test_code_decides_and_the_status_only_where_it_is_unknown(
    code: str, status: int, expected: ErrorClass
) -> None:
    """Botocore turns an error inside a 200 into status 500, so a known code comes first."""
    assert classify(code, status) is expected
    assert translate(client_error(code, status)).error_class is expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (bc.EndpointConnectionError(endpoint_url="x", error=OSError("y")), ErrorClass.NETWORK),
        (bc.ConnectionClosedError(endpoint_url="x"), ErrorClass.NETWORK),
        (bc.ReadTimeoutError(endpoint_url="x"), ErrorClass.TIMEOUT),
        (bc.ConnectTimeoutError(endpoint_url="x"), ErrorClass.TIMEOUT),
        (bc.SSLError(endpoint_url="x", error=OSError("y")), ErrorClass.NETWORK),
        (bc.NoCredentialsError(), ErrorClass.CREDENTIALS_REFUSED),
        (bc.ProfileNotFound(profile="x"), ErrorClass.CONFIGURATION),
        (bc.ParamValidationError(report="x"), ErrorClass.INVALID_REQUEST),
        (ValueError("x"), ErrorClass.UNEXPECTED),
    ],
)
def test_errors_that_never_reached_s3(error: Exception, expected: ErrorClass) -> None:
    """Each exception of botocore has its class, anything else is unexpected."""
    assert translate(error).error_class is expected


@pytest.mark.parametrize(
    ("code", "status", "operation", "expected"),
    [
        ("ConditionalRequestConflict", 409, "CopyObject", ErrorClass.CONFLICT),
        ("ConditionalRequestConflict", 409, "CompleteMultipartUpload", ErrorClass.UPLOAD_LOST),
        ("AccessDenied", 403, "AssumeRole", ErrorClass.CREDENTIALS_REFUSED),
        ("404", 404, "HeadBucket", ErrorClass.BUCKET_MISSING),
        ("404", 404, "HeadObject", ErrorClass.SOURCE_VANISHED),
    ],
)
def test_same_code_means_something_else_for_another_operation(
    code: str, status: int, operation: str, expected: ErrorClass
) -> None:
    """The operation is part of the meaning."""
    assert translate(client_error(code, status, operation)).error_class is expected


@pytest.mark.parametrize(
    "message",
    [
        "User: arn:aws:sts::1:assumed-role/quota-exceeded/x is not authorized to perform: s3:Put",
        "User: arn:aws:iam::1:user/read-only mode is not authorized to perform: s3:PutObject",
        "Access Denied",
    ],
)
def test_denials_are_denials_whatever_roles_are_called(message: str) -> None:
    """Only what a service says about its room makes it full."""
    error = client_error("AccessDenied", 403)
    error.response["Error"]["Message"] = message

    assert translate(error).error_class is ErrorClass.ACCESS_DENIED


@pytest.mark.parametrize(
    "behind",
    [
        OSError(errno.EMFILE, "Too many open files"),
        OSError(errno.ENFILE, "Too many open files in system"),
        MemoryError(),
        RuntimeError("can't start new thread"),
    ],
    ids=lambda error: f"{type(error).__name__} {error}"[:40],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_what_this_machine_has_no_more_of_is_named(behind: Exception, *, wrapped: bool) -> None:
    """Also where a library says only that it could not connect."""
    error = behind
    if wrapped:
        error = bc.EndpointConnectionError(endpoint_url="https://x", error=behind)
        error.__cause__ = behind

    assert translate(error).error_class is ErrorClass.MACHINE_LIMIT


def test_facts_keep_what_support_asks_for() -> None:
    """Code, message, status and request id survive the translation."""
    info = translate(client_error("SlowDown", 503))

    assert (info.code, info.message, info.http_status, info.request_id) == (
        "SlowDown",
        "said",
        503,
        "id-1",
    )


@pytest.mark.parametrize("error_class", list(ErrorClass))
def test_every_class_says_what_it_is_and_what_to_do(error_class: ErrorClass) -> None:
    """A meaning, a next step, and a section of the runbook."""
    assert len(error_class.description) > 20
    assert len(error_class.remedy) > 20
    assert re.fullmatch(r"docs/runbook\.md#[a-z]+(-[a-z]+)*", error_class.runbook)


def test_message_for_a_person_has_three_parts() -> None:
    """What, what next, and where to read more."""
    error = PreflightError("the bucket is gone", error_class=ErrorClass.BUCKET_MISSING)

    assert str(error).splitlines() == [
        "the bucket is gone",
        "Next: check the name and the account; bucket names are case-sensitive.",
        "See the section bucket-missing of the runbook",
    ]


def test_own_findings_need_no_answer_from_s3() -> None:
    """What the program finds out by itself is reported in the same form."""
    error = ObjectError.of(ErrorClass.KEY_TOO_LONG, "1,025 bytes")

    assert translate(error) is error.info
    assert error.info.attempts == 0
