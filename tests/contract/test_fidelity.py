"""What arrives: the same whether an object was copied in one request or in parts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s3_xfer import (
    AccountContext,
    CannedAcl,
    ChecksumAlgorithm,
    CopyOptions,
    Encryption,
    Preflight,
    RunMode,
    RunState,
    StorageClass,
    TagPolicy,
)
from s3_xfer.planning.part_size import part_count, part_size
from s3_xfer.units import GIB, TIB
from tests.world import DESTINATION_ACCOUNT, LARGE, SOURCE_ACCOUNT, SRC, World

METADATA = {"owner": "team a", "rfc2047": "=?UTF-8?B?w6k=?=", "empty": ""}
HEADERS = {
    "content-type": "text/csv; charset=utf-8",
    "content-encoding": "gzip",
    "content-language": "de-CH",
    "content-disposition": 'attachment; filename="a b.csv"',
    "cache-control": "max-age=60, must-revalidate",
    "expires": "Thu, 01 Dec 2033 16:00:00 GMT",
}
TAGS = {"project": "x y", "cost/center": "a+b=c&d", "é": "ü"}
SIZES = pytest.mark.parametrize("size", [0, 1000, LARGE], ids=["empty", "small", "large"])


@pytest.mark.on_ceph
@SIZES
def test_metadata_headers_and_tags_arrive(world: World, size: int) -> None:
    """Everything that describes the object arrives identically, at every size."""
    put = world.server.put(SRC, "in/x", size=size, metadata=METADATA, headers=HEADERS, tags=TAGS)

    result = world.copy()

    copy = world.arrived()["out/x"]
    assert result.state is RunState.COMPLETED
    assert (copy.metadata, copy.tags, copy.size) == (METADATA, TAGS, size)
    assert {name: copy.headers[name] for name in HEADERS} == HEADERS
    assert put.size == copy.size


@pytest.mark.parametrize("expires", ["0", "never", "Tuesday"])
@SIZES
def test_unparsable_expires_arrives(world: World, size: int, expires: str) -> None:
    """Headers are passed on as they are, not parsed and rebuilt."""
    world.server.put(SRC, "in/x", size=size, headers={"expires": expires})

    world.copy()

    assert world.arrived()["out/x"].headers["expires"] == expires


@SIZES
def test_tags_can_be_left_out(world: World, size: int) -> None:
    """``--tags skip`` neither reads nor writes tags, and needs no right to."""
    world.server.put(SRC, "in/x", size=size, tags=TAGS, metadata=METADATA)
    world.server.deny(SRC, SOURCE_ACCOUNT, ["s3:GetObjectTagging"])
    world.server.deny(SRC, DESTINATION_ACCOUNT, ["s3:GetObjectTagging"])

    result = world.copy(tags=TagPolicy.SKIP)

    assert result.state is RunState.COMPLETED
    assert (world.arrived()["out/x"].tags, world.arrived()["out/x"].metadata) == ({}, METADATA)


@SIZES
def test_unreadable_tags_fail_the_object_instead_of_being_lost(world: World, size: int) -> None:
    """Tags that may not be read are never dropped without a word."""
    world.server.put(SRC, "in/x", size=size, tags=TAGS)
    world.server.deny(SRC, SOURCE_ACCOUNT, ["s3:GetObjectTagging"])
    world.server.deny(SRC, DESTINATION_ACCOUNT, ["s3:GetObjectTagging"])

    result = world.copy(preflight=Preflight.SKIP)

    assert result.metrics.errors_by_class == {"AccessDenied": 1}
    assert world.arrived() == {}


def test_tags_too_long_for_a_header_arrive_afterwards(world: World) -> None:
    """Ten tags of the longest kind do not fit into a header; they are put behind the upload."""
    tags = {f"{number}" + "k" * 120: "v" * 250 for number in range(10)}
    world.server.put(SRC, "in/x", size=LARGE, tags=tags)

    result = world.copy()

    assert result.state is RunState.COMPLETED
    assert world.arrived()["out/x"].tags == tags
    assert world.sent("PutObjectTagging") == 1


@pytest.mark.on_ceph
def test_late_tags_that_are_refused_fail_the_object_and_leave_it(world: World) -> None:
    """An object whose tags could not follow is reported, not deleted."""
    tags = {f"{number}" + "k" * 120: "v" * 250 for number in range(10)}
    world.server.put(SRC, "in/x", size=LARGE, tags=tags)
    world.server.deny("dst-bucket", DESTINATION_ACCOUNT, ["s3:PutObjectTagging"])

    result = world.copy()

    assert result.metrics.errors_by_class == {"TagsNotCopied": 1}
    assert world.arrived()["out/x"].tags == {}


OPTIONS: dict[str, Any] = {
    "storage_class": StorageClass.STANDARD_IA,
    "acl": CannedAcl.BUCKET_OWNER_FULL_CONTROL,
    "sse": Encryption.KMS,
    "sse_kms_key_id": "arn:aws:kms:us-east-1:222222222222:key/k",
    "bucket_key": True,
    "checksum_algorithm": ChecksumAlgorithm.SHA256,
}
SENT = {
    "x-amz-storage-class": "STANDARD_IA",
    "x-amz-acl": "bucket-owner-full-control",
    "x-amz-server-side-encryption": "aws:kms",
    "x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:us-east-1:222222222222:key/k",
    "x-amz-server-side-encryption-bucket-key-enabled": "true",
    "x-amz-checksum-algorithm": "SHA256",
}


@pytest.mark.parametrize(
    ("size", "operation"), [(1000, "CopyObject"), (LARGE, "CreateMultipartUpload")]
)
def test_options_of_the_copy_are_sent_at_every_size(
    world: World, size: int, operation: str
) -> None:
    """Class, ACL, encryption and checksum are asked for in both ways of copying."""
    world.server.put(SRC, "in/x", size=size)

    result = world.copy(**OPTIONS)

    assert result.state is RunState.COMPLETED
    (headers,) = world.headers_of(operation)
    assert {name: headers.get(name) for name in SENT} == SENT
    assert world.arrived()["out/x"].storage_class == "STANDARD_IA"


@SIZES
def test_nothing_is_sent_that_was_not_asked_for(world: World, size: int) -> None:
    """Without options no request carries an ACL, a class, a payer, an owner or a condition."""
    world.server.put(SRC, "in/x", size=size)

    world.copy()

    unasked = (*SENT, "x-amz-request-payer", "x-amz-expected-bucket-owner", "if-none-match")
    for request in world.server.requests:
        assert not set(unasked) & set(request.headers), request.operation


@SIZES
def test_request_payer_is_on_every_request_for_objects(world: World, size: int) -> None:
    """A requester-pays bucket refuses each request without it."""
    world.server.put(SRC, "in/x", size=size)

    world.copy(request_payer=True)

    for request in world.server.requests:
        if request.operation != "HeadBucket":
            assert request.headers.get("x-amz-request-payer") == "requester", request.operation


@SIZES
def test_expected_owners_are_on_every_request_each_for_its_own_bucket(
    world: World, size: int
) -> None:
    """The source's owner never goes to the destination's requests, nor the other way round."""
    world.server.put(SRC, "in/x", size=size)

    result = world.copy(
        source=world.account("AKIASOURCE", bucket_owner=SOURCE_ACCOUNT),
        destination=world.account("AKIADESTINATION", bucket_owner=DESTINATION_ACCOUNT),
    )

    assert result.state is RunState.COMPLETED
    for request in world.server.requests:
        owner = SOURCE_ACCOUNT if request.bucket == SRC else DESTINATION_ACCOUNT
        expected = request.headers["x-amz-expected-bucket-owner"]
        if request.status == FORBIDDEN:  # the probe of whether owners are checked at all
            assert (request.operation, expected != owner) == ("HeadBucket", True)
            continue
        assert expected == owner, request.operation
        if request.operation in ("CopyObject", "UploadPartCopy"):
            assert request.headers["x-amz-source-expected-bucket-owner"] == SOURCE_ACCOUNT


@SIZES
def test_destination_account_copies_and_source_account_reads(world: World, size: int) -> None:
    """Whoever writes owns the copy; listing and metadata go through the source's credentials."""
    world.server.put(SRC, "in/x", size=size)

    world.copy()

    for request in world.server.requests:
        writes = request.bucket != SRC
        wanted = DESTINATION_ACCOUNT if writes else SOURCE_ACCOUNT
        assert request.account_id == wanted, request.operation
    assert world.arrived()["out/x"].owner == DESTINATION_ACCOUNT


