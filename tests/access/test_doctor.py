"""The doctor and the diagnosis of denials: what is seen, what follows, what is not claimed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from s3_xfer import (
    AccountContext,
    CannedAcl,
    Diagnosis,
    Encryption,
    Preflight,
    PreflightError,
    RunMode,
    S3CopyOperation,
    TagPolicy,
)
from s3_xfer.access import doctor
from s3_xfer.access.clients import Clients, open_clients
from s3_xfer.access.doctor import Conclusion, DoctorReport, examine
from s3_xfer.access.probe import Finding, Verdict
from s3_xfer.options import Delete, Identical
from tests.e2e.program import PREFIX, PROFILES
from tests.fault_server import Fault
from tests.fault_server.actions import Action, Pause, Reply
from tests.fault_server.odd_listings import ODD_PREFIXES
from tests.fault_server.wire import Answer, Request
from tests.patience import PATIENCE_S, at_any_pace
from tests.world import (
    DESTINATION_ACCOUNT,
    DESTINATION_KEY,
    DST,
    LARGE,
    READ,
    SOURCE_ACCOUNT,
    SOURCE_KEY,
    SRC,
    World,
)

COPIER = f"arn:aws:iam::{DESTINATION_ACCOUNT}:user/tester"
EVERYTHING = [
    *("source bucket", "destination bucket", "source list", "source look"),
    *("destination write", "source read for the copy", "source read tags"),
    "destination write tags",
    *("destination clean up", "source identity", "destination identity"),
]


@dataclass(slots=True)
class Unless(Action):
    """Denies a request that does not carry one of ``headers``, or that carries ``forbidden``."""

    headers: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    code: str = "AccessDenied"
    message: str = "Access Denied"
    denial: Reply = field(init=False)

    def __post_init__(self) -> None:
        self.denial = Reply(403, self.code, self.message)

    def before(self, request: Request, pause: Pause) -> Answer | None:
        """Deny, or let it pass."""
        names = set(request.headers)
        if names & set(self.forbidden) or (self.headers and not names & set(self.headers)):
            return self.denial.before(request, pause)
        return None


def alone(world: World, **changes: Any) -> S3CopyOperation:
    """Return a copy with nothing but the destination's credentials."""
    return world.operation(source=AccountContext(endpoint_url=world.server.url), **changes)


def lines(result: DoctorReport) -> dict[str, Finding]:
    """Return the findings by side and check."""
    return {f"{one.side} {one.probe}": one for one in result.findings}


def diagnosis(result: DoctorReport) -> Diagnosis:
    """Return the one diagnosis there is."""
    (only,) = (one.diagnosis for one in result.findings if one.diagnosis)
    return only


def statements(found: Diagnosis) -> list[Mapping[str, Any]]:
    """Return the statements to paste, as JSON reads them."""
    return [json.loads(one.statement) for one in found.missing]


# ----------------------------------------------------------------------------- the doctor


@pytest.mark.parametrize("size", [1, LARGE])
def test_everything_is_tried_and_nothing_is_left(world: World, size: int) -> None:
    """Each check is a line with its evidence; at the destination nothing has happened."""
    world.server.put(SRC, "in/x", size=size, tags={"a": "b"})

    result = examine(alone(world))

    assert list(lines(result)) == EVERYTHING
    assert {one.verdict for one in result.findings} == {Verdict.PASSED}
    assert all(one.evidence for one in result.findings)
    assert lines(result)["source identity"].evidence == COPIER
    assert lines(result)["source bucket"].evidence == "src-bucket exists in us-east-1"
    world.assert_untouched()


def test_dry_run_and_no_tags_leave_checks_out(world: World) -> None:
    """What the copy does not do is not checked; for a dry run nothing is sent that writes."""
    world.server.put(SRC, "in/x", size=1)

    result = examine(alone(world, mode=RunMode.DRY_RUN, tags=TagPolicy.SKIP))

    assert list(lines(result)) == [
        *EVERYTHING[:3],
        "source read for the copy",
        *EVERYTHING[-2:],
    ]
    assert world.server.count("CreateMultipartUpload") == 0


