"""What a value has to be: the one reading of a type annotation, for fields and for arguments.

A value is taken as it is, or as one of the forms in which people write it: the value of an enum's
member, a text for a path, any collection for a tuple or a set. What a frozen value holds is frozen
too. Nothing else is converted: a text is not a number, and no text is true or false.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import inspect
import operator
import os
import sys
import types
import typing
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, TypeVar

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")

_TWICE = "__class__"  # a getter of several attributes returns a tuple


class NotAcceptedError(TypeError):
    """A value is not what it has to be. The message is what that is, after "it must be"."""


class FrozenDict(dict[KeyT, ValueT]):
    """A mapping that cannot be changed, so that it can be hashed and shared by threads.

    It is a dictionary for :mod:`json` and :mod:`dataclasses`; operators such as ``|`` return
    ordinary ones.
    """

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("this mapping cannot be changed")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse


class _FrozenJson(FrozenDict[str, Any]):
    """Plain JSON values by their names; those in them cannot be changed either."""


if TYPE_CHECKING:
    JsonObject: TypeAlias = Mapping[str, Any]
else:
    JsonObject = _FrozenJson


_NAMES: Mapping[Any, str] = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    Path: "a path",
    datetime: "a datetime",
    type(None): "None",
    type: "a class",
    JsonObject: "plain JSON values by their names",
}


def convert(hint: Any, value: Any) -> Any:
    """Return ``value`` as a field annotated with ``hint`` takes it.

    Raises:
        NotAcceptedError: it takes no such value.
    """
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return _convert_to_one(hint, value)
    if origin is not None:
        return _convert_generic(hint, origin, value)
    if hint is Any or (isinstance(hint, TypeVar) and hint.__bound__ is None):
        return value
    if hint is None:
        hint = type(None)
    reader = _READERS.get(hint)
    if reader:
        return reader(value)
    if isinstance(value, hint):
        return value
    if issubclass(hint, enum.Enum):
        return member_of(hint, value)
    raise NotAcceptedError(expected(hint))


def expected(hint: Any) -> str:
    """Return what a value has to be, after "it must be"."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(expected(arg) for arg in args))
    if origin in (tuple, frozenset):
        return f"a {'sequence' if origin is tuple else 'set'}, each of it {expected(args[0])}"
    if origin is not None and issubclass(origin, Mapping):
        return f"a mapping from {expected(args[0])} to {expected(args[1])}"
    if origin is not None:
        return "a function" if origin is Callable else getattr(origin, "__name__", str(origin))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return f"one of {', '.join(str(member.value) for member in hint)}"
    return _NAMES.get(hint) or str(getattr(hint, "__name__", hint))


def member_of(members: type[enum.Enum], value: Any) -> Any:
    """Return the member of ``members`` that ``value`` is, or whose value it is in any case.

    Raises:
        NotAcceptedError: there is none.
    """
    if isinstance(value, members):
        return value
    if isinstance(value, str) and not isinstance(value, enum.Enum):
        word = value.casefold()
        for member in members:
            if str(member.value).casefold() == word:
                return member
    raise NotAcceptedError(expected(members))


def convert_path(value: Any) -> Path:
    """Return ``value`` as a path; a blank text is none.

    Raises:
        NotAcceptedError: it is no path.
    """
    text: Any = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise NotAcceptedError(expected(Path))
    path: Path = value if isinstance(value, Path) else Path(text)
    return path


def _convert_to_one(hint: Any, value: Any) -> Any:
    """Return ``value`` as one of the members of a union: as what it is, if it is one of them."""
    args = typing.get_args(hint)
    for arg in sorted(args, key=lambda arg: type(value) is not arg):
        try:
            return convert(arg, value)
        except NotAcceptedError:
            continue
    raise NotAcceptedError(expected(hint))


def _convert_generic(hint: Any, origin: Any, value: Any) -> Any:
    args = typing.get_args(hint)
    if origin is Callable:
        if callable(value):
            return value
    elif issubclass(origin, Mapping):
        if isinstance(value, Mapping):
            items = {convert(args[0], k): convert(args[1], v) for k, v in value.items()}
            return FrozenDict(items)
    elif origin in (tuple, frozenset):
        if isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping):
            return origin(_convert_each(args, value))
    elif isinstance(value, origin):
        return value
    raise NotAcceptedError(expected(hint))


def _convert_each(args: tuple[Any, ...], value: Collection[Any]) -> Iterator[Any]:
    is_any_length = len(args) == 1 or args[-1] is Ellipsis
    if not is_any_length and len(args) != len(value):
        raise NotAcceptedError(f"{len(args)} values")
    hints = args[:1] * len(value) if is_any_length else args
    return (convert(hint, item) for hint, item in zip(hints, value, strict=True))


def _flag(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise NotAcceptedError(expected(bool))


def _whole(value: Any) -> int:
    if type(value) is int:
        return value
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise NotAcceptedError(expected(int))
    return operator.index(value)


def _number(value: Any) -> float:
    if type(value) in (int, float):
        return value  # type: ignore[no-any-return]
    if isinstance(value, bool) or not isinstance(value, Real):
        raise NotAcceptedError(expected(float))
    return float(value)


def _json_object(value: Any) -> _FrozenJson:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise NotAcceptedError(expected(JsonObject))
    return _FrozenJson({name: _json_value(one) for name, one in value.items()})


def _json_value(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return tuple(map(_json_value, value))
    return _json_object(value)


_READERS: Mapping[Any, Callable[[Any], Any]] = {
    bool: _flag,
    int: _whole,
    float: _number,
    Path: convert_path,
    JsonObject: _json_object,
}


# ------------------------------------------------------------------------ fields of dataclasses


class FieldTypes:
    """The fields of a dataclass that do not take everything, and a cheap test for most instances.

    ``plain`` are combinations of types, of all fields, that need no look at the values: one set is
    found for every object of a run.
    """

    def __init__(self, hints: Mapping[str, Any]) -> None:
        self.hints = hints
        self.values_of: Callable[[object], tuple[Any, ...]] = (
            operator.attrgetter(*hints, _TWICE) if hints else lambda _: ()
        )
        self.plain: set[tuple[type, ...]] = set()  # bounded by the classes that there are
        self._plain_types = [_plain_types(hint) for hint in hints.values()]

    def not_plain(self, types: tuple[type, ...]) -> list[tuple[str, Any]]:
        """Return the fields, with their annotations, whose values of these types need a look."""
        fields = zip(self.hints.items(), self._plain_types, types, strict=False)
        return [field for field, plain, known in fields if known not in plain]


@functools.cache
def field_types(cls: type, metadata_key: str = "") -> FieldTypes:
    """Return the types of a dataclass, without the fields whose metadata have ``metadata_key``.

    Those that take anything are left out, too.
    """
    names = {field.name for field in dataclasses.fields(cls) if metadata_key not in field.metadata}
    hints: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        own = {name: hint for name, hint in inspect.get_annotations(base).items() if name in names}
        holder = type("Hints", (), {"__annotations__": own})
        namespace = vars(sys.modules[base.__module__])
        hints |= typing.get_type_hints(holder, globalns=namespace)
    return FieldTypes({name: hint for name, hint in hints.items() if hint is not Any})


def _plain_types(hint: Any) -> frozenset[type]:
    """Return the types whose own instances, and not those of subclasses, need no look."""
    members = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if float in members:
        members = (*members, int)
    if typing.get_origin(hint) is Mapping:
        members = (FrozenDict,)
    return frozenset(
        member for member in members if isinstance(member, type) and member is not Path
    )
