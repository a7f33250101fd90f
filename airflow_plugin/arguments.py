"""From the arguments of a task to what the library takes: locations, options, numbers, enums.

Templates render to text, so every value may come as text: ``"64"``, ``"true"``, ``"STANDARD_IA"``;
with ``render_template_as_native_obj=True`` to numbers, lists and None as well. A key or a name that
has become a number is refused, because the number does not tell what the text was (``1_000``). The
arguments for :class:`~s3_xfer.CopyOptions` follow from the declarations of its fields: a new option
of the library needs nothing here. A value that cannot be read is refused with the argument's name,
before a request is sent.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import s3_xfer
from s3_xfer import (
    CopyOptions,
    Declaration,
    Delete,
    Identical,
    JournalUse,
    RunMode,
    S3Location,
    ValidationError,
    declarations_of,
)

# Operators have attributes of these names for the retries of the task; ours are of a request.
RENAMED = {"retries": "request_retries", "retry_delay_s": "request_retry_delay_s"}
# What only a task can ask for, besides the values of Identical.
SKIP_ON_RETRY = "skip-on-retry"
_COUNTS_AS_TEXT = ("max_delete",)  # text, because it may be per cent; a template makes it a number

_ACCOUNT_ID = re.compile(r"[0-9]{12}")

_InitT = TypeVar("_InitT", bound=Callable[..., None])
_ClassT = TypeVar("_ClassT", bound=type)


def argument_of(field: str) -> str:
    """Return the operator's argument for a field of CopyOptions."""
    return RENAMED.get(field, field)


OPTIONS: Mapping[str, Declaration] = {
    argument_of(field): declaration for field, declaration in declarations_of(CopyOptions).items()
}


# Those that a check takes as well.
CHECK_OPTIONS: Mapping[str, Declaration] = {
    name: OPTIONS[name]
    for name in (
        "filters",
        "min_size_bytes",
        "max_size_bytes",
        "newer_than",
        "older_than",
        "source_storage_class",
        "files_from",
        "files_from_format",
        "files_from_keys",
        "inventory",
        "report_path",
        "request_payer",
        "concurrency",
        "request_retries",
        "request_retry_delay_s",
        "read_timeout_s",
        "max_requests_per_s",
        "deadline",
        "stop_grace_s",
    )
}


def with_options(options: Mapping[str, Declaration]) -> Callable[[_InitT], _InitT]:
    """Return a decorator of constructors whose signature gets these arguments, None unless given.

    Airflow reads the signature for mapped tasks and default arguments.
    """

    def decorate(init: _InitT) -> _InitT:
        signature = inspect.signature(init)
        *own, others = signature.parameters.values()
        added = (inspect.Parameter(name, others.KEYWORD_ONLY, default=None) for name in options)
        init.__signature__ = signature.replace(parameters=[*own, *added, others])  # type: ignore[attr-defined]
        return init

    return decorate


def documented(options: Mapping[str, Declaration]) -> Callable[[_ClassT], _ClassT]:
    """Return a decorator that adds to the docstring of an operator the arguments that it lacks."""

    def decorate(cls: _ClassT) -> _ClassT:
        text = inspect.cleandoc(cls.__doc__ or "")
        paragraphs = (
            textwrap.fill(
                f":param {name}: {_meaning(option)}",
                96,
                subsequent_indent="    ",
                break_on_hyphens=False,
            )
            for name, option in options.items()
            if f":param {name}:" not in text
        )
        cls.__doc__ = "\n".join([text, "", *paragraphs])
        return cls

    return decorate


