"""Words that can be pasted into a shell, for keys with any characters.

Control characters are never printed as they are: a word that has any is written in the ``$'...'``
form that bash, zsh and ksh read back byte for byte.
"""

from __future__ import annotations

import shlex

from s3_xfer.text import printable


def shell_word(text: str) -> str:
    """Return ``text`` quoted for a POSIX shell, safe to print."""
    if printable(text) == text:
        return shlex.quote(text)
    return "$'" + "".join(_escaped(character) for character in text) + "'"


def _escaped(character: str) -> str:
    if character in "\\'":
        return "\\" + character
    if printable(character) == character:
        return character
    data = character.encode("utf-8", "surrogateescape")
    return "".join(f"\\x{byte:02x}" for byte in data)
