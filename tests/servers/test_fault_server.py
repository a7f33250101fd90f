"""The fault server, asked by real boto3 clients: is it S3 where a copier can be hurt?"""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from urllib.parse import unquote_plus

import boto3.session
import pytest
from boto3.s3.transfer import TransferConfig
from botocore import exceptions as bc
from botocore.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fault_server import Fault, FaultServer, Request
from tests.patience import PATIENCE_S

S3Client: TypeAlias = Any  # some calls here are wrong on purpose, or newer than the stubs
MIB = 1024**2
GIB = 1024**3
SOURCE_ACCOUNT = "111111111111"
DEST_ACCOUNT = "222222222222"
KEYS = {SOURCE_ACCOUNT: "AKIASOURCE", DEST_ACCOUNT: "AKIADEST"}
HEAD = {"Authorization": "AWS4-HMAC-SHA256 Credential=AKIADEST/20260101/us-east-1/s3/aws4_request"}
TLS = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"  # how a handshake begins
SESSION = boto3.session.Session()
HOSTILE_KEYS = (
    "plain",
    "a b+c%2Fd%25",
    "/leading",
    "a//b/",
    ".",
    "..",
    "a/../b/./c",
    "line\nbreak",
    "\x01\x1f",
    "tab\tq?versionId=1#f&g=h",
    "<&>\"'",
    "日本/😀",
    "e\u0301 not é",
    "x" * 1024,
)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """Two accounts with a bucket each; the destination account may list and read the source."""
    with FaultServer() as running:
        for account, access_key in KEYS.items():
            running.add_account(account, access_key=access_key)
        running.create_bucket("src", owner=SOURCE_ACCOUNT)
        running.create_bucket("dst", owner=DEST_ACCOUNT)
        running.grant("src", to=DEST_ACCOUNT, actions={"s3:GetObject", "s3:ListBucket"})
        yield running


@pytest.fixture
def client(server: FaultServer) -> Iterator[S3Client]:
    """The copier: S3 as the destination account sees it."""
    with connected(server) as made:
        yield made


@contextlib.contextmanager
def connected(
    server: FaultServer,
    access_key: str = "AKIADEST",
    *,
    service: str = "s3",
    region: str = "us-east-1",
    read_timeout_s: float = PATIENCE_S,
) -> Iterator[Any]:
    """Yield a client without retries that speaks with ``access_key``."""
    made = SESSION.client(
        service,
        endpoint_url=server.url,
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key="any",
        config=Config(
            retries={"total_max_attempts": 1, "mode": "standard"},
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            read_timeout=read_timeout_s,
        ),
    )
    try:
        yield made
    finally:
        made.close()


@contextlib.contextmanager
def refused(code: str, status: int | None = None, words: str = "") -> Iterator[dict[str, Any]]:
    """Expect S3's ``code``; yields a dictionary that then holds the parsed answer."""
    seen: dict[str, Any] = {}
    with pytest.raises(bc.ClientError) as caught:
        yield seen
    seen.update(caught.value.response)
    assert code == seen["Error"]["Code"]
    assert status in (None, seen["ResponseMetadata"]["HTTPStatusCode"])
    assert words in seen["Error"].get("Message", "")


@contextlib.contextmanager
def headers(client: S3Client, **extra: str) -> Iterator[None]:
    """Send more headers, also those that an old botocore has no parameter for."""

    def add(params: dict[str, Any], **_: object) -> None:
        params["headers"].update({name.replace("_", "-"): value for name, value in extra.items()})

    client.meta.events.register("before-call.s3", add, unique_id="extra")
    try:
        yield
    finally:
        client.meta.events.unregister("before-call.s3", unique_id="extra")


def copy(client: S3Client, key: str = "k", to: str = "k", **more: Any) -> Any:
    """CopyObject from the source bucket to the destination bucket."""
    return client.copy_object(
        Bucket="dst", Key=to, CopySource={"Bucket": "src", "Key": key}, **more
    )


def begin(client: S3Client, **more: Any) -> str:
    """Begin an upload and return its id."""
    return str(client.create_multipart_upload(Bucket="dst", Key="k", **more)["UploadId"])


def copy_part(
    client: S3Client, upload: str, number: int = 1, span: str | None = None, **more: Any
) -> dict[str, Any]:
    """UploadPartCopy; returns the part as CompleteMultipartUpload wants it."""
    if span:
        more["CopySourceRange"] = f"bytes={span}"
    answer = client.upload_part_copy(
        Bucket="dst",
        Key="k",
        UploadId=upload,
        PartNumber=number,
        CopySource={"Bucket": "src", "Key": "k"},
        **more,
    )
    return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}


def complete(client: S3Client, upload: str, parts: list[Any], **more: Any) -> Any:
    """CompleteMultipartUpload of exactly ``parts``."""
    return client.complete_multipart_upload(
        Bucket="dst", Key="k", UploadId=upload, MultipartUpload={"Parts": parts}, **more
    )


