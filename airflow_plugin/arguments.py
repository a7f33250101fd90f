"""From the arguments of a task to what the library takes: locations, options, numbers, enums.

Templates render to text, so every value may come as text: ``"64"``, ``"true"``, ``"STANDARD_IA"``.
The fields of :class:`~s3_xfer.CopyOptions` are read from the class itself: a new field needs an
argument of the operator, and nothing here. A value that cannot be read is refused with the
argument's name, before a request is sent.
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from s3_xfer import CopyOptions, Identical, JournalUse, S3Location, ValidationError

# Operators have attributes of these names for the retries of the task; ours are of a request.
RENAMED = {"retries": "request_retries", "retry_delay_s": "request_retry_delay_s"}
_TRUE, _FALSE = frozenset({"true", "yes", "1", "on"}), frozenset({"false", "no", "0", "off"})


class OnRetry(enum.Enum):
    """What only a task can ask for, besides the values of :class:`~s3_xfer.Identical`."""

    SKIP = "skip-on-retry"


@dataclasses.dataclass(frozen=True, slots=True)
class TaskArguments:
    """The rendered arguments of one task by name, and their values as the library takes them.

    Every method raises :class:`~s3_xfer.ValidationError` if a value cannot be read.
    """

    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        """Return the argument as it was rendered."""
        return self.values[name]

    def flag(self, name: str) -> bool:
        """Return the argument as true or false."""
        return bool(read(name, self.values[name], bool))

    def number(self, name: str) -> int:
        """Return the argument as a whole number."""
        return int(read(name, self.values[name], int))

    def location(self, side: str) -> S3Location:
        """Return the location of ``side``, which is ``source`` or ``destination``."""
        return location(side, self.values[f"{side}_bucket"], self.values[f"{side}_key"])

    def options(
        self, *, defaults: Mapping[str, Any], local_paths: Mapping[str, Any], is_retry: bool
    ) -> CopyOptions:
        """Return the library's options.

        Args:
            defaults: values by field for the arguments that are None.
            local_paths: paths by field for the arguments that name a file in S3.
            is_retry: whether this is a later try of the task.
        """
        names = (field.name for field in dataclasses.fields(CopyOptions))
        values: dict[str, Any] = {name: self.values[argument_of(name)] for name in names}
        values |= {name: value for name, value in defaults.items() if values[name] is None}
        values["identical"] = identical(values["identical"], is_retry=is_retry)
        if values["journal"] and not values["journal_use"]:
            values["journal_use"] = JournalUse.CONTINUE
        return copy_options({**values, **local_paths})


def identical(value: Any, *, is_retry: bool) -> Identical:
    """Return what happens to identical objects in this try of the task.

    Raises:
        ValidationError: ``value`` is neither one of the library's words nor the operator's own.
    """
    choice: Identical | OnRetry = read("identical", value, Identical | OnRetry)
    if isinstance(choice, Identical):
        return choice
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


def location(side: str, bucket: str | None, key: str | None) -> S3Location:
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
    for member in _members(kind):
        reader = _READERS.get(member, member)  # an enum reads its own values
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


def _read_flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = _read_text(value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(value)
    return word in _TRUE


def _read_whole_number(value: Any) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    return int(value)


def _read_text(value: Any) -> str:
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
    bool: _read_flag,
    int: _read_whole_number,
    float: float,
    Path: Path,
    str: _read_text,
}
