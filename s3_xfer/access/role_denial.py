"""What it means that a role may not be assumed. Pure.

STS mostly does not say why: the caller's own policy, the role's trust policy, an external id that
is missing or another, or no such role. Both accounts of the two documents are told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress

from s3_xfer.access.documents import EXTERNAL_ID, Principal, role_of_session
from s3_xfer.access.stated_denial import DeniedBy, StatedDenial, stated_denial
from s3_xfer.errors import Diagnosis, ErrorInfo, Missing, ValidationError
from s3_xfer.model import AccountContext
from s3_xfer.text import printable
from s3_xfer.wording import message

ACTION = "sts:AssumeRole"
_NO_GRANT_HELPS = (
    DeniedBy.SERVICE_CONTROL,
    DeniedBy.RESOURCE_CONTROL,
    DeniedBy.BOUNDARY,
    DeniedBy.SESSION,
    DeniedBy.ENDPOINT,
)


def diagnose_role(account: AccountContext, side: str, info: ErrorInfo) -> Diagnosis | None:
    """Return what STS's refusal means; None if it is no denial."""
    stated = stated_denial(info)
    if info.code != "AccessDenied":
        return None
    stated = stated or StatedDenial(denied_by=DeniedBy.UNSTATED)
    denial = _RoleDenial(account, side, stated)
    return Diagnosis(
        denied=f"{ACTION} to {denial.caller} (assume {denial.role})",
        side=side,
        action=ACTION,
        causes=tuple(denial.causes()),
        certain=denial.is_certain,
        evidence=(f"STS said {printable(info.code)}: {printable(info.message)}",),
        missing=tuple(denial.missing()),
    )


class _RoleDenial:
    def __init__(self, account: AccountContext, side: str, stated: StatedDenial) -> None:
        self._external_id = account.external_id
        self._side = side
        self._stated = stated
        arn = role_of_session(stated.principal)
        self.caller = printable(arn) or "the credentials that assume it"
        self.role = printable(stated.resource or account.role_arn or "the role")
        self._principal: Principal | None = None
        with suppress(ValidationError):  # an account's root, or unknown
            self._principal = Principal.parse(stated.principal)

    @property
    def is_certain(self) -> bool:
        """Whether STS names the policy."""
        return self._stated.denied_by is not DeniedBy.UNSTATED

    def causes(self) -> Iterator[str]:
        """Return the causes, the likeliest first."""
        denied_by, role, caller = self._stated.denied_by, self.role, self.caller
        identity = f"the identity policy of {caller} does not allow {ACTION} on {role}"
        given = "another one than the given" if self._external_id else "none was given"
        trust = message(
            "the trust policy of {role} does not allow {action} to {caller}, or asks for an "
            "external id ({side.external_id}: {given})",
            role=role,
            action=ACTION,
            caller=caller,
            side=self._side,
            given=given,
        )
        if self._stated.is_explicit:
            policy = f" ({printable(self._stated.policy_arn)})" if self._stated.policy_arn else ""
            yield f"{ACTION} is denied explicitly: {denied_by.value}{policy}"
        elif denied_by is DeniedBy.IDENTITY:
            yield identity
        elif denied_by in (DeniedBy.TRUST, DeniedBy.RESOURCE):
            yield trust
        elif denied_by in _NO_GRANT_HELPS:
            yield f"{denied_by.value} of {caller} does not allow {ACTION}"
        else:
            yield from (trust, identity, f"there is no role {role}: check account, path and name")

    def missing(self) -> Iterator[Missing]:
        """Return the statements of both documents, as far as they may be missing."""
        denied_by, stated = self._stated.denied_by, self._stated
        if stated.is_explicit or denied_by in _NO_GRANT_HELPS or not self._principal:
            return
        if denied_by is not DeniedBy.IDENTITY:
            yield Missing(where=self._where("trust policy"), statement=self._trust())
        if denied_by in (DeniedBy.IDENTITY, DeniedBy.UNSTATED):
            statement = {"Effect": "Allow", "Action": [ACTION], "Resource": [self.role]}
            where = f"caller's account {self._principal.account}: identity policy of {self.caller}"
            yield Missing(where=where, statement=_text(statement))

    def _where(self, kind: str) -> str:
        account = self.role.split(":")[4] if self.role.startswith("arn:") else ""
        return f"{self._side} account {account}: {kind} of {self.role}"

    def _trust(self) -> str:
        assert self._principal  # noqa: S101 - the caller has looked
        condition = dict(self._principal.condition)
        if self._external_id:
            condition["StringEquals"] = {"sts:ExternalId": EXTERNAL_ID}
        return _text(
            {
                "Effect": "Allow",
                "Principal": {"AWS": self._principal.named_as},
                "Action": [ACTION],
                **({"Condition": condition} if condition else {}),
            }
        )


def _text(statement: Mapping[str, object]) -> str:
    return json.dumps(statement, indent=2)
