"""Elements of HTML, in which text from outside cannot become markup.

A ``str`` is text: it is made printable and escaped. Only what :func:`element` returns is markup. So
a key with ``<script>``, quotes, control characters or a change of the writing direction is shown as
these characters, wherever it is put.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TypeAlias

from s3_xfer.text import printable

_VOID = frozenset({"meta"})  # elements without an end


class Html(str):
    """Markup that is complete and safe."""

    __slots__ = ()


Child: TypeAlias = str | None  # None is nothing; a str that is no Html is text


def element(name: str, /, *children: Child, **attributes: object) -> Html:
    """Return one element. An attribute's ``_`` is ``-`` (``class_`` is ``class``); None is none."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = joined(*children)
    return Html(f"<{name}{given}>{inner}" + ("" if name in _VOID else f"</{name}>"))


def joined(*children: Child) -> Html:
    """Return children one after the other, without an element around them."""
    return Html("".join(map(_markup, children)))


def short_table(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """Return a title and names beside their values, as a notebook shows a value."""
    cells = (element("tr", element("th", name), element("td", value)) for name, value in rows)
    return element("div", element("b", title), element("table", *cells))


def _markup(child: Child) -> Html:
    return child if isinstance(child, Html) else escaped(child or "")


def escaped(text: str) -> Html:
    """Return text as it is shown; what is not printable is spelled out, as in a terminal."""
    return Html(html.escape("\n".join(printable(line) for line in text.split("\n"))))