class TestLifecycle:
    """Starting, stopping, and what is left behind."""

    def test_stopping_leaves_no_threads(self) -> None:
        """After the with block every thread of the server is gone, idle connections included."""
        before = set(threading.enumerate())
        with FaultServer() as server:
            idle = socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])))
        assert idle.recv(1) == b""
        idle.close()
        assert set(threading.enumerate()) == before

    def test_stopping_does_not_wait_for_a_delayed_answer(self, server: FaultServer) -> None:
        """A delayed answer ends with the server, not the other way round."""
        server.inject(Fault.slow("HeadBucket", delay_s=2 * PATIENCE_S))
        waiting = threading.Thread(target=lambda: _raw(server, b"HEAD /src HTTP/1.1\r\n\r\n"))
        waiting.start()
        server.wait_for("HeadBucket")
        began_s = time.monotonic()
        server.stop()
        waiting.join()
        assert time.monotonic() - began_s < PATIENCE_S

    def test_stopping_drops_what_was_delayed(self, server: FaultServer) -> None:
        """A request that is waiting when the server stops is never carried out."""
        server.put("src", "k")
        server.inject(Fault.slow("CopyObject", delay_s=60))
        with connected(server) as client:
            waiting = threading.Thread(target=_ignoring_errors(lambda: copy(client)))
            waiting.start()
            server.wait_for("CopyObject")
            server.stop()
            waiting.join()
        assert server.objects("dst") == {}

    def test_a_bug_in_a_callback_is_raised_at_the_end(self) -> None:
        """An exception on a server thread fails the test instead of looking like S3's 500."""

        def fail() -> None:
            with FaultServer() as server:
                server.inject(Fault.call(None, lambda _: 1 / 0))
                assert b"500" in _raw(server, b"HEAD /x HTTP/1.1\r\n\r\n")

        with pytest.raises(ZeroDivisionError):
            fail()

    def test_requests_that_do_not_arrive_fail_the_test(self, server: FaultServer) -> None:
        """Waiting for them in vain says how many came."""
        _raw(server, b"HEAD /src HTTP/1.1\r\n\r\n")
        server.wait_for("HeadBucket")

        with pytest.raises(AssertionError, match=r"1 of 2 HeadBucket arrived in 0\.01 s"):
            server.wait_for("HeadBucket", count=2, timeout_s=0.01)

    def test_garbage_is_answered_with_400(self, server: FaultServer) -> None:
        """What is no request gets 400 and the end of the connection."""
        for garbage in (b"hello\r\n\r\n", b"GET / HTTP/1.1\r\ncontent-length: x\r\n\r\n", TLS):
            assert _raw(server, garbage).startswith(b"HTTP/1.1 400")

    def test_it_is_not_the_bottleneck(self, server: FaultServer) -> None:
        """One keep-alive connection gets 500 answers for a second of CPU, the client's included."""
        server.put("src", "k")
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
        began_s = time.process_time()
        for _ in range(500):
            connection.request("HEAD", "/src/k", headers=HEAD)
            assert connection.getresponse().read() == b""
        connection.close()
        assert time.process_time() - began_s < 1

    def test_every_answer_has_a_request_id(self, client: S3Client) -> None:
        """Success and refusal alike carry x-amz-request-id, each its own."""
        first = client.list_objects_v2(Bucket="src")["ResponseMetadata"]["RequestId"]
        with refused("NoSuchBucket", 404) as answer:
            client.list_objects_v2(Bucket="none")
        assert first != answer["ResponseMetadata"]["RequestId"]


