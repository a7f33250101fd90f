"""What is refused before anything is written, and with which words."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from s3_xfer import (
    AccountContext,
    CannedAcl,
    ErrorClass,
    Preflight,
    PreflightError,
    ReportError,
    RunMode,
    RunState,
)
from s3_xfer.access.doctor import examine
from s3_xfer.units import MIB
from tests.fault_server import Fault
from tests.patience import PATIENCE_S, at_any_pace
from tests.world import (
    DESTINATION_ACCOUNT,
    DESTINATION_KEY,
    DST,
    LARGE,
    READ,
    SOURCE_ACCOUNT,
    SRC,
    World,
    session,
)

CREATE = "CreateMultipartUpload"
LOST = Fault.lost_response(CREATE)


@pytest.mark.on_ceph
@pytest.mark.parametrize(
    ("changes", "says", "next_step"),
    [
        ({"source_bucket": "no-such-bucket"}, "NoSuchBucket", "check the name"),
        ({"destination_bucket": "no-such-bucket"}, "does not exist", "check the name"),
        ({"source_key": "nothing/"}, "nothing under s3://src-bucket/nothing/", "check the prefix"),
        ({"source_key": "in/x"}, "nothing under s3://src-bucket/in/x/", "leave out recursive=True"),
        ({"source_key": "in/y", "recursive": False}, "no object s3://src-bucket/in/y", "check the"),
        ({"source_key": "in", "recursive": False}, "no object", "add recursive=True"),
        (
            {"source_bucket": "no-such-bucket", "recursive": False, "source_key": "x"},
            "does not exist",
            "check the name",
        ),
    ],
)
def test_missing_things_are_named(
    world: World, changes: dict[str, Any], says: str, next_step: str
) -> None:
    """Each missing bucket, key or prefix has one clear message with what to do next."""
    world.server.put(SRC, "in/x", size=1)

    with pytest.raises(PreflightError, match=says) as refused:
        world.copy(**changes)

    assert next_step in str(refused.value)
    world.assert_untouched()


DENIALS: dict[str, tuple[str, str, list[str], str]] = {
    "listing": (SRC, SOURCE_ACCOUNT, ["s3:ListBucket"], "s3://src-bucket/in/ cannot be listed"),
    "reading": (SRC, DESTINATION_ACCOUNT, ["s3:GetObject"], "may not read s3://src-bucket/in/x"),
    "writing": (
        DST,
        DESTINATION_ACCOUNT,
        ["s3:PutObject"],
        "s3://dst-bucket/out/ cannot be written",
    ),
}


@pytest.mark.on_ceph
@pytest.mark.parametrize(("bucket", "account", "actions", "says"), DENIALS.values(), ids=DENIALS)
def test_missing_permission_is_refused_before_the_transfer(
    world: World, bucket: str, account: str, actions: list[str], says: str
) -> None:
    """The side, the place and S3's code are in the message."""
    world.server.put(SRC, "in/x", size=1)
    world.server.deny(bucket, account, actions)

    with pytest.raises(PreflightError, match=says) as refused:
        world.copy()

    assert refused.value.error_class is ErrorClass.ACCESS_DENIED
    assert "AccessDenied" in refused.value.problem
    assert "section access-denied of the runbook" in str(refused.value)
    world.assert_untouched()


@pytest.mark.parametrize(
    "changes",
    [{}, {"source_key": "in/x", "recursive": False, "destination_key": "out/x"}],
    ids=["prefix", "single"],
)
def test_of_two_refusals_that_of_the_source_is_told(world: World, changes: dict[str, Any]) -> None:
    """Both sides are asked at the same time; the answer does not depend on who is faster."""
    world.server.create_bucket("no-acls", owner=DESTINATION_ACCOUNT, acls_enabled=False)

    with pytest.raises(PreflightError) as refused:
        world.copy(destination_bucket="no-acls", acl=CannedAcl.PUBLIC_READ, **changes)

    assert refused.value.error_class is ErrorClass.NOTHING_TO_COPY
    assert world.server.count(CREATE) > 0


