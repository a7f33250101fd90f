"""Make text from elsewhere safe to print.

Object keys and server messages are chosen by others. A key may hold a newline that forges a log
line, or an escape sequence that repaints a terminal. Everything that a person or a log reads
goes through here; files meant for machines (reports) use JSON's own escaping instead.
"""

from __future__ import annotations

_JOINER = "\u200d"  # builds ordinary emoji and is harmless on its own


def printable(text: str) -> str:
    r"""Return ``text`` with everything that is not printable spelled out (``\n``, ``\x1b``).

    A backslash already in ``text`` is kept as it is; the result is for reading, not for parsing.
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character == _JOINER
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def s3_url(bucket: str, key: str = "") -> str:
    """Return ``s3://bucket/key``, safe to print."""
    return f"s3://{bucket}/{printable(key)}"