def _raw(server: FaultServer, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as connection:
        connection.sendall(data)
        try:
            return connection.recv(65536)
        except ConnectionError:
            return b""


def _ignoring_errors(call: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        with contextlib.suppress(bc.BotoCoreError):
            call()

    return run


class TestAccess:
    """Who may do what."""

    def test_unknown_access_key(self, server: FaultServer) -> None:
        """Nobody's access key is 403 InvalidAccessKeyId."""
        with connected(server, "AKIANOBODY") as stranger, refused("InvalidAccessKeyId", 403):
            stranger.list_objects_v2(Bucket="src")

    def test_other_accounts_need_a_grant(self, server: FaultServer, client: S3Client) -> None:
        """What is not granted is denied, what is granted is not, and revoking undoes it."""
        server.put("src", "k")
        client.head_object(Bucket="src", Key="k")
        server.revoke("src", DEST_ACCOUNT)
        with refused("403", 403):
            client.head_object(Bucket="src", Key="k")
        with refused("AccessDenied", 403):
            client.list_objects_v2(Bucket="src")
        with refused("AccessDenied", 403):
            copy(client)

    def test_grants_can_have_a_prefix(self, server: FaultServer, client: S3Client) -> None:
        """A grant below a prefix says nothing about other keys or listings."""
        server.revoke("src", DEST_ACCOUNT)
        server.grant("src", to=DEST_ACCOUNT, actions={"s3:*"}, prefix="in/")
        server.put("src", "in/k")
        server.put("src", "out")
        client.list_objects_v2(Bucket="src", Prefix="in/")
        copy(client, "in/k")
        with refused("AccessDenied"):
            copy(client, "out")
        with refused("AccessDenied"):
            client.list_objects_v2(Bucket="src")

    def test_a_denial_beats_ownership(self, server: FaultServer, client: S3Client) -> None:
        """The owner may do everything but what is denied."""
        server.put("src", "k")
        server.deny("dst", DEST_ACCOUNT, {"s3:PutObject"})
        with refused("AccessDenied", 403):
            copy(client)

    def test_missing_key_needs_list_bucket_to_be_404(
        self, server: FaultServer, client: S3Client
    ) -> None:
        """A missing key is 404 to who may list the bucket and 403 to others."""
        with refused("404", 404):
            client.head_object(Bucket="src", Key="none")
        server.deny("src", DEST_ACCOUNT, {"s3:ListBucket"})
        with refused("403", 403):
            client.head_object(Bucket="src", Key="none")
        with refused("AccessDenied", 403):
            copy(client, "none")

    def test_copying_tags_takes_two_more_rights(
        self, server: FaultServer, client: S3Client
    ) -> None:
        """Only a tagged object needs GetObjectTagging there and PutObjectTagging here."""
        server.put("src", "plain")
        server.put("src", "tagged", tags={"a": "1"})
        copy(client, "plain")
        with refused("AccessDenied"):
            copy(client, "tagged")
        copy(client, "tagged", TaggingDirective="REPLACE")
        server.grant("src", to=DEST_ACCOUNT, actions={"s3:GetObjectTagging"})
        server.deny("dst", DEST_ACCOUNT, {"s3:PutObjectTagging"})
        with refused("AccessDenied"):
            copy(client, "tagged")

    @pytest.mark.parametrize(
        ("action", "more"),
        [("s3:PutObjectAcl", {"ACL": "private"}), ("s3:PutObjectTagging", {"Tagging": "a=1"})],
    )
    def test_headers_that_take_a_right(
        self, server: FaultServer, client: S3Client, action: str, more: dict[str, str]
    ) -> None:
        """An ACL takes s3:PutObjectAcl, tags at the beginning of an upload PutObjectTagging."""
        begin(client, **more)
        server.deny("dst", DEST_ACCOUNT, {action})
        begin(client)
        with refused("AccessDenied"):
            begin(client, **more)

    def test_buckets_without_acls(self, server: FaultServer, client: S3Client) -> None:
        """With ACLs disabled only bucket-owner-full-control may be asked for."""
        server.create_bucket("noacl", owner=DEST_ACCOUNT, acls_enabled=False)
        client.put_object(Bucket="noacl", Key="k", ACL="bucket-owner-full-control")
        with refused("AccessControlListNotSupported", 400):
            client.put_object(Bucket="noacl", Key="k", ACL="public-read")

    def test_expected_owner(self, server: FaultServer, client: S3Client) -> None:
        """A bucket of another account than expected is 403, on either side of a copy."""
        server.put("src", "k")
        copy(client, ExpectedBucketOwner=DEST_ACCOUNT, ExpectedSourceBucketOwner=SOURCE_ACCOUNT)
        with refused("AccessDenied", 403):
            copy(client, ExpectedBucketOwner=SOURCE_ACCOUNT)
        with refused("AccessDenied", 403):
            copy(client, ExpectedSourceBucketOwner=DEST_ACCOUNT)
        with refused("AccessDenied", 403):
            copy_part(client, begin(client), ExpectedSourceBucketOwner=DEST_ACCOUNT)
        with refused("403", 403):
            client.head_bucket(Bucket="src", ExpectedBucketOwner=DEST_ACCOUNT)

    def test_abort_is_for_the_initiator(self, server: FaultServer, client: S3Client) -> None:
        """Who began an upload may abort it without a grant, but not against a denial."""
        server.grant("src", to=DEST_ACCOUNT, actions={"s3:PutObject"})
        upload = client.create_multipart_upload(Bucket="src", Key="u")["UploadId"]
        server.deny("src", DEST_ACCOUNT, {"s3:AbortMultipartUpload"})
        with refused("AccessDenied"):
            client.abort_multipart_upload(Bucket="src", Key="u", UploadId=upload)
        server.revoke("src", DEST_ACCOUNT)
        client.abort_multipart_upload(Bucket="src", Key="u", UploadId=upload)
        assert server.uploads("src") == []


class TestSts:
    """Roles and sessions."""

    ROLE = f"arn:aws:iam::{DEST_ACCOUNT}:role/path/copier"

    def assume(self, server: FaultServer, **more: str) -> dict[str, Any]:
        """Return credentials of the role, asked for by the source account."""
        with connected(server, "AKIASOURCE", service="sts") as sts:
            answer = sts.assume_role(RoleArn=self.ROLE, RoleSessionName="test", **more)
        credentials: dict[str, Any] = answer["Credentials"]
        return credentials

    def test_an_assumed_role_is_its_account(self, server: FaultServer) -> None:
        """Requests with a session's key count as the role's account."""
        key = self.assume(server)["AccessKeyId"]
        with connected(server, key, service="sts") as sts:
            identity = sts.get_caller_identity()
        assert identity["Account"] == DEST_ACCOUNT
        assert identity["Arn"].endswith(":assumed-role/copier/test")
        with connected(server, key) as s3:
            s3.list_objects_v2(Bucket="dst")
        assert server.count("ListObjectsV2", account_id=DEST_ACCOUNT) == 1

    def test_external_id(self, server: FaultServer) -> None:
        """A wrong or missing external id is AccessDenied once one is required."""
        server.require_external_id(self.ROLE, "secret")
        with refused("AccessDenied", 403):
            self.assume(server)
        with refused("AccessDenied", 403):
            self.assume(server, ExternalId="wrong")
        assert self.assume(server, ExternalId="secret")["AccessKeyId"]

    def test_unknown_account(self, server: FaultServer) -> None:
        """A role of an account that does not exist cannot be assumed."""
        with connected(server, service="sts") as sts, refused("AccessDenied", 403):
            sts.assume_role(RoleArn="arn:aws:iam::999999999999:role/r", RoleSessionName="test")

    def test_lifetime(self, server: FaultServer) -> None:
        """The settable lifetime shows in Expiration, and expire() ends a session at once."""
        server.session_lifetime_s = 60
        before = datetime.now(UTC)
        credentials = self.assume(server)
        expires = credentials["Expiration"] - timedelta(seconds=60)
        assert before - timedelta(seconds=1) < expires < datetime.now(UTC) + timedelta(seconds=1)
        with connected(server, credentials["AccessKeyId"]) as s3:
            s3.list_objects_v2(Bucket="dst")
            server.expire(credentials["AccessKeyId"])
            with refused("ExpiredToken", 400):
                s3.list_objects_v2(Bucket="dst")

    def test_unknown_key(self, server: FaultServer) -> None:
        """STS has its own word, and its own XML, for an unknown access key."""
        with connected(server, "AKIANOBODY", service="sts") as sts, refused("InvalidClientTokenId"):
            sts.get_caller_identity()


class TestBuckets:
    """Regions and existence."""

    def test_region(self, server: FaultServer, client: S3Client) -> None:
        """HeadBucket tells the region even when it refuses; GetBucketLocation tells it too."""
        server.create_bucket("far", owner=SOURCE_ACCOUNT, region="eu-west-1")
        with refused("403", 403) as answer:
            client.head_bucket(Bucket="far")
        told = answer["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"]
        assert told == "eu-west-1"
        server.grant("far", to=DEST_ACCOUNT, actions={"s3:GetBucketLocation"})
        assert client.get_bucket_location(Bucket="far")["LocationConstraint"] == "eu-west-1"
        assert client.get_bucket_location(Bucket="dst")["LocationConstraint"] is None

    def test_missing_bucket(self, client: S3Client) -> None:
        """A bucket that does not exist is 404 everywhere, as source too."""
        with refused("404", 404):
            client.head_bucket(Bucket="none")
        with refused("NoSuchBucket", 404):
            client.copy_object(Bucket="dst", Key="k", CopySource={"Bucket": "none", "Key": "k"})

    def test_wrong_region(self, server: FaultServer) -> None:
        """A request signed for another region is 400 and names the right one, if checked."""
        server.create_bucket("far", owner=DEST_ACCOUNT, region="eu-west-1", check_region=True)
        address = server.url.removeprefix("http://")
        connection = http.client.HTTPConnection(address)
        connection.request("GET", "/far?list-type=2", headers=HEAD)
        answer = connection.getresponse()
        assert answer.status == 400
        body = answer.read()
        connection.close()
        assert b"<Code>AuthorizationHeaderMalformed</Code>" in body
        assert b"<Region>eu-west-1</Region>" in body
        with connected(server) as follows:  # botocore redirects itself, as it does on S3
            follows.list_objects_v2(Bucket="far")


class TestListing:
    """ListObjectsV2."""

    def test_pages_in_utf8_order(self, server: FaultServer, client: S3Client) -> None:
        """Pages follow each other without gap or repetition, in the order of UTF-8 bytes."""
        keys = ["a", "a/", "a/b", "a0", "B", "é", "\uffee", "😀", "z"]
        for key in keys:
            server.put("src", key, size=3)
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket="src", PaginationConfig={"PageSize": 2}
        )
        listed = [item["Key"] for page in pages for item in page["Contents"]]
        assert listed == sorted(keys, key=lambda key: key.encode())
        assert server.count("ListObjectsV2") == 5

    def test_prefix_start_after_and_delimiter(self, server: FaultServer, client: S3Client) -> None:
        """A prefix is not a directory, start-after excludes, a delimiter groups."""
        for key in ("data/1", "data/2", "data/x/1", "data/x/2", "database"):
            server.put("src", key)
        names = [i["Key"] for i in client.list_objects_v2(Bucket="src", Prefix="data")["Contents"]]
        assert len(names) == 5
        later = client.list_objects_v2(Bucket="src", Prefix="data/", StartAfter="data/1")
        assert [item["Key"] for item in later["Contents"]] == ["data/2", "data/x/1", "data/x/2"]
        grouped = client.list_objects_v2(Bucket="src", Prefix="data/", Delimiter="/")
        assert [item["Key"] for item in grouped["Contents"]] == ["data/1", "data/2"]
        assert [group["Prefix"] for group in grouped["CommonPrefixes"]] == ["data/x/"]

    @pytest.mark.parametrize("size", [1, 2, 3])
    def test_groups_do_not_repeat_across_pages(
        self, server: FaultServer, client: S3Client, size: int
    ) -> None:
        """A common prefix appears on one page only, however small the pages."""
        for key in ("a/1", "a/2", "b", "c/1", "c/2"):
            server.put("src", key)
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket="src", Delimiter="/", PaginationConfig={"PageSize": size}
        )
        groups = [g["Prefix"] for page in pages for g in page.get("CommonPrefixes", [])]
        assert groups == ["a/", "c/"]

    def test_what_an_entry_shows(self, server: FaultServer, client: S3Client) -> None:
        """Size, ETag, class and date are those of the object, and of its HEAD."""
        moment = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
        item = server.put("src", "k", size=7, storage_class="GLACIER_IR", last_modified=moment)
        [entry] = client.list_objects_v2(Bucket="src", FetchOwner=True)["Contents"]
        shown = client.head_object(Bucket="src", Key="k")
        assert entry["ETag"] == shown["ETag"] == item.etag
        assert entry["Size"] == shown["ContentLength"] == 7
        assert entry["LastModified"] == shown["LastModified"] == moment
        assert entry["StorageClass"] == shown["StorageClass"] == "GLACIER_IR"
        assert entry["Owner"]["ID"] == SOURCE_ACCOUNT

    def test_any_key_survives_listing_and_copying(
        self, server: FaultServer, client: S3Client
    ) -> None:
        """Keys are opaque: whatever UTF-8 they hold, they list and copy unchanged."""

        @settings(max_examples=40, deadline=None)
        @given(st.sets(_keys(), min_size=1, max_size=6))
        def check(keys: set[str]) -> None:
            for bucket in ("src", "dst"):
                for key in server.objects(bucket):
                    server.delete(bucket, key)
            for key in keys:
                server.put("src", key)
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket="src", PaginationConfig={"PageSize": 4}
            )
            listed = [item["Key"] for page in pages for item in page["Contents"]]
            assert listed == sorted(keys)
            for key in listed:
                copy(client, key, to=key)
            assert list(server.objects("dst")) == listed

        check()

    @pytest.mark.parametrize("key", HOSTILE_KEYS)
    def test_hostile_keys(self, server: FaultServer, client: S3Client, key: str) -> None:
        """The keys that break other tools reach every operation as they are."""
        item = server.put("src", key, size=6 * MIB)
        assert client.head_object(Bucket="src", Key=key)["ETag"] == item.etag
        copy(client, key, to=key)
        assert server.objects("dst")[key].size == 6 * MIB
        client.delete_object(Bucket="dst", Key=key)
        assert server.objects("dst") == {}

    @pytest.mark.parametrize("key", [key for key in HOSTILE_KEYS if "\x01" not in key])
    def test_hostile_keys_in_uploads(self, server: FaultServer, client: S3Client, key: str) -> None:
        """They also begin, list and abort multipart uploads."""
        upload = client.create_multipart_upload(Bucket="dst", Key=key)
        assert upload["Key"] == key
        listed = client.list_multipart_uploads(Bucket="dst", EncodingType="url")["Uploads"]
        assert [unquote_plus(item["Key"]) for item in listed] == [key]
        client.abort_multipart_upload(Bucket="dst", Key=key, UploadId=upload["UploadId"])
        assert server.uploads("dst") == []

    def test_control_characters_break_xml(self, server: FaultServer, client: S3Client) -> None:
        """An answer that must show such a key outside a listing is unreadable to botocore."""
        with refused("500"):
            client.create_multipart_upload(Bucket="dst", Key="\x01")
        assert [upload.key for upload in server.uploads("dst")] == ["\x01"]


