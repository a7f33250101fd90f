"""The base of all exceptions of this package, and how arguments are refused.

An error is a value: it compares by what it says, and survives pickle and copy with all it knows.
"""

from __future__ import annotations

import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from s3_xfer.errors.error_class import ErrorClass
from s3_xfer.errors.machine_limits import exhausts_machine
from s3_xfer.field_types import NotAcceptedError, convert, field_types
from s3_xfer.wording import LIBRARY, Wording

_SHOWN_MAX = 200  # characters of a wrong value

P = ParamSpec("P")
R = TypeVar("R")


def checked_call(function: Callable[P, R]) -> Callable[P, R]:
    """Return ``function`` with its arguments taken as their annotations say.

    It then raises :class:`ValidationError`, which names argument, value and what is accepted.
    """
    signature = inspect.signature(function)
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    names = {name for name, each in signature.parameters.items() if each.kind not in variadic}

    @functools.cache
    def hints() -> Mapping[str, Any]:
        # What it returns may be of a module that is imported only when it is called.
        written = {name: hint for name, hint in function.__annotations__.items() if name in names}
        arguments = types.SimpleNamespace(__annotations__=written)
        return typing.get_type_hints(arguments, function.__globals__)

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = signature.bind(*args, **kwargs)
        for name in bound.arguments.keys() & hints().keys():
            bound.arguments[name] = accepted(hints()[name], bound.arguments[name], name=name)
        return function(*bound.args, **bound.kwargs)

    return checked


def accepted(hint: Any, value: Any, *, name: str) -> Any:
    """Return ``value`` as ``hint`` takes it; messages call it ``name``.

    Raises:
        ValidationError: it takes no such value.
    """
    try:
        return convert(hint, value)
    except NotAcceptedError as error:
        raise not_accepted(name, value, str(error)) from error


def not_accepted(name: str, value: Any, expected: str, *, is_secret: bool = False) -> Exception:
    """Return the refusal of a value; that of a secret is not in it."""
    shown = "a value of another type" if is_secret else ascii(value)
    if len(shown) > _SHOWN_MAX:
        shown = f"{shown[:_SHOWN_MAX]}..."
    return ValidationError(f"{name} is {shown}; it must be {expected}")


def check_fields(instance: Any, *, metadata_key: str = "") -> None:
    """Take every field of a frozen dataclass as its annotation says, but those declared otherwise.

    These have ``metadata_key`` in their metadata.

    Raises:
        ValidationError: a field cannot be taken.
    """
    types = field_types(instance.__class__, metadata_key)
    known = tuple(map(type, types.values_of(instance)))
    if known in types.plain:
        return
    looked_at = types.not_plain(known)
    for name, hint in looked_at:
        value = getattr(instance, name)
        taken = accepted(hint, value, name=name)
        if taken is not value:
            object.__setattr__(instance, name, taken)
    if not looked_at:
        types.plain.add(known)


class S3XferError(Exception):
    """Base of all errors of this package.

    ``problem`` says what is wrong, ``remedy`` what to do next, ``error_class`` what it is.
    ``str()`` joins them into the message for a person, in the library's wording. Two errors are
    equal if they say the same.

    Where an error of the machine's limits is being handled, that is the class, and how to raise
    them the remedy, unless another class is given.
    """

    _usual_class: ErrorClass | None = None

    @checked_call
    def __init__(
        self, problem: str, *, remedy: str = "", error_class: ErrorClass | None = None
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        if error_class is None and exhausts_machine(sys.exception()):
            error_class, remedy = ErrorClass.MACHINE_LIMIT, ""
        self.error_class: ErrorClass | None = error_class or self._usual_class
        self.remedy: str = remedy or (self.error_class.remedy if self.error_class else "")

    def __str__(self) -> str:
        return self.text(LIBRARY)

    def text(self, wording: Wording) -> str:
        """Return the message for a person, as a front end words it."""
        parts = [wording.say(self.problem)]
        if self.remedy:
            parts.append(f"Next: {wording.say(self.remedy)}.")
        if self.error_class:
            parts.append(wording.say(self.error_class.see))
        return "\n".join(parts)

    @property
    def is_permanent(self) -> bool:
        """Whether the same would go wrong again, as long as nobody acts."""
        return self.error_class is not None and not self.error_class.is_transient

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.args), self.__dict__

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), self.args))


def _rebuilt(cls: type[S3XferError], args: tuple[Any, ...]) -> S3XferError:
    """Return an error without what its constructor computes; its attributes follow."""
    return cls.__new__(cls, *args)


class ValidationError(S3XferError):
    """The inputs are wrong in themselves. Raised before any request is sent."""

    _usual_class = ErrorClass.INVALID_INPUT
