"""What ETags prove."""

from __future__ import annotations

import hashlib

import pytest

from s3_xfer.copying.verify import (
    etag_is_md5,
    etags_differ,
    multipart_etag,
    plain_md5,
    prove_same_content,
)

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


HASH = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("source", "copy", "size", "proven"),
    [
        (f'"{HASH}"', f'"{HASH}"', 1, True),
        (f'"{HASH}"', HASH, 1, True),
        (HASH, f'"{HASH}"', 1, True),
        (f'"{HASH}-12"', f"{HASH}-12", 1, True),
        (f'"{HASH}"', HASH.upper(), 1, True),
        (f'"{HASH}"', f'"{HASH}-1"', 1, False),
        (f'"{HASH}-2"', f'"{HASH}-3"', 1, False),
        ('"CKih16GjycICEAE="', '"CKih16GjycICEAE="', 1, True),
        ("", "", 1, False),
        ('""', '""', 1, False),
        ('"-"', '"-"', 1, False),
        ('"---"', '"---"', 1, False),
        ('" "', '" "', 1, False),
        ('"0"', '"0"', 1, False),
        ('"null"', '"null"', 1, False),
        ('"undefined"', '"undefined"', 1, False),
        ('"' + "0" * 40 + '"', '"' + "0" * 40 + '"', 1, False),
        (f'W/"{HASH}"', f'W/"{HASH}"', 1, False),
        ('"d41d8cd98f00b204e9800998ecf8427e"', '"d41d8cd98f00b204e9800998ecf8427e"', 1, False),
        ('"d41d8cd98f00b204e9800998ecf8427e"', '"d41d8cd98f00b204e9800998ecf8427e"', 0, True),
        ('"D41D8CD98F00B204E9800998ECF8427E-1"', '"D41D8CD98F00B204E9800998ECF8427E-1"', 9, False),
    ],
)
def test_only_etags_made_from_content_prove_content(
    source: str, copy: str, size: int, proven: bool
) -> None:
    """With or without quotes; one that all objects could have proves nothing."""
    assert prove_same_content(source, copy, size) is proven