def test_upload_of_a_copy_whose_source_is_refused_is_aborted(world: World) -> None:
    """Both sides are asked at the same time, so it was opened."""
    with pytest.raises(PreflightError, match="there is nothing under"):
        world.copy()

    assert (world.server.count(CREATE), world.server.count("AbortMultipartUpload")) == (1, 1)
    world.assert_untouched()


@pytest.mark.on_ceph
def test_tags_of_large_objects_that_may_not_be_read_are_refused(world: World) -> None:
    """A copy in parts always reads tags; that it may not is found out before."""
    world.server.put(SRC, "in/x", size=LARGE)
    world.server.deny(SRC, SOURCE_ACCOUNT, ["s3:GetObjectTagging"])

    with pytest.raises(PreflightError, match="the tags of s3://src-bucket/in/x cannot be read"):
        world.copy()

    world.assert_untouched()


@pytest.mark.on_ceph
def test_source_that_granted_nothing_is_refused(world: World) -> None:
    """Without the source's bucket policy the destination's credentials read nothing."""
    world.server.put(SRC, "in/x", size=1)
    world.server.revoke(SRC, DESTINATION_ACCOUNT)

    with pytest.raises(PreflightError, match="may not read") as refused:
        world.copy()

    assert "bucket policy" in refused.value.remedy
    world.assert_untouched()


@pytest.mark.on_ceph
@pytest.mark.parametrize(
    ("side", "bucket_owner"), [("source", DESTINATION_ACCOUNT), ("destination", SOURCE_ACCOUNT)]
)
def test_bucket_of_a_stranger_is_refused(world: World, side: str, bucket_owner: str) -> None:
    """If the bucket belongs to another account than expected, nothing is written."""
    world.server.put(SRC, "in/x", size=1)
    key = {"source": "AKIASOURCE", "destination": "AKIADESTINATION"}[side]

    changes: dict[str, Any] = {side: world.account(key, bucket_owner=bucket_owner)}
    with pytest.raises(PreflightError) as refused:
        world.copy(**changes)

    assert refused.value.error_class is ErrorClass.ACCESS_DENIED
    world.assert_untouched()


def test_acl_that_the_bucket_refuses_is_found_out_before_writing(world: World) -> None:
    """The preflight's upload carries the run's own headers."""
    world.server.put(SRC, "in/x", size=1)
    world.server.create_bucket("no-acls", owner=DESTINATION_ACCOUNT, acls_enabled=False)

    with pytest.raises(PreflightError, match="AccessControlListNotSupported"):
        world.copy(destination_bucket="no-acls", acl=CannedAcl.PUBLIC_READ)

    assert world.server.objects("no-acls") == {}


@pytest.mark.on_ceph
@pytest.mark.parametrize("size", [1, 6 * MIB, LARGE])
def test_preflight_leaves_no_trace(world: World, size: int) -> None:
    """After a run there is nothing at the destination but the copies."""
    world.server.put(SRC, "in/x", size=size)

    world.copy()

    assert set(world.arrived()) == {"out/x"}
    assert world.server.uploads(DST) == []


def test_preflight_that_may_not_abort_names_its_upload(world: World) -> None:
    """What the check had to leave is told, with the upload id."""
    world.server.put(SRC, "in/x", size=1)
    world.server.inject(Fault.error("AbortMultipartUpload", 403, "AccessDenied"))

    result = world.copy()

    (left,) = world.server.uploads(DST)
    assert [upload.upload_id for upload in result.uploads_left_behind] == [left.upload_id]
    assert set(world.arrived()) == {"out/x"}


@pytest.mark.parametrize(
    ("preflight", "faults"),
    [
        pytest.param(Preflight.FULL, [LOST], id="the preflight's"),
        pytest.param(
            Preflight.FULL,
            [Fault.error(CREATE, 403, "AccessDenied", times=1), LOST],
            id="of the diagnosis of a refusal",
        ),
        pytest.param(
            Preflight.SKIP,
            [Fault.error("HeadObject", 403, "AccessDenied", times=2), LOST],
            id="of the diagnosis of an object",
        ),
    ],
)
def test_an_upload_of_a_test_whose_answer_was_lost_is_found_and_aborted(
    world: World, preflight: Preflight, faults: list[Fault]
) -> None:
    """Else it would cost money for ever, and nobody knew of it."""
    world.server.put(SRC, "in/x", size=LARGE)
    for fault in faults:
        world.server.inject(fault)

    with contextlib.suppress(PreflightError):
        world.copy(preflight=preflight, retries=0)

    assert world.server.count(CREATE, executed=True) > 0
    assert world.server.uploads(DST) == []
    assert world.arrived() == {}


