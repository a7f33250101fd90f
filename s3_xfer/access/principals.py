"""Who asks for access: the ARNs of roles and users, taken apart, and whom STS sees.

A policy names exactly one role or user; wildcards and whole accounts are refused.

STS is sent one request, with a few seconds to answer, never repeated. S3 services other than AWS
often have no STS, or one without this request: then the identity is unknown, with the reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from boto3.session import Session

from s3_xfer.access.credentials import sts_client
from s3_xfer.errors import ValidationError, translate
from s3_xfer.model import AccountContext
from s3_xfer.text import printable

_STS_TIMEOUT_S = 3

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
    """One role or user."""

    arn: str
    partition: str
    account: str
    kind: str  # "role" or "user"
    name: str

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
            kind=match["kind"],
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
    return match[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """Who and what takes part besides the two locations: principals, and keys that encrypt.

    Raises:
        ValidationError: a key is not given by its ARN.
    """

    copier: Principal
    trusted: Principal | None = None
    source_keys: tuple[str, ...] = ()
    destination_keys: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for key in (*self.source_keys, *self.destination_keys):
            key_account(key)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom STS sees behind credentials; with an empty ``arn``, why that is unknown."""

    arn: str = ""
    unknown_because: str = ""


def caller_identity(session: Session, account: AccountContext) -> Identity:
    """Return the identity behind ``session``, with which ``account`` is reached. Never raises."""
    try:
        answer = sts_client(session, account, patience_s=_STS_TIMEOUT_S).get_caller_identity()
    except Exception as error:  # noqa: BLE001 - an unknown identity is a result
        info = translate(error)
        status = f" (HTTP {info.http_status})" if info.http_status else ""
        message = f": {info.message}" if info.message else ""
        return Identity(unknown_because=printable(f"STS answered {info.code}{status}{message}"))
    return Identity(arn=answer["Arn"])
