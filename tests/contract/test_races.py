"""Conditions and verification: what changed, what exists, what an answer proves."""

from __future__ import annotations

import dataclasses
import re
from typing import cast

import pytest
from botocore.config import Config

from s3_xfer import Encryption, Engine, ErrorClass, Preflight, PreflightError, RunState
from tests.fault_server import Fault
from tests.fault_server.actions import Action, Pause
from tests.fault_server.wire import Answer, Request
from tests.world import (
    DESTINATION_ACCOUNT,
    DESTINATION_KEY,
    DST,
    LARGE,
    SOURCE_KEY,
    SRC,
    World,
)

SIZES = pytest.mark.parametrize("size", [1000, LARGE], ids=["small", "large"])
FIRST_WRITE = {1000: "CopyObject", LARGE: "UploadPartCopy"}


@pytest.mark.on_ceph
@SIZES
def test_overwriting_is_the_default(world: World, size: int) -> None:
    """What exists at the destination is replaced."""
    world.server.put(SRC, "in/x", size=size, metadata={"v": "new"})
    world.server.put(DST, "out/x", size=1, metadata={"v": "old"})

    assert world.copy().state is RunState.COMPLETED
    assert world.arrived()["out/x"].metadata == {"v": "new"}


@pytest.mark.on_ceph
@SIZES
def test_no_overwrite_leaves_existing_objects_alone(world: World, size: int) -> None:
    """An existing key is skipped, and nothing of it is copied."""
    world.server.put(SRC, "in/x", size=size)
    world.server.put(SRC, "in/y", size=size)
    world.server.put(DST, "out/x", size=1, metadata={"v": "old"})

    result = world.copy(overwrite=False)

    assert result.state is RunState.COMPLETED
    assert (result.metrics.files_skipped, result.metrics.files_copied_successfully) == (1, 1)
    assert result.metrics.skips_by_reason == {"already exists at the destination": 1}
    assert world.arrived()["out/x"].metadata == {"v": "old"}
    assert world.arrived()["out/y"].size == size
    assert world.server.uploads(DST) == []


@SIZES
def test_service_that_ignores_the_condition_overwrites_nothing(world: World, size: int) -> None:
    """Services other than AWS are asked for the key first: some ignore If-None-Match on copies."""
    world.server.put(SRC, "in/x", size=size)
    world.server.put(DST, "out/x", size=1, metadata={"v": "old"})
    world.server.inject(
        Fault.call(
            ("CopyObject", "CompleteMultipartUpload"),
            lambda request: cast(dict[str, str], request.headers).pop("if-none-match", None),
        )
    )

    result = world.copy(overwrite=False)

    assert result.metrics.files_skipped == 1
    assert world.arrived()["out/x"].metadata == {"v": "old"}


@SIZES
def test_no_overwrite_is_atomic(world: World, size: int) -> None:
    """An object that appears while ours is on its way is not overwritten."""
    world.server.put(SRC, "in/x", size=size)
    world.server.inject(
        Fault.call(
            FIRST_WRITE[size],
            lambda _: world.server.put(DST, "out/x", size=1, metadata={"v": "theirs"}),
            key="out/x",
            times=1,
        )
    )

    result = world.copy(overwrite=False)

    assert (result.metrics.files_skipped, result.metrics.files_failed) == (1, 0)
    assert world.arrived()["out/x"].metadata == {"v": "theirs"}
    assert world.server.uploads(DST) == []


@SIZES
def test_what_cannot_be_seen_is_not_overwritten(world: World, size: int) -> None:
    """Nothing says that this service honours the condition: it is refused, or fails by object."""
    world.server.put(SRC, "in/x", size=size)
    world.server.put(DST, "out/x", size=7)
    world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:GetObject", "s3:ListBucket"])

    with pytest.raises(PreflightError, match="cannot be seen") as refused:
        world.copy(overwrite=False)
    result = world.copy(overwrite=False, preflight=Preflight.SKIP)

    assert refused.value.error_class is ErrorClass.ACCESS_DENIED
    assert "leave out overwrite=False" in str(refused.value)
    (failed,) = result.failures
    assert failed.error.info.error_class is ErrorClass.ACCESS_DENIED
    assert "may ignore the condition" in failed.error.info.message
    assert world.arrived()["out/x"].size == 7
    assert world.sent("CopyObject") == 0
    assert world.sent("CompleteMultipartUpload") == 0


