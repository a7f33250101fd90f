"""Which endpoints are AWS's, and where a role is asked for."""

from __future__ import annotations

import pytest

from s3_xfer.access.credentials import is_aws, is_unprotected, sts_endpoint

AWS = [
    "https://s3.eu-west-1.amazonaws.com",
    "https://bucket.vpce-1a2b-xyz.s3.us-east-1.vpce.amazonaws.com",
    "https://s3.cn-north-1.amazonaws.com.cn",
]
OTHERS = ["http://127.0.0.1:9000", "https://minio.internal", "https://amazonaws.com.evil.example"]


@pytest.mark.parametrize("endpoint", AWS)
def test_aws_is_recognised(endpoint: str) -> None:
    """S3 of any region, partition or VPC endpoint; its roles are asked for at AWS's own STS."""
    assert is_aws(endpoint)
    assert sts_endpoint(endpoint, {}) is None


@pytest.mark.parametrize("endpoint", OTHERS)
def test_other_services_answer_sts_where_they_answer_s3(endpoint: str) -> None:
    """Unless the environment names another place."""
    assert not is_aws(endpoint)
    assert sts_endpoint(endpoint, {}) == endpoint
    assert sts_endpoint(endpoint, {"AWS_ENDPOINT_URL_STS": "http://sts"}) is None


@pytest.mark.parametrize(
    ("endpoint", "unprotected"),
    [
        ("http://s3.example.com", True),
        ("http://127.example.com:80", True),
        ("http://10.0.0.1:80", True),
        ("https://s3.example.com", False),
        ("http://127.0.0.1:9000", False),
        ("http://localhost:9000", False),
        ("http://[::1]:9000", False),
    ],
)
def test_endpoints_without_tls_are_known_unless_they_are_this_machine(
    endpoint: str, unprotected: bool
) -> None:
    """What leaves the machine over plain HTTP is told."""
    assert is_unprotected(endpoint) is unprotected
