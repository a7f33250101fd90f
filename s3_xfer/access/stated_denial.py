"""What AWS itself says about a denial: the one place where its sentences are read. Pure.

::

    User: <ARN> is not authorized to perform: <action> [on resource: "<ARN>"] <context>

The context names the kind of policy, and whether it denies or only does not allow. Sources: S3
User Guide, "Troubleshoot access denied (403 Forbidden) errors in Amazon S3"; IAM User Guide,
"Troubleshoot access denied error messages"; AWS KMS Developer Guide, "Key states"; S3 API
reference, "List of error codes". AWS says more than "Access Denied" only within an account or an
organisation; KMS says it always.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from s3_xfer.errors import ErrorInfo


class DeniedBy(enum.Enum):
    """What denied: a kind of policy in AWS's own words, a setting, or the state of a key."""

    IDENTITY = "identity-based policy"
    RESOURCE = "resource-based policy"
    SERVICE_CONTROL = "service control policy"
    RESOURCE_CONTROL = "resource control policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    ENDPOINT = "VPC endpoint policy"
    TRUST = "role trust policy"
    PUBLIC_ACCESS_BLOCK = "S3 Block Public Access"
    BLOCKED_ENCRYPTION = "blocked encryption type of the bucket"
    KEY_STATE = "state of the key"
    # KMS, across accounts: no such key there, its policy is silent, or its policy denies.
    KEY_UNDECIDED = "key or its policy"
    UNSTATED = "not stated"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedDenial:
    """One sentence of AWS, read. What it does not say is empty.

    ``reason`` is the context as it stands. ``by_ciphertext`` says that the key is named only as
    the one of what was to be decrypted.
    """

    denied_by: DeniedBy
    action: str = ""
    principal: str = ""
    resource: str = ""
    is_explicit: bool = False
    policy_arn: str = ""
    reason: str = ""
    by_ciphertext: bool = False

    @property
    def bucket(self) -> str:
        """The bucket of the resource, empty if that is none."""
        match = _BUCKET.match(self.resource)
        return match[1] if match else ""

    @property
    def key_arn(self) -> str:
        """The KMS key of the resource, empty if that is none."""
        return self.resource if _KMS_KEY.match(self.resource) else ""


def _spaced(pattern: str) -> str:
    """Let a pattern's spaces match any white space: AWS's sentences arrive wrapped."""
    return pattern.replace(" ", r"\s+")


_BUCKET = re.compile(r"arn:aws[a-z-]*:s3:::([^/]+)")
_KMS_KEY = re.compile(r"arn:aws[a-z-]*:kms:[^:]*:\d*:(?:key|alias)/")
# A resource that is quoted may hold anything, even the words that follow it: the last ones count.
_SENTENCE = re.compile(
    _spaced(
        r"User: (?P<principal>.+?) is not authorized to perform: (?P<action>[\w-]+:\w+)"
        r'(?: on resource: (?:"(?P<quoted>.*)"|'
        r"(?P<plain>\S.*?)(?= because | with an explicit deny|\s*\Z))"
        r"|(?P<ciphertext> on the resource associated with this ciphertext)"
        r"| on this resource)?"
        r"(?:[,.]? (?P<reason>(?:because|with an explicit deny)\b.*))?"
    ),
    re.DOTALL,
)
_KINDS = (
    r"(?:identity-based|resource-based|service control|resource control|sessions?|VPC endpoint|"
    r"role trust) polic(?:y|ies)|permissions boundary"
)
_NOT_ALLOWED = re.compile(_spaced(rf"because no (?P<kind>{_KINDS}) allows? "), re.IGNORECASE)
_DENIED = re.compile(_spaced(rf"with an explicit deny in (?:an?|the) (?P<kind>{_KINDS})"), re.I)
_POLICY_ARN = re.compile(_spaced(r"with policy ARN: (arn:[^\s,]+?)[.]?(?:\s|$)"))
_SETTING = re.compile(
    _spaced(r"because public (?:ACLs|policies) are prevented by the (\w+) setting")
)
_BLOCKED_ENCRYPTION = re.compile(_spaced("because this bucket has blocked upload requests"))
_UNDECIDED = re.compile(_spaced("because the resource does not exist in this Region"))
# The older wording of the same (AWS Knowledge Center, "cross-account access denied, KMS").
_OLD_UNDECIDED = re.compile(
    _spaced("The ciphertext refers to a (?:customer master|KMS) key that does not exist")
)
_KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(?:key|alias)/[\w/-]+")


def stated_denial(info: ErrorInfo) -> StatedDenial | None:
    """Return what an answer says about who denied what; None if it says no more than "denied"."""
    code, message = info.code, info.message
    if code.startswith("KMS."):
        named = _KEY_ARN.search(message)
        if _SENTENCE.search(message) is None and code != "KMS.AccessDeniedException":
            return StatedDenial(
                denied_by=DeniedBy.KEY_STATE,
                resource=named[0] if named else "",
                reason=f"{code.removeprefix('KMS.')}: {' '.join(message.split())}",
            )
    if _OLD_UNDECIDED.search(message):
        reason = " ".join(message.split())
        return StatedDenial(
            denied_by=DeniedBy.KEY_UNDECIDED,
            action="kms:Decrypt",
            reason=reason,
            by_ciphertext=True,
        )
    match = _SENTENCE.search(message)
    return _read(match) if match else None


def _read(match: re.Match[str]) -> StatedDenial:
    reason = match["reason"] or ""
    denied_by, is_explicit = _context(reason)
    policy = _POLICY_ARN.search(reason)
    return StatedDenial(
        denied_by=denied_by,
        action=match["action"],
        principal=match["principal"],
        resource=match["quoted"] or (match["plain"] or "").rstrip(".,"),
        is_explicit=is_explicit,
        policy_arn=policy[1] if policy else "",
        reason=" ".join(reason.split()),
        by_ciphertext=bool(match["ciphertext"]),
    )


def _context(reason: str) -> tuple[DeniedBy, bool]:
    """Return what denies, and whether it does so explicitly."""
    for pattern, is_explicit in ((_DENIED, True), (_NOT_ALLOWED, False)):
        match = pattern.match(reason)
        if match:
            return _kind(match["kind"]), is_explicit
    for pattern, denied_by in (
        (_SETTING, DeniedBy.PUBLIC_ACCESS_BLOCK),
        (_BLOCKED_ENCRYPTION, DeniedBy.BLOCKED_ENCRYPTION),
        (_UNDECIDED, DeniedBy.KEY_UNDECIDED),
    ):
        if pattern.match(reason):
            return denied_by, denied_by is not DeniedBy.KEY_UNDECIDED
    return DeniedBy.UNSTATED, reason.startswith("with an explicit deny")


def _kind(words: str) -> DeniedBy:
    """Return the kind that AWS's words name, in the singular or the plural."""
    singular = " ".join(words.lower().split()).replace("policies", "policy")
    singular = singular.replace("sessions ", "session ")
    return next(kind for kind in DeniedBy if kind.value.lower() in (singular, f"{singular} policy"))
