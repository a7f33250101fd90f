"""Which copy a journal belongs to, and how it is taken up again.

Everything that decides what is copied, or how objects end up, must be the same in every run: the
*identity*. The rest (accounts, concurrency, retries) is remembered, and may be changed by whoever
resumes. Refuses secrets: credentials come from profiles, roles and the environment as always, an
external id has to be given again, and a session cannot be written down.
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Mapping
from typing import Any

from s3_xfer.errors import JournalError
from s3_xfer.model import AccountContext
from s3_xfer.options import CopyOptions
from s3_xfer.spec import CopySpec
from s3_xfer.text import printable

Description = dict[str, Any]

_PLACES = ("source_bucket", "source_key", "destination_bucket", "destination_key")
_SAME_OPTIONS = (
    "multipart_threshold_bytes",
    "part_size_bytes",
    "tags",
    "storage_class",
    "acl",
    "sse",
    "sse_kms_key_id",
    "bucket_key",
    "request_payer",
    "checksum_algorithm",
)
_REMEMBERED_OPTIONS = (
    "concurrency",
    "engine",
    "listing_threads",
    "retries",
    "retry_delay_s",
    "read_timeout_s",
    "stop_grace_s",
    "max_requests_per_s",
    "identical",
    "preflight",
)
_ACCOUNT = ("profile", "role_arn", "region", "endpoint_url", "bucket_owner", "ca_bundle")


def describe(operation: CopySpec) -> Description:
    """Return ``operation`` as plain JSON values, without secrets."""
    return {
        "identity": _identity(operation),
        "batch_size": operation.batch_size,
        "source": _plain(operation.source, _ACCOUNT),
        "destination": _plain(operation.destination, _ACCOUNT),
        "options": _plain(operation.options, _REMEMBERED_OPTIONS),
    }


def _identity(operation: CopySpec) -> dict[str, Any]:
    return {
        **_plain(operation, _PLACES),
        "source_endpoint_url": operation.source.endpoint_url,
        "destination_endpoint_url": operation.destination.endpoint_url,
        **_plain(operation, ("recursive", "overwrite")),
        **_plain(operation.options, _SAME_OPTIONS),
        "from_report": operation.options.from_report_path is not None,
    }


def require_same(description: Description, operation: CopySpec, *, name: str) -> None:
    """Return if the journal ``name``, of this description, belongs to ``operation``.

    Raises:
        JournalError: it belongs to another copy; every difference is named.
    """
    written, now = description["identity"], _identity(operation)
    if operation.options.from_report_path is None:  # it is not read again
        now["from_report"] = written.get("from_report")
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


def operation_fields(
    description: Description,
    *,
    source: tuple[AccountContext, str | None],
    destination: tuple[AccountContext, str | None],
    changes: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the fields of the operation that ``description`` was made from.

    What is given replaces what was remembered: ``source`` and ``destination`` where they say
    something (each with the external id of a remembered role), ``changes`` by option.
    """
    identity = description["identity"]
    options = {name: identity[name] for name in _SAME_OPTIONS} | description["options"]
    kinds = typing.get_type_hints(CopyOptions)
    read = {name: _member(kinds[name], value) for name, value in options.items()}
    return {
        **{name: identity[name] for name in (*_PLACES, "recursive", "overwrite")},
        "batch_size": description["batch_size"],
        "source": _account(description["source"], *source),
        "destination": _account(description["destination"], *destination),
        "options": CopyOptions(**(read | dict(changes))),
    }


def _account(
    written: Mapping[str, Any], given: AccountContext, external_id: str | None
) -> AccountContext:
    """Return the account that was written down, changed where ``given`` says something."""
    kept = dict(written)
    if given.names_credentials:
        kept |= {"profile": None, "role_arn": None}
    said = {
        field.name: getattr(given, field.name)
        for field in dataclasses.fields(AccountContext)
        if getattr(given, field.name) is not None
    }
    if external_id and kept["role_arn"]:
        said["external_id"] = external_id
    return AccountContext(**(kept | said))


def _plain(value: Any, names: tuple[str, ...]) -> dict[str, Any]:
    found = {name: getattr(value, name) for name in names}
    return {
        name: each.value if isinstance(each, enum.Enum) else each for name, each in found.items()
    }


def _member(kind: Any, value: Any) -> Any:
    """Return the member of an enum, if ``kind`` is (or allows) one."""
    is_union = isinstance(kind, types.UnionType)
    for each in typing.get_args(kind) if is_union else (kind,):
        if isinstance(each, type) and issubclass(each, enum.Enum) and value is not None:
            return each(value)
    return value


def _shown(value: Any) -> str:
    return "nothing" if value is None else printable(repr(value) if value == "" else str(value))