@pytest.mark.parametrize(
    ("denied", "listed", "looked"),
    [
        ((), Verdict.PASSED, Verdict.PASSED),
        (("s3:ListBucket",), Verdict.FAILED, Verdict.FAILED),
        (("s3:GetObject",), Verdict.PASSED, Verdict.FAILED),
    ],
)
def test_what_deletes_need_is_checked_for_a_sync_that_deletes(
    world: World, denied: tuple[str, ...], listed: Verdict, looked: Verdict
) -> None:
    """Only what is seen without a delete is claimed; versions are told to whom they may be."""
    world.server.put(SRC, "in/x", size=1)
    world.server.put(DST, "out/y", size=1)
    world.server.deny(DST, DESTINATION_ACCOUNT, (*denied, "s3:GetBucketVersioning"))

    found = lines(examine(alone(world, identical=Identical.SKIP, delete=Delete.EXTRA)))
    copying = lines(examine(alone(world)))

    names = tuple(f"destination {of}" for of in ("list", "look before a delete"))
    names += ("destination versioning", "destination delete")
    verdicts = [found[name].verdict for name in names]
    assert verdicts == [listed, looked, Verdict.UNPROVEN, Verdict.UNPROVEN]
    assert [found[name].is_needed for name in names] == [True, True, False, True]
    assert not copying.keys() & set(names)
    assert world.sent("DeleteObject") == 0


@pytest.mark.parametrize("is_denied", [False, True])
def test_a_place_for_backups_is_tried(world: World, is_denied: bool) -> None:
    """By an upload that is aborted; a copy is refused by it before anything is deleted."""
    world.server.create_bucket("safe", owner=DESTINATION_ACCOUNT)
    world.server.put(SRC, "in/x", size=1)
    world.server.put(DST, "out/y", size=1)
    if is_denied:
        world.server.deny("safe", DESTINATION_ACCOUNT, ("s3:PutObject",))
    deletes: dict[str, Any] = {
        "identical": Identical.SKIP,
        "delete": Delete.EXTRA,
        "backup_prefix": "s3://safe/gone/",
    }

    found = lines(examine(alone(world, **deletes)))["destination backup"]

    assert found.verdict is (Verdict.FAILED if is_denied else Verdict.PASSED)
    assert world.server.uploads("safe") == []
    if is_denied:
        with pytest.raises(PreflightError, match="safe/gone/"):
            alone(world, **deletes).run()
        assert world.sent("DeleteObject") == world.sent("CopyObject") == 0


def test_single_object_is_checked_as_such(world: World) -> None:
    """Nothing is listed, and the upload is opened where the object will be."""
    world.server.put(SRC, "in/x", size=1)
    world.server.put(DST, "out/x", size=7)

    result = examine(alone(world, source_key="in/x", destination_key="out/x", recursive=False))

    assert result.conclusion is Conclusion.ALLOWED
    assert "source list" not in lines(result)
    assert lines(result)["destination write"].evidence == "upload opened at s3://dst-bucket/out/x"
    assert world.arrived()["out/x"].size == 7
    assert world.server.uploads(DST) == []


def test_what_cannot_be_tried_is_unproven(world: World) -> None:
    """Empty and archived objects prove nothing about reading, and are not called a pass."""
    world.server.put(SRC, "in/empty", size=0)

    found = lines(examine(alone(world)))["source read for the copy"]

    assert found.verdict is Verdict.UNPROVEN
    assert "empty" in found.evidence


def test_service_without_sts_is_tolerated(world: World) -> None:
    """Who one is stays unknown, with the reason; everything else is checked."""
    world.server.put(SRC, "in/x", size=1)
    world.server.inject(Fault.error("GetCallerIdentity", 405, "MethodNotAllowed"))

    result = examine(alone(world))

    assert result.conclusion is Conclusion.ALLOWED
    assert lines(result)["source identity"].verdict is Verdict.UNPROVEN
    assert "405" in lines(result)["source identity"].evidence


@pytest.mark.parametrize("side", ["source", "destination"])
def test_missing_bucket_is_named_as_a_run_names_it(world: World, side: str) -> None:
    """The doctor's line has the words of the refusal, and what to do next."""
    world.server.put(SRC, "in/x", size=1)

    report = examine(alone(world, **{f"{side}_bucket": "no-such-bucket"}))

    finding = lines(report)[f"{side} bucket"]
    assert finding.verdict is Verdict.FAILED
    words = f"the {side} bucket no-such-bucket does not exist; next: check the name"
    assert finding.evidence.startswith(words)