@SIZES
def test_aws_protects_what_cannot_be_seen(world: World, size: int) -> None:
    """AWS honours the condition: there it decides, also where the destination may not be read."""
    world.server.put(SRC, "in/x", size=size)
    world.server.put(SRC, "in/y", size=size)
    world.server.put(DST, "out/x", size=7)
    world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:GetObject", "s3:ListBucket"])
    by_proxy = Config(proxies={"http": world.server.url}, s3={"addressing_style": "path"})
    aws = {"endpoint_url": "http://s3.us-east-1.amazonaws.com", "client_config": by_proxy}

    result = world.copy(
        overwrite=False,
        source=world.account(SOURCE_KEY, **aws),
        destination=world.account(DESTINATION_KEY, **aws),
        engine=Engine.MANAGED,  # the other one takes no proxy
    )

    assert (result.metrics.files_skipped, result.metrics.files_copied_successfully) == (1, 1)
    assert {key: found.size for key, found in world.arrived().items()} == {
        "out/x": 7,
        "out/y": size,
    }


@SIZES
@pytest.mark.parametrize("overwrite", [True, False])
def test_source_that_changes_meanwhile_is_not_copied(
    world: World, size: int, overwrite: bool
) -> None:
    """The copy is pinned to the listed ETag: never a mixture, never something else."""
    world.server.put(SRC, "in/x", size=size)
    world.server.inject(
        Fault.call(
            FIRST_WRITE[size],
            lambda _: world.server.put(SRC, "in/x", size=size),
            key="out/x",
            times=1,
        )
    )

    result = world.copy(overwrite=overwrite)

    assert result.metrics.errors_by_class == {"SourceChanged": 1}
    assert world.arrived() == {}
    assert world.server.uploads(DST) == []


@SIZES
def test_source_that_vanishes_is_a_failure_with_that_name(world: World, size: int) -> None:
    """Deleted after it was listed: reported, the others go on."""
    world.server.put(SRC, "in/x", size=size)
    world.server.put(SRC, "in/y", size=1)
    world.server.inject(
        Fault.call(
            FIRST_WRITE[size], lambda _: world.server.delete(SRC, "in/x"), key="out/x", times=1
        )
    )

    result = world.copy()

    assert result.metrics.errors_by_class == {"SourceVanished": 1}
    assert set(world.arrived()) == {"out/y"}
    assert world.server.uploads(DST) == []


@dataclasses.dataclass
class OtherEtag(Action):
    """Answer a copy with another ETag, as a store would that corrupted it."""

    header: dict[str, str] = dataclasses.field(default_factory=dict)

    def after(self, request: Request, answer: Answer, pause: Pause) -> Answer:
        """Replace the digits of the ETag in the body."""
        body = re.sub(rb"[0-9a-f]{32}", b"0" * 32, answer.body)
        return dataclasses.replace(answer, body=body, headers={**answer.headers, **self.header})


def test_plain_md5_that_differs_is_a_failure(world: World) -> None:
    """Both ETags are MD5s and not the same: the copy is not what the source is."""
    world.server.put(SRC, "in/x", size=1000)
    world.server.inject(Fault.of("CopyObject", OtherEtag(), {"key": "out/x"}))

    result = world.copy()

    assert result.metrics.errors_by_class == {"Mismatch": 1}
    assert result.metrics.files_copied_successfully == 0


def test_etag_that_is_no_md5_is_not_held_against_the_copy(world: World) -> None:
    """A source under KMS only looks like an MD5; one HEAD settles it."""
    world.server.put(SRC, "in/x", size=1000, sse="aws:kms")

    result = world.copy()

    assert result.state is RunState.COMPLETED
    assert world.sent("HeadObject") == 1


def test_destination_under_kms_needs_no_second_look(world: World) -> None:
    """The answer itself says that its ETag is no MD5."""
    world.server.put(SRC, "in/x", size=1000)

    result = world.copy(sse=Encryption.KMS)

    assert result.state is RunState.COMPLETED
    assert world.sent("HeadObject") == 0


def test_multipart_source_below_the_threshold_is_copied_in_one_request(world: World) -> None:
    """Its ETag has a hyphen and is not compared."""
    world.server.put(SRC, "in/x", size=1000, etag="0123456789abcdef0123456789abcdef-2")

    assert world.copy().state is RunState.COMPLETED


