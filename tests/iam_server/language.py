"""The policy language: whether a statement is about a request. Pure.

Source: IAM User Guide, "IAM JSON policy elements": Principal, Action, Resource, Condition.
Refuses operators and set operators that no situation uses.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Statement = Mapping[str, Any]
Policy = Iterable[Statement]
_ESCAPED = re.compile(r"\$\{([*?$])\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May this principal do this to that? ``context`` are the condition keys, in lower case."""

    principal: str  # the role's or user's ARN, with its path
    account: str
    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


def matching(policy: Policy, question: Question, effect: str) -> Iterator[Statement]:
    """Yield the statements of ``policy`` that are about ``question`` and have ``effect``."""
    for statement in policy:
        if statement["Effect"] == effect and _is_about(statement, question):
            yield statement


def names_directly(statement: Statement, question: Question) -> bool:
    """Return whether a statement names the principal, and not only its account."""
    return any(
        each in ("*", question.principal) for each in _principals(statement.get("Principal", {}))
    )


def _is_about(statement: Statement, question: Question) -> bool:
    principals = statement.get("Principal")
    return (
        (principals is None or _names(principals, question))
        and _fits(statement, "Action", question.action.lower(), fold=True)
        and _fits(statement, "Resource", question.resource)
        and _conditions_hold(statement.get("Condition", {}), question.context)
    )


def _principals(element: Any) -> tuple[str, ...]:
    return _as_tuple(element if element == "*" else element.get("AWS", ()))


def _names(element: Any, question: Question) -> bool:
    accounts = {question.account, f"arn:aws:iam::{question.account}:root"}
    return any(
        each in ("*", question.principal) or each in accounts for each in _principals(element)
    )


def _fits(statement: Statement, element: str, value: str, *, fold: bool = False) -> bool:
    def any_of(patterns: Any) -> bool:
        return any(is_like(value, p.lower() if fold else p) for p in _as_tuple(patterns))

    if f"Not{element}" in statement:
        return not any_of(statement[f"Not{element}"])
    return element not in statement or any_of(statement[element])


def is_like(value: str, pattern: str) -> bool:
    """Return whether a value fits a pattern with ``*``, ``?`` and the escapes ``${*}``."""
    literals = list(_ESCAPED.finditer(pattern))
    pieces, end = [], 0
    for match in literals:
        pieces += [_regex(pattern[end : match.start()]), re.escape(match[1])]
        end = match.end()
    return bool(re.fullmatch("".join([*pieces, _regex(pattern[end:])]), value, re.DOTALL))


def _regex(pattern: str) -> str:
    return re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")


def _as_tuple(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


# ------------------------------------------------------------------------------- conditions

_Test = Callable[[str, str], bool]
_TESTS: Mapping[str, _Test] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": is_like,
    "ArnLike": is_like,
    "ArnEquals": is_like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "IpAddress": lambda value, wanted: (
        ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    ),
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotLike": "StringLike",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
}


def _conditions_hold(conditions: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    return all(
        _holds(operator, context.get(name.lower()), _as_tuple(wanted))
        for operator, tests in conditions.items()
        for name, wanted in tests.items()
    )


def _holds(operator: str, value: str | None, wanted: tuple[str, ...]) -> bool:
    """Return whether one condition holds; a key that is absent fits only negated operators."""
    if operator == "Null":
        return (value is None) == (wanted[0] == "true")
    base = operator.removesuffix("IfExists")
    if value is None:
        return base in _NEGATED or operator != base
    if base in _NEGATED:
        return not any(_TESTS[_NEGATED[base]](value, each) for each in wanted)
    return any(_TESTS[base](value, each) for each in wanted)