def _keys() -> st.SearchStrategy[str]:
    anything = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
    return st.one_of(st.text("a/.%+ ", min_size=1, max_size=6), anything)


class TestCopyObject:
    """CopyObject."""

    def test_what_survives(self, server: FaultServer, client: S3Client) -> None:
        """By default metadata, content headers, tags and MD5 are copied; class and redirect not."""
        server.grant("src", to=DEST_ACCOUNT, actions={"s3:GetObjectTagging"})
        item = server.put(
            "src",
            "k",
            size=5,
            metadata={"who": "me"},
            headers={
                "Content-Type": "text/plain",
                "Cache-Control": "no-store",
                "Expires": "whenever",
                "x-amz-website-redirect-location": "/x",
            },
            tags={"a": "1", "b": "&"},
            storage_class="STANDARD_IA",
        )
        answer = copy(client, Metadata={"ignored": "without directive"}, Tagging="c=ignored")
        assert answer["CopyObjectResult"]["ETag"] == item.etag
        made = server.objects("dst")["k"]
        assert (made.size, made.etag, made.owner) == (5, item.etag, DEST_ACCOUNT)
        assert (made.metadata, made.tags) == (item.metadata, item.tags)
        assert made.storage_class == "STANDARD"
        shown = client.head_object(Bucket="dst", Key="k")
        assert (shown["ContentType"], shown["CacheControl"]) == ("text/plain", "no-store")
        assert made.headers["expires"] == "whenever"  # botocore hides what is no date
        assert shown["ResponseMetadata"]["HTTPHeaders"]["x-amz-tagging-count"] == "2"
        assert "WebsiteRedirectLocation" not in shown

    def test_directives_replace(self, server: FaultServer, client: S3Client) -> None:
        """REPLACE takes everything from the request, so what is not restated is lost."""
        server.put("src", "k", metadata={"a": "1"}, headers={"content-type": "text/plain"})
        copy(
            client,
            MetadataDirective="REPLACE",
            Metadata={"b": "2"},
            TaggingDirective="REPLACE",
            Tagging="t=1&u=x%26y",
            StorageClass="GLACIER_IR",
        )
        made = server.objects("dst")["k"]
        assert made.metadata == {"b": "2"}
        assert made.headers == {"content-type": "binary/octet-stream"}
        assert made.tags == {"t": "1", "u": "x&y"}
        assert made.storage_class == "GLACIER_IR"

    @pytest.mark.parametrize(
        ("source", "more"),
        [
            ({"etag": "0" * 32 + "-3"}, {}),
            ({"sse": "aws:kms"}, {}),
            ({}, {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "arn:key"}),
        ],
    )
    def test_etag_that_is_no_md5(
        self, server: FaultServer, client: S3Client, source: Any, more: Any
    ) -> None:
        """A multipart source, or KMS on either side, gives the copy another, undashed ETag."""
        item = server.put("src", "k", **source)
        etag = copy(client, **more)["CopyObjectResult"]["ETag"]
        assert etag != item.etag
        assert len(etag) == 34

    def test_default_encryption(self, server: FaultServer, client: S3Client) -> None:
        """A bucket may encrypt with KMS by default, and HEAD says so."""
        server.create_bucket("kms", owner=DEST_ACCOUNT, sse="aws:kms")
        client.put_object(Bucket="kms", Key="k", Body=b"x")
        assert client.head_object(Bucket="kms", Key="k")["ServerSideEncryption"] == "aws:kms"
        server.put("src", "k")
        assert client.head_object(Bucket="src", Key="k")["ServerSideEncryption"] == "AES256"

    def test_source_conditions(self, server: FaultServer, client: S3Client) -> None:
        """A source that is not as expected is 412, and S3 names the condition."""
        old = server.put("src", "k")
        copy(client, CopySourceIfMatch=old.etag)
        server.put("src", "k")
        with refused("PreconditionFailed", 412) as answer:
            copy(client, CopySourceIfMatch=old.etag)
        assert answer["Error"]["Condition"] == "x-amz-copy-source-If-Match"
        with refused("PreconditionFailed", 412):
            copy(client, CopySourceIfUnmodifiedSince=datetime(2020, 1, 1, tzinfo=UTC))
        with refused("PreconditionFailed", 412):
            copy(client, CopySourceIfNoneMatch=server.objects("src")["k"].etag)
        with refused("PreconditionFailed", 412):
            copy_part(client, begin(client), CopySourceIfMatch=old.etag)

    def test_if_none_match(self, server: FaultServer, client: S3Client) -> None:
        """If-None-Match: * on CopyObject and PutObject is 412 when the key exists."""
        server.put("src", "k")
        with headers(client, if_none_match="*"):
            copy(client)
            with refused("PreconditionFailed", 412) as answer:
                copy(client)
            with refused("PreconditionFailed", 412):
                client.put_object(Bucket="dst", Key="k", Body=b"")
        assert answer["Error"]["Condition"] == "If-None-Match"

    def test_if_match(self, server: FaultServer, client: S3Client) -> None:
        """If-Match compares with what the destination has; nothing there is 404."""
        server.put("src", "k")
        with headers(client, if_match='"other"'):
            with refused("NoSuchKey", 404):
                copy(client)
            server.put("dst", "k", etag="this")
            with refused("PreconditionFailed", 412):
                copy(client)
        with headers(client, if_match='"this"'):
            copy(client)

    def test_size_limit(self, server: FaultServer, client: S3Client) -> None:
        """5 GiB can be copied in one request, a byte more cannot."""
        server.put("src", "k", size=5 * GIB)
        copy(client)
        server.put("src", "k", size=5 * GIB + 1)
        with refused("InvalidRequest", 400, "maximum allowable size for a copy source: 5368709120"):
            copy(client)

    def test_copy_to_itself(self, server: FaultServer, client: S3Client) -> None:
        """An object is copied to itself only if something about it changes."""
        server.put("dst", "k")
        same = {"Bucket": "dst", "Key": "k"}
        with refused("InvalidRequest", 400, "copy an object to itself without changing"):
            client.copy_object(Bucket="dst", Key="k", CopySource=same)
        copied = client.copy_object(
            Bucket="dst",
            Key="k",
            CopySource=same,
            MetadataDirective="REPLACE",
        )
        assert copied["CopyObjectResult"]["ETag"]

    @pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
    def test_archived_source(
        self, server: FaultServer, client: S3Client, storage_class: str
    ) -> None:
        """An archived object is 403 InvalidObjectState, until it is restored."""
        server.put("src", "k", size=6 * MIB, storage_class=storage_class)
        with refused("InvalidObjectState", 403):
            copy(client)
        with refused("InvalidObjectState", 403):
            copy_part(client, begin(client))
        restored = {"x-amz-restore": 'ongoing-request="false", expiry-date="later"'}
        server.put("src", "k", storage_class=storage_class, headers=restored)
        copy(client)

    def test_missing_source(self, client: S3Client) -> None:
        """A source that vanished is NoSuchKey with a body, for copies and for parts."""
        with refused("NoSuchKey", 404):
            copy(client)
        with refused("NoSuchKey", 404):
            copy_part(client, begin(client))

    def test_key_too_long(self, server: FaultServer, client: S3Client) -> None:
        """1,024 bytes of UTF-8 are the end, not 1,024 characters."""
        server.put("src", "k")
        copy(client, to="é" * 512)
        with refused("KeyTooLongError", 400):
            copy(client, to="é" * 512 + "x")

    def test_storage_class_must_exist(self, server: FaultServer, client: S3Client) -> None:
        """An invented storage class is InvalidStorageClass."""
        server.put("src", "k")
        with headers(client, x_amz_storage_class="CHEAP"), refused("InvalidStorageClass", 400):
            copy(client)

    def test_versions(self, server: FaultServer, client: S3Client) -> None:
        """A versioned bucket names versions, and a version that is gone is NoSuchVersion."""
        server.create_bucket("versioned", owner=DEST_ACCOUNT, versioned=True)
        old = server.put("versioned", "k")
        source = {"Bucket": "versioned", "Key": "k", "VersionId": old.version_id}
        answer = client.copy_object(Bucket="dst", Key="k", CopySource=source)
        assert answer["CopySourceVersionId"] == old.version_id
        server.put("versioned", "k")
        with refused("NoSuchVersion", 404):
            client.copy_object(Bucket="dst", Key="k", CopySource=source)

    def test_tagging_requests(self, server: FaultServer, client: S3Client) -> None:
        """Tags can be written and read back, and their absence is an empty list."""
        server.put("dst", "k")
        tags: Any = [{"Key": "a&b", "Value": "<1>"}, {"Key": "c", "Value": ""}]
        assert client.get_object_tagging(Bucket="dst", Key="k")["TagSet"] == []
        client.put_object_tagging(Bucket="dst", Key="k", Tagging={"TagSet": tags})
        assert client.get_object_tagging(Bucket="dst", Key="k")["TagSet"] == tags

    def test_only_what_was_put_has_content(self, server: FaultServer, client: S3Client) -> None:
        """A body counts, by size and MD5, and can be read back; GetObject of others is 501."""
        server.put("dst", "stored")
        client.put_object(Bucket="dst", Key="k", Body=b"hello", Metadata={"m": "1"})
        made = server.objects("dst")["k"]
        assert (made.size, made.etag) == (5, '"5d41402abc4b2a76b9719d911017c592"')
        assert client.get_object(Bucket="dst", Key="k")["Body"].read() == b"hello"
        with refused("NotImplemented", 501):
            client.get_object(Bucket="dst", Key="stored")


