"""What ETags prove."""

from __future__ import annotations

import hashlib

import pytest

from s3_xfer.copying.verify import etag_is_md5, etags_differ, multipart_etag, plain_md5

A = '"0123456789abcdef0123456789abcdef"'
B = '"fedcba9876543210fedcba9876543210"'
PARTS = '"0123456789abcdef0123456789abcdef-3"'


@pytest.mark.parametrize(
    ("source", "copy", "differ"),
    [
        (A, A, False),
        (A, A.upper(), False),
        (A, A.strip('"'), False),
        (A, B, True),
        (PARTS, A, False),
        (A, PARTS, False),
        ('"abc"', '"def"', False),
    ],
)
def test_only_two_plain_md5s_can_differ(source: str, copy: str, differ: bool) -> None:
    """An ETag that may be something else than an MD5 is never held against a copy."""
    assert etags_differ(source, copy) is differ


def test_multipart_etag_is_no_md5() -> None:
    """The hyphen marks an ETag that is not the content's MD5."""
    assert plain_md5(PARTS) is None


@pytest.mark.parametrize(
    ("response", "is_md5"),
    [
        ({}, True),
        ({"ServerSideEncryption": "AES256"}, True),
        ({"ServerSideEncryption": "aws:kms"}, False),
        ({"ServerSideEncryption": "aws:kms:dsse"}, False),
        ({"SSECustomerAlgorithm": "AES256"}, False),
    ],
)
def test_encryption_decides_whether_an_etag_is_an_md5(
    response: dict[str, str], is_md5: bool
) -> None:
    """Under KMS or a customer's key an ETag only looks like an MD5."""
    assert etag_is_md5(response) is is_md5


def test_multipart_etag_is_computed_as_s3_does() -> None:
    """MD5 of the parts' MD5s, with their number."""
    parts = [hashlib.md5(text).hexdigest() for text in (b"one", b"two")]
    joined = hashlib.md5(bytes.fromhex(parts[0]) + bytes.fromhex(parts[1])).hexdigest()

    assert multipart_etag(parts) == f'"{joined}-2"'
    assert multipart_etag([]) is None
    assert multipart_etag([parts[0], '"not-md5"']) is None
