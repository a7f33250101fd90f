"""What AWS says when it denies, each sentence with its source.

S3UG: S3 User Guide, "Troubleshoot access denied (403 Forbidden) errors in Amazon S3". IAMUG: IAM
User Guide, "Troubleshoot access denied error messages". KMS: what S3 passes on from KMS, as quoted
in AWS Knowledge Center articles on cross-account access to encrypted buckets.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.fault_server.refusals import Refusal

BARE = "Access Denied"  # S3UG: requests across accounts outside one organisation
# S3UG and IAMUG list these pairs, one table row each.
NOT_ALLOWED = {
    "identity": "because no identity-based policy allows the {action} action",
    "resource": "because no resource-based policy allows the {action} action",
    "scp": "because no service control policy allows the {action} action",
    "boundary": "because no permissions boundary allows the {action} action",
    "session": "because no session policy allows the {action} action",
    "endpoint": "because no VPC endpoint policy allows the {action} action",
    "trust": "because no role trust policy allows the {action} action",
}
DENIED = {
    "identity": "with an explicit deny in an identity-based policy",
    "resource": "with an explicit deny in a resource-based policy",
    "scp": "with an explicit deny in a service control policy",
    "rcp": "with an explicit deny in a resource control policy",
    "boundary": "with an explicit deny in a permissions boundary",
    "session": "with an explicit deny in a session policy",
    "endpoint": "with an explicit deny in a VPC endpoint policy",
    "trust": "with an explicit deny in the role trust policy",
}
# AWS announcement of 2026-08-13: never for bucket and endpoint policies.
_WITH_ARN = {
    "scp": "arn:aws:organizations::333333333333:policy/o-exampleorg/service_control_policy/p-1",
    "rcp": "arn:aws:organizations::333333333333:policy/o-exampleorg/resource_control_policy/p-2",
    "identity": "arn:aws:iam::{account}:policy/guard",
    "boundary": "arn:aws:iam::{account}:policy/boundary",
}
# S3UG, "Block Public Access"; the action is the operation.
PUBLIC_ACLS = (
    "because public ACLs are prevented by the BlockPublicAcls setting in S3 Block Public Access"
)
# KMS, across accounts.
UNDECIDED = (
    "because the resource does not exist in this Region, no resource-based policies allow access, "
    "or a resource-based policy explicitly denies access"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What denied: one of the names above, and whether explicitly."""

    layer: str
    is_explicit: bool


def denied(principal: str, action: str, resource: str, context: str) -> Refusal:
    """Return the enhanced message."""
    on = f' on resource: "{resource}"' if resource else ""
    message = f"User: {principal} is not authorized to perform: {action}{on} {context}"
    return Refusal(403, "AccessDenied", message)


def context(verdict: Verdict, action: str, account: str, *, with_arn: bool) -> str:
    """Return the part that names the kind of policy."""
    if not verdict.is_explicit:
        return NOT_ALLOWED[verdict.layer].format(action=action)
    named = _WITH_ARN.get(verdict.layer, "").format(account=account) if with_arn else ""
    return DENIED[verdict.layer] + (f", with policy ARN: {named}" if named else "")


def denied_key(principal: str, action: str, key_arn: str, reason: str) -> Refusal:
    """Return what S3 passes on from KMS; without a key the ciphertext stands for it."""
    on = f"on resource: {key_arn}" if key_arn else "on the resource associated with this ciphertext"
    message = f"User: {principal} is not authorized to perform: {action} {on} {reason}"
    return Refusal(403, "AccessDenied", message)
