"""AWS's sentences about a denial: every documented form, wrapped, quoted or not."""

from __future__ import annotations

from itertools import product

import pytest

from s3_xfer.access.stated_denial import DeniedBy, StatedDenial, stated_denial
from s3_xfer.errors import translate_answer

ROLE = "arn:aws:sts::222222222222:assumed-role/copier/s3-xfer"
OBJECT = "arn:aws:s3:::src/in/a b.csv"
KEY = "arn:aws:kms:eu-central-1:111111111111:key/1234-abcd"
POLICY_ARN = "arn:aws:organizations::333333333333:policy/o-1/service_control_policy/p-1"

KINDS = {
    "identity-based policy": DeniedBy.IDENTITY,
    "resource-based policy": DeniedBy.RESOURCE,
    "service control policy": DeniedBy.SERVICE_CONTROL,
    "resource control policy": DeniedBy.RESOURCE_CONTROL,
    "permissions boundary": DeniedBy.BOUNDARY,
    "session policy": DeniedBy.SESSION,
    "VPC endpoint policy": DeniedBy.ENDPOINT,
    "role trust policy": DeniedBy.TRUST,
}
RESOURCES = {
    f' on resource: "{OBJECT}"': OBJECT,
    " on resource: arn:aws:s3:::src": "arn:aws:s3:::src",
    f" on resource: {KEY}": KEY,
    # A key may hold the words that end the sentence.
    ' on resource: "arn:aws:s3:::src/x" because no y"': 'arn:aws:s3:::src/x" because no y',
    f" on resource: {OBJECT}": OBJECT,
    " on this resource": "",
    "": "",
}


def read(message: str, code: str = "AccessDenied") -> StatedDenial | None:
    """Return what an answer of S3 with this message says."""
    error = {"Code": code, "Message": message}
    answer = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 403}}
    info = translate_answer("GetObject", answer)
    assert info
    return stated_denial(info)


@pytest.mark.parametrize("words", KINDS)
def test_every_form_is_read(words: str) -> None:
    """Principal, action, resource, kind of policy, and whether it denies or only is silent."""
    for resource, explicit, space in product(RESOURCES, (True, False), (" ", "\n   ")):
        _check_form(words, resource, explicit=explicit, space=space)


def _check_form(words: str, resource: str, *, explicit: bool, space: str) -> None:
    article = "an" if words[0] in "ai" else "a"
    end = (
        f"with an explicit deny in {article} {words}"
        if explicit
        else f"because no {words} allows the s3:GetObject action"
    )
    start = f"User: {ROLE} is not authorized to perform: s3:GetObject"
    message = f"{start}{resource} {end}".replace(" ", space)

    found = read(message)

    assert found
    assert (found.denied_by, found.is_explicit) == (KINDS[words], explicit)
    assert (found.principal, found.action) == (ROLE, "s3:GetObject")
    assert found.resource.split() == RESOURCES[resource].split()


@pytest.mark.parametrize("words", list(KINDS)[:6])
@pytest.mark.parametrize("end", ["", ".", "\n"])
def test_policy_is_named_since_2026(words: str, end: str) -> None:
    """The ARN of an explicit deny's policy is read, without the point behind it."""
    context = f"with an explicit deny in a {words}, with policy ARN: {POLICY_ARN}{end}"

    found = read(
        f'User: {ROLE} is not authorized to perform: s3:PutObject on resource: "x" {context}'
    )

    assert found
    assert (found.denied_by, found.policy_arn) == (KINDS[words], POLICY_ARN)


def _start(action: str) -> str:
    return f"User: {ROLE} is not authorized to perform: {action}"


