"""Where Ceph's S3 gateway is not AWS, by name.

Each of these is something that other tests, or users, would otherwise take for a defect of this
program. They hold for Ceph 20.2; one that fails means that the gateway has changed, and that a
test elsewhere can be made stricter.
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from s3_xfer import ErrorClass, Preflight, RunState, TagPolicy
from tests.ceph.cluster import CephCluster
from tests.ceph.world import CephWorld, client_of
from tests.contract.test_fidelity import ODD_KEYS
from tests.uploads.test_janitor import janitor
from tests.world import DESTINATION_ACCOUNT, DESTINATION_KEY, DST, LARGE, SOURCE_ACCOUNT, SRC

IN_X = {"Bucket": SRC, "Key": "in/x"}
OUT_X = {"Bucket": DST, "Key": "out/x"}


def copier(rgw: CephWorld) -> Any:
    """Return a client with the destination's credentials."""
    return rgw.stage.clients[DESTINATION_ACCOUNT]


def test_odd_keys_arrive_except_where_the_gateway_takes_one_for_a_version(rgw: CephWorld) -> None:
    """UploadPartCopy from a key with ``?versionId=`` looks for that version; the rest works."""
    for key in ODD_KEYS:
        rgw.stage.put(SRC, f"in/{key}", size=10)
    rgw.stage.put(SRC, "in/large?versionId=x", size=LARGE)

    result = rgw.copy(destination_key="o/", preflight=Preflight.SKIP)  # it would try this one

    assert set(rgw.arrived()) == {f"o/{key}" for key in ODD_KEYS}
    assert [failed.task.source.key for failed in result.failures] == ["in/large?versionId=x"]
    assert result.failures[0].error.error_class is ErrorClass.UPLOAD_LOST


def test_keys_of_uploads_are_encoded_in_secret_if_that_is_asked_for(rgw: CephWorld) -> None:
    """So it is not asked for: uploads to odd keys are found, and aborted until they are gone."""
    client = copier(rgw)
    for key in ("o/a b+c", "o/é%20", "o/\r\n"):
        client.create_multipart_upload(Bucket=DST, Key=key)

    asked = client.list_multipart_uploads(Bucket=DST, Prefix="o/a", EncodingType="url")
    one = janitor(rgw, "o/")
    ended = list(one.abort(one.find(sizes=True)))

    assert (asked.get("EncodingType"), asked["Uploads"][0]["Key"]) == (None, "o/a%20b%2Bc")
    assert [(end.error, end.is_proven) for end in ended] == [(None, True)] * 3
    assert rgw.stage.uploads(DST) == []


def test_tagging_directive_is_ignored(rgw: CephWorld) -> None:
    """``--tags skip`` leaves the tags of large objects behind, but not those of small ones."""
    rgw.stage.put(SRC, "in/small", size=1, tags={"a": "b"})
    rgw.stage.put(SRC, "in/large", size=LARGE, tags={"a": "b"})

    assert rgw.copy(tags=TagPolicy.SKIP).state is RunState.COMPLETED

    arrived = rgw.arrived()
    assert (arrived["out/small"].tags, arrived["out/large"].tags) == ({"a": "b"}, {})


def test_copy_reads_tags_without_the_right_to(rgw: CephWorld) -> None:
    """CopyObject of a tagged object needs no s3:GetObjectTagging; reading the tags does."""
    rgw.stage.put(SRC, "in/x", size=1, tags={"a": "b"})
    rgw.stage.deny(SRC, DESTINATION_ACCOUNT, ["s3:GetObjectTagging"])

    copier(rgw).copy_object(CopySource=IN_X, **OUT_X)

    assert rgw.arrived()["out/x"].tags == {"a": "b"}
    with pytest.raises(ClientError, match="AccessDenied"):
        copier(rgw).get_object_tagging(**IN_X)


def test_copy_sets_tags_and_acl_without_the_right_to(rgw: CephWorld) -> None:
    """Neither s3:PutObjectTagging nor s3:PutObjectAcl is asked for on the way of a copy."""
    rgw.stage.put(SRC, "in/x", size=1, tags={"a": "b"})
    rgw.stage.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObjectTagging", "s3:PutObjectAcl"])

    copier(rgw).copy_object(CopySource=IN_X, **OUT_X, ACL="bucket-owner-full-control")
    upload = copier(rgw).create_multipart_upload(**OUT_X, Tagging="c=d")
    copier(rgw).abort_multipart_upload(**OUT_X, UploadId=upload["UploadId"])

    with pytest.raises(ClientError, match="AccessDenied"):
        copier(rgw).put_object_tagging(**OUT_X, Tagging={"TagSet": []})


def test_condition_on_the_destination_is_ignored_by_copies(rgw: CephWorld) -> None:
    """CopyObject overwrites in spite of ``If-None-Match: *``; so the program looks first."""
    rgw.stage.put(SRC, "in/x", size=1, metadata={"v": "new"})
    rgw.stage.put(DST, "out/x", size=1, metadata={"v": "old"})
    events = copier(rgw).meta.events
    condition = {"If-None-Match": "*"}
    events.register(
        "before-call.s3.CopyObject", lambda params, **_: params["headers"].update(condition)
    )

    copier(rgw).copy_object(CopySource=IN_X, **OUT_X)

    assert rgw.arrived()["out/x"].metadata == {"v": "new"}
    rgw.stage.put(DST, "out/x", size=1, metadata={"v": "old"})
    assert rgw.copy(overwrite=False).metrics.files_skipped == 1
    assert rgw.arrived()["out/x"].metadata == {"v": "old"}


def test_owner_of_the_source_is_not_checked_by_copies(rgw: CephWorld) -> None:
    """CopyObject ignores the expected owner of the source; listing and HEAD do not."""
    rgw.stage.put(SRC, "in/x", size=1)

    copier(rgw).copy_object(CopySource=IN_X, **OUT_X, ExpectedSourceBucketOwner=DESTINATION_ACCOUNT)

    for call in ("head_object", "head_bucket", "list_objects_v2"):
        place = IN_X if call == "head_object" else {"Bucket": SRC}
        getattr(copier(rgw), call)(**place, ExpectedBucketOwner=SOURCE_ACCOUNT)
        with pytest.raises(ClientError, match=r"403|AccessDenied"):
            getattr(copier(rgw), call)(**place, ExpectedBucketOwner=DESTINATION_ACCOUNT)


def test_nobody_is_told_who_they_are(ceph: CephCluster) -> None:
    """STS has no GetCallerIdentity; a tool that insists on it cannot be used here."""
    with pytest.raises(ClientError) as refused:
        client_of(ceph.url, DESTINATION_KEY, "sts").get_caller_identity()

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 405