def test_missing_credentials_of_one_side_leave_the_other_to_be_checked(world: World) -> None:
    """What needs the missing ones is not tried, and says so."""
    world.server.put(SRC, "in/x", size=1)
    nobody = AccountContext(profile="nobody")

    without_destination = lines(examine(world.operation(destination=nobody)))
    without_source = lines(examine(world.operation(source=nobody)))
    alone = AccountContext(endpoint_url=world.server.url)
    without_any = lines(examine(world.operation(source=alone, destination=nobody)))

    assert without_destination["destination credentials"].verdict is Verdict.FAILED
    assert without_destination["source list"].verdict is Verdict.PASSED
    assert without_destination["destination write"].verdict is Verdict.UNPROVEN
    assert without_source["source credentials"].verdict is Verdict.FAILED
    assert without_source["destination write"].verdict is Verdict.PASSED
    assert without_source["source list"].evidence == "not tried without credentials"
    assert without_source["source read for the copy"].verdict is Verdict.UNPROVEN
    assert without_any.pop("both credentials").verdict is Verdict.FAILED
    assert {one.verdict for one in without_any.values()} == {Verdict.UNPROVEN}


def test_upload_that_may_not_be_aborted_is_named(world: World) -> None:
    """If even that is denied, the id is told."""
    world.server.put(SRC, "in/x", size=1)
    world.server.inject(Fault.error("AbortMultipartUpload", 403, "AccessDenied"))

    result = examine(alone(world))

    told = [one.evidence for one in result.findings if one.probe == "clean up"]
    open_uploads = world.server.uploads(DST)
    assert len(told) == len(open_uploads) == 2
    for upload in open_uploads:
        assert any(upload.upload_id in text for text in told)
    assert result.conclusion is Conclusion.REFUSED


@pytest.mark.parametrize("operation", ["HeadBucket", "ListObjectsV2", "UploadPartCopy"])
def test_it_is_over_in_time_whatever_hangs(operation: str) -> None:
    """Checks that got no answer are unproven; what was opened is aborted all the same."""

    def attempt(slower: float) -> None:
        with World() as world:
            world.server.put(SRC, "in/x", size=1)
            world.server.inject(Fault.slow(operation, delay_s=PATIENCE_S))
            began_s = time.monotonic()

            result = examine(alone(world), time_limit_s=5 * slower)

            assert time.monotonic() - began_s < 7 * slower
            assert sorted(lines(result)) == sorted(EVERYTHING)
            assert any(one.verdict is not Verdict.PASSED for one in result.findings)
            world.assert_untouched()

    at_any_pace(attempt)


def test_slow_opening_takes_nothing_from_the_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of the probes begins when the clients are open."""

    def attempt(slower: float) -> None:
        def open_slowly(**arguments: Any) -> Clients:
            time.sleep(5 * slower)
            return open_clients(**arguments)

        monkeypatch.setattr(doctor, "open_clients", open_slowly)
        monkeypatch.setattr(doctor, "OPENING_LIMIT_S", PATIENCE_S)
        with World() as world:
            world.server.put(SRC, "in/x", size=1)

            result = examine(alone(world), time_limit_s=5 * slower)

        assert sorted(lines(result)) == sorted(EVERYTHING)
        assert {one.verdict for one in result.findings} == {Verdict.PASSED}

    at_any_pace(attempt)


def test_opening_has_a_limit_of_its_own(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that never come end the doctor, and each check says so."""
    asked_to_end = threading.Event()

    def hang(**_: Any) -> Clients:
        asked_to_end.wait(PATIENCE_S)
        raise PreflightError("no credentials came")

    monkeypatch.setattr(doctor, "open_clients", hang)
    monkeypatch.setattr(doctor, "OPENING_LIMIT_S", 0.1)

    result = examine(alone(world), time_limit_s=PATIENCE_S)

    asked_to_end.set()
    assert sorted(lines(result)) == sorted(EVERYTHING)
    assert {one.evidence for one in result.findings} == {
        "the clients were not open within 0.1 seconds"
    }


# ------------------------------------------------------------------------------ diagnosis

DENIED = {
    "s3:ListBucket": (SRC, "source list"),
    "s3:GetObject": (SRC, "source read for the copy"),
    "s3:GetObjectTagging": (SRC, "source read tags"),
    "s3:PutObject": (DST, "destination write"),
    "s3:PutObjectTagging": (DST, "destination write tags"),
}
UNKNOWN_TAGS = "s3:GetObjectTagging"  # without which it stays open whether there are any


