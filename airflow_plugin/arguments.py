"""From the arguments of a task to what the library takes: locations, options, numbers, enums.

Templates render to text, so every value may come as text: ``"64"``, ``"true"``, ``"STANDARD_IA"``.
The arguments for :class:`~s3_xfer.CopyOptions` follow from the declarations of its fields: a new
option of the library needs nothing here. A value that cannot be read is refused with the
argument's name, before a request is sent.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from s3_xfer import (
    CopyOptions,
    Declaration,
    Identical,
    JournalUse,
    S3CopyOperation,
    S3Location,
    ValidationError,
    declarations_of,
)

# Operators have attributes of these names for the retries of the task; ours are of a request.
RENAMED = {"retries": "request_retries", "retry_delay_s": "request_retry_delay_s"}
# What only a task can ask for, besides the values of Identical.
SKIP_ON_RETRY = "skip-on-retry"

_InitT = TypeVar("_InitT", bound=Callable[..., None])
_ClassT = TypeVar("_ClassT", bound=type)


def argument_of(field: str) -> str:
    """Return the operator's argument for a field of CopyOptions."""
    return RENAMED.get(field, field)


OPTIONS: Mapping[str, Declaration] = {
    argument_of(field): declaration for field, declaration in declarations_of(CopyOptions).items()
}


def with_options(init: _InitT) -> _InitT:
    """Return a constructor whose signature has every argument of OPTIONS, None unless given.

    Airflow reads the signature for mapped tasks and default arguments.
    """
    signature = inspect.signature(init)
    *own, others = signature.parameters.values()
    options = (inspect.Parameter(name, others.KEYWORD_ONLY, default=None) for name in OPTIONS)
    init.__signature__ = signature.replace(parameters=[*own, *options, others])  # type: ignore[attr-defined]
    return init


def documented(cls: _ClassT) -> _ClassT:
    """Add to the docstring of an operator the arguments of OPTIONS that it does not describe."""
    text = inspect.cleandoc(cls.__doc__ or "")
    paragraphs = (
        textwrap.fill(
            f":param {name}: {_meaning(option)}",
            96,
            subsequent_indent="    ",
            break_on_hyphens=False,
        )
        for name, option in OPTIONS.items()
        if f":param {name}:" not in text
    )
    cls.__doc__ = "\n".join([text, "", *paragraphs])
    return cls


def _meaning(option: Declaration) -> str:
    return f"{option.meaning} One of {', '.join(option.words)}." if option.words else option.meaning


@dataclass(frozen=True, slots=True)
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
        return bool(_read(declarations_of(S3CopyOperation)["recursive"], name, self.values[name]))

    def number(self, name: str) -> int:
        """Return the argument as a whole number."""
        return int(_read(declarations_of(S3CopyOperation)[name], name, self.values[name]))

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
        values = {option.name: self.values[name] for name, option in OPTIONS.items()}
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
    if value == SKIP_ON_RETRY:
        return Identical.SKIP if is_retry else Identical.COPY
    try:
        choice: Identical = _read(OPTIONS["identical"], "identical", value)
    except ValidationError as error:
        raise ValidationError(f"{error.problem} or one of {SKIP_ON_RETRY}") from error
    return choice


def copy_options(values: Mapping[str, Any]) -> CopyOptions:
    """Return options from ``values`` by field; None and empty text stand for the default.

    Raises:
        ValidationError: a value cannot be read, or the library refuses it.
    """
    return CopyOptions(
        **{
            option.name: _read(option, name, values[option.name])
            for name, option in OPTIONS.items()
            if values.get(option.name) not in (None, "")
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


def _read(declaration: Declaration, name: str, value: Any) -> Any:
    """Return ``value`` of the argument ``name`` as the library takes it; None is no value.

    Raises:
        ValidationError: it cannot be read, or is out of range.
    """
    read = declaration.parse("" if value is None else value, name=name)
    declaration.check(read, name=name)
    return read
