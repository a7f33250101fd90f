"""Signatures, compared with botocore's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any
from urllib.parse import parse_qs

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials, RefreshableCredentials
from hypothesis import given
from hypothesis import strategies as st

from s3_xfer import CannedAcl, CopyOptions, StorageClass
from s3_xfer.copying.signing import Signer
from s3_xfer.copying.template import CopyRequest, CopyTemplate, PartCopy, compose
from s3_xfer.model import CopyTask, S3Object
from s3_xfer.units import MIB

NOW = datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)


def template(request: CopyRequest = CopyRequest.OBJECT, **settings: Any) -> CopyTemplate:
    """Return what a client with these settings composes, with every option that adds a header."""
    client = boto3.client(
        "s3",
        **{
            "region_name": "eu-west-1",
            "aws_access_key_id": "a",
            "aws_secret_access_key": "b",
            **settings,
        },
    )
    options = CopyOptions(storage_class=StorageClass.STANDARD_IA, acl=CannedAcl.PUBLIC_READ)
    return compose(client, options, destination_bucket="destination", request=request)


PATH_STYLE = Config(s3={"addressing_style": "path"})
TEMPLATES, PART_TEMPLATES = (
    (
        template(request),
        template(request, endpoint_url="http://127.0.0.1:99"),
        template(request, config=PATH_STYLE, endpoint_url="https://x.example/base"),
    )
    for request in CopyRequest
)


def task(key: str, etag: str, version_id: str | None = None) -> CopyTask:
    """Return the copy of an object to another key."""
    source = S3Object(
        bucket="source",
        key=key,
        size=1,
        etag=etag,
        last_modified=datetime(2024, 1, 1, tzinfo=UTC),
        version_id=version_id,
    )
    return CopyTask(source, "destination", f"to/{key}")


def botocores(made: CopyTemplate, path: str, headers: dict[str, str], credentials: Any) -> str:
    """Return the Authorization header that botocore gives to the same request at that time."""
    stamp = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    headers = {name: value for name, value in headers.items() if name != "authorization"}
    url = f"{'https' if made.tls else 'http'}://{headers['host']}{path}"
    request = AWSRequest(method="PUT", url=url, headers=headers)
    request.context["timestamp"] = f"{stamp:%Y%m%dT%H%M%SZ}"
    signer: Any = S3SigV4Auth(credentials, made.service, made.region)
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(to_sign, request))
    return str(request.headers["authorization"])


@given(
    made=st.sampled_from(TEMPLATES),
    key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80),
    identity=st.tuples(
        st.sampled_from(['"910a2dec89025cc1f3203e9039f4a821"', '"e-12"', "bare"]),
        st.sampled_from([None, "null", "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY_MTRCxf3vjVBH40Nr8X8gdR"]),
    ),
    token=st.sampled_from([None, "session/token+=="]),
    age_s=st.integers(0, 10**8),
)
def test_signatures_are_botocores(
    made: CopyTemplate,
    key: str,
    identity: tuple[str, str | None],
    token: str | None,
    age_s: int,
) -> None:
    """Whatever the key, the endpoint, the options and the time."""
    credentials = Credentials("AKIA", "secret", token)
    now = NOW - timedelta(seconds=age_s)
    signer = Signer(made, credentials, clock=now.timestamp)
    one = task(key, *identity)
    path = made.path(one)
    headers = dict(chain(*signer.headers(one, path)))
    assert headers["x-amz-date"] == f"{now:%Y%m%dT%H%M%SZ}"
    assert headers.get("x-amz-security-token") == token
    assert headers["authorization"] == botocores(made, path, headers, credentials)


@given(
    made=st.sampled_from(PART_TEMPLATES),
    key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80),
    upload_id=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=80),
    number=st.integers(1, 10_000),
    first_byte=st.integers(0, 2**46),
)
def test_signatures_of_parts_are_botocores(
    made: CopyTemplate, key: str, upload_id: str, number: int, first_byte: int
) -> None:
    """Whatever the upload is called: number and upload are in the query, the range is a header."""
    credentials = Credentials("AKIA", "secret", "token")
    part = PartCopy(task(key, '"e"'), upload_id, number, first_byte, first_byte + 5 * MIB - 1)
    path = made.path(part.task)
    headers = dict(chain(*Signer(made, credentials, clock=NOW.timestamp).part_headers(part, path)))
    assert headers["x-amz-copy-source-range"] == f"bytes={first_byte}-{first_byte + 5 * MIB - 1}"
    signed = botocores(made, f"{path}?{part.query}", headers, credentials)
    assert headers["authorization"] == signed
    assert parse_qs(part.query) == {"partNumber": [str(number)], "uploadId": [upload_id]}


def test_signatures_follow_the_clock_and_the_credentials() -> None:
    """A frame lasts for a second, and not longer than its credentials."""
    names = iter(("first", "second"))

    def renew() -> dict[str, str]:
        name = next(names)
        return {
            "access_key": name,
            "secret_key": "s",
            "token": name,
            "expiry_time": "2024-01-01T00:00:00Z" if name == "first" else "2999-01-01T00:00:00Z",
        }

    credentials: Any = RefreshableCredentials.create_from_metadata(renew(), renew, "test")
    credentials._expiry_time = datetime.now(UTC) + timedelta(hours=1)  # the first ones, for now
    times = [NOW.timestamp()]
    signer = Signer(TEMPLATES[0], credentials, clock=lambda: times[-1])

    def said() -> tuple[str, str]:
        headers = dict(chain(*signer.headers(task("k", '"e"'), "/to/k")))
        return headers["x-amz-date"], headers["x-amz-security-token"]

    assert said() == ("20260228T235959Z", "first")
    times.append(times[0] + 1)
    assert said() == ("20260301T000000Z", "first")
    credentials._expiry_time = datetime.now(UTC) + timedelta(seconds=1)
    assert said() == ("20260301T000000Z", "first")  # whoever signs does not wait for STS
    signer.refresh()
    assert said() == ("20260301T000000Z", "second")


def test_credentials_that_cannot_be_renewed_are_an_error_of_refresh() -> None:
    """Not of the signature, which is made where nobody may wait."""
    metadata = {
        "access_key": "a",
        "secret_key": "s",
        "token": "t",
        "expiry_time": f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
    }

    def refuse() -> dict[str, str]:
        raise OSError("no")

    credentials: Any = RefreshableCredentials.create_from_metadata(metadata, refuse, "test")
    signer = Signer(TEMPLATES[0], credentials)
    credentials._expiry_time = datetime.now(UTC)
    assert signer.headers(task("k", '"e"'), "/to/k")
    with pytest.raises(OSError, match="no"):
        signer.refresh()