class TestMultipart:
    """Multipart copies."""

    def test_a_whole_copy(self, server: FaultServer, client: S3Client) -> None:
        """The object has the sum of the ranges, a dashed ETag, and what Create's headers said."""
        server.put("src", "k", size=6 * GIB, metadata={"lost": "1"}, tags={"lost": "1"})
        upload = begin(
            client,
            Metadata={"kept": "1"},
            ContentType="text/plain",
            StorageClass="STANDARD_IA",
            Tagging="kept=1",
        )
        parts = [
            copy_part(client, upload, 1, f"0-{5 * GIB - 1}"),
            copy_part(client, upload, 2, f"{5 * GIB}-{6 * GIB - 1}"),
        ]
        [open_upload] = server.uploads("dst")
        assert [part.size for part in open_upload.parts.values()] == [5 * GIB, GIB]
        etag = complete(client, upload, parts)["ETag"]
        made = server.objects("dst")["k"]
        assert (made.size, made.etag) == (6 * GIB, etag)
        assert etag.endswith('-2"')
        assert (made.metadata, made.tags) == ({"kept": "1"}, {"kept": "1"})
        assert (made.headers["content-type"], made.storage_class) == ("text/plain", "STANDARD_IA")
        assert server.uploads("dst") == []

    def test_terabytes(self, server: FaultServer, client: S3Client) -> None:
        """Parts of an object of terabytes are copied like any others, and cost nothing."""
        server.put("src", "k", size=5000 * GIB)
        upload = begin(client)
        step = 5 * GIB
        parts = [
            copy_part(client, upload, number + 1, f"{number * step}-{(number + 1) * step - 1}")
            for number in range(20)
        ]
        complete(client, upload, parts)
        assert server.objects("dst")["k"].size == 100 * GIB

    @pytest.mark.parametrize(
        ("size", "span", "refusal"),
        [
            (5 * MIB, "0-0", ("InvalidRequest", 400, "byte-range")),
            (6 * MIB, f"0-{6 * MIB}", ("InvalidArgument", 400, "not valid for source object")),
            (6 * MIB, "5-4", ("InvalidArgument", 400, "not valid for source object of size")),
            (6 * MIB, "5-", ("InvalidArgument", 400, "must be of the form")),
            (6 * GIB, f"0-{5 * GIB}", ("InvalidRequest", 400, "maximum allowable size")),
            (6 * GIB, None, ("InvalidRequest", 400, "maximum allowable size")),
        ],
    )
    def test_refused_parts(
        self, server: FaultServer, client: S3Client, size: int, span: str | None, refusal: Any
    ) -> None:
        """Ranges need a source above 5 MiB, must lie in it, and hold at most 5 GiB."""
        server.put("src", "k", size=size)
        with refused(*refusal):
            copy_part(client, begin(client), span=span)

    def test_managed_copy(self, server: FaultServer, client: S3Client) -> None:
        """s3transfer's threads copy 6 GiB in parts, and abort cleanly when a part fails."""
        server.put("src", "k", size=6 * GIB, metadata={"a": "1"})
        parts = TransferConfig(multipart_chunksize=512 * MIB)
        source = {"Bucket": "src", "Key": "k"}
        client.copy(source, "dst", "k", Config=parts)
        assert server.objects("dst")["k"].size == 6 * GIB
        assert server.count("UploadPartCopy", executed=True) == 12
        server.inject(Fault.error("UploadPartCopy", 500, "InternalError", part_number=3))
        with refused("InternalError"):
            client.copy(source, "dst", "again", Config=parts)
        assert server.uploads("dst") == []
        assert server.count("AbortMultipartUpload", status=204) == 1

    def test_small_source_as_one_part(self, server: FaultServer, client: S3Client) -> None:
        """Without a range a small object is a part, and the last part may be small."""
        server.put("src", "k", size=5)
        upload = begin(client)
        complete(client, upload, [copy_part(client, upload)])
        assert server.objects("dst")["k"].size == 5

    def test_part_number(self, server: FaultServer, client: S3Client) -> None:
        """Part numbers end at 10,000."""
        server.put("src", "k", size=5)
        upload = begin(client)
        copy_part(client, upload, 10_000)
        with refused("InvalidArgument", 400):
            copy_part(client, upload, 10_001)

    def test_refused_completions(self, server: FaultServer, client: S3Client) -> None:
        """Small parts, wrong ETags, unknown parts, wrong order and wrong sums are refused."""
        server.put("src", "k", size=20 * MIB)
        upload = begin(client)
        small = copy_part(client, upload, 1, f"0-{5 * MIB - 2}")
        large = copy_part(client, upload, 2, f"0-{5 * MIB - 1}")
        last = copy_part(client, upload, 3, "0-0")
        for code, parts in {
            "EntityTooSmall": [small, large],
            "InvalidPart": [{"PartNumber": 2, "ETag": last["ETag"]}],
            "InvalidPartOrder": [last, large],
            "MalformedXML": [],
        }.items():
            with refused(code, 400):
                complete(client, upload, parts)
        with refused("InvalidPart", 400):
            complete(client, upload, [{"PartNumber": 9, "ETag": last["ETag"]}])
        with headers(client, x_amz_mp_object_size="1"), refused("InvalidRequest", 400):
            complete(client, upload, [large, last])
        complete(client, upload, [large, last])
        assert server.objects("dst")["k"].size == 5 * MIB + 1

    def test_completion_can_be_repeated(self, server: FaultServer, client: S3Client) -> None:
        """The same completion succeeds again; another list for it is NoSuchUpload."""
        server.put("src", "k", size=5)
        upload = begin(client)
        part = copy_part(client, upload)
        first = complete(client, upload, [part])
        assert complete(client, upload, [part])["ETag"] == first["ETag"]
        with refused("NoSuchUpload", 404):
            complete(client, upload, [part, {"PartNumber": 2, "ETag": "x"}])

    def test_completion_if_none_match(self, server: FaultServer, client: S3Client) -> None:
        """If-None-Match: * is judged when the upload is completed, and leaves it open."""
        server.put("src", "k", size=5)
        upload = begin(client)
        part = copy_part(client, upload)
        server.put("dst", "k")
        with refused("PreconditionFailed", 412) as answer:
            complete(client, upload, [part], IfNoneMatch="*")
        assert answer["Error"]["Condition"] == "If-None-Match"
        assert len(server.uploads("dst")) == 1

    def test_abort(self, server: FaultServer, client: S3Client) -> None:
        """After an abort nothing of the upload is left, and everything says NoSuchUpload."""
        server.put("src", "k", size=5)
        upload = begin(client)
        part = copy_part(client, upload)
        which: Any = {"Bucket": "dst", "Key": "k", "UploadId": upload}
        assert len(client.list_parts(**which)["Parts"]) == 1
        client.abort_multipart_upload(**which)
        calls: list[Callable[[], object]] = [
            lambda: client.abort_multipart_upload(**which),
            lambda: client.list_parts(**which),
            lambda: copy_part(client, upload),
            lambda: complete(client, upload, [part]),
        ]
        for call in calls:
            with refused("NoSuchUpload", 404):
                call()
        assert server.objects("dst") == {}

    def test_upload_listings_have_pages(self, server: FaultServer, client: S3Client) -> None:
        """Parts and uploads are listed page by page, in order, each once."""
        server.put("src", "k", size=20 * MIB)
        uploads = {begin(client) for _ in range(5)}
        pages = client.get_paginator("list_multipart_uploads").paginate(
            Bucket="dst", PaginationConfig={"PageSize": 2}
        )
        listed = [upload["UploadId"] for page in pages for upload in page["Uploads"]]
        assert sorted(uploads) == listed
        for number in (3, 1, 2):
            copy_part(client, listed[0], number, f"0-{number * MIB}")
        parts = client.get_paginator("list_parts").paginate(
            Bucket="dst", Key="k", UploadId=listed[0], PaginationConfig={"PageSize": 2}
        )
        assert [part["PartNumber"] for page in parts for part in page["Parts"]] == [1, 2, 3]


