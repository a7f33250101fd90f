"""What is read from S3 about an object: its tags as a header, and the version that is meant."""

from __future__ import annotations

import pytest

from s3_xfer.copying.headers import object_params
from s3_xfer.copying.lookup import TAG_HEADER_MAX_BYTES, tag_header
from s3_xfer.model import S3Object


@pytest.mark.parametrize(
    ("length", "fits"), [(TAG_HEADER_MAX_BYTES, True), (TAG_HEADER_MAX_BYTES + 1, False)]
)
def test_tags_go_into_the_header_up_to_its_limit(length: int, fits: bool) -> None:
    """2,048 bytes go with the upload; one more is set afterwards."""
    header = tag_header([{"Key": "k", "Value": "v" * (length - len("k="))}])

    assert (header is not None) is fits
    assert header is None or len(header) == length


def test_a_version_is_named_only_where_there_is_one() -> None:
    """The current version has no parameter: it needs other rights than a named one."""
    current = S3Object(bucket="b", key="k", size=1)
    version = S3Object(bucket="b", key="k", size=1, version_id="v1")

    assert object_params(current) == {"Bucket": "b", "Key": "k"}
    assert object_params(version) == {"Bucket": "b", "Key": "k", "VersionId": "v1"}
