"""Policy documents as values: statements, and the target where each document belongs.

Why a statement is needed is decided in :mod:`s3_xfer.access.policies`.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from s3_xfer.text import printable

_SPECIAL = re.compile(r"[*?$]")


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
    principal: str | None = None
    condition: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def sid(self) -> str:
        """The identifier in a document."""
        return f"S3Xfer{self.name}{self.tag}"

    def to_dict(self) -> dict[str, Any]:
        """Return it as the policy language writes it."""
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            **({"Principal": {"AWS": self.principal}} if self.principal else {}),
            "Action": list(self.actions),
            **({"Resource": list(self.resources)} if self.resources else {}),
            **({"Condition": dict(self.condition)} if self.condition else {}),
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