def keyword_only(init: Callable[..., None]) -> tuple[str, ...]:
    """Return the names of a constructor's arguments, all of which are templates."""
    return tuple(
        name
        for name, parameter in inspect.signature(init).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    )


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
        return bool(_read(_operation_fields()["recursive"], name, self.values[name]))

    def number(self, name: str) -> int:
        """Return the argument as a whole number."""
        return int(_read(_operation_fields()[name], name, self.values[name]))

    def more_sources(self) -> tuple[str, ...]:
        """Return the URLs of further sources, if there are any."""
        name = "more_sources"
        value = self.values[name]
        urls = tuple(_read(_operation_fields()[name], name, value)) if value else ()
        for url in urls:
            try:
                S3Location.parse(url)
            except ValidationError as error:  # which does not say whose URL it is
                raise ValidationError(f"{name}: {error.problem}", remedy=error.remedy) from error
        return urls

    def text(self, name: str) -> str | None:
        """Return the argument as text; None if it is not given, or was rendered to nothing."""
        return read_text(name, self.values[name])

    def account_id(self, name: str) -> str | None:
        """Return the argument as the id of an account, which a template may make a number."""
        value = self.values[name]
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        text = read_text(name, str(value) if is_whole else value)
        if text and not _ACCOUNT_ID.fullmatch(text):
            raise ValidationError(f"{name} is {value!r}; it must be the 12 digits of an account")
        return text

    def choice(self, name: str, words: Sequence[str]) -> str:
        """Return the argument, one of ``words``."""
        value = self.values[name]
        if not isinstance(value, str) or value not in words:
            raise ValidationError(f"{name} is {value!r}; it must be one of {', '.join(words)}")
        return value

    def file(self, name: str) -> str | None:
        """Return the argument as the path or URL of a file; None if it is not given."""
        value = self.values[name]
        return read_text(name, str(value) if isinstance(value, Path) else value)

    def verify(self, name: str) -> bool | str | None:
        """Return the argument as Airflow's hooks take it: a path, true or false, or None."""
        value = self.values[name]
        if isinstance(value, bool):
            return value
        text = read_text(name, value)
        return {"true": True, "false": False}.get((text or "").lower(), text)

    def mapping(self, name: str) -> Mapping[str, Any] | None:
        """Return the argument as a mapping, which may be written as JSON."""
        value = self.values[name]
        if value is None or value == "":
            return None
        if isinstance(value, str):
            with contextlib.suppress(ValueError):
                value = json.loads(value)
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise ValidationError(
                f"{name} is {self.values[name]!r}; it must be a mapping, or one as JSON"
            )
        return value

    @property
    def is_dry_run(self) -> bool:
        """Whether nothing is to be written."""
        mode = self.values["mode"]
        return bool(mode) and _read(OPTIONS["mode"], "mode", mode) is RunMode.DRY_RUN

    def location(self, side: str) -> S3Location:
        """Return the location of ``side``, which is ``source`` or ``destination``."""
        return location(side, self.values[f"{side}_bucket"], self.values[f"{side}_key"])

    def options(
        self, *, defaults: Mapping[str, Any], places: Mapping[str, Any], is_retry: bool
    ) -> CopyOptions:
        """Return the library's options.

        Args:
            defaults: values by field for the arguments that are None.
            places: paths and URLs by field, of the arguments that name a file.
            is_retry: whether this is a later try of the task.
        """
        values = self._options_given(OPTIONS, defaults)
        if _is_sync(values["delete"]):
            values["identical"] = _identical_of_sync(self["identical"])
        else:
            values["identical"] = identical(values["identical"], is_retry=is_retry)
        if places.get("journal") and values["journal_use"] in (None, ""):
            values["journal_use"] = JournalUse.CONTINUE
        return copy_options({**values, **places})

    def check_options(
        self, *, defaults: Mapping[str, Any], places: Mapping[str, Any]
    ) -> CopyOptions:
        """Return the options of a check; the arguments are as above."""
        return copy_options({**self._options_given(CHECK_OPTIONS, defaults), **places})

    def compared(self) -> dict[str, Any]:
        """Return what only a check has, by the fields of S3CheckOperation."""
        declarations = declarations_of(s3_xfer.S3CheckOperation)
        return {
            name: _read(declarations[name], name, self.values[name])
            for name in ("compare", "extra", "fail_on")
            if self.values[name] not in (None, "")
        }

    def _options_given(
        self, options: Mapping[str, Declaration], defaults: Mapping[str, Any]
    ) -> dict[str, Any]:
        values = {option.name: self.values[name] for name, option in options.items()}
        return values | {
            name: value
            for name, value in defaults.items()
            if name in values and values[name] is None
        }


def _is_sync(delete: Any) -> bool:
    return delete not in (None, "") and _read(OPTIONS["delete"], "delete", delete) is Delete.EXTRA


def _identical_of_sync(given: Any) -> Identical:
    """Return what a sync does with identical objects; whatever the configuration says.

    Raises:
        ValidationError: the task asks for something else.
    """
    is_given = given not in (None, "", SKIP_ON_RETRY)
    if is_given and identical(given, is_retry=False) is Identical.COPY:
        raise ValidationError(
            "a sync leaves alone what is identical, and identical is 'copy'",
            remedy="leave out identical, or delete",
        )
    return Identical.SKIP


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


def location(side: str, bucket: Any, key: Any) -> S3Location:
    """Return what ``bucket`` and ``key`` name; without a bucket, the key is an ``s3://`` URL.

    Raises:
        ValidationError: neither, or both, or one of them is not text.
    """
    bucket = read_text(f"{side}_bucket", bucket)
    if key is None:  # a prefix that was rendered to nothing is not the whole bucket
        raise not_text(f"{side}_key", key)
    key = read_text(f"{side}_key", key) or ""
    is_url = key.startswith("s3://")
    if bucket and is_url:
        raise ValidationError(
            f"{side}_bucket is {bucket!r} and {side}_key is the URL {key!r}: which one is meant?",
            remedy=f"give {side}_bucket and a plain key, or the URL alone",
        )
    if is_url:
        return S3Location.parse(key)
    if not bucket:
        raise ValidationError(
            f"no bucket was given for the {side}",
            remedy=f"give {side}_bucket, or {side}_key as s3://BUCKET/KEY",
        )
    return S3Location(bucket=bucket, key=key)


def read_text(name: str, value: Any) -> str | None:
    """Return ``value`` of the argument ``name`` if it is text; None if it is None or empty.

    Raises:
        ValidationError: it is something else.
    """
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise not_text(name, value)
    return value


def not_text(name: str, value: object) -> ValidationError:
    """Return the refusal of a value of the argument ``name`` that should have been text."""
    return ValidationError(
        f"{name} is {value!r}; it must be text",
        remedy="with render_template_as_native_obj=True a template that looks like a number, a "
        "list or None becomes one: give a key as an s3:// URL, or more text around the template",
    )


def _operation_fields() -> Mapping[str, Declaration]:
    return declarations_of(s3_xfer.S3CopyOperation)  # loads boto3, so not when a DAG is parsed


def _read(declaration: Declaration, name: str, value: Any) -> Any:
    """Return ``value`` of the argument ``name`` as the library takes it; None is no value.

    Raises:
        ValidationError: it cannot be read, or is out of range.
    """
    if declaration.of is bool and type(value) is int:  # the text 1 is true, and the number
        value = str(value)
    if name in _COUNTS_AS_TEXT and type(value) is int:
        value = str(value)
    if value is None:
        raise ValidationError(f"{name} is None; it must be {declaration.expected}")
    read = declaration.parse(value, name=name)
    declaration.check(read, name=name)
    return read