OTHERS = {
    "older plural": (
        f"{_start('s3:GetObject')} because no session policies allow the s3:GetObject action",
        StatedDenial(denied_by=DeniedBy.SESSION, action="s3:GetObject"),
    ),
    "the IAM guide's own slip": (
        f"{_start('s3:GetObject')} with an explicit deny in a sessions policy",
        StatedDenial(denied_by=DeniedBy.SESSION, action="s3:GetObject", is_explicit=True),
    ),
    "the trust policy denies": (
        f"{_start('sts:AssumeRole')} on resource: {KEY} with an explicit deny in the role trust "
        "policy",
        StatedDenial(
            denied_by=DeniedBy.TRUST, action="sts:AssumeRole", is_explicit=True, resource=KEY
        ),
    ),
    "STS, without a reason": (
        f"{_start('sts:AssumeRole')} on resource: arn:aws:iam::222222222222:role/copier",
        StatedDenial(
            denied_by=DeniedBy.UNSTATED,
            action="sts:AssumeRole",
            resource="arn:aws:iam::222222222222:role/copier",
        ),
    ),
    "a deny, of whatever kind": (
        f"{_start('s3:GetObject')} on resource: {OBJECT} with an explicit deny",
        StatedDenial(
            denied_by=DeniedBy.UNSTATED,
            action="s3:GetObject",
            is_explicit=True,
            resource=OBJECT,
        ),
    ),
    "BlockPublicAcls": (
        f'{_start("s3:CopyObject")} on resource: "{OBJECT}" because public ACLs are prevented by '
        "the BlockPublicAcls setting in S3 Block Public Access",
        StatedDenial(
            denied_by=DeniedBy.PUBLIC_ACCESS_BLOCK,
            action="s3:CopyObject",
            is_explicit=True,
            resource=OBJECT,
        ),
    ),
    "BlockPublicPolicy": (
        f'{_start("s3:PutBucketPolicy")} on resource: "{OBJECT}" because public policies are '
        "prevented by the BlockPublicPolicy setting in S3 Block Public Access",
        StatedDenial(
            denied_by=DeniedBy.PUBLIC_ACCESS_BLOCK,
            action="s3:PutBucketPolicy",
            is_explicit=True,
            resource=OBJECT,
        ),
    ),
    "BlockedEncryptionTypes": (
        f'{_start("s3:PutObject")} on resource: "{OBJECT}" because this bucket has blocked upload '
        "requests that specify Server Side Encryption with Customer provided keys (SSE-C).",
        StatedDenial(
            denied_by=DeniedBy.BLOCKED_ENCRYPTION,
            action="s3:PutObject",
            is_explicit=True,
            resource=OBJECT,
        ),
    ),
    "KMS, the ciphertext's key": (
        f"{_start('kms:Decrypt')} on the resource associated with this ciphertext because no "
        "identity-based policy allows the kms:Decrypt action",
        StatedDenial(denied_by=DeniedBy.IDENTITY, action="kms:Decrypt", by_ciphertext=True),
    ),
    "KMS, across accounts": (
        f"{_start('kms:GenerateDataKey')} on resource: {KEY} because the resource does not exist "
        "in this Region, no resource-based policies allow access, or a resource-based policy "
        "explicitly denies access",
        StatedDenial(denied_by=DeniedBy.KEY_UNDECIDED, action="kms:GenerateDataKey", resource=KEY),
    ),
    "KMS, the older wording": (
        "The ciphertext refers to a customer master key that does not exist, does not exist in "
        "this region, or you are not allowed to access.",
        StatedDenial(denied_by=DeniedBy.KEY_UNDECIDED, action="kms:Decrypt", by_ciphertext=True),
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_forms_are_read(name: str) -> None:
    """Settings, KMS's own forms, sentences that stop early."""
    message, expected = OTHERS[name]

    found = read(message)

    assert found
    for field in ("denied_by", "action", "is_explicit", "resource", "by_ciphertext"):
        assert getattr(found, field) == getattr(expected, field), field


KEY_STATES = {
    "KMS.DisabledException": f"{KEY} is disabled.",
    "KMS.KMSInvalidStateException": f"{KEY} is pending deletion.",
    "KMS.NotFoundException": f"Key '{KEY}' does not exist",
    "KMS.KeyUnavailableException": f"{KEY} is unavailable",
}


@pytest.mark.parametrize("code", KEY_STATES)
def test_state_of_a_key_is_no_denial_of_a_policy(code: str) -> None:
    """The key is named; its state is the reason."""
    found = read(KEY_STATES[code], code)

    assert found
    assert (found.denied_by, found.key_arn) == (DeniedBy.KEY_STATE, KEY)


@pytest.mark.parametrize("message", ["Access Denied", "", "AccessDenied", "Forbidden"])
def test_bare_denial_says_nothing(message: str) -> None:
    """Nothing is made up where AWS gives no reason."""
    assert read(message) is None
