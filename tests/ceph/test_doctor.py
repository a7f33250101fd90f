"""The doctor on a real S3: every right withheld is found, and what it says to paste helps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from s3_xfer import AccountContext, Diagnosis
from s3_xfer.access import doctor
from s3_xfer.access.doctor import Conclusion, DoctorReport
from s3_xfer.access.documents import Principal
from s3_xfer.access.probe import Verdict
from tests.ceph.world import CephWorld, user_arn
from tests.world import DESTINATION_ACCOUNT, DESTINATION_KEY, DST, LARGE, READ, SRC

TIME_LIMIT_S = 60.0
COPIER = Principal.parse(user_arn(DESTINATION_ACCOUNT))  # STS does not say it here


def examine(rgw: CephWorld, **changes: Any) -> DoctorReport:
    """Examine a copy with the destination's credentials alone.

    The time limit is long: that it is kept is tested where nothing else needs the processor.
    """
    operation = rgw.operation(source=AccountContext(endpoint_url=rgw.stage.url), **changes)
    return doctor.examine(operation, principal=COPIER, time_limit_s=TIME_LIMIT_S)


def verdicts(result: DoctorReport) -> dict[str, Verdict]:
    """Return the verdicts by side and check."""
    return {f"{one.side} {one.probe}": one.verdict for one in result.findings}


def test_allowed_copy_passes_and_nothing_is_left(rgw: CephWorld) -> None:
    """Who one is stays unknown on this service; all else is proven, and nothing has changed."""
    rgw.stage.put(SRC, "in/x", size=LARGE, tags={"a": "b"})

    result = examine(rgw)

    unproven = [name for name, one in verdicts(result).items() if one is not Verdict.PASSED]
    assert unproven == ["source identity", "destination identity"]
    rgw.assert_untouched()


def paste(rgw: CephWorld, found: Diagnosis) -> None:
    """Add what the diagnosis shows for the source bucket to that bucket's policy."""
    (document,) = (one for one in found.missing if "bucket policy" in one.where)
    answer = rgw.stage.clients["111111111111"].get_bucket_policy(Bucket=SRC)
    policy = json.loads(answer["Policy"])
    policy["Statement"].append(json.loads(document.statement))
    rgw.stage.set_policy(SRC, policy)


@pytest.mark.parametrize("withheld", READ)
def test_what_it_says_to_paste_is_what_was_missing(rgw: CephWorld, withheld: str) -> None:
    """One read grant is withheld; the statement of the diagnosis, pasted, makes the check pass."""
    rgw.stage.put(SRC, "in/x", size=10)
    rgw.stage.revoke(SRC, DESTINATION_ACCOUNT)
    left = [action for action in READ if action != withheld]
    rgw.stage.grant(SRC, to=DESTINATION_ACCOUNT, actions=left)

    before = examine(rgw)
    found = next(one.diagnosis for one in before.findings if one.diagnosis)
    assert before.conclusion is not Conclusion.ALLOWED
    assert (found.side, found.action) == ("source", withheld)
    paste(rgw, found)

    assert examine(rgw).conclusion is Conclusion.ALLOWED


def test_denied_writing_is_told_apart(rgw: CephWorld) -> None:
    """The destination is named, the source stays unproven, nothing is left."""
    rgw.stage.put(SRC, "in/x", size=10)
    rgw.stage.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"])

    result = examine(rgw)

    assert verdicts(result)["destination write"] is Verdict.FAILED
    assert verdicts(result)["source read for the copy"] is Verdict.UNPROVEN
    (found,) = (one.diagnosis for one in result.findings if one.diagnosis)
    assert (found.side, found.action) == ("destination", "s3:PutObject")
    rgw.assert_untouched()


def test_wrong_account_is_proven(rgw: CephWorld) -> None:
    """The expected owner is the cause, because without it the same request is allowed."""
    rgw.stage.put(SRC, "in/x", size=10)
    wrong = rgw.account(DESTINATION_KEY, bucket_owner="333333333333")

    result = doctor.examine(rgw.operation(destination=wrong), principal=COPIER)

    (found,) = (one.diagnosis for one in result.findings if one.diagnosis)
    assert found.causes == ("dst-bucket does not belong to account 333333333333",)
    assert found.certain


def test_existing_objects_that_cannot_be_seen_fail_the_check(rgw: CephWorld) -> None:
    """Where a service ignores the condition on copies, --no-overwrite needs to look."""
    rgw.stage.put(SRC, "in/x", size=10)
    assert examine(rgw, overwrite=False).conclusion is Conclusion.ALLOWED
    rgw.stage.deny(DST, DESTINATION_ACCOUNT, ["s3:GetObject", "s3:ListBucket"])

    result = examine(rgw, overwrite=False)

    assert verdicts(result)["destination look at what exists"] is Verdict.FAILED


def test_failure_in_the_middle_of_a_run_is_explained(rgw: CephWorld) -> None:
    """The denied key's side, action and evidence are in the result."""
    rgw.stage.put(SRC, "in/open", size=10)
    rgw.stage.put(SRC, "in/secret/x", size=10)
    rgw.stage.deny(SRC, DESTINATION_ACCOUNT, ["s3:GetObject"], prefix="in/secret/")

    found = rgw.copy().diagnosis

    assert found is not None
    assert (found.side, found.action) == ("source", "s3:GetObject")
    assert any("HEAD of s3://src-bucket/in/secret/x" in text for text in found.evidence)
