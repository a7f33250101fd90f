"""Reading raw answers: the quick way and botocore's agree, and half an answer proves nothing."""

from __future__ import annotations

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_xfer.copying.answers import Answer, copied_etag, encryption_of, facts_of, parsed_answer
from s3_xfer.errors import ErrorClass

BODY = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<CopyObjectResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<LastModified>2024-01-02T03:04:05.000Z</LastModified>"
    b"<ETag>&quot;910a2dec89025cc1f3203e9039f4a821&quot;</ETag></CopyObjectResult>"
)
ETAG = '"910a2dec89025cc1f3203e9039f4a821"'
SHAPE = (
    boto3.client("s3", region_name="us-east-1")
    .meta.service_model.operation_model("CopyObject")
    .output_shape
)


@pytest.mark.parametrize("quote", [b"&quot;", b'"', b"&#34;", b""])
@pytest.mark.parametrize("around", [b"", b"\n", b"   \n  "])
def test_quick_reading_agrees_with_botocore(quote: bytes, around: bytes) -> None:
    """Whatever the ETag is quoted with, and whatever white space keeps the connection alive."""
    body = around + BODY.replace(b"&quot;", quote) + around
    answer = Answer(status=200, body=body.lstrip())
    parsed = parsed_answer(answer, SHAPE, attempts=1)
    assert copied_etag(answer) == ETAG
    assert parsed["CopyObjectResult"]["ETag"].strip('"') == ETAG.strip('"')


@given(length=st.integers(0, len(BODY) - 1))
def test_truncated_answers_prove_nothing(length: int) -> None:
    """A success that was cut off anywhere is no success, and is worth a repetition."""
    answer = Answer(status=200, body=BODY[:length])
    assert copied_etag(answer) is None
    info = facts_of("CopyObject", parsed_answer(answer, SHAPE, attempts=2), None)
    assert info is not None
    assert info.error_class in (ErrorClass.SERVER_ERROR, ErrorClass.EMPTY_RESPONSE)
    assert info.attempts == 2


@pytest.mark.parametrize("status", [100, 204, 301, 403, 412, 500, 503])
def test_only_a_200_is_a_success(status: int) -> None:
    """The same body under another status proves nothing."""
    assert copied_etag(Answer(status=status, body=BODY)) is None


def test_errors_inside_a_200_are_errors() -> None:
    """S3 may begin to answer before it knows how the copy ends."""
    body = b"<?xml version='1.0'?>\n<Error><Code>SlowDown</Code><Message>Reduce</Message></Error>"
    answer = Answer(status=200, body=body)
    info = facts_of("CopyObject", parsed_answer(answer, SHAPE, attempts=1), None)
    assert copied_etag(answer) is None
    assert info is not None
    assert info.error_class is ErrorClass.THROTTLED


def test_encryption_is_read_from_the_headers_in_any_case() -> None:
    """It decides whether the ETag is an MD5."""
    answer = Answer(headers=[("X-Amz-Server-Side-Encryption", "aws:kms"), ("etag", "x")])
    assert encryption_of(answer) == {"ServerSideEncryption": "aws:kms"}