@pytest.mark.parametrize("action", DENIED)
def test_denial_names_side_action_and_statement(world: World, action: str) -> None:
    """The line has failed, and its diagnosis shows the statement, with real ARNs, per place."""
    world.server.put(SRC, "in/x", size=1, tags={"a": "b"})
    bucket, line = DENIED[action]
    side, _, _ = line.partition(" ")
    places = {"source": 2, "destination": 1}[side]
    world.server.deny(bucket, DESTINATION_ACCOUNT, [action])
    us = world.account(DESTINATION_KEY, bucket_owner=DESTINATION_ACCOUNT)

    result = examine(alone(world, destination=us))

    found = lines(result)[line]
    assert found.verdict is (Verdict.UNPROVEN if action == UNKNOWN_TAGS else Verdict.FAILED)
    assert found.diagnosis is not None
    assert (found.diagnosis.action, found.diagnosis.side) == (action, side)
    assert found.diagnosis.causes
    assert COPIER in found.diagnosis.denied
    assert len(found.diagnosis.missing) == places
    for statement in statements(found.diagnosis):
        assert action in statement["Action"]
        assert all("*" not in one.removesuffix("/*") for one in statement["Resource"])
    principals = {one.get("Principal", {}).get("AWS") for one in statements(found.diagnosis)}
    assert principals == ({COPIER, None} if places == 2 else {None})
    world.assert_untouched()


def test_listing_that_is_allowed_is_told_apart_from_nothing_at_all(world: World) -> None:
    """The first cause depends on what else is allowed."""
    world.server.put(SRC, "in/x", size=1)
    world.server.revoke(SRC, DESTINATION_ACCOUNT)
    nothing = diagnosis(examine(world.operation(tags=TagPolicy.SKIP)))
    world.server.grant(SRC, to=DESTINATION_ACCOUNT, actions=[READ[0]])
    listing = diagnosis(examine(world.operation(tags=TagPolicy.SKIP)))

    assert nothing.causes[0].startswith("the bucket policy of src-bucket grants nothing")
    assert "list, but not read" not in nothing.causes[0]
    assert listing.action == "s3:GetObject"
    assert not nothing.certain


def test_wrong_owner_is_proven(world: World) -> None:
    """Without the expected owner the same request is allowed: that is the cause."""
    world.server.put(SRC, "in/x", size=1)

    source = world.account(SOURCE_KEY, bucket_owner="333333333333")
    found = diagnosis(examine(world.operation(source=source)))
    destination = world.account(DESTINATION_KEY, bucket_owner=SOURCE_ACCOUNT)
    other = diagnosis(examine(world.operation(destination=destination)))

    assert found.certain
    assert found.causes == ("src-bucket does not belong to account 333333333333",)
    assert other.causes == (f"dst-bucket does not belong to account {SOURCE_ACCOUNT}",)
    assert found.missing == other.missing == ()


def test_requester_pays_is_proven(world: World) -> None:
    """As the one who pays the request is allowed: the option is named."""
    world.server.put(SRC, "in/x", size=1)
    payer = Unless(headers=("x-amz-request-payer",))
    world.server.inject(Fault.of(("ListObjectsV2", "HeadObject"), payer, {"bucket": SRC}))

    found = diagnosis(examine(alone(world)))

    assert found.certain
    assert "request_payer=True" in found.causes[0]


def test_requester_pays_needs_the_control_request(world: World) -> None:
    """If the same request is allowed without the payer by then, nothing is proven."""
    world.server.put(SRC, "in/x", size=1)
    world.server.inject(Fault.error("ListObjectsV2", 403, "AccessDenied", times=1))

    found = diagnosis(examine(alone(world)))

    assert found.action == "s3:ListBucket"
    assert not found.certain
    assert not any("requester" in text for text in (*found.causes, *found.evidence))


def test_acl_that_is_denied_is_proven(world: World) -> None:
    """Writing is allowed, writing with the ACL is not."""
    world.server.put(SRC, "in/x", size=1)
    world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObjectAcl"])

    us = world.account(DESTINATION_KEY, bucket_owner=DESTINATION_ACCOUNT)
    found = diagnosis(examine(alone(world, destination=us, acl=CannedAcl.PRIVATE)))

    assert (found.action, found.certain) == ("s3:PutObjectAcl", True)
    assert [one["Action"] for one in statements(found)] == [["s3:PutObjectAcl"]]
    world.assert_untouched()


