"""From what AWS says to what is wrong, on which side, and which document lacks a statement. Pure.

Only what an identity's, a bucket's or a key's policy does not allow can be granted. For everything
else the cause says what to look for, and in whose account.
"""

from __future__ import annotations

from s3_xfer.access.denial_context import DenialContext
from s3_xfer.access.documents import PolicyTarget, role_of_session
from s3_xfer.access.stated_denial import DeniedBy, StatedDenial
from s3_xfer.errors import AccessAction
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.text import printable
from s3_xfer.wording import message

_OF_OBJECTS = (
    AccessAction.HEAD,
    AccessAction.READ,
    AccessAction.READ_TAGS,
    AccessAction.COPY_TAGS,
)
_WRITING = ("s3:Put", "s3:Abort", "s3:ListMultipart", "s3:ListBucketMultipart", "s3:Delete")
_SCP = "; the organisation's administrators can change it, in its management account"
# What limits the principal, or the way to S3, and where it is.
_LIMITS = {
    DeniedBy.SERVICE_CONTROL: "a service control policy (SCP) of the organisation of {principal}",
    DeniedBy.RESOURCE_CONTROL: "a resource control policy (RCP) of the organisation of {owner}",
    DeniedBy.BOUNDARY: "the permissions boundary of {principal}",
    DeniedBy.SESSION: "the session policy with which the session of {principal} was made",
    DeniedBy.ENDPOINT: "the policy of the VPC endpoint through which this machine reaches S3",
    DeniedBy.TRUST: "the trust policy of the role",
}
_WHO_CAN_MEND = {
    DeniedBy.SERVICE_CONTROL: _SCP,
    DeniedBy.RESOURCE_CONTROL: _SCP,
    DeniedBy.BOUNDARY: "; whoever administers that account can change it",
    DeniedBy.SESSION: "; whoever makes the session (AssumeRole with Policy or PolicyArns) sets it",
    DeniedBy.ENDPOINT: "; the owner of that VPC can change it: it must allow both buckets",
    DeniedBy.TRUST: "; the account of the role can change it",
}


def side_of_bucket(stated: StatedDenial, keys: KeyMap) -> str:
    """Return the side of the bucket that AWS names; empty if it is none of the two."""
    source, destination = keys.source, keys.destination
    if stated.bucket == source.bucket == destination.bucket:
        is_writing = stated.action.startswith(_WRITING)
        below = stated.resource.partition("/")[2].startswith(destination.key)
        return "destination" if is_writing or (below and not source.key) else "source"
    return {source.bucket: "source", destination.bucket: "destination"}.get(stated.bucket, "")


def settle(context: DenialContext, stated: StatedDenial, side: str) -> None:
    """Let ``context`` say what AWS says; ``side`` is the one that the resource belongs to."""
    if stated.principal and not _is_copier(stated.principal, context):
        context.principal = printable(role_of_session(stated.principal))
    if stated.key_arn:
        context.key_arns = (stated.key_arn,)
    elif stated.resource.startswith("arn:aws") and ":kms:" in stated.resource:
        context.key_arns = (stated.resource,)
    permission = stated.action or context.permission
    side = side or ("destination" if permission.startswith(_WRITING) else context.side)
    if stated.denied_by is DeniedBy.KEY_STATE:
        permission = (
            AccessAction.DECRYPT.action if side == "source" else AccessAction.ENCRYPT.action
        )
    if stated.denied_by is DeniedBy.PUBLIC_ACCESS_BLOCK:  # the operation stands for the action
        permission = AccessAction.WRITE_ACL.action
    if permission == AccessAction.LIST.action and context.step in _OF_OBJECTS:
        context.set_cause(
            "there is no such object; without s3:ListBucket S3 does not say so, but denies it"
        )
        return
    context.take_permission(permission, side)
    _Explanation(context, stated).explain()


def is_limit(stated: StatedDenial) -> bool:
    """Return whether what AWS names limits the principal in whatever account a resource is."""
    by_identity = stated.denied_by is DeniedBy.IDENTITY and stated.is_explicit
    return by_identity or (
        stated.denied_by in _LIMITS and stated.denied_by is not DeniedBy.RESOURCE_CONTROL
    )


def limit_of(context: DenialContext, stated: StatedDenial) -> str:
    """Return the cause that such a limit is."""
    return _Explanation(context, stated).limit()


def _is_copier(arn: str, context: DenialContext) -> bool:
    """Return whether AWS names the one who copies; a session does not show its role's path."""
    role, copier = role_of_session(arn), context.copier
    name = role.rpartition("/")[2]
    return bool(copier) and f":{copier.account}:" in role and name == copier.name  # type: ignore[union-attr]


