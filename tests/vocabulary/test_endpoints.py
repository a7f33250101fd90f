"""Which endpoints are AWS's, and where a role is asked for."""

from __future__ import annotations

import pytest

from s3_xfer import AccountContext, ValidationError
from s3_xfer.access.credentials import is_aws, is_unprotected, sts_endpoint

AWS = [
    "https://s3.eu-west-1.amazonaws.com",
    "https://bucket.vpce-1a2b-xyz.s3.us-east-1.vpce.amazonaws.com",
    "https://s3.cn-north-1.amazonaws.com.cn",
    "https://s3.dualstack.eu-west-1.api.aws",
    "https://s3.eusc-de-east-1.amazonaws.eu",
    "https://s3.us-iso-east-1.c2s.ic.gov",
    "https://s3.us-isob-east-1.sc2s.sgov.gov",
    "https://s3.eu-isoe-west-1.cloud.adc-e.uk",
    "https://s3.us-isof-south-1.csp.hci.ic.gov",
    "https://S3.EU-WEST-1.AMAZONAWS.COM.",
]
OTHERS = [
    "http://127.0.0.1:9000",
    "https://minio.internal",
    "https://amazonaws.com.evil.example",
    "https://notamazonaws.com",
    "https://amazonaws.eu.evil.example",
]


SECRET = "hunter2"


@pytest.mark.parametrize(
    "endpoint",
    [
        f"https://user:{SECRET}@s3.example.com",
        f"https://{SECRET}@s3.example.com:9000/",
        f"user:{SECRET}@s3.example.com",
        f"https://s3.example.com?token={SECRET}",
        f"https://s3.example.com/#{SECRET}",
        f"ftp://user:{SECRET}@s3.example.com",
    ],
)
def test_an_endpoint_that_may_hold_a_secret_is_refused_without_it(endpoint: str) -> None:
    """By the library, wherever it comes from."""
    with pytest.raises(ValidationError, match="user info, a query or a fragment") as refused:
        AccountContext(endpoint_url=endpoint)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("endpoint", "is_one"),
    [
        ("https://s3.example.com", True),
        ("http://127.0.0.1:9000", True),
        ("http://[::1]:9000", True),
        ("https://gateway.example.com/s3/", True),
        ("s3.example.com", False),
        ("https://", False),
        ("https://host:port", False),
        ("https://a host", False),
        ("ftp://s3.example.com", False),
    ],
)
def test_what_an_endpoint_looks_like(endpoint: str, is_one: bool) -> None:
    """A scheme, a host, perhaps a port and a path."""
    if is_one:
        assert AccountContext(endpoint_url=endpoint).endpoint_url == endpoint
    else:
        with pytest.raises(ValidationError, match="is not an endpoint"):
            AccountContext(endpoint_url=endpoint)


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
    assert sts_endpoint(endpoint, {"AWS_ENDPOINT_URL_STS": ""}) == endpoint


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
