"""What services leave out or repeat when they are asked for unfinished uploads."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from s3_xfer import ErrorClass, OpenUpload, PreflightError, RunAborted, S3Location
from s3_xfer.uploads import UnfinishedUpload, list_unfinished, parts_of
from tests.fault_server import Fault
from tests.fault_server.odd_listings import rewritten
from tests.uploads.test_janitor import abort, janitor, leave
from tests.world import DST, World

NOW = datetime(2026, 1, 2, tzinfo=UTC)
BUCKET = S3Location(bucket=DST, key="")
UPLOAD = OpenUpload(DST, "k", "u")


class Service:
    """Answers each request with the next of ``answers``; one more is a failure of the test."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self._answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def list_multipart_uploads(self, **request: Any) -> dict[str, Any]:
        """Return the next page of uploads."""
        return self._next(request)

    def list_parts(self, **request: Any) -> dict[str, Any]:
        """Return the next page of parts."""
        return self._next(request)

    def _next(self, request: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(request)
        assert self._answers, f"asked once too often: {self.asked}"
        return self._answers.pop(0)


def entry(**changed: Any) -> dict[str, Any]:
    """Return one upload as a service lists it, with as little as possible."""
    return {"Key": "k", "UploadId": "u", "Initiated": NOW} | changed


def listed(
    *answers: dict[str, Any], principal: str = "arn:aws:iam::1:user/we"
) -> list[UnfinishedUpload]:
    """Return what is found in these pages."""
    return list(list_unfinished(cast("Any", Service(*answers)), BUCKET, principal=principal))


def test_what_a_service_leaves_out_has_a_value_all_the_same() -> None:
    """Without a storage class it is STANDARD; without an initiator it is not known to be ours."""
    (found,) = listed({"Uploads": [entry()]})

    assert (found.storage_class, found.initiator, found.is_ours) == ("STANDARD", "", False)


def test_two_unknown_principals_are_not_the_same() -> None:
    """Neither S3 nor we know who it was: that makes no upload ours."""
    (found,) = listed({"Uploads": [entry()]}, principal="")

    assert not found.is_ours


def test_a_storage_class_that_is_told_is_shown() -> None:
    """An upload is shown with its own class, not with the usual one."""
    (found,) = listed({"Uploads": [entry(StorageClass="GLACIER")]})

    assert found.storage_class == "GLACIER"


Q, R = entry(Key="q"), entry(Key="r")
MORE: dict[str, Any] = {"IsTruncated": True, "NextUploadIdMarker": "u"}


def page(*uploads: dict[str, Any], more: str = "") -> dict[str, Any]:
    """Return a page of uploads; ``more`` is the key at which the next one begins."""
    return {"Uploads": list(uploads)} | (MORE | {"NextKeyMarker": more} if more else {})


@pytest.mark.parametrize(
    ("pages", "words"),
    [
        pytest.param([page(Q, more="k")] * 2, "move forward", id="the same markers"),
        pytest.param([page(Q, more="k"), page(Q, more="l")], "move forward", id="the same page"),
        pytest.param(
            [page(Q, more="k"), page(R, more="l"), page(Q, more="m")], "move forward", id="a cycle"
        ),
        pytest.param([page(more=str(n)) for n in range(1002)], "move forward", id="empty pages"),
        pytest.param([{"Uploads": [Q], "IsTruncated": True}], "no marker", id="no markers"),
        pytest.param([page(Q) | {"IsTruncated": "perhaps"}], "'perhaps'", id="an odd flag"),
        pytest.param([page({"Key": "k"})], "without an id", id="no id"),
        pytest.param([page({"UploadId": "u"})], "without a key", id="no key"),
        pytest.param([page() | {"CommonPrefixes": [{}]}], "groups", id="groups"),
    ],
)
def test_listing_of_uploads_that_cannot_be_believed_is_refused(
    pages: list[dict[str, Any]], words: str
) -> None:
    """What it leaves out would cost money without anybody knowing."""
    with pytest.raises(RunAborted, match=words) as refused:
        listed(*pages)

    assert refused.value.error_class is ErrorClass.MALFORMED


def test_uploads_outside_the_prefix_are_refused() -> None:
    """They would be aborted as if they were of this prefix."""
    service, location = Service(page(Q)), S3Location(bucket=DST, key="in/")

    with pytest.raises(RunAborted, match="'q', which does not begin with"):
        list(list_unfinished(cast("Any", service), location, principal=""))


def test_uploads_that_are_listed_twice_count_once() -> None:
    """Pages may overlap, and a last page may have markers."""
    pages = [page(Q, more="q"), page(Q, R, more="r") | {"IsTruncated": False}]

    assert [found.upload.key for found in listed(*pages)] == ["q", "r"]


def part(number: Any = 1, size: Any = 10, **more: Any) -> dict[str, Any]:
    """Return one part as a service lists it."""
    return {"PartNumber": number, "Size": size} | more


@pytest.mark.parametrize(
    ("pages", "words"),
    [
        ([{"Parts": [part()], "IsTruncated": True, "NextPartNumberMarker": 1}] * 2, "forward"),
        ([{"Parts": [part()], "IsTruncated": True}], "no marker"),
        ([{"Parts": [part(size=-1)]}], "the size '-1'"),
        ([{"Parts": [{"PartNumber": 1}]}], "the size 'None'"),
        ([{"Parts": [part(number="one")]}], "the number 'one'"),
        ([{"Parts": [{"Size": 10}]}], "the number 'None'"),
    ],
)
def test_listing_of_parts_that_cannot_be_believed_is_refused(
    pages: list[dict[str, Any]], words: str
) -> None:
    """An upload of which nobody knows the parts is not resumed, and has no size."""
    with pytest.raises(RunAborted, match=words):
        parts_of(cast("Any", Service(*pages)), UPLOAD)


def test_parts_that_are_listed_twice_count_once() -> None:
    """Pages may overlap."""
    first = {"Parts": [part(1)], "IsTruncated": True, "NextPartNumberMarker": 1}

    assert parts_of(cast("Any", Service(first, {"Parts": [part(1), part(2)]})), UPLOAD) == (2, 20)


def test_keys_of_a_service_that_encodes_them_on_request_in_secret_are_exact(world: World) -> None:
    """Ceph does: with another key the abort says that there is no upload, and it stays."""
    leave(world, "in/a+b %é%20", "u1", parts=1)
    world.server.inject(
        rewritten(
            lambda text: re.sub("<EncodingType>[^<]*</EncodingType>", "", text),
            operation="ListMultipartUploads",
        )
    )

    (end,) = abort(world)

    assert (end.error, end.is_proven) == (None, True)
    assert world.server.uploads(DST) == []


@pytest.mark.parametrize("raw", ["\x01", "\r", "é"])
def test_keys_of_uploads_are_exact(world: World, raw: str) -> None:
    """XML cannot hold all of them."""
    leave(world, f"in/a+b {raw}", "u1", parts=1)
    world.server.inject(
        rewritten(
            lambda text: text.replace("&#1;", "\x01").replace("&#13;", "\r"),
            operation="ListMultipartUploads",
        )
    )

    (end,) = abort(world)

    assert (end.error, end.is_proven) == (None, True)
    assert world.server.uploads(DST) == []


def test_an_upload_of_the_future_has_no_negative_age() -> None:
    """The service's clock may be ahead of this one."""
    (found,) = listed({"Uploads": [entry(Initiated=NOW + timedelta(seconds=9))]})

    assert found.age_s(NOW) == 0
    assert found.age_s(NOW + timedelta(seconds=10)) == 1


def test_json_shows_every_fact_under_its_own_name() -> None:
    """The age is in whole seconds, the size in bytes, and ``ours`` says whose it is."""
    found = UnfinishedUpload(
        upload=UPLOAD,
        initiated=NOW,
        initiator="somebody",
        storage_class="GLACIER",
        is_ours=True,
        parts=3,
        size_bytes=30,
    )

    assert found.to_dict(NOW + timedelta(seconds=90.4)) == {
        "bucket": DST,
        "key": "k",
        "upload_id": "u",
        "initiated": "2026-01-02T00:00:00+00:00",
        "age_seconds": 90,
        "initiator": "somebody",
        "ours": True,
        "storage_class": "GLACIER",
        "parts": 3,
        "size": 30,
    }


def test_uploads_that_may_not_be_listed_name_the_right_that_is_missing(world: World) -> None:
    """The remedy is a right only where a right is missing."""
    world.server.inject(Fault.error("ListMultipartUploads", 403, "AccessDenied", times=1))
    with pytest.raises(PreflightError, match="cannot be listed") as denied:
        list(janitor(world).find(sizes=False))
    world.server.inject(Fault.error("ListMultipartUploads", 501, "NotImplemented"))
    with pytest.raises(PreflightError, match="cannot be listed") as unknown:
        list(janitor(world).find(sizes=False))

    assert "s3:ListBucketMultipartUploads" in denied.value.remedy
    assert denied.value.error_class is ErrorClass.ACCESS_DENIED
    assert "s3:ListBucketMultipartUploads" not in unknown.value.remedy


@pytest.mark.parametrize("code", ["NoSuchUpload", "NoSuchKey"])
@pytest.mark.parametrize("operation", ["AbortMultipartUpload", "ListParts"])
def test_an_upload_that_is_gone_is_proven_to_be(world: World, operation: str, code: str) -> None:
    """Ceph says NoSuchKey where AWS says NoSuchUpload; both mean that it is gone."""
    leave(world, "a", "u1")
    world.server.inject(Fault.error(operation, 404, code))

    (end,) = abort(world)

    assert (end.error, end.is_proven) == (None, True)
