"""STS, as far as a copy between accounts needs it: AssumeRole and GetCallerIdentity.

A role needs no creation: every role of a known account can be assumed by every known account,
unless an external id is required and missing. Refuses: trust policies, MFA, session policies.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from tests.fault_server import access, documents, refusals
from tests.fault_server.documents import STS_NAMESPACE, element, text
from tests.fault_server.state import Principal, World
from tests.fault_server.wire import Answer, Request

DEFAULT_LIFETIME_S = 3600
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/(.+)")


def action_of(request: Request) -> str:
    """Return the operation that a POST to the service asks for."""
    return _form(request).get("Action", "")


def assume_role(world: World, request: Request) -> Answer:
    """Return credentials of the role's account."""
    caller = access.authenticate(world, request)
    form = _form(request)
    match = _ROLE.fullmatch(form.get("RoleArn", ""))
    if match is None or match[1] not in world.account_ids or not _knows_secret(world, form):
        raise _may_not_assume(caller, form.get("RoleArn", ""))
    name = match[2].rpartition("/")[2]
    arn = f"arn:aws:sts::{match[1]}:assumed-role/{name}/{form.get('RoleSessionName', '')}"
    expires_s = time.time() + _lifetime_s(world, form)
    access_key = f"ASIA{world.number():016d}"
    world.principals[access_key] = Principal(account_id=match[1], arn=arn, expires_s=expires_s)
    return _answer("AssumeRole", _credentials(access_key, expires_s), _assumed_user(arn))


def get_caller_identity(world: World, request: Request) -> Answer:
    """Return who is asking. No policy can deny it."""
    caller = access.authenticate(world, request)
    return _answer(
        "GetCallerIdentity",
        text("Arn", caller.arn),
        text("UserId", request.access_key),
        text("Account", caller.account_id),
    )


def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode("latin-1"), keep_blank_values=True))


def _knows_secret(world: World, form: Mapping[str, str]) -> bool:
    wanted = world.external_ids.get(form["RoleArn"])
    return wanted is None or form.get("ExternalId") == wanted


def _lifetime_s(world: World, form: Mapping[str, str]) -> float:
    if world.session_lifetime_s is not None:
        return world.session_lifetime_s
    return float(form.get("DurationSeconds") or DEFAULT_LIFETIME_S)


def _may_not_assume(caller: Principal, role_arn: str) -> refusals.Refusal:
    """STS gives the same refusal for a missing role, a wrong secret and a missing right."""
    message = (
        f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
    )
    return refusals.Refusal(403, "AccessDenied", message)


def _credentials(access_key: str, expires_s: float) -> str:
    # Whole seconds, as STS has them; rounded up, so that no client refreshes in the same second.
    end = datetime.fromtimestamp(int(expires_s + 0.999), UTC)
    return element(
        "Credentials",
        text("AccessKeyId", access_key),
        text("SecretAccessKey", f"secret-of-{access_key}"),
        text("SessionToken", f"token-of-{access_key}"),
        text("Expiration", end.strftime("%Y-%m-%dT%H:%M:%SZ")),
    )


def _assumed_user(arn: str) -> str:
    return element("AssumedRoleUser", text("AssumedRoleId", "AROAEXAMPLE"), text("Arn", arn))


def _answer(operation: str, *children: str) -> Answer:
    result = element(f"{operation}Result", *children)
    body = documents.document(f"{operation}Response", result, namespace=STS_NAMESPACE)
    return Answer(200, {"content-type": "text/xml"}, body)