def test_an_upload_of_the_doctor_whose_answer_was_lost_is_found_and_aborted(world: World) -> None:
    """The doctor leaves nothing behind, either."""
    world.server.put(SRC, "in/x", size=1)
    world.server.inject(LOST)

    examine(world.operation(retries=0))

    assert world.server.count(CREATE, executed=True) > 0
    assert world.server.uploads(DST) == []


def test_what_could_not_be_proven_is_a_note(world: World) -> None:
    """Empty and archived objects prove nothing about reading."""
    world.server.put(SRC, "in/empty", size=0)
    world.server.put(SRC, "in/cold", size=10, storage_class="GLACIER")

    result = world.copy()

    assert "reading the source could not be checked" in result.notes[0]


def test_preflight_can_be_skipped(world: World) -> None:
    """Without a preflight the first errors are those of real objects."""
    world.server.put(SRC, "in/x", size=1)
    world.server.revoke(SRC, DESTINATION_ACCOUNT)

    result = world.copy(preflight=Preflight.SKIP)

    assert result.metrics.errors_by_class == {"AccessDenied": 1}
    assert world.server.count("CreateMultipartUpload") == 0
    assert any("not checked" in note for note in result.notes)


def test_dry_run_lists_and_counts_and_writes_nothing(world: World) -> None:
    """Objects, bytes and requests are told; no request that writes is sent."""
    for number in range(30):
        world.server.put(SRC, f"in/{number}", size=10)
    world.server.put(SRC, "in/large", size=LARGE)
    world.server.put(SRC, "in/" + "k" * 1021, size=1)

    result = world.copy(mode=RunMode.DRY_RUN)

    world.assert_untouched()
    assert (result.metrics.total_files_found, result.metrics.files_skipped) == (32, 31)
    assert result.metrics.errors_by_class == {"KeyTooLong": 1}
    assert result.planned_requests == {
        "ListObjectsV2": 1,
        "CopyObject": 30,
        "HeadObject": 1,
        "GetObjectTagging": 1,
        "CreateMultipartUpload": 1,
        "UploadPartCopy": 5,
        "CompleteMultipartUpload": 1,
    }
    assert {request.operation for request in world.server.requests} == {
        "ListObjectsV2",
        "HeadBucket",
        "GetObjectTagging",
        "HeadObject",  # with the destination's credentials
    }


def test_planned_requests_are_what_a_run_sends(world: World) -> None:
    """The forecast of a dry run is the count of the real one."""
    for number in range(20):
        world.server.put(SRC, f"in/{number}", size=10)
    world.server.put(SRC, "in/large", size=LARGE)

    planned = world.copy(mode=RunMode.DRY_RUN).planned_requests
    world.server.forget_requests()
    world.copy(preflight=Preflight.SKIP)

    sent = {name: world.server.count(name) for name in planned}
    assert sent == planned


@pytest.mark.parametrize("name", ["missing/r.jsonl", ""])
def test_report_that_cannot_be_written_is_refused_before_copying(
    world: World, tmp_path: Path, name: str
) -> None:
    """A million copies without the report that was asked for would be worth nothing."""
    world.server.put(SRC, "in/x", size=1)

    with pytest.raises(ReportError, match="cannot be written"):
        world.copy(report_path=tmp_path / name)

    assert world.arrived() == {}


ROLE = f"arn:aws:iam::{DESTINATION_ACCOUNT}:role/copier"


def test_role_with_external_id_is_assumed(world: World) -> None:
    """The copies are made by the role's account, with the external id it asks for."""
    world.server.put(SRC, "in/x", size=1)
    world.server.require_external_id(ROLE, "shared-secret")

    result = world.copy(
        destination=AccountContext(
            session=session("AKIASOURCE"),
            endpoint_url=world.server.url,
            role_arn=ROLE,
            external_id="shared-secret",
        )
    )

    assert result.state is RunState.COMPLETED
    assert world.arrived()["out/x"].owner == DESTINATION_ACCOUNT
    assert world.server.count("AssumeRole") == 1


