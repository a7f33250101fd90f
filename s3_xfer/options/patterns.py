r"""The pattern language of filters: rclone's, matched on the key below the source prefix.

====================  ==================================================
``*``                 any characters but ``/``, also none
``**``                any characters, ``/`` included
``?``                 one character, not ``/``
``[a-z]``, ``[!a-z]``  one character of a class, or not of it (``^`` is ``!``)
``{jpg,png}``         one of several patterns
``{{…}}``             a regular expression, as Python's :mod:`re` reads it
``\x``                 the character ``x`` itself
====================  ==================================================

A pattern that begins with ``/`` is matched from the start of the key. Any other is matched at its
end, from the start or behind a ``/``. One that ends with ``/`` means everything below it. Keys
are matched as they are: upper and lower case differ, ``//`` and ``.`` are characters like others.

The language is described in rclone's documentation, "rclone filtering", section "Pattern syntax".
"""

from __future__ import annotations

import re

from s3_xfer.errors import ValidationError

_ANY_DEPTH = r"(?:\A|/)"
_NOT_LITERAL = frozenset("*?[]{}\\")
_CLASS = re.compile(r"\[([!^]?)(\]?(?:\[:[a-z]+:\]|\\.|[^\]\\])*)\]", re.DOTALL)
_LEADING_FLAGS = re.compile(r"\A\(\?([ims]+)\)(.*)\Z", re.DOTALL)
_NAMED = re.compile(r"\[:([a-z]+):\]")
_NAMED_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": r"\t ",
    "digit": "0-9",
    "lower": "a-z",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Return a regular expression whose ``search`` finds the keys that ``pattern`` matches.

    Raises:
        ValidationError: ``pattern`` is empty or malformed; the message says where.
    """
    if not pattern.strip("/"):
        raise _malformed(pattern, "it names nothing" if pattern else "it is empty")
    start = r"\A" if pattern.startswith("/") else _ANY_DEPTH
    body = pattern.removeprefix("/")
    if body.endswith("/"):
        body += "**"
    try:
        return re.compile(rf"{start}(?:{_translated(body, pattern)})\Z", re.DOTALL)
    except re.error as error:
        raise _malformed(pattern, str(error)) from error


def literal_prefix(pattern: str) -> str:
    """Return what every key begins with that ``pattern`` matches; empty unless it is anchored."""
    if not pattern.startswith("/"):
        return ""
    literal: list[str] = []
    characters = iter(pattern[1:])
    for character in characters:
        if character == "\\":
            literal.append(next(characters, ""))
        elif character in _NOT_LITERAL:
            break
        else:
            literal.append(character)
    return "".join(literal)


def _translated(body: str, pattern: str) -> str:
    """Return ``body`` as a regular expression."""
    translated: list[str] = []
    depth = position = 0
    while position < len(body):
        rest = body[position:]
        token, expression = _token(rest, pattern, is_nested=depth > 0)
        depth += {"{": 1, "}": -1}.get(token, 0)
        if depth < 0:
            raise _malformed(pattern, "a } closes nothing; write \\} for the character")
        translated.append(expression)
        position += len(token)
    if depth:
        raise _malformed(pattern, "a { is not closed; write \\{ for the character")
    return "".join(translated)


def _token(  # noqa: PLR0911, PLR0912 - one row of the table for each
    rest: str, pattern: str, *, is_nested: bool
) -> tuple[str, str]:
    """Return what ``rest`` begins with, and the regular expression for it."""
    if rest.startswith("{{"):
        return _regular_expression(rest, pattern)
    if rest.startswith("***"):
        raise _malformed(pattern, "it has more than two * in a row")
    if rest.startswith("**"):
        return "**", ".*"
    match rest[0]:
        case "*":
            return "*", "[^/]*"
        case "?":
            return "?", "[^/]"
        case "[":
            return _character_class(rest, pattern)
        case "]":
            raise _malformed(pattern, "a ] closes nothing; write \\] for the character")
        case "{":
            return "{", "(?:"
        case "}":
            return "}", ")"
        case "," if is_nested:
            return ",", "|"
        case "\\":
            if len(rest) == 1:
                raise _malformed(pattern, "it ends with a single \\")
            return rest[:2], re.escape(rest[1])
        case character:
            return character, re.escape(character)


def _regular_expression(rest: str, pattern: str) -> tuple[str, str]:
    end = rest.find("}}", 2)
    if end < 0:
        raise _malformed(pattern, "a {{ is not closed")
    while rest.startswith("}", end + 2):  # of the expression itself: {{a{2}}}
        end += 1
    # Flags in front of it are for this expression alone, as Go has it.
    expression = _LEADING_FLAGS.sub(r"(?\1:\2)", rest[2:end])
    try:
        re.compile(expression)
    except re.error as error:
        raise _malformed(pattern, f"{expression!r} is no regular expression: {error}") from error
    return rest[: end + 2], f"(?:{expression})"


def _character_class(rest: str, pattern: str) -> tuple[str, str]:
    found = _CLASS.match(rest)
    if not found or not found[2]:
        raise _malformed(pattern, "a [ is not closed; write \\[ for the character")
    try:
        members = _NAMED.sub(lambda name: _NAMED_CLASSES[name[1]], found[2])
    except KeyError as error:
        raise _malformed(pattern, f"there is no class [:{error.args[0]}:]") from error
    members = members.replace("[", r"\[") if "[:" not in found[2] else members
    slash = "/" if found[1] else ""  # as a ? does not match it
    return found[0], f"[{'^' if found[1] else ''}{_escaped_first(members)}{slash}]"


def _escaped_first(members: str) -> str:
    return rf"\{members}" if members[0] in "]^" else members


def _malformed(pattern: str, why: str) -> ValidationError:
    return ValidationError(
        f"{pattern!r} is not a pattern: {why}",
        remedy="write it as '*.csv', '/2026/**', '{a,b}.txt' or '{{.*[0-9]}}'",
    )
