"""The embedded server must tell the truth wherever the copier's own tests rely on it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from s3_xfer.testing.two_accounts import DESTINATION_ACCOUNT, SOURCE_ACCOUNT, TwoAccounts

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ODD_KEYS = [
    "with space",
    "plus+plus",
    "percent%20and%2F",
    "a//b",
    "/leading",
    "//leading twice",
    "dot/../dot",
    "../up",
    "./here",
    "trailing/",
    "question?versionId=1&x=y",
    "hash#fragment",
    "semicolon;and=equals",
    "line\nbreak",
    "carriage\rreturn",
    "tab\tand\x01control",
    "back\\slash",
    "emoji-🚚-日本",
    "<&'\">",
    "k" * 1024,
]


@pytest.fixture(scope="module")
def server() -> Iterator[TwoAccounts]:
    """One server for the module."""
    with TwoAccounts() as running:
        yield running


@pytest.fixture
def accounts(server: TwoAccounts) -> TwoAccounts:
    """The server without buckets, open between the accounts."""
    server.reset()
    server.cross_account_access = True
    return server


@pytest.fixture
def source(accounts: TwoAccounts) -> Iterator[S3Client]:
    """Account A with the bucket ``source-bucket`` and one object in it."""
    client = accounts.client("s3", SOURCE_ACCOUNT)
    client.create_bucket(Bucket="source-bucket")
    client.put_object(Bucket="source-bucket", Key="one", Body=b"content")
    yield client
    client.close()


@pytest.fixture
def destination(accounts: TwoAccounts) -> Iterator[S3Client]:
    """Account B with the bucket ``dest-bucket``."""
    client = accounts.client("s3", DESTINATION_ACCOUNT)
    client.create_bucket(Bucket="dest-bucket")
    yield client
    client.close()


def body_of(client: S3Client, bucket: str, key: str) -> bytes:
    """Return what an object contains."""
    return client.get_object(Bucket=bucket, Key=key)["Body"].read()


def copy_one(client: S3Client, **conditions: str) -> None:
    """Copy the one object from the source account's bucket."""
    client.copy_object(
        Bucket="dest-bucket",
        Key="one",
        CopySource={"Bucket": "source-bucket", "Key": "one"},
        **conditions,  # type: ignore[arg-type]
    )


def never_overwrite(client: S3Client) -> None:
    """Send ``If-None-Match: *`` with every copy; older botocore has no parameter for it."""

    def add_header(params: dict[str, dict[str, str]], **_: object) -> None:
        params["headers"]["If-None-Match"] = "*"

    client.meta.events.register("before-call.s3.CopyObject", add_header)


def refusal(error: ClientError) -> tuple[int, str, str | None]:
    """Return status, code and failed condition of a refused request."""
    facts = error.response["Error"]
    condition = facts.get("Condition")
    return (
        error.response["ResponseMetadata"]["HTTPStatusCode"],
        facts["Code"],
        str(condition) if condition else None,
    )


def test_each_account_lists_its_own_buckets(source: S3Client, destination: S3Client) -> None:
    """An account sees its own buckets and no other."""
    assert [b["Name"] for b in source.list_buckets()["Buckets"]] == ["source-bucket"]
    assert [b["Name"] for b in destination.list_buckets()["Buckets"]] == ["dest-bucket"]


def test_credentials_belong_to_their_account(accounts: TwoAccounts) -> None:
    """STS names the account whose credentials were asked for."""
    for account in (SOURCE_ACCOUNT, DESTINATION_ACCOUNT):
        client = accounts.client("sts", account)
        assert client.get_caller_identity()["Account"] == account
        client.close()


@pytest.mark.usefixtures("source")
def test_copies_between_accounts(destination: S3Client) -> None:
    """The destination account copies from the source account's bucket."""
    copy_one(destination)
    assert body_of(destination, "dest-bucket", "one") == b"content"