def test_without_source_credentials_the_destination_reads(world: World) -> None:
    """One set of credentials, the destination's, is enough where it was granted to list."""
    world.server.put(SRC, "in/x", size=1)
    source = AccountContext(endpoint_url=world.server.url)

    result = world.copy(source=source)

    assert result.state is RunState.COMPLETED
    assert {request.account_id for request in world.server.requests} == {DESTINATION_ACCOUNT}


FORBIDDEN = 403
ODD_KEYS = [
    "plain",
    "with space",
    "plus+sign",
    "percent%20and%2F",
    "double//slash",
    "/leading",
    "./dot",
    "../dotdot",
    "a/../b",
    "trailing/",
    "new\nline",
    "tab\tand\x01control",
    "emoji 😀 é ü 漢",
    "quote'\"<>&;=?#*",
    "?versionId=x",
    "k" * 1021,
]


@SIZES
def test_odd_keys_arrive_exactly(world: World, size: int) -> None:
    """Keys are opaque bytes: whatever was listed under the prefix is there under the other."""
    for key in ODD_KEYS:
        world.server.put(SRC, "in/" + key, size=size, metadata={"n": "1"})

    result = world.copy(destination_key="o/")

    assert result.state is RunState.COMPLETED
    assert set(world.arrived()) == {"o/" + key for key in ODD_KEYS}


