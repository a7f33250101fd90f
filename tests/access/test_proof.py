"""The doctor passes only what was proven, and goes on where it can."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from s3_xfer import AccountContext, TagPolicy
from s3_xfer.access.doctor import Conclusion, DoctorReport, examine
from s3_xfer.access.probe import Finding, Verdict
from tests.access.situations import SRC, THEM, US, Stage, allow, deny
from tests.e2e.program import PREFIX, PROFILES
from tests.fault_server import Fault
from tests.iam_server import IamServer, Role
from tests.patience import PATIENCE_S
from tests.world import DESTINATION_ACCOUNT, DST, LARGE, World


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A copy that works, on a server with policies."""
    with IamServer() as server:
        yield Stage(server)


def alone(world: World, **changes: Any) -> DoctorReport:
    """Examine a copy with nothing but the destination's credentials."""
    source = AccountContext(endpoint_url=world.server.url)
    time_limit_s = changes.pop("time_limit_s", PATIENCE_S)
    return examine(world.operation(source=source, **changes), time_limit_s=time_limit_s)


def lines(report: DoctorReport) -> dict[str, Finding]:
    """Return the findings by side and check."""
    return {f"{one.side} {one.probe}": one for one in report.findings}


SILENT = ("HeadBucket", "ListObjectsV2", "HeadObject", "CreateMultipartUpload", "UploadPartCopy")


@pytest.mark.parametrize("silent", [SILENT, *((one,) for one in SILENT[1:])], ids=str)
def test_silence_is_no_pass_and_no_failure(world: World, silent: tuple[str, ...]) -> None:
    """What ran out of time is unproven, and nothing that the copy needs may be that."""
    world.server.put("src-bucket", "in/x", size=1)
    world.server.inject(Fault.slow(silent, delay_s=PATIENCE_S))

    report = alone(world, time_limit_s=1.5)

    assert report.conclusion is Conclusion.UNPROVEN
    assert not any(one.verdict is Verdict.FAILED for one in report.findings)
    assert any("within 1.5 seconds" in one.evidence for one in report.findings)


def test_sts_that_does_not_answer_takes_nothing_from_the_checks(world: World) -> None:
    """A VPC may have no endpoint for it: a denied write is found all the same, and named."""
    world.server.put("src-bucket", "in/x", size=1)
    world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"])
    world.server.inject(Fault.slow("GetCallerIdentity", delay_s=PATIENCE_S))

    report = alone(world)

    assert report.conclusion is Conclusion.REFUSED
    assert lines(report)["destination write"].verdict is Verdict.FAILED
    assert lines(report)["destination identity"].verdict is Verdict.UNPROVEN
    assert "principal=" in lines(report)["destination identity"].evidence
    assert world.server.count("GetCallerIdentity") == 1  # for both sides


def test_who_one_is_need_not_be_proven(world: World) -> None:
    """A service without STS passes."""
    world.server.put("src-bucket", "in/x", size=1)
    world.server.inject(Fault.error("GetCallerIdentity", 405, "MethodNotAllowed"))

    assert alone(world).conclusion is Conclusion.ALLOWED


def test_tags_that_may_not_be_read_leave_doubt(world: World) -> None:
    """Objects without tags need no right to them; whether there are any, nobody can see."""
    world.server.put("src-bucket", "in/x", size=1)
    world.server.deny("src-bucket", DESTINATION_ACCOUNT, ["s3:GetObjectTagging"])

    with_tags, without = alone(world), alone(world, tags=TagPolicy.SKIP)

    assert with_tags.conclusion is Conclusion.UNPROVEN
    assert without.conclusion is Conclusion.ALLOWED
    result = world.copy(source=AccountContext(endpoint_url=world.server.url))
    assert result.metrics.files_failed == 0
    world.server.put("src-bucket", "in/large", size=LARGE)
    assert alone(world).conclusion is Conclusion.REFUSED  # whose tags are always read


def test_objects_of_several_prefixes_are_tried(world: World) -> None:
    """The largest, and one of each prefix right below the source's."""
    for key in ("in/a/1", "in/a/2", "in/b/1", "in/c/d/1"):
        world.server.put("src-bucket", key, size=1)
    world.server.put("src-bucket", "in/a/3", size=LARGE)

    report = alone(world)

    assert report.conclusion is Conclusion.ALLOWED
    read = {
        request.headers["x-amz-copy-source"].partition("/")[2]
        for request in world.server.requests
        if request.operation == "UploadPartCopy"
    }
    assert {key.removeprefix("in/") for key in read} >= {"a/3", "b/1", "c/d/1"}
    world.assert_untouched()


def test_journal_is_checked_where_it_is_to_be(world: World, tmp_path: Any) -> None:
    """In S3 it must be readable and writable; a file needs a folder."""
    world.server.put("src-bucket", "in/x", size=1)
    good = alone(world, journal="s3://dst-bucket/state/journal.db")
    world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"], prefix="state/")
    denied = alone(world, journal="s3://dst-bucket/state/journal.db")
    nowhere = alone(world, journal=str(tmp_path / "missing" / "journal.db"))

    assert good.conclusion is Conclusion.ALLOWED
    assert lines(denied)["destination journal"].verdict is Verdict.FAILED
    assert lines(nowhere)["destination journal"].verdict is Verdict.FAILED
    world.assert_untouched()


# ---------------------------------------------------------------------------------- roles

ROLE = f"arn:aws:iam::{US}:role/team/copier"


