"""Policy documents as values: principals, statements, and the target where a document belongs.

A policy names exactly one role or user; wildcards and whole accounts are refused. Why a statement
is needed is decided in :mod:`s3_xfer.access.policies`.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from s3_xfer.errors import ValidationError
from s3_xfer.text import printable

Conditions: TypeAlias = Mapping[str, Mapping[str, str | Sequence[str]]]

EXTERNAL_ID = "${S3_XFER_DEST_EXTERNAL_ID}"  # matches nothing until it is replaced
_SPECIAL = re.compile(r"[*?$]")
# The account of other S3 services may be empty (Ceph's users) or of another form (its accounts).
_PRINCIPAL = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>\d{12}|RGW\d{17}|)"
    r":(?P<kind>role|user)/(?P<path>[\w+=,.@/-]+)",
    re.ASCII,
)
_SESSION = re.compile(r"arn:(aws[a-z-]*):sts::(\d{12}|RGW\d{17}|):assumed-role/([^/]+)/.*")
_KEY = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:(\d{12}):key/[A-Za-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Principal:
    """One role or user.

    A session does not tell the path of its role, without which no policy can name the role. Such
    a principal ``is_pathless``: policies name its account, with a condition on the role's ARN that
    fits every path. Names of roles are unique in an account, whatever their paths are.
    """

    arn: str
    partition: str
    account: str
    kind: str  # "role" or "user"
    name: str
    is_pathless: bool = False

    @classmethod
    def parse(cls, arn: str) -> Principal:
        """Return the role or user that ``arn`` names; a role's session stands for its role.

        Raises:
            ValidationError: it names anything else, or more than one.
        """
        role = role_of_session(arn)
        match = _PRINCIPAL.fullmatch(role)
        if match is None:
            raise ValidationError(
                f"{arn!r} is not the ARN of one role or user",
                remedy="write it as arn:aws:iam::123456789012:role/NAME (or :user/NAME)",
            )
        return cls(
            arn=match[0],
            partition=match["partition"],
            account=match["account"],
            kind=match["kind"],
            name=match["path"].rpartition("/")[2],
            # Services other than AWS know no condition on the role.
            is_pathless=role != arn and match["account"].isdecimal(),
        )

    @property
    def named_as(self) -> str:
        """What stands under ``Principal``."""
        return f"arn:{self.partition}:iam::{self.account}:root" if self.is_pathless else self.arn

    @property
    def condition(self) -> Conditions:
        """What has to stand beside it, so that it is this principal and no other."""
        if not self.is_pathless:
            return {}
        roles = f"arn:{self.partition}:iam::{self.account}:role"
        return {"ArnLike": {"aws:PrincipalArn": [f"{roles}/{self.name}", f"{roles}/*/{self.name}"]}}


def role_of_session(arn: str) -> str:
    """Return the role that an assumed role's session belongs to; any other ARN as it is.

    A session's ARN leaves out the path of its role, which therefore cannot be known.
    """
    match = _SESSION.fullmatch(arn)
    return f"arn:{match[1]}:iam::{match[2]}:role/{match[3]}" if match else arn


def key_account(key_arn: str) -> str:
    """Return the account that a KMS key belongs to.

    Raises:
        ValidationError: an alias or a bare id, which mean another key in every account.
    """
    match = _KEY.fullmatch(key_arn)
    if match is None:
        raise ValidationError(
            f"{key_arn!r} is not the ARN of a KMS key",
            remedy="write it as arn:aws:kms:REGION:123456789012:key/KEY-ID",
        )
    return match[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Participants:
    """Who and what takes part besides the two locations: principals, and keys that encrypt.

    ``reader`` is who lists the source with credentials of its own, where that is known.

    Raises:
        ValidationError: a key is not given by its ARN, or the ARNs are of several partitions.
    """

    copier: Principal
    trusted: Principal | None = None
    reader: str = ""
    source_keys: tuple[str, ...] = ()
    destination_keys: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        keys = (*self.source_keys, *self.destination_keys)
        for key in keys:
            key_account(key)
        arns = [self.copier.arn, self.reader, *([self.trusted.arn] if self.trusted else []), *keys]
        partitions = {arn.split(":")[1] for arn in arns if arn.startswith("arn:")}
        if len(partitions) > 1:
            raise ValidationError(
                f"the ARNs are of several partitions: {', '.join(sorted(partitions))}",
                remedy="S3 copies within one partition only (aws, aws-cn, aws-us-gov)",
            )


class PolicyTarget(enum.Enum):
    """Where a document belongs. The value is what is shown and typed."""

    owner: str
    attached_to: str

    def __new__(cls, value: str, owner: str, attached_to: str) -> PolicyTarget:
        """Attach the side that owns it, and the kind of policy."""
        member = object.__new__(cls)
        member._value_, member.owner, member.attached_to = value, owner, attached_to
        return member

    SOURCE_BUCKET = "source-bucket", "source", "bucket policy"
    SOURCE_KEY = "source-key", "source", "key policy"
    READER = "reader", "source", "identity policy"
    COPIER = "copier", "destination", "identity policy"
    TRUST = "trust", "destination", "trust policy"
    CALLER = "caller", "caller's", "identity policy"
    DESTINATION_BUCKET = "destination-bucket", "destination", "bucket policy"
    DESTINATION_KEY = "destination-key", "destination", "key policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One permission. Without a principal it belongs into an identity policy.

    ``name`` says what it is for; ``tag`` stands for copier and route, of which a document can have
    several.
    """

    name: str
    tag: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    principal: Principal | None = None
    condition: Conditions = field(default_factory=dict)

    @property
    def sid(self) -> str:
        """The identifier in a document."""
        return f"S3Xfer{self.name}{self.tag}"

    @property
    def conditions(self) -> Conditions:
        """The conditions of the statement, and of its principal."""
        return {**self.condition, **(self.principal.condition if self.principal else {})}

    def to_dict(self) -> dict[str, Any]:
        """Return it as the policy language writes it."""
        principal = {"Principal": {"AWS": self.principal.named_as}} if self.principal else {}
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            **principal,
            "Action": list(self.actions),
            **({"Resource": list(self.resources)} if self.resources else {}),
            **({"Condition": dict(self.conditions)} if self.conditions else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDocument:
    """The statements for one target. ``resource`` is the bucket, the key or the principal there."""

    target: PolicyTarget
    account: str  # empty where it is not given
    resource: str
    statements: tuple[Statement, ...]

    @property
    def where(self) -> str:
        """Where it belongs, in words that are safe to print."""
        account = f" {self.account}" if self.account else ""
        resource = f" of {self.resource}" if self.resource else ""
        target = self.target
        return printable(f"{target.owner} account{account}: {target.attached_to}{resource}")

    def to_dict(self) -> dict[str, Any]:
        """Return the document itself, as the policy language writes it."""
        statements = [statement.to_dict() for statement in self.statements]
        return {"Version": "2012-10-17", "Statement": statements}  # of the policy language


def literal(text: str) -> str:
    """Return ``text`` so that the policy language takes none of it for a wildcard or variable."""
    return _SPECIAL.sub(lambda match: f"${{{match[0]}}}", text)
