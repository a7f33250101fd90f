"""Policy documents as values: statements, and the place where each document belongs.

Refuses to know why a statement is needed; :mod:`s3_xfer.access.policies` decides that.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from s3_xfer.text import printable

VERSION = "2012-10-17"  # of the policy language
PREFIX = "S3Xfer"  # every statement's name begins with it,
TAG_LENGTH = 8  # and ends in so many characters that stand for copier and route


class Place(enum.Enum):
    """Where a document belongs. The value is what is shown and typed."""

    owner: str
    attached_to: str

    def __new__(cls, value: str, owner: str, attached_to: str) -> Place:
        """Attach the side that owns the place, and what kind of thing it is."""
        member = object.__new__(cls)
        member._value_ = value
        member.owner = owner
        member.attached_to = attached_to
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
    """One permission. Without a principal it belongs into an identity policy."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    principal: str | None = None
    condition: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What it is for, without what makes it unique."""
        return self.sid[len(PREFIX) : -TAG_LENGTH]

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
    """The statements for one place. ``target`` is the bucket, the key or the principal there."""

    place: Place
    account: str  # empty where nobody said
    target: str
    statements: tuple[Statement, ...]

    @property
    def where(self) -> str:
        """Where it belongs, in words that are safe to print."""
        account = f" {self.account}" if self.account else ""
        target = f" of {self.target}" if self.target else ""
        return printable(f"{self.place.owner} account{account}: {self.place.attached_to}{target}")

    def to_dict(self) -> dict[str, Any]:
        """Return the document itself."""
        return {"Version": VERSION, "Statement": [one.to_dict() for one in self.statements]}