@SIZES
def test_answer_lost_after_the_work_is_recognised_as_our_own(world: World, size: int) -> None:
    """With --no-overwrite the repetition meets the object that the first try wrote."""
    world.server.put(SRC, "in/x", size=size)
    last = {1000: "CopyObject", LARGE: "CompleteMultipartUpload"}[size]
    world.server.inject(Fault.lost_response(last, times=1))

    result = world.copy(overwrite=False)

    assert (result.metrics.files_copied_successfully, result.metrics.files_skipped) == (1, 0)
    assert world.arrived()["out/x"].size == size


def test_upload_whose_completion_was_lost_is_not_copied_again(world: World) -> None:
    """S3 does not know the upload any more: the destination's ETag, made of the parts', is ours."""
    world.server.put(SRC, "in/x", size=LARGE)
    world.server.inject(Fault.lost_response("CompleteMultipartUpload", times=1))
    world.server.inject(
        Fault.error("CompleteMultipartUpload", 404, "NoSuchUpload", after=1, times=1)
    )

    result = world.copy()

    assert result.metrics.files_copied_successfully == 1
    assert world.sent("UploadPartCopy") == 5  # one for each part
    assert world.sent("CompleteMultipartUpload") == 2


def test_copy_whose_answer_was_empty_is_recognised_as_our_own(world: World) -> None:
    """An empty 200 proves nothing, and the copy may be there: then it is not skipped as theirs."""
    world.server.put(SRC, "in/x", size=1000)
    world.server.inject(Fault.empty_200("CopyObject", executed=True, times=1))

    result = world.copy(overwrite=False)

    assert (result.metrics.files_copied_successfully, result.metrics.files_skipped) == (1, 0)
    assert world.sent("CopyObject") == 2


def test_upload_whose_id_was_lost_in_an_empty_answer_is_aborted(world: World) -> None:
    """S3 may have created it: it is looked for at the end, so that it costs nothing."""
    world.server.put(SRC, "in/x", size=LARGE)
    world.server.inject(
        Fault.empty_200("CreateMultipartUpload", executed=True, times=1, key="out/x")
    )

    result = world.copy()

    assert result.metrics.files_copied_successfully == 1
    assert world.server.uploads(DST) == []
    assert world.sent("ListMultipartUploads") == 1


def test_a_412_that_names_no_condition_is_told_apart_by_the_pinned_head(world: World) -> None:
    """The source was overwritten: that is a failure, not an object that exists already."""
    world.server.put(SRC, "in/x", size=1000)
    world.server.inject(
        Fault.call(
            "CopyObject", lambda _: world.server.put(SRC, "in/x", size=1000), key="out/x", times=1
        )
    )
    world.server.inject(Fault.error("CopyObject", 412, "PreconditionFailed", key="out/x"))

    result = world.copy(overwrite=False)

    assert result.metrics.errors_by_class == {"SourceChanged": 1}
    assert result.metrics.files_skipped == 0


def test_lost_answer_and_a_stranger_is_a_skip(world: World) -> None:
    """If what exists is not what we sent, it was not ours."""
    world.server.put(SRC, "in/x", size=1000)
    world.server.inject(Fault.reset("CopyObject", times=1))
    world.server.inject(
        Fault.call("CopyObject", lambda _: world.server.put(DST, "out/x", size=9), after=0, times=1)
    )

    result = world.copy(overwrite=False)

    assert result.metrics.files_skipped == 1
    assert world.arrived()["out/x"].size == 9


def test_key_that_becomes_too_long_is_reported_before_it_is_sent(world: World) -> None:
    """1,024 bytes arrive, one more is refused without a request."""
    world.server.put(SRC, "in/" + "é" * 510, size=1)  # 1,020 bytes behind the prefix
    world.server.put(SRC, "in/" + "k" * 1021, size=1)

    result = world.copy(destination_key="out/")

    assert result.metrics.errors_by_class == {"KeyTooLong": 1}
    assert set(world.arrived()) == {"out/" + "é" * 510}
    assert world.sent("CopyObject") == 1


@SIZES
def test_archived_object_fails_with_that_name_and_the_rest_goes_on(world: World, size: int) -> None:
    """What must be restored first is named so, at every size."""
    world.server.put(SRC, "in/cold", size=size, storage_class="GLACIER")
    world.server.put(SRC, "in/warm", size=1)

    result = world.copy()

    assert result.metrics.errors_by_class == {"Archived": 1}
    assert set(world.arrived()) == {"out/warm"}
    assert world.server.uploads(DST) == []