class TestFaults:
    """What can be made to go wrong."""

    @pytest.fixture(autouse=True)
    def _source(self, server: FaultServer) -> None:
        server.put("src", "k", size=5)

    def test_error_for_a_while(self, server: FaultServer, client: S3Client) -> None:
        """An error hits the first matching requests, then no more, and nothing is executed."""
        fault = server.inject(Fault.error("CopyObject", 503, "SlowDown", "slower!", times=2))
        for _ in range(2):
            with refused("SlowDown", 503, "slower!"):
                copy(client)
        assert server.objects("dst") == {}
        copy(client)
        assert fault.hits == 2
        assert [r.status for r in server.requests] == [503, 503, 200]
        assert server.count("CopyObject", executed=True) == 1

    def test_head_errors_have_no_body(self, server: FaultServer, client: S3Client) -> None:
        """On a HEAD only the status arrives, as from S3."""
        server.inject(Fault.error("HeadObject", 503, "SlowDown"))
        with refused("503", 503):
            client.head_object(Bucket="src", Key="k")

    def test_executed_error(self, server: FaultServer, client: S3Client) -> None:
        """An error may come although the work was done."""
        server.inject(Fault.error("CopyObject", 500, "InternalError", executed=True))
        with refused("InternalError", 500):
            copy(client)
        assert "k" in server.objects("dst")
        assert server.count("CopyObject", status=500, executed=True) == 1

    @pytest.mark.parametrize("body", ["whitespace", "truncated"])
    def test_unreadable_errors(self, server: FaultServer, client: S3Client, body: Any) -> None:
        """A 200 whose body is no XML is an error to botocore."""
        server.inject(Fault.error_in_200("CopyObject", body=body))
        with refused("500"):
            copy(client)

    def test_empty_error(self, server: FaultServer, client: S3Client) -> None:
        """An error without body leaves only its status."""
        server.inject(Fault.error("CopyObject", 502, "BadGateway", body="empty"))
        with refused("502", 502):
            copy(client)

    def test_error_in_200(self, server: FaultServer, client: S3Client) -> None:
        """The error inside a 200 reaches the client by its code."""
        server.inject(Fault.error_in_200(["CopyObject", "HeadObject"], "SlowDown"))
        with refused("SlowDown"):
            copy(client)
        assert server.count("CopyObject", status=200, executed=False) == 1

    @pytest.mark.parametrize("executed", [False, True])
    def test_empty_200(self, server: FaultServer, client: S3Client, *, executed: bool) -> None:
        """An empty 200 looks like success to botocore, whether or not anything was done."""
        server.inject(Fault.empty_200("CopyObject", executed=executed))
        assert "ETag" not in copy(client).get("CopyObjectResult", {})
        assert ("k" in server.objects("dst")) is executed

    def test_reset_before_the_work(self, server: FaultServer, client: S3Client) -> None:
        """A reset connection is a connection error, and nothing happened."""
        server.inject(Fault.reset("CopyObject", times=1))
        with pytest.raises(bc.ConnectionClosedError):
            copy(client)
        assert server.objects("dst") == {}
        assert server.requests[0].status is None
        copy(client)

    def test_lost_response(self, server: FaultServer, client: S3Client) -> None:
        """A lost response looks the same, but the work was done."""
        server.inject(Fault.lost_response("CopyObject", times=1))
        with pytest.raises(bc.ConnectionClosedError):
            copy(client)
        assert "k" in server.objects("dst")
        assert server.count("CopyObject", status=None, executed=True) == 1

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_slow(self, server: FaultServer, when: Any) -> None:
        """A slow answer is a read time-out, with the work still to come or done already."""
        server.inject(Fault.slow("CopyObject", delay_s=30, when=when))
        with connected(server, read_timeout_s=0.2) as client, pytest.raises(bc.ReadTimeoutError):
            copy(client)
        until_s = time.monotonic() + PATIENCE_S
        while when == "after" and "k" not in server.objects("dst"):
            assert time.monotonic() < until_s
        assert ("k" in server.objects("dst")) is (when == "after")

    def test_length_too_large(self, server: FaultServer) -> None:
        """More bytes may be announced than come, and then the connection ends."""
        server.inject(Fault.wrong_length("ListObjectsV2", extra_bytes=7))
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
        connection.request("GET", "/src?list-type=2", headers=HEAD)
        with pytest.raises(http.client.IncompleteRead) as caught:
            connection.getresponse().read()
        connection.close()
        assert caught.value.expected == 7

    def test_length_too_small(self, server: FaultServer, client: S3Client) -> None:
        """A body that ends too early for its XML is an error to every botocore."""
        fault = server.inject(Fault.wrong_length("ListObjectsV2", extra_bytes=-20, times=1))
        with refused("500"):
            client.list_objects_v2(Bucket="src")
        assert client.list_objects_v2(Bucket="src")["KeyCount"] == 1
        assert fault.hits == 1

    def test_cut_body(self, server: FaultServer, client: S3Client) -> None:
        """A connection that ends inside the body is an error: by length, or by broken XML."""
        server.inject(Fault.cut_body("CopyObject", sent_bytes=60))
        with pytest.raises((bc.ConnectionClosedError, bc.ClientError)):
            copy(client)
        assert "k" in server.objects("dst")

    def test_body_that_never_comes(self, server: FaultServer, client: S3Client) -> None:
        """Nothing but headers is an error to an old botocore, and success to a new one."""
        server.inject(Fault.cut_body("CopyObject"))
        with contextlib.suppress(bc.ConnectionClosedError):
            assert "ETag" not in copy(client).get("CopyObjectResult", {})
        assert "k" in server.objects("dst")

    def test_callback_in_the_middle(self, server: FaultServer, client: S3Client) -> None:
        """A callback may change the world just before the work, and sees the request."""
        seen: list[str] = []

        def overwrite(request: Request) -> None:
            seen.append(request.headers["x-amz-copy-source"])
            server.put("src", "k")

        etag = server.objects("src")["k"].etag
        server.inject(Fault.call("CopyObject", overwrite, times=1))
        with refused("PreconditionFailed", 412):
            copy(client, CopySourceIfMatch=etag)
        assert seen == ["src/k"]

    def test_callback_after_the_work(self, server: FaultServer, client: S3Client) -> None:
        """A callback after the work sees its effect before the client does."""
        server.inject(Fault.call("CopyObject", lambda _: server.delete("dst", "k"), when="after"))
        assert copy(client)["CopyObjectResult"]["ETag"]
        assert server.objects("dst") == {}

    def test_rate_limit(self, server: FaultServer, client: S3Client) -> None:
        """Beyond the rate the answer is SlowDown, until time has passed."""
        fault = server.inject(Fault.rate_limit("HeadObject", per_second=0.01, burst=2))
        statuses = []
        for _ in range(4):
            try:
                client.head_object(Bucket="src", Key="k")
                statuses.append(200)
            except bc.ClientError as error:
                statuses.append(error.response["ResponseMetadata"]["HTTPStatusCode"])
        assert statuses == [200, 200, 503, 503]
        assert fault.hits == 2

    def test_rate_limit_passes(self, server: FaultServer, client: S3Client) -> None:
        """It is one of requests per second: those that come slowly enough are answered."""
        server.inject(Fault.rate_limit("HeadObject", per_second=20, burst=1))
        for _ in range(3):
            time.sleep(0.1)
            client.head_object(Bucket="src", Key="k")

    def test_which_requests(self, server: FaultServer, client: S3Client) -> None:
        """A fault can be for a key, a predicate, an account, a bucket or a part number."""
        server.put("src", "k", size=20 * MIB)
        by_key = server.inject(Fault.error("CopyObject", 500, "ByKey", key="one"))
        chosen = server.inject(
            Fault.error("CopyObject", 500, "ByPredicate", key=lambda key: key.startswith("t"))
        )
        part = server.inject(Fault.error("UploadPartCopy", 500, "ByPart", part_number=2))
        other = server.inject(Fault.error(None, 500, "Other", account=SOURCE_ACCOUNT))
        bucket = server.inject(Fault.error(None, 500, "Bucket", bucket="none"))
        copy(client)
        with refused("ByKey"):
            copy(client, to="one")
        with refused("ByPredicate"):
            copy(client, to="two")
        upload = begin(client)
        copy_part(client, upload, 1)
        with refused("ByPart"):
            copy_part(client, upload, 2)
        hits = [fault.hits for fault in (by_key, chosen, part, other, bucket)]
        assert hits == [1, 1, 1, 0, 0]

    def test_skipping_and_removing(self, server: FaultServer, client: S3Client) -> None:
        """A fault may let requests pass first, and ends when it is removed."""
        fault = server.inject(Fault.error("CopyObject", 500, "InternalError", after=2))
        copy(client)
        copy(client)
        with refused("InternalError"):
            copy(client)
        fault.remove()
        copy(client)

    def test_chance_is_seeded(self, server: FaultServer) -> None:
        """The same seed gives the same failures, and about as many as asked for."""

        def failures() -> list[int]:
            server.forget_requests()
            fault = server.inject(Fault.error(None, 500, "X", probability=0.3, seed=7))
            connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
            statuses = []
            for _ in range(200):
                connection.request("HEAD", "/src/k", headers=HEAD)
                with connection.getresponse() as answer:
                    statuses.append(answer.status)
            connection.close()
            fault.remove()
            return statuses

        first = failures()
        assert first == failures()
        assert 30 < first.count(500) < 90

    def test_in_flight_max(self, server: FaultServer) -> None:
        """The most requests at once are counted."""
        barrier = threading.Barrier(3)
        server.inject(Fault.call("HeadObject", lambda _: barrier.wait(PATIENCE_S)))
        request = b"HEAD /src/k HTTP/1.1\r\nAuthorization: x\r\n\r\n"
        threads = [threading.Thread(target=_raw, args=(server, request)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.in_flight_max == 3

    def test_records(self, server: FaultServer, client: S3Client) -> None:
        """A record says what was asked, by whom, with which headers, and how it ended."""
        copy(client, StorageClass="STANDARD_IA")
        [record] = server.requests
        assert (record.operation, record.bucket, record.key) == ("CopyObject", "dst", "k")
        assert record.account_id == DEST_ACCOUNT
        assert record.headers["x-amz-storage-class"] == "STANDARD_IA"
        assert server.count("CopyObject", bucket="dst", status=200) == server.count() == 1

    def test_faults_in_sts(self, server: FaultServer) -> None:
        """STS can fail too, in its own XML."""
        server.inject(Fault.error("GetCallerIdentity", 400, "Throttling", "Rate exceeded"))
        with connected(server, service="sts") as sts, refused("Throttling", 400, "Rate exceeded"):
            sts.get_caller_identity()
