"""What is read from S3 about an object: its tags as a header, and the version that is meant."""

from __future__ import annotations

import pytest

from s3_xfer.copying.copier import check_key
from s3_xfer.copying.headers import object_params
from s3_xfer.copying.lookup import TAG_HEADER_MAX_BYTES, tag_header
from s3_xfer.errors import ErrorClass
from s3_xfer.model import KEY_MAX_BYTES, CopyTask, S3Object


@pytest.mark.parametrize(
    ("length", "fits"), [(TAG_HEADER_MAX_BYTES, True), (TAG_HEADER_MAX_BYTES + 1, False)]
)
def test_tags_go_into_the_header_up_to_its_limit(length: int, fits: bool) -> None:
    """2,048 bytes go with the upload; one more is set afterwards."""
    header = tag_header([{"Key": "k", "Value": "v" * (length - len("k="))}])

    assert (header is not None) is fits
    assert header is None or len(header) == length


@pytest.mark.parametrize(
    ("length", "error_class"),
    [
        (KEY_MAX_BYTES, None),
        (KEY_MAX_BYTES + 1, ErrorClass.KEY_TOO_LONG),
        (0, ErrorClass.EMPTY_KEY),
    ],
)
def test_a_key_may_have_1024_bytes(length: int, error_class: ErrorClass | None) -> None:
    """Counted in bytes of UTF-8; one more is refused before anything is sent."""
    key = "é" * (length // 2) + "k" * (length % 2)
    source = S3Object(bucket="source", key="k", size=1)

    error = check_key(CopyTask(source, "destination", key))

    assert (error and error.info.error_class) == error_class


def test_a_version_is_named_only_where_there_is_one() -> None:
    """The current version has no parameter: it needs other rights than a named one."""
    current = S3Object(bucket="b", key="k", size=1)
    version = S3Object(bucket="b", key="k", size=1, version_id="v1")

    assert object_params(current) == {"Bucket": "b", "Key": "k"}
    assert object_params(version) == {"Bucket": "b", "Key": "k", "VersionId": "v1"}