def test_encryption_that_is_denied_is_proven(world: World) -> None:
    """Writing is allowed, writing with this key is not."""
    key = f"arn:aws:kms:us-east-1:{DESTINATION_ACCOUNT}:key/1-2"
    world.server.put(SRC, "in/x", size=1)
    with_key = Unless(forbidden=("x-amz-server-side-encryption-aws-kms-key-id",))
    world.server.inject(Fault.of("CreateMultipartUpload", with_key, {}))

    found = diagnosis(examine(alone(world, sse=Encryption.KMS, sse_kms_key_id=key)))

    assert (found.action, found.certain) == ("kms:GenerateDataKey", True)
    assert [one["Resource"] for one in statements(found)] == [[key]]


def test_source_under_a_key_points_at_the_key(world: World) -> None:
    """HEAD is allowed, the copy is not, and the object is encrypted: likely the key, not proven."""
    key = f"arn:aws:kms:us-east-1:{SOURCE_ACCOUNT}:key/1-2"
    world.server.put(SRC, "in/x", size=1, sse="aws:kms", kms_key_id=key)
    world.server.inject(Fault.error("UploadPartCopy", 403, "AccessDenied"))

    found = diagnosis(examine(alone(world)))

    assert (found.action, found.certain) == ("kms:Decrypt", False)
    assert [one["Action"] for one in statements(found)] == [["kms:Decrypt"], ["kms:Decrypt"]]
    assert statements(found)[0]["Principal"] == {"AWS": COPIER}
    assert any("aws/s3" in cause for cause in found.causes)


AWS_SAYS = {
    "because no identity-based policy allows the s3:ListBucket action": (
        "identity policy",
        [None],
    ),
    "because no resource-based policy allows the s3:ListBucket action": (
        "bucket's policy does not allow",
        [COPIER],
    ),
    "with an explicit deny in a service control policy": ("denied explicitly", []),
}


@pytest.mark.parametrize(("reason", "expected"), AWS_SAYS.items())
def test_what_aws_says_itself_is_believed(
    world: World, reason: str, expected: tuple[str, list[str | None]]
) -> None:
    """AWS's longer message names the kind of policy; only that place gets a statement."""
    world.server.put(SRC, "in/x", size=1)
    message = f'User: {COPIER} is not authorized to perform: s3:ListBucket on resource: "r" '
    world.server.inject(Fault.error("ListObjectsV2", 403, "AccessDenied", message + reason))

    found = diagnosis(examine(alone(world)))

    words, principals = expected
    assert found.certain
    assert words in found.causes[0]
    assert [one.get("Principal", {}).get("AWS") for one in statements(found)] == principals


def test_service_that_does_not_answer_is_not_taken_for_a_denial(world: World) -> None:
    """If the closer look meets a broken connection, nothing is concluded from it."""
    world.server.put(SRC, "in/x", size=1)
    world.server.revoke(SRC, DESTINATION_ACCOUNT)
    world.server.inject(Fault.reset("HeadObject", account=DESTINATION_ACCOUNT))

    found = diagnosis(examine(world.operation(tags=TagPolicy.SKIP)))

    assert any("no closer look was possible" in text for text in found.evidence)
    assert not found.certain


# ----------------------------------------------------------------------- diagnosis of a run


def test_refusal_of_a_run_carries_the_diagnosis(world: World) -> None:
    """The message ends with what is needed, ready to paste."""
    world.server.put(SRC, "in/x", size=1)
    world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"])

    with pytest.raises(PreflightError) as refused:
        world.copy()

    assert refused.value.diagnosis is not None
    assert '"s3:PutObject"' in str(refused.value)
    assert "arn:aws:s3:::dst-bucket/out/*" in str(refused.value)


OBJECT_DENIED = {
    "reading": (SRC, "s3:GetObject", 1),
    "its tags": (SRC, "s3:GetObjectTagging", 1),
    "its tags, large": (SRC, "s3:GetObjectTagging", LARGE),
    "writing": (DST, "s3:PutObject", 1),
}