def test_tags_cross_accounts(source: S3Client, destination: S3Client) -> None:
    """A copy carries the tags, and the other account may read them."""
    source.put_object(Bucket="source-bucket", Key="one", Body=b"x", Tagging="team=data")
    copy_one(destination)
    for bucket in ("source-bucket", "dest-bucket"):
        tags = destination.get_object_tagging(Bucket=bucket, Key="one")["TagSet"]
        assert tags == [{"Key": "team", "Value": "data"}]


def test_without_cross_account_access(
    accounts: TwoAccounts, source: S3Client, destination: S3Client
) -> None:
    """Switched off, the other account's bucket is denied and one's own is not."""
    accounts.cross_account_access = False
    with pytest.raises(ClientError) as caught:
        copy_one(destination)
    assert refusal(caught.value)[:2] == (403, "AccessDenied")
    assert body_of(source, "source-bucket", "one") == b"content"


def test_if_none_match_refuses_to_overwrite(source: S3Client, destination: S3Client) -> None:
    """CopyObject with If-None-Match works once, and then names the condition that failed."""
    never_overwrite(destination)
    copy_one(destination)
    source.put_object(Bucket="source-bucket", Key="one", Body=b"newer")
    with pytest.raises(ClientError) as caught:
        copy_one(destination)
    assert refusal(caught.value) == (412, "PreconditionFailed", "If-None-Match")
    assert body_of(destination, "dest-bucket", "one") == b"content"


@pytest.mark.usefixtures("source")
def test_if_none_match_lets_one_of_many_through(destination: S3Client) -> None:
    """Of copies to the same key at the same time exactly one succeeds."""
    never_overwrite(destination)
    with ThreadPoolExecutor(8) as pool:
        copies = [pool.submit(copy_one, destination) for _ in range(16)]
    errors = [error for error in (copy.exception() for copy in copies) if error]
    assert len(errors) == 15
    assert {refusal(e) for e in errors if isinstance(e, ClientError)} == {
        (412, "PreconditionFailed", "If-None-Match")
    }


def test_copy_source_if_match_on_copy_object(source: S3Client, destination: S3Client) -> None:
    """CopyObject is refused when the source's ETag is not the one expected."""
    etag = source.head_object(Bucket="source-bucket", Key="one")["ETag"]
    copy_one(destination, CopySourceIfMatch=etag)
    copy_one(destination, CopySourceIfMatch=etag.strip('"'))
    with pytest.raises(ClientError) as caught:
        copy_one(destination, CopySourceIfMatch='"0123"')
    assert refusal(caught.value) == (412, "PreconditionFailed", "x-amz-copy-source-If-Match")


@pytest.mark.usefixtures("source")
def test_copy_source_if_match_on_parts(destination: S3Client) -> None:
    """UploadPartCopy is refused when the source's ETag is not the one expected."""
    upload = destination.create_multipart_upload(Bucket="dest-bucket", Key="one")["UploadId"]
    with pytest.raises(ClientError) as caught:
        destination.upload_part_copy(
            Bucket="dest-bucket",
            Key="one",
            UploadId=upload,
            PartNumber=1,
            CopySource={"Bucket": "source-bucket", "Key": "one"},
            CopySourceIfMatch='"0123"',
        )
    assert refusal(caught.value) == (412, "PreconditionFailed", "x-amz-copy-source-If-Match")


@pytest.mark.usefixtures("source")
def test_another_owner_than_the_expected_is_denied(source: S3Client, destination: S3Client) -> None:
    """Of the bucket itself, and of the bucket that is copied from."""
    destination.head_bucket(Bucket="dest-bucket", ExpectedBucketOwner=DESTINATION_ACCOUNT)
    copy_one(destination, ExpectedSourceBucketOwner=SOURCE_ACCOUNT)

    with pytest.raises(ClientError, match="403"):
        destination.head_bucket(Bucket="dest-bucket", ExpectedBucketOwner=SOURCE_ACCOUNT)
    with pytest.raises(ClientError, match="AccessDenied"):
        copy_one(destination, ExpectedSourceBucketOwner=DESTINATION_ACCOUNT)


