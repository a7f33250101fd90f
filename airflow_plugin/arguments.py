"""From what a DAG says to what the library takes: places, options, numbers, enums.

Templates render to text, so every value may come as text: ``"64"``, ``"true"``, ``"STANDARD_IA"``.
The fields of :class:`~s3_xfer.CopyOptions` are read from the class itself: a new one needs an
argument of the operator, and nothing here. Refuses what it cannot read with the argument's name
and the value, before anything is sent.
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from s3_xfer import CopyOptions, Identical, S3Location, ValidationError

# Operators have attributes of these names for the retries of the task; ours are of a request.
RENAMED = {"retries": "request_retries", "retry_delay_s": "request_retry_delay_s"}
_YES, _NO = frozenset({"true", "yes", "1", "on"}), frozenset({"false", "no", "0", "off"})


class OnRetry(enum.Enum):
    """What only a task can ask for, besides the values of :class:`~s3_xfer.Identical`."""

    SKIP = "skip-on-retry"


def identical(value: Any, *, is_retry: bool) -> Identical:
    """Return what happens to identical objects in this try of the task.

    Raises:
        ValidationError: ``value`` is neither of the library's nor of the operator's words.
    """
    chosen: Identical | OnRetry = read("identical", value, Identical | OnRetry)
    if isinstance(chosen, Identical):
        return chosen
    return Identical.SKIP if is_retry else Identical.COPY


def argument_of(field: str) -> str:
    """Return the operator's argument for a field of CopyOptions."""
    return RENAMED.get(field, field)


def copy_options(values: Mapping[str, Any]) -> CopyOptions:
    """Return options from ``values`` by field; None and empty text stand for the default.

    Raises:
        ValidationError: a value cannot be read, or the library refuses it.
    """
    kinds = typing.get_type_hints(CopyOptions)
    return CopyOptions(
        **{
            field.name: read(argument_of(field.name), values[field.name], kinds[field.name])
            for field in dataclasses.fields(CopyOptions)
            if values.get(field.name) not in (None, "")
        }
    )


def place(side: str, bucket: str | None, key: str | None) -> S3Location:
    """Return what ``bucket`` and ``key`` name; without a bucket, the key is an ``s3://`` URL.

    Raises:
        ValidationError: neither, or both.
    """
    is_url = (key or "").startswith("s3://")
    if bucket and is_url:
        raise ValidationError(
            f"{side}_bucket is {bucket!r} and {side}_key is the URL {key!r}: which one is meant?",
            remedy=f"give {side}_bucket and a plain key, or the URL alone",
        )
    if is_url:
        return S3Location.parse(key or "")
    if not bucket:
        raise ValidationError(
            f"no bucket was given for the {side}",
            remedy=f"give {side}_bucket, or {side}_key as s3://BUCKET/KEY",
        )
    return S3Location(bucket=bucket, key=key or "")


def read(name: str, value: Any, kind: Any) -> Any:
    """Return ``value`` as a ``kind`` (of a field of CopyOptions, or bool, int, float, str).

    Raises:
        ValidationError: it is not one.
    """
    for wanted in _members(kind):
        reader = _READERS.get(wanted, wanted)  # an enum reads its own values
        try:
            return reader(value)
        except (ValueError, TypeError):
            continue
    raise ValidationError(f"{name} is {value!r}; it must be {_described(kind)}")


def _members(kind: Any) -> tuple[Any, ...]:
    """Return the types of a union, None left out."""
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return tuple(member for member in typing.get_args(kind) if member is not type(None))
    return (kind,)


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = _text(value).strip().lower()
    if word not in _YES | _NO:
        raise ValueError(value)
    return word in _YES


def _whole(value: Any) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    return int(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _described(kind: Any) -> str:
    words = {bool: "true or false", int: "a whole number", float: "a number", Path: "a path"}
    return " or ".join(words.get(member) or _choices(member) or "text" for member in _members(kind))


def _choices(member: Any) -> str:
    is_enum = isinstance(member, type) and issubclass(member, enum.Enum)
    return "one of " + ", ".join(choice.value for choice in member) if is_enum else ""


_READERS: Mapping[Any, Callable[[Any], Any]] = {
    bool: _flag,
    int: _whole,
    float: float,
    Path: Path,
    str: _text,
}
