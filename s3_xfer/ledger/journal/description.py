"""Which copy a journal belongs to, and the operation that resumes it.

The declarations of the options say what is written down. What decides about the copies must be the
same in every run: the *identity*. The rest (accounts, concurrency, retries) is *remembered*, and a
resumed run may change it. Secrets are not written down: credentials come from profiles, roles and
the environment as always, and an external id has to be given again.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from s3_xfer.declarations import Declaration, JournalRole, declarations_of
from s3_xfer.errors import JournalError
from s3_xfer.model import AccountContext
from s3_xfer.options import CopyOptions
from s3_xfer.planning.ranges import KeyRange
from s3_xfer.spec import CopySpec
from s3_xfer.text import printable

Description = dict[str, Any]

_IDENTITY, _REMEMBERED = JournalRole.IDENTITY, JournalRole.REMEMBERED


def describe(operation: CopySpec, *, list_digest: str | None = None) -> Description:
    """Return ``operation`` as plain JSON values, without secrets.

    ``list_digest`` is that of the list that says what is copied, if there is one.
    """
    return {
        "identity": _identity(operation) | {"files_from": list_digest},
        "operation": _written(operation, CopySpec, _REMEMBERED),
        "options": _written(operation.options, CopyOptions, _REMEMBERED),
        "source": _written(operation.source, AccountContext, _IDENTITY, _REMEMBERED),
        "destination": _written(operation.destination, AccountContext, _IDENTITY, _REMEMBERED),
    }


def _identity(operation: CopySpec) -> dict[str, Any]:
    accounts = {"source": operation.source, "destination": operation.destination}
    return {
        **_written(operation, CopySpec, _IDENTITY),
        **{
            f"{side}_{name}": value
            for side, account in accounts.items()
            for name, value in _written(account, AccountContext, _IDENTITY).items()
        },
        **_written(operation.options, CopyOptions, _IDENTITY),
        "from_report": operation.options.from_report_path is not None,
        "key_ranges": [[keys.after, keys.until] for keys in operation.key_ranges],
        # A list need not be given again, and makes SOURCE a prefix.
        "recursive": operation.recursive or operation.options.files_from is not None,
    }


def require_same(
    description: Description, described: Description, *, name: str, is_resumed: bool = False
) -> None:
    """Return if the journal ``name``, of this description, belongs to the copy ``described``.

    A copy that ``is_resumed`` is not given its list again: what it named is in the journal.

    Raises:
        JournalError: it belongs to another copy; every difference is named.
    """
    written, now = description["identity"], dict(described["identity"])
    if not now["from_report"]:  # the report is not read again
        del now["from_report"]
    if is_resumed and not now["files_from"]:
        del now["files_from"]
    different = [
        f"{option}: journal says {_shown(written.get(option))}, this run {_shown(value)}"
        for option, value in now.items()
        if written.get(option) != value
    ]
    if different:
        raise JournalError(
            f"the journal {name} belongs to another copy\n" + "\n".join(different),
            remedy="give the options of that copy, or another journal",
        )


def is_same_copy(written: Mapping[str, Any], operation: CopySpec) -> bool:
    """Return whether ``written``, an identity, is that of ``operation``.

    Ages are left out: they may have been turned into moments when it was written.
    """
    ages = ("newer_than", "older_than")
    now = describe(operation)["identity"]
    return all(
        json.dumps(written.get(name)) == json.dumps(value)  # a file has no tuples
        for name, value in now.items()
        if name not in ages
    )


def operation_fields(
    description: Description,
    *,
    source: tuple[AccountContext, str | None],
    destination: tuple[AccountContext, str | None],
    changes: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the fields of the operation that ``description`` was made from.

    What is given replaces what was remembered: ``source`` and ``destination`` by field (each with
    the external id of a remembered role), ``changes`` by option.
    """
    identity = description["identity"]
    options = _read(CopyOptions, identity | description["options"])
    return {
        **_read(CopySpec, identity | description["operation"]),
        "key_ranges": tuple(KeyRange(*bounds) for bounds in identity["key_ranges"]),
        "source": _account(description["source"], *source),
        "destination": _account(description["destination"], *destination),
        "options": CopyOptions(**(options | dict(changes))),
    }


def _account(
    written: Mapping[str, Any], given: AccountContext, external_id: str | None
) -> AccountContext:
    """Return the account that was written down, with the fields that ``given`` has in place."""
    remembered = _read(AccountContext, written)
    if given.names_credentials or given.no_sign_request:
        remembered |= {"profile": None, "role_arn": None, "no_sign_request": None}
    changes = {
        field.name: getattr(given, field.name)
        for field in dataclasses.fields(AccountContext)
        if getattr(given, field.name) is not None
    }
    if external_id and remembered["role_arn"]:
        changes["external_id"] = external_id
    return AccountContext(**(remembered | changes))


def _of_role(cls: type, *roles: JournalRole) -> Iterator[Declaration]:
    return (option for option in declarations_of(cls).values() if option.journal in roles)


def _written(instance: Any, cls: type, *roles: JournalRole) -> dict[str, Any]:
    """Return the fields of these roles as plain JSON values."""
    return {
        option.name: option.to_json(getattr(instance, option.name))
        for option in _of_role(cls, *roles)
    }


def _read(cls: type, written: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of every field that a journal keeps."""
    return {
        option.name: option.parse(written[option.name])
        for option in _of_role(cls, _IDENTITY, _REMEMBERED)
    }


def _shown(value: Any) -> str:
    return "nothing" if value is None else printable(repr(value) if value == "" else str(value))