def test_a_missing_source_is_not_a_failed_condition(
    source: S3Client, destination: S3Client
) -> None:
    """A condition on an object that does not exist is answered with NoSuchKey."""
    with pytest.raises(ClientError) as caught:
        destination.copy_object(
            Bucket="dest-bucket",
            Key="one",
            CopySource={"Bucket": "source-bucket", "Key": "gone"},
            CopySourceIfMatch='"0123"',
        )
    assert refusal(caught.value)[:2] == (404, "NoSuchKey")


@pytest.mark.parametrize("key", ODD_KEYS, ids=[ascii(key)[:30] for key in ODD_KEYS])
def test_odd_keys_survive(source: S3Client, destination: S3Client, key: str) -> None:
    """A key is the same byte for byte after put, list and copy."""
    source.put_object(Bucket="source-bucket", Key=key, Body=key.encode())
    listed = source.list_objects_v2(Bucket="source-bucket", Prefix=key)["Contents"]
    destination.copy_object(
        Bucket="dest-bucket", Key=key, CopySource={"Bucket": "source-bucket", "Key": key}
    )
    assert [found["Key"] for found in listed] == [key]
    assert body_of(destination, "dest-bucket", key) == key.encode()
    copies = destination.list_objects_v2(Bucket="dest-bucket")["Contents"]
    assert [found["Key"] for found in copies] == [key]


def test_store_is_the_same_as_put(accounts: TwoAccounts, source: S3Client) -> None:
    """Objects stored behind S3's back are as if they had been put."""
    source.put_object(Bucket="source-bucket", Key="put", Body=b"same")
    assert accounts.store("source-bucket", [("stored", b"same")]) == 1
    put, stored = (source.head_object(Bucket="source-bucket", Key=k) for k in ("put", "stored"))
    for fact in ("ETag", "ContentLength", "ContentType"):
        assert put[fact] == stored[fact]


def test_reset_keeps_clients_valid(accounts: TwoAccounts, source: S3Client) -> None:
    """After a reset the same client finds an empty account, and can begin again."""
    accounts.reset()
    assert source.list_buckets()["Buckets"] == []
    source.create_bucket(Bucket="source-bucket")
    assert [b["Name"] for b in source.list_buckets()["Buckets"]] == ["source-bucket"]


@pytest.mark.usefixtures("source", "destination")
@pytest.mark.parametrize(
    ("profile", "bucket"), [("account-a", "source-bucket"), ("account-b", "dest-bucket")]
)
def test_profiles_work_in_another_process(
    accounts: TwoAccounts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    profile: str,
    bucket: str,
) -> None:
    """Another process reaches its account through the profile, whatever AWS_* said before."""
    monkeypatch.setenv("AWS_PROFILE", "does-not-exist")
    environment = accounts.write_aws_config(tmp_path)
    program = (
        "import boto3, sys\n"
        "s3 = boto3.Session(profile_name=sys.argv[1]).client('s3')\n"
        "print(*[b['Name'] for b in s3.list_buckets()['Buckets']])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, profile],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == [bucket]
    assert "AWS_PROFILE" not in environment


def test_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that was stopped leaves no thread and no setting."""
    monkeypatch.delenv("MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS", raising=False)
    monkeypatch.setenv("AWS_PROFILE", "does-not-exist")
    before = set(threading.enumerate())
    with TwoAccounts(cross_account_access=False) as short_lived:
        client = short_lived.client("s3", SOURCE_ACCOUNT)
        assert client.list_buckets()["Buckets"] == []
        assert short_lived.url.startswith("http://127.0.0.1:")
    assert set(threading.enumerate()) <= before
    assert "MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS" not in os.environ
    client.close()