class _Explanation:
    def __init__(self, context: DenialContext, stated: StatedDenial) -> None:
        self._context = context
        self._stated = stated
        account = context.resource_account
        self._account = f"account {account}" if account else "the account of its owner"

    def explain(self) -> None:
        """Set the cause; what AWS leaves open sets none."""
        stated, context = self._stated, self._context
        permission, denied_by = context.permission, stated.denied_by
        if denied_by is DeniedBy.KEY_STATE:
            context.set_cause(f"the KMS key cannot be used: {printable(stated.reason)}")
        elif denied_by is DeniedBy.KEY_UNDECIDED:
            self._leave_key_open()
        elif denied_by is DeniedBy.PUBLIC_ACCESS_BLOCK:
            context.set_cause(
                message(
                    "S3 Block Public Access (BlockPublicAcls) refuses public ACLs in this bucket: "
                    "leave out {acl}, or change that setting of the bucket or of {account}",
                    account=self._account,
                )
            )
        elif denied_by is DeniedBy.BLOCKED_ENCRYPTION:
            context.set_cause(f"the bucket refuses this encryption: {printable(stated.reason)}")
        elif denied_by is DeniedBy.UNSTATED:
            if stated.is_explicit:
                context.set_cause(f"{permission} is denied explicitly; S3 does not say by what")
        elif stated.is_explicit or denied_by in _LIMITS:
            context.set_cause(self.limit())
        else:
            self._ask_for_grant()

    def _leave_key_open(self) -> None:
        """KMS does not tell three causes apart; none is certain."""
        context, key = self._context, self._key
        context.suspect(
            f"the key policy of {key} does not allow {context.permission} to {context.principal}",
            f"the key {key} does not exist, or is in another region",
            f"the key policy of {key} denies it, or the key is aws/s3, AWS's own, which cannot be "
            "opened to another account",
        )
        if context.key_arns:
            target = PolicyTarget.SOURCE_KEY
            context.targets = (
                (target if context.side == "source" else PolicyTarget.DESTINATION_KEY),
                PolicyTarget.COPIER,
            )

    def limit(self) -> str:
        """Say what denies, or does not allow, although no grant helps; and where to look."""
        stated, context = self._stated, self._context
        what = self._limit()
        named = f" ({printable(stated.policy_arn)})" if stated.policy_arn else ""
        verb = "denies" if stated.is_explicit else "does not allow"
        how = f"{context.permission} is denied explicitly: " if stated.is_explicit else ""
        mend = _WHO_CAN_MEND.get(stated.denied_by) or (
            '; look there for a statement with "Effect": "Deny", and at its conditions '
            f"({self._conditions()})"
        )
        return f"{how}{what}{named} {verb} {context.permission}{mend}"

    def _limit(self) -> str:
        context, denied_by = self._context, self._stated.denied_by
        if denied_by is DeniedBy.RESOURCE:
            return f"the {self._resource}, in {self._account},"
        if denied_by is DeniedBy.IDENTITY:
            return f"the identity policy of {context.principal}"
        return _LIMITS[denied_by].format(principal=context.principal, owner=self._account)

    def _conditions(self) -> str:
        usual = "network, VPC endpoint, organisation, tags, headers"
        secure = "aws:SecureTransport, as this endpoint is reached by http; "
        return f"{secure if self._context.is_unprotected else ''}{usual}"

    def _ask_for_grant(self) -> None:
        context, permission = self._context, self._context.permission
        if self._stated.denied_by is DeniedBy.IDENTITY:
            target = PolicyTarget.READER if context.by_reader else PolicyTarget.COPIER
            cause = f"the identity policy of {context.principal} does not allow {permission}"
            context.set_cause(cause, target)
            return
        targets = {
            ("source", False): PolicyTarget.SOURCE_BUCKET,
            ("source", True): PolicyTarget.SOURCE_KEY,
            ("destination", False): PolicyTarget.DESTINATION_BUCKET,
            ("destination", True): PolicyTarget.DESTINATION_KEY,
        }
        target = targets[context.side, permission.startswith("kms:")]
        context.set_cause(
            f"the {self._resource} does not allow {permission} to {context.principal}", target
        )

    @property
    def _key(self) -> str:
        return printable(self._context.key_arns[0]) if self._context.key_arns else "the key"

    @property
    def _resource(self) -> str:
        if self._context.permission.startswith("kms:"):
            return f"key policy of {self._key}"
        return f"{self._context.side} bucket's policy"