def test_role_that_may_not_be_assumed_is_refused_without_its_secret(world: World) -> None:
    """The message names the role and never the external id."""
    world.server.put(SRC, "in/x", size=1)
    world.server.require_external_id(ROLE, "shared-secret")

    with pytest.raises(PreflightError, match="destination side cannot use role") as refused:
        world.copy(
            destination=AccountContext(
                session=session("AKIASOURCE"),
                endpoint_url=world.server.url,
                role_arn=ROLE,
                external_id="wrong-secret",
            )
        )

    assert refused.value.error_class is ErrorClass.CREDENTIALS_REFUSED
    assert ROLE in str(refused.value)
    assert "secret" not in str(refused.value)
    world.assert_untouched()


def test_role_refreshes_by_itself_during_the_run(world: World) -> None:
    """Credentials that last a second carry a run that takes longer."""

    def attempt(slower: float) -> None:
        with World(world.engine) as stage:
            stage.server.session_lifetime_s = 1.5 * slower
            for number in range(24):
                stage.server.put(SRC, f"in/{number:02}", size=1)
            stage.server.inject(Fault.slow("CopyObject", delay_s=0.3 * slower))

            result = stage.copy(
                destination=AccountContext(
                    session=session("AKIASOURCE"), endpoint_url=stage.server.url, role_arn=ROLE
                ),
                concurrency=2,
            )

            assert result.state is RunState.COMPLETED, result.metrics.errors_encountered
            assert stage.server.count("AssumeRole") > 1

    at_any_pace(attempt)


def test_missing_profile_is_refused(world: World) -> None:
    """A typing error in a profile's name is told as such."""
    with pytest.raises(PreflightError, match="cannot use profile 'typo'") as refused:
        world.copy(
            source=AccountContext(profile="typo", endpoint_url=world.server.url),
        )

    assert refused.value.error_class is ErrorClass.CONFIGURATION


def test_missing_credentials_are_refused(world: World) -> None:
    """Without any credentials nothing is tried."""
    with pytest.raises(PreflightError, match="no AWS credentials were found"):
        world.copy(destination=AccountContext(endpoint_url=world.server.url))


@pytest.mark.on_ceph
def test_unknown_access_key_is_refused(world: World) -> None:
    """Credentials that S3 does not know are named so."""
    world.server.put(SRC, "in/x", size=1)

    with pytest.raises(PreflightError, match="InvalidAccessKeyId") as refused:
        world.copy(source=world.account("AKIAUNKNOWN"))

    assert refused.value.error_class is ErrorClass.CREDENTIALS_REFUSED


def test_bucket_in_another_region_is_named_so(world: World) -> None:
    """A request signed for the wrong region ends in a message about regions, or is redirected."""
    world.server.create_bucket(
        "far", owner=DESTINATION_ACCOUNT, region="eu-west-1", check_region=True
    )
    world.server.put(SRC, "in/x", size=1)

    result = world.copy(
        destination_bucket="far",
        destination=world.account(DESTINATION_KEY, region="eu-west-1"),
    )

    assert result.state is RunState.COMPLETED


@pytest.mark.on_ceph
def test_first_access_granted_later_is_enough(world: World) -> None:
    """After the grant that the message asked for, the same operation succeeds."""
    world.server.put(SRC, "in/x", size=1)
    world.server.revoke(SRC, DESTINATION_ACCOUNT)
    operation = world.operation()
    with pytest.raises(PreflightError):
        operation.run()

    world.server.grant(SRC, to=DESTINATION_ACCOUNT, actions=READ, prefix="in/")

    assert operation.run().state is RunState.COMPLETED


@pytest.mark.on_ceph
def test_state_of_a_refused_run(world: World) -> None:
    """A refused run is VALIDATION_FAILED, and its clock has stopped."""
    run = world.operation("nothing/").start()
    assert run.wait(PATIENCE_S)
    metrics = run.snapshot()

    assert run.state is RunState.VALIDATION_FAILED
    assert metrics.end_time is not None
    assert run.snapshot() == metrics
