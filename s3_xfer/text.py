"""Make text from elsewhere safe to print.

A key may hold a newline that forges a log line, or an escape sequence that repaints a terminal. All
that a person or a log reads goes through here; reports use JSON's own escaping instead.
"""

from __future__ import annotations

import shlex

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


def shell_word(text: str) -> str:
    """Return ``text`` quoted for a POSIX shell, safe to print.

    What is not printable is written in the ``$'...'`` form, which bash, zsh and ksh read back byte
    for byte.
    """
    if printable(text) == text:
        return shlex.quote(text)
    return "$'" + "".join(map(_escaped, text)) + "'"


def _escaped(character: str) -> str:
    if character in "\\'":
        return "\\" + character
    if printable(character) == character:
        return character
    data = character.encode("utf-8", "surrogateescape")
    return "".join(f"\\x{byte:02x}" for byte in data)


def shortened(text: str, width: int, dots: str = "...") -> str:
    """Return ``text`` in at most ``width`` characters; what is left out stood in its middle.

    Beginning and end tell objects apart; an end is worth more, for names differ there.
    """
    room = width - len(dots)
    if len(text) <= width:
        return text
    if room < 2:  # noqa: PLR2004 - nothing to the left and right of the dots
        return text[:width]
    head = room // 2
    return text[:head] + dots + text[len(text) - (room - head) :]


def reason_of(error: Exception) -> str:
    """Return what an error says, safe to print; of the disk's, without number and name."""
    return printable(getattr(error, "strerror", None) or str(error))
