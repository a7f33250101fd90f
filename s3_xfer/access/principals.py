"""Who asks for access: the ARNs of roles and users, taken apart.

A policy names exactly one role or user. Refuses wildcards, whole accounts and sessions: what a
policy opens must be what somebody decided to open.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from s3_xfer.errors import ValidationError

# The account of other S3 services may be empty (Ceph's users) or of another form (its accounts).
_PRINCIPAL = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>\d{12}|RGW\d{17}|)"
    r":(?P<kind>role|user)/(?P<path>[\w+=,.@/-]+)",
    re.ASCII,
)
_SESSION = re.compile(r"arn:(aws[a-z-]*):sts::(\d{12}|RGW\d{17}|):assumed-role/([^/]+)/.*")
_KEY = re.compile(
    r"arn:aws[a-z-]*:kms:[a-z0-9-]+:(?P<account>\d{12}):key/[A-Za-z0-9-]+",
)


@dataclass(frozen=True, slots=True)
class Principal:
    """One role or user."""

    arn: str
    partition: str
    account: str
    is_role: bool
    name: str

    @property
    def kind(self) -> str:
        """``role`` or ``user``."""
        return "role" if self.is_role else "user"

    @classmethod
    def parse(cls, arn: str) -> Principal:
        """Return the role or user that ``arn`` names; a role's session stands for its role.

        Raises:
            ValidationError: it names anything else, or more than one.
        """
        match = _PRINCIPAL.fullmatch(role_of_session(arn))
        if match is None:
            raise ValidationError(
                f"{arn!r} is not the ARN of one role or user",
                remedy="write it as arn:aws:iam::123456789012:role/NAME (or :user/NAME)",
            )
        return cls(
            arn=match[0],
            partition=match["partition"],
            account=match["account"],
            is_role=match["kind"] == "role",
            name=match["path"].rpartition("/")[2],
        )


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
    return match["account"]