def with_role(stage: Stage, *, trust: list[Any], identity: list[Any], external_id: str) -> None:
    """Let the copier be a role that a user of another account assumes."""
    stage.copier.path = "/team/"
    for statement in stage.source_policy:
        statement["Principal"] = {"AWS": ROLE}
    stage.copier.trust = trust
    scheduler = Role(account=THEM, name="scheduler", kind="user", identity=identity)
    stage.server.add_role(scheduler, access_key="AKIASCHEDULER")
    stage.settings["destination"] = stage.account(
        "AKIASCHEDULER", role_arn=ROLE, external_id=external_id or None, bucket_owner=US
    )
    stage.with_reader()


SCHEDULER = f"arn:aws:iam::{THEM}:user/scheduler"
TRUST = [allow("sts:AssumeRole", on=ROLE, to=SCHEDULER)]
TRUST_WITH_ID = [
    allow("sts:AssumeRole", on=ROLE, to=SCHEDULER, StringEquals={"sts:ExternalId": "right"})
]
MAY = [allow("sts:AssumeRole", on=ROLE)]
ROLES = {
    "no trust": ([], MAY, ""),
    "external id missing": (TRUST_WITH_ID, MAY, ""),
    "another external id": (TRUST_WITH_ID, MAY, "wrong"),
    "the caller may not": (TRUST, [], ""),
}


@pytest.mark.parametrize("name", ROLES)
def test_role_that_may_not_be_assumed(stage: Stage, name: str) -> None:
    """The role, S3's code and the causes are told; the other side is checked."""
    trust, identity, external_id = ROLES[name]
    with_role(stage, trust=trust, identity=identity, external_id=external_id)

    report = examine(stage.operation())

    refused = lines(report)["destination credentials"]
    assert refused.verdict is Verdict.FAILED
    assert f"role {ROLE}: AccessDenied" in refused.evidence
    assert lines(report)["source list"].verdict is Verdict.PASSED
    found = refused.diagnosis
    assert found
    assert (found.side, found.action, found.certain) == ("destination", "sts:AssumeRole", False)
    assert "trust policy" in found.causes[0]
    assert "external id" in found.causes[0]
    assert f"identity policy of {SCHEDULER}" in found.causes[1]
    assert [each.where.partition(": ")[2].split(" of ")[0] for each in found.missing] == [
        "trust policy",
        "identity policy",
    ]
    assert external_id == "" or external_id not in str(found)


def test_role_with_the_right_trust_works(stage: Stage) -> None:
    """The same stage, with what was missing."""
    with_role(stage, trust=TRUST_WITH_ID, identity=MAY, external_id="right")

    assert examine(stage.operation()).conclusion is Conclusion.ALLOWED


def test_kinds_of_denial_in_one_run_are_each_diagnosed(stage: Stage) -> None:
    """One prefix cannot be read, another cannot be written: two diagnoses."""
    stage.join_organisation()
    for key in ("in/secret/1", "in/secret/2", "in/locked/1"):
        stage.server.put(SRC, key, size=1)
    secret, locked = f"arn:aws:s3:::{SRC}/in/secret/*", f"arn:aws:s3:::{DST}/out/locked/*"
    stage.source_policy.append(deny("s3:GetObject", on=secret, to="*"))
    stage.copier.identity.append(deny("s3:PutObject", on=locked))

    result = stage.operation().run()

    told = [(each.side, each.action, each.certain) for each in result.diagnoses]
    assert sorted(told) == [("destination", "s3:PutObject", True), ("source", "s3:GetObject", True)]
    assert result.diagnosis == result.diagnoses[0]


# ------------------------------------------------------------------------------ the command


def test_command_has_a_code_for_doubt_and_a_limit_that_can_be_set(
    world: World, program: Any
) -> None:
    """Exit code 6; the limit in the message is the one that was given."""
    world.server.put("src-bucket", "in/x", size=1)
    world.server.inject(Fault.slow("UploadPartCopy", delay_s=PATIENCE_S))

    done = program.run("doctor", *PREFIX, *PROFILES, "--time-limit", "2s")

    assert done.code == 6, done.said
    assert "no answer within 2 seconds" in done.out
    assert "No check failed, but" in done.out


def test_refused_copy_prints_json(world: World, program: Any) -> None:
    """One object on stdout, with the diagnosis; people read it on stderr."""
    world.server.put("src-bucket", "in/x", size=1)
    world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"])

    denied = program.run("copy", *PREFIX, *PROFILES, "--json", "--progress", "none")
    inside = ("s3://src-bucket/in/", "s3://src-bucket/in/x/", "--recursive")
    wrong = program.run("copy", *inside, "--json")

    assert denied.code == 3, denied.said
    told = denied.json()
    assert told["state"] == "VALIDATION_FAILED"
    assert told["error_class"] == "AccessDenied"
    assert told["diagnosis"]["action"] == "s3:PutObject"
    assert told["errors"]
    assert "error: " in denied.err
    assert wrong.code == 3
    assert wrong.json()["error_class"] == "InvalidInput"


def test_principal_of_a_copy_stands_in_for_sts(world: World, program: Any) -> None:
    """Without STS the statements have the principal that was given."""
    world.server.put("src-bucket", "in/x", size=1)
    world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"])
    world.server.inject(Fault.error("GetCallerIdentity", 405, "MethodNotAllowed"))
    arn = f"arn:aws:iam::{DESTINATION_ACCOUNT}:role/team/copier"

    without = program.run("copy", *PREFIX, *PROFILES)
    named = program.run("copy", *PREFIX, *PROFILES, "--principal", arn)

    assert without.code == named.code == 3
    assert "needed in" not in without.err
    assert f"identity policy of {arn}" in named.err