@pytest.mark.parametrize(("bucket", "action", "size"), OBJECT_DENIED.values(), ids=OBJECT_DENIED)
def test_object_that_fails_in_the_middle_of_a_run_is_explained(
    world: World, bucket: str, action: str, size: int
) -> None:
    """One diagnosis for the run, of the first denied object, made after the end."""
    world.server.put(SRC, "in/a", size=1)
    for number in range(3):
        world.server.put(SRC, f"in/secret/{number}", size=size, tags={"a": "b"})
    prefix = "in/secret/" if bucket == SRC else "out/secret/"
    world.server.deny(bucket, DESTINATION_ACCOUNT, [action], prefix=prefix)

    result = alone(world, preflight=Preflight.SKIP).run()

    assert result.metrics.files_failed == 3
    assert result.diagnosis is not None
    assert result.diagnosis.action == action
    assert result.diagnosis.side == ("source" if bucket == SRC else "destination")
    assert result.to_dict()["diagnosis"]["missing"]
    assert set(world.arrived()) == {"out/a"}
    assert world.server.uploads(DST) == []


def test_denial_that_nothing_reproduces_is_not_attributed(world: World) -> None:
    """If every step is allowed afterwards, the diagnosis says that and blames nobody."""
    world.server.put(SRC, "in/a", size=1)
    world.server.inject(Fault.error("CopyObject", 403, "AccessDenied"))

    found = world.copy().diagnosis

    assert found is not None
    assert (found.side, found.action, found.missing) == ("", "", ())
    assert world.server.uploads(DST) == []


def test_run_without_denials_asks_nothing_more(world: World) -> None:
    """A run that went well, or failed for other reasons, sends no request for a diagnosis."""
    world.server.put(SRC, "in/a", size=1)
    world.server.put(SRC, "in/cold", size=1, storage_class="GLACIER")

    result = world.copy()

    assert result.metrics.errors_by_class == {"Archived": 1}
    assert result.diagnosis is None
    assert world.server.requests[-1].operation == "CopyObject"


def test_run_that_cannot_see_what_exists_is_refused(world: World) -> None:
    """Where a service may overwrite in spite of the condition, run and doctor say the same."""
    world.server.put(SRC, "in/a", size=1)
    assert world.copy(overwrite=False).notes == ()
    world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:GetObject"])

    with pytest.raises(PreflightError, match="existing objects at s3://dst-bucket/out/ cannot"):
        world.copy(overwrite=False)


# ------------------------------------------------------------------------------ the command


def test_command_tells_people_and_machines(world: World, program: Any) -> None:
    """Lines or one JSON object; exit code 0 or 3."""
    world.server.put(SRC, "in/x", size=1)
    well = program.run("doctor", *PREFIX, *PROFILES)
    world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"])
    told = program.run("doctor", *PREFIX, *PROFILES)
    machine = program.run("doctor", *PREFIX, *PROFILES, "--json")

    assert well.code == 0, well.said
    assert "Everything that this copy needs is allowed" in well.out
    assert told.code == machine.code == 3
    assert "FAILED    destination  write" in told.out
    assert '"s3:PutObject"' in told.out
    assert machine.json()["passed"] is False
    failed = [one for one in machine.json()["checks"] if one["verdict"] == "failed"]
    assert [one["check"] for one in failed] == ["write"]
    assert failed[0]["diagnosis"]["action"] == "s3:PutObject"


def test_command_shows_the_diagnosis_of_a_run(world: World, program: Any) -> None:
    """The summary explains the first denial, once."""
    world.server.put(SRC, "in/a", size=1)
    for number in range(3):
        world.server.put(SRC, f"in/secret/{number}", size=1)
    world.server.deny(SRC, DESTINATION_ACCOUNT, ["s3:GetObject"], prefix="in/secret/")

    done = program.run("copy", *PREFIX, *PROFILES)

    assert done.code == 1, done.said
    assert done.out.count("Diagnosis: s3:GetObject") == 1
    assert "likely cause 1: only some prefixes are granted" in done.out


def test_listing_that_cannot_be_believed_is_a_failed_finding(world: World) -> None:
    """The message and its remedy are shown, and the other probes are still made."""
    world.server.put(SRC, "elsewhere/x", size=1)
    world.server.inject(ODD_PREFIXES["no heed"]())

    found = lines(examine(world.operation()))

    assert found["source list"].verdict is Verdict.FAILED
    assert "'elsewhere/x'" in found["source list"].evidence
    assert "next: give the message to the provider" in found["source list"].evidence
    assert found["destination write"].verdict is Verdict.PASSED
