"""How an option is declared: under which heading, of which kind, in what order.

Refuses to know any option.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from s3_xfer.cli.params import EnumChoice, SectionOption, Size
from s3_xfer.units import exact_size

SOURCE, DESTINATION = "Source", "Destination"
WHAT = "What to copy"
FIDELITY = "Fidelity"
SPEED = "Speed and retries"
LIMITS = "Limits"
COMPARED = "What to compare"
REMOVING = "What to list and abort"
BOTH = "Both sides"
OUTPUT = "Output"
PARTIES = "Who and what takes part"
PAPER = "Policies"

_Callback = TypeVar("_Callback", bound=Callable[..., Any])


def option(section: str, *names: str, **settings: Any) -> Callable[[_Callback], _Callback]:
    """Declare an option of any kind; ``settings`` are click's."""
    return click.option(*names, cls=SectionOption, section=section, **settings)


def size(section: str, name: str, default_bytes: int, text: str) -> Any:
    """Declare an option that is a number of bytes."""
    return option(
        section,
        name,
        type=Size(),
        metavar="SIZE",
        default=exact_size(default_bytes),
        show_default=True,
        help=text,
    )


def choice(section: str, name: str, kind: type[enum.Enum], text: str, **settings: Any) -> Any:
    """Declare an option over ``kind``; many choices move from the metavar into the text."""
    words = ", ".join(member.value for member in kind)
    if settings.get("metavar"):
        text = f"{text}: {words}."
    return option(section, name, type=EnumChoice(kind), help=text, **settings)


def flag(section: str, name: str, text: str) -> Any:
    """Declare an option that is there or not."""
    return option(section, name, is_flag=True, help=text)


def file(section: str, name: str, text: str) -> Any:
    """Declare an option that names a file, which need not exist."""
    path = click.Path(dir_okay=False, path_type=Path)
    return option(section, name, type=path, metavar="FILE", help=text)


def giving(*declarations: Any) -> Callable[[_Callback], _Callback]:
    """Return a decorator that gives a command these options, in this order."""

    def give(command: _Callback) -> _Callback:
        for declaration in reversed(declarations):
            command = declaration(command)
        return command

    return give
