"""Make text from elsewhere safe to print.

Object keys and server messages are chosen by others. A key may hold a newline that forges a log
line, or an escape sequence that repaints a terminal. Everything that a person or a log reads
goes through here; files meant for machines (reports) use JSON's own escaping instead.
"""

from __future__ import annotations

import unicodedata

_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Joiners build ordinary emoji and are harmless on their own.
_HARMLESS = frozenset({"\u200d"})


def printable(text: str) -> str:
    r"""Return ``text`` with control and formatting characters spelled out (``\n``, ``\x1b``).

    A backslash already in ``text`` is kept as it is; the result is for reading, not for parsing.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(character) for character in text)


def _escape(character: str) -> str:
    if character in _HARMLESS or unicodedata.category(character) not in _UNSAFE_CATEGORIES:
        return character
    return character.encode("unicode_escape").decode("ascii")


def s3_url(bucket: str, key: str = "") -> str:
    """Return ``s3://bucket/key``, safe to print."""
    return f"s3://{bucket}/{printable(key)}"