@pytest.mark.on_ceph
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    key=st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\x00\ufffe\uffff"),
        min_size=1,
        max_size=30,
    )
)
def test_any_single_key_arrives_exactly(world: World, key: str) -> None:
    """The same for keys that nobody thought of."""
    world.server.put(SRC, "in/" + key, size=1)
    destination = "out/" + key

    world.copy("in/" + key, destination, recursive=False) if not key.endswith("/") else world.copy()

    assert destination in world.arrived()


@pytest.mark.on_ceph
def test_prefix_does_not_match_longer_names(world: World) -> None:
    """``data`` copies ``data/…`` and leaves ``database/…`` alone."""
    for key in ("data/a", "database/b", "data", "data0"):
        world.server.put(SRC, key, size=1)

    world.copy("data", "out")

    assert set(world.arrived()) == {"out/a"}


@pytest.mark.on_ceph
def test_directory_markers_are_objects(world: World) -> None:
    """An empty object whose key ends in a slash is copied like any other."""
    world.server.put(SRC, "in/dir/", size=0, metadata={"a": "b"})
    world.server.put(SRC, "in/", size=0)

    world.copy()

    assert world.arrived()["out/dir/"].metadata == {"a": "b"}
    assert "out/" in world.arrived()


def test_huge_object_goes_in_parts_that_suffice(world: World) -> None:
    """5 TiB: one upload, all bytes, in parts of up to 5 GiB."""
    world.server.put(SRC, "in/huge", size=5 * TIB)

    result = world.copy(part_size_bytes=5 * GIB, multipart_threshold_bytes=5 * GIB)

    assert result.state is RunState.COMPLETED
    assert world.arrived()["out/huge"].size == 5 * TIB
    assert world.sent("UploadPartCopy") == 1024


def test_five_gib_goes_in_parts_and_one_byte_less_does_not(world: World) -> None:
    """The default threshold is where a single CopyObject ends."""
    default = CopyOptions()
    world.server.put(SRC, "in/below", size=5 * GIB - 1)
    world.server.put(SRC, "in/at", size=5 * GIB)

    world.copy(
        multipart_threshold_bytes=default.multipart_threshold_bytes,
        part_size_bytes=default.part_size_bytes,
    )

    assert world.sent("CopyObject", key="out/below") == 1
    assert world.sent("UploadPartCopy", key="out/at") == 40


@pytest.mark.long
def test_objects_of_different_size_have_parts_of_their_own_size(world: World) -> None:
    """Chosen for each, also while others are copied; what a dry run says is what is sent."""
    sizes = {"a": 10 * GIB, "b": 1 * TIB, "c": 3 * GIB, "d": 6 * TIB, "e": 100 * GIB}
    for name, size_bytes in sizes.items():
        world.server.put(SRC, f"in/{name}", size=size_bytes)
    options = CopyOptions(concurrency=4)
    chosen: dict[str, Any] = {"part_size_bytes": None, "concurrency": 4}

    planned = world.copy(mode=RunMode.DRY_RUN, **chosen).planned_requests
    world.copy(**chosen)

    assert planned["UploadPartCopy"] == world.sent("UploadPartCopy")
    for name, size_bytes in sizes.items():
        assert world.arrived()[f"out/{name}"].size == size_bytes
        ranges = ranges_of(world, f"out/{name}")
        assert ranges[0] == f"bytes=0-{part_size(size_bytes, options) - 1}"
        assert len(ranges) == part_count(size_bytes, options)


def ranges_of(world: World, key: str) -> list[str]:
    """Return the ranges of the parts that were copied to ``key``, the first one first."""
    sent = [
        request.headers["x-amz-copy-source-range"]
        for request in world.server.requests
        if request.operation == "UploadPartCopy" and request.key == key
    ]
    return sorted(sent, key=lambda text: int(text.removeprefix("bytes=").partition("-")[0]))


def test_requests_per_small_object_are_one_copy_and_a_thousandth_listing(world: World) -> None:
    """No HEAD, no tag request, nothing per object besides the copy."""
    for number in range(1500):
        world.server.put(SRC, f"in/{number}", size=1)

    result = world.copy(concurrency=16)

    assert result.metrics.requests == {
        "CopyObject": 1500,
        "ListObjectsV2": 2,  # of which the first is the preflight's as well
        "HeadBucket": 1,
        "CreateMultipartUpload": 1,
        "UploadPartCopy": 1,
        "AbortMultipartUpload": 1,
    }
    assert sum(result.metrics.requests.values()) == len(world.server.requests)
