"""The request that all copies of a run are made from: composed by botocore, once."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
import botocore
import botocore.exceptions
import pytest
from botocore.config import Config

from s3_xfer import CopyOptions
from s3_xfer.copying.headers import object_params
from s3_xfer.copying.template import CopyTemplate, compose
from s3_xfer.model import CopyTask, S3Object

BUCKET = "destination"
ACCESS_POINT = "arn:aws:s3:us-west-2:123456789012:accesspoint/name"
MULTI_REGION = "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap"


def template(destination: str = BUCKET, **settings: Any) -> CopyTemplate:
    """Return what a client with these settings composes."""
    client = boto3.client(
        "s3",
        **{
            "region_name": "eu-west-1",
            "aws_access_key_id": "a",
            "aws_secret_access_key": "b",
            **settings,
        },
    )
    return compose(client, CopyOptions(), destination_bucket=destination)


def host(made: CopyTemplate) -> str:
    """Return the host that the request goes to."""
    return dict(made.common_headers)["host"]


def task(key: str, bucket: str = "source") -> CopyTask:
    """Return the copy of ``key`` to the same key."""
    source = S3Object(
        bucket=bucket, key=key, size=1, etag='"e"', last_modified=datetime(2024, 1, 1, tzinfo=UTC)
    )
    return CopyTask(source, BUCKET, key)


@pytest.mark.parametrize(
    ("settings", "tls", "address", "path"),
    [
        ({}, True, "destination.s3.eu-west-1.amazonaws.com", "/k"),
        ({"endpoint_url": "http://127.0.0.1:99"}, False, "127.0.0.1:99", "/destination/k"),
        (
            {"config": Config(s3={"addressing_style": "path"})},
            True,
            "s3.eu-west-1.amazonaws.com",
            "/destination/k",
        ),
        (
            {
                "endpoint_url": "https://s3.example.org:8443",
                "config": Config(s3={"addressing_style": "virtual"}),
            },
            True,
            "destination.s3.example.org:8443",
            "/k",
        ),
        (
            {"config": Config(use_dualstack_endpoint=True)},
            True,
            "destination.s3.dualstack.eu-west-1.amazonaws.com",
            "/k",
        ),
    ],
    ids=["virtual", "endpoint", "path", "virtual at an endpoint", "dual stack"],
)
def test_addressing_is_botocores(
    settings: dict[str, Any], tls: bool, address: str, path: str
) -> None:
    """Where a request goes is whatever the client's configuration says."""
    made = template(**settings)
    assert (made.tls, host(made), made.path(task("k"))) == (tls, address, path)
    assert made.region == "eu-west-1"
    assert made.auth_type == "v4"


@pytest.mark.parametrize("key", ["k", "a b+c?versionId=x", "\u00fc/~"])
@pytest.mark.parametrize("version_id", ["null", "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY_MTRCxf"])
def test_a_version_is_named_as_botocore_names_it(key: str, version_id: str) -> None:
    """Behind the encoded key, so that nothing in a key can be taken for a version."""
    made = template()
    of_version = CopyTask(replace(task(key).source, version_id=version_id), BUCKET, key)
    client = boto3.client(
        "s3", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    sent: list[str] = []

    def keep(params: dict[str, Any], **_: object) -> Any:
        sent.append(params["headers"]["x-amz-copy-source"])
        return SimpleNamespace(status_code=200), {}

    client.meta.events.register("before-call.s3.CopyObject", keep)
    client.copy_object(Bucket=BUCKET, Key=key, CopySource=object_params(of_version.source))

    assert sent == [made.copy_source(of_version)]
    assert made.copy_source(of_version) == f"{made.copy_source(task(key))}?versionId={version_id}"


def test_access_points_are_signed_for_their_own_region() -> None:
    """A source is always named by its bucket."""
    made = template(destination=ACCESS_POINT)
    assert host(made) == "name-123456789012.s3-accesspoint.us-west-2.amazonaws.com"
    assert made.region == "us-west-2"
    assert made.copy_source(task("a b")) == "source/a%20b"


@pytest.mark.skipif(
    importlib.util.find_spec("awscrt") is None, reason="botocore signs for them with awscrt only"
)
def test_multi_region_access_points_have_no_region_to_sign_for() -> None:
    """Which keeps them from the CRT engine."""
    assert template(destination=MULTI_REGION).region in ("", "*")


@pytest.mark.parametrize(
    ("version", "auth_type"), [("s3v4", "s3v4"), ("s3", "s3"), (botocore.UNSIGNED, "none")]
)
def test_signature_is_named(version: Any, auth_type: str) -> None:
    """Everything but version 4 keeps the CRT engine away."""
    assert template(config=Config(signature_version=version)).auth_type == auth_type


def test_composing_sends_nothing_and_leaves_no_trace() -> None:
    """The client is as it was: the next request is sent, not composed."""
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        endpoint_url="http://127.0.0.1:9",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=60),
    )
    compose(client, CopyOptions(), destination_bucket="d")
    with pytest.raises(botocore.exceptions.EndpointConnectionError):
        client.head_bucket(Bucket="bucket")
