"""Which layer of policies denies a question, if any does. Pure.

IAM User Guide, "Policy evaluation logic": an explicit deny wins wherever it stands; within an
account the identity's or the resource's policy must allow, across accounts both; organisations,
boundary, session and endpoint policies must allow where there are any. Which of several is told is
not documented; the order here is this module's own.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.iam_server.language import Policy, Question, matching, names_directly
from tests.iam_server.sentences import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """The policies that have a say; None where there is none of the kind."""

    identity: Policy
    resource: Policy
    owner: str  # the account of the resource
    service_control: Policy | None = None
    resource_control: Policy | None = None
    boundary: Policy | None = None
    session: Policy | None = None
    endpoint: Policy | None = None
    granted_by_acl: bool = False
    policy_speaks: bool = True  # whether allows of the resource's policy reach the object
    resource_is_key: bool = False


def denial(layers: Layers, question: Question) -> Verdict | None:
    """Return what denies ``question``; None if it is allowed."""
    return _explicit(layers, question) or _implicit(layers, question)


def _explicit(layers: Layers, question: Question) -> Verdict | None:
    for name, policy in (
        ("scp", layers.service_control),
        ("rcp", layers.resource_control),
        ("endpoint", layers.endpoint),
        ("resource", layers.resource),
        ("identity", layers.identity),
        ("boundary", layers.boundary),
        ("session", layers.session),
    ):
        if policy is not None and any(matching(policy, question, "Deny")):
            return Verdict(name, is_explicit=True)
    return None


def _implicit(layers: Layers, question: Question) -> Verdict | None:
    def allows(policy: Policy | None) -> bool:
        return policy is None or any(matching(policy, question, "Allow"))

    if not allows(layers.service_control):
        return Verdict("scp", is_explicit=False)
    if not allows(layers.endpoint):
        return Verdict("endpoint", is_explicit=False)
    missing = _grants_missing(layers, question)
    if missing:
        return Verdict(missing, is_explicit=False)
    if not allows(layers.boundary):
        return Verdict("boundary", is_explicit=False)
    if not allows(layers.session):
        return Verdict("session", is_explicit=False)
    return None


def _grants_missing(layers: Layers, question: Question) -> str:
    """Return which of the identity's and the resource's policy has to allow and does not."""
    identity = any(matching(layers.identity, question, "Allow"))
    speaking = [*matching(layers.resource, question, "Allow")] if layers.policy_speaks else []
    resource = bool(speaking) or layers.granted_by_acl
    if question.account != layers.owner:
        return "" if identity and resource else "resource" if identity else "identity"
    direct = any(names_directly(statement, question) for statement in speaking)
    if layers.resource_is_key and not resource:
        return "resource"
    return "" if identity or direct else "identity"
