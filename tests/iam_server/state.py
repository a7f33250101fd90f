"""What the authority remembers besides buckets: accounts, roles, keys and their policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Document = list[dict[str, Any]]  # the statements of one policy
ALLOW_ALL: Document = [{"Effect": "Allow", "Action": ["*"], "Resource": "*"}]


@dataclass(slots=True, kw_only=True)
class Account:
    """An account, with the policies of the organisation ``org`` that apply to it."""

    number: str
    org: str = ""
    is_management: bool = False
    service_control: Document | None = None  # to its principals
    resource_control: Document = field(default_factory=list)  # to its resources; denies only


@dataclass(slots=True, kw_only=True)
class Role:
    """A role, or a user, and what limits it. ``path`` begins and ends in a slash."""

    account: str
    name: str
    path: str = "/"
    kind: str = "role"
    identity: Document = field(default_factory=list)
    boundary: Document | None = None
    session: Document | None = None
    trust: Document = field(default_factory=list)

    @property
    def arn(self) -> str:
        """The ARN that policies name."""
        return f"arn:aws:iam::{self.account}:{self.kind}{self.path}{self.name}"

    @property
    def session_arn(self) -> str:
        """The ARN that STS and AWS's messages show: a session's has no path."""
        if self.kind == "user":
            return self.arn
        return f"arn:aws:sts::{self.account}:assumed-role/{self.name}/s3-xfer"


@dataclass(slots=True, kw_only=True)
class Key:
    """A KMS key. ``refusal`` is the code and message of a key that cannot be used."""

    arn: str
    policy: Document
    refusal: tuple[str, str] | None = None

    @property
    def account(self) -> str:
        """The account that owns it."""
        return self.arn.split(":")[4]

    @classmethod
    def managed_by_customer(cls, arn: str) -> Key:
        """Return a key with the default policy: the account's own policies decide."""
        root = f"arn:aws:iam::{arn.split(':')[4]}:root"
        allow = {
            "Effect": "Allow",
            "Principal": {"AWS": root},
            "Action": ["kms:*"],
            "Resource": "*",
        }
        return cls(arn=arn, policy=[allow])

    @classmethod
    def managed_by_aws(cls, arn: str) -> Key:
        """Return ``aws/s3``: every principal of its own account may use it, nobody else."""
        return cls(
            arn=arn,
            policy=[
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": "*"},
                    "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                    "Resource": "*",
                    "Condition": {"StringEquals": {"kms:CallerAccount": arn.split(":")[4]}},
                }
            ],
        )


@dataclass(slots=True, kw_only=True)
class BucketAccess:
    """What decides about one bucket besides policies of identities.

    ``readers`` are the accounts to which ACLs of single objects grant reading, by key.
    """

    policy: Document = field(default_factory=list)
    requester_pays: bool = False
    owner_enforced: bool = True
    blocks_public_acls: bool = False
    readers: Mapping[str, Sequence[str]] = field(default_factory=dict)
