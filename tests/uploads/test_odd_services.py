"""What services leave out or repeat when they are asked for unfinished uploads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from s3_xfer import ErrorClass, OpenUpload, PreflightError, S3Location
from s3_xfer.uploads import UnfinishedUpload, list_unfinished, parts_of
from tests.fault_server import Fault
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


@pytest.mark.parametrize("markers", [{"NextKeyMarker": "k", "NextUploadIdMarker": "u"}, {}])
def test_a_listing_that_does_not_go_on_ends(markers: dict[str, str]) -> None:
    """A service that repeats its markers, or has none, is not asked for ever."""
    page = {"Uploads": [entry()], "IsTruncated": True, **markers}

    found = listed(*[page] * (2 if markers else 1))

    assert {each.upload for each in found} == {UPLOAD}


def test_parts_that_do_not_go_on_end() -> None:
    """A repeated part number marker ends the counting, too."""
    page = {"Parts": [{"Size": 10}], "IsTruncated": True, "NextPartNumberMarker": 1}

    assert parts_of(cast("Any", Service(page, page)), UPLOAD) == (2, 20)


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
