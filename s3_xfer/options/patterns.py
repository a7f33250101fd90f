r"""The pattern language of filters: rclone's, matched on the key below the source prefix.

====================  ==================================================
``*``                 any characters but ``/``, also none
``**``                any characters, ``/`` included
``?``                 one character, not ``/``
``[a-z]``, ``[!a-z]``  one character of a class, or not of it (``^`` is ``!``)
``{jpg,png}``         one of several patterns
``{{…}}``             a regular expression, as Python's :mod:`re` reads it
``\d``, ``\w``, ``\s``    one digit, one of ``[A-Za-z0-9_]``, one space; ``\D`` … one other
``\*``                 the character ``*`` itself, and so with others that mean something
====================  ==================================================

A pattern that begins with ``/`` is matched from the start of the key. Any other is matched at its
end, from the start or behind a ``/``. One that ends with ``/`` means everything below it. Keys
are matched as they are: upper and lower case differ, ``//`` and ``.`` are characters like others.

The language is described in rclone's documentation, "rclone filtering", section "Pattern syntax".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from s3_xfer.errors import ValidationError

_Token: TypeAlias = tuple[str, str]  # as it is written, and the regular expression for it
_ANY_DEPTH = r"(?:\A|/)"
_GAPS = ("*", "**")
_GAPS_THAT_BACKTRACK = 2  # a key of 1,024 characters takes milliseconds; each more a thousandfold
_OF_ANY_LENGTH = ("{{", "[/")  # what may match at one place in several ways
_ALTERNATIVES_MAX = 64
_NOT_LITERAL = frozenset("*?[]{}\\")
_CLASSES = {  # as Go has them, of ASCII; none is a slash
    "d": "[0-9]",
    "D": "[^0-9/]",
    "w": "[0-9A-Za-z_]",
    "W": "[^0-9A-Za-z_/]",
    "s": r"[\t\n\f\r ]",
    "S": r"[^\t\n\f\r /]",
}
_CLASS = re.compile(r"\[([!^]?)(\]?(?:\[:[a-z]+:\]|\\.|[^\]\\])*)\]", re.DOTALL)
_LEADING_FLAGS = re.compile(r"\A\(\?([ims]+)\)(.*)\Z", re.DOTALL)
# Of a regular expression: escapes and classes; a group without groups, what may repeat.
_NO_SYNTAX = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_GROUP = re.compile(r"\((\?(?:>|:|=|!|<[=!]|P<\w+>|[a-z]*-?[a-z]*:))?((?:[^()])*)\)", re.DOTALL)
_VARIABLE = re.compile(r"(?<![*+?}])(?:[*+?]|\{\d*,\d*\})(?!\+)")
_UNLIMITED = re.compile(r"(?:[*+]|\{\d*,\})(?!\+)")
_ANYTHING = re.compile(r"\.[*+](?!\+)")
_ANYTHING_MAX = 3
_SOMETHING = "\0"  # stands for what was read already
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
    is_at_start = pattern.startswith(("/", "**"))  # ** takes whatever stands before
    start = r"\A" if is_at_start else _ANY_DEPTH
    body = pattern.removeprefix("/")
    if body.endswith("/"):
        body += "**"
    try:
        return re.compile(rf"{start}{_expression(body, pattern)}\Z", re.DOTALL)
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


def _expression(body: str, pattern: str) -> str:
    """Return ``body`` as a regular expression that no key keeps busy for long."""
    tokens = list(_tokens(body, pattern))
    if _count_gaps(tokens) <= _GAPS_THAT_BACKTRACK:
        return f"(?:{''.join(expression for _, expression in tokens)})"
    if any(token.startswith(_OF_ANY_LENGTH) for token, _ in tokens):
        raise _malformed(
            pattern,
            f"beside {{{{}}}}, or a class with a /, no more than {_GAPS_THAT_BACKTRACK} * can be "
            "tried in reasonable time",
        )
    alternatives = _alternatives(tokens)
    if len(alternatives) > _ALTERNATIVES_MAX:
        raise _malformed(
            pattern, f"its {{}} stand for more than {_ALTERNATIVES_MAX} patterns with so many *"
        )
    return f"(?:{'|'.join(map(_without_backtracking, alternatives))})"


def _count_gaps(tokens: Iterable[_Token]) -> int:
    return sum(token in _GAPS for token, _ in tokens)


def _alternatives(tokens: Sequence[_Token]) -> list[list[_Token]]:
    """Return the patterns without braces that a pattern with braces stands for."""
    ended: list[list[list[_Token]]] = []  # of each brace that is open: what came before a comma
    begun: list[list[list[_Token]]] = [[[]]]
    for token in tokens:
        match token[0]:
            case "{":
                ended.append([])
                begun.append([[]])
            case "," if ended:
                ended[-1] += begun[-1]
                begun[-1] = [[]]
            case "}":
                inside = ended.pop() + begun.pop()
                begun[-1] = [before + after for before in begun[-1] for after in inside]
            case _:
                begun[-1] = [[*each, token] for each in begun[-1]]
        if len(begun[-1]) > _ALTERNATIVES_MAX:
            break
    return begun[-1]


def _without_backtracking(tokens: Sequence[_Token]) -> str:
    """Return an expression that takes the first place where each piece between two * matches.

    What comes behind ``**`` may begin anywhere, so an earlier end is as good as a later one. Behind
    ``*`` that holds up to the next slash, which no ``*`` crosses. So nothing is tried twice: each
    piece is an atomic group. Only the last one of all has to reach the end.
    """
    groups = [[""]]  # split at each **, then at each *
    for token, expression in tokens:
        if token == _GAPS[1]:
            groups.append([""])
        elif token == _GAPS[0]:
            groups[-1].append("")
        else:
            groups[-1][-1] += expression
    *leading, last = groups
    pieces = [f"(?>.*?{_in_one_folder(group)})" for group in leading[1:]]
    first = _in_one_folder(leading[0]) if leading else ""
    end = _in_one_folder(last[:-1]) + f"[^/]*?{last[-1]}" if len(last) > 1 else last[0]
    return "".join([first, *pieces, ".*?" if leading else "", end])


def _in_one_folder(pieces: Sequence[str]) -> str:
    first, *others = pieces
    return first + "".join(f"(?>[^/]*?{piece})" for piece in others)


def _tokens(body: str, pattern: str) -> Iterator[_Token]:
    """Yield each token of ``body`` with the regular expression for it."""
    depth = position = 0
    while position < len(body):
        rest = body[position:]
        token, expression = _token(rest, pattern, is_nested=depth > 0)
        depth += {"{": 1, "}": -1}.get(token, 0)
        if depth < 0:
            raise _malformed(pattern, "a } closes nothing; write \\} for the character")
        yield "[/" if token[0] == "[" and "/" in token else token, expression
        position += len(token)
    if depth:
        raise _malformed(pattern, "a { is not closed; write \\{ for the character")


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
            return rest[:2], _escaped(rest[1], pattern)
        case character:
            return character, re.escape(character)


def _escaped(character: str, pattern: str) -> str:
    """Return what a character behind a backslash matches: itself, or a class of one letter."""
    if character in _CLASSES:
        return _CLASSES[character]
    if character.isascii() and character.isalnum():
        raise _malformed(pattern, f"\\{character} means nothing; write {character}")
    return re.escape(character)


def _regular_expression(rest: str, pattern: str) -> tuple[str, str]:
    end = rest.find("}}", 2)
    if end < 0:
        raise _malformed(pattern, "a {{ is not closed")
    while rest.startswith("}", end + 2):  # of the expression itself: {{a{2}}}
        end += 1
    # Flags in front of it are for this expression alone, as Go has it.
    expression = _LEADING_FLAGS.sub(r"(?\1:\2)", rest[2:end])
    if _may_take_for_ever(expression):
        raise _malformed(
            pattern,
            f"{expression!r} may take for ever on a long key; write the outer repetition as ++ or "
            "*+, which gives nothing back, or fewer .* in one expression",
        )
    try:
        re.compile(expression)
    except re.error as error:
        raise _malformed(pattern, f"{expression!r} is no regular expression: {error}") from error
    return rest[: end + 2], f"(?:{expression})"


def _may_take_for_ever(expression: str) -> bool:
    """Return whether Python may try exponentially many ways: ``(a+)+``, ``(a|ab)*``, many ``.*``.

    Errs on the safe side: what is repeated without a limit may be matched in one way only.
    """
    plain = _NO_SYNTAX.sub(_SOMETHING, expression)
    if len(_ANYTHING.findall(plain)) > _ANYTHING_MAX:
        return True
    while group := _GROUP.search(plain):
        is_atomic, inside = group[1] == "?>", group[2]
        is_ambiguous = _VARIABLE.search(inside) or not _are_distinct(inside.split("|"))
        if is_ambiguous and not is_atomic and _UNLIMITED.match(plain, group.end()):
            return True
        stands_for = f"{_SOMETHING}{'?' if is_ambiguous and not is_atomic else ''}"
        plain = plain[: group.start()] + stands_for + plain[group.end() :]
    return False


def _are_distinct(alternatives: Sequence[str]) -> bool:
    """Return whether the first character tells which alternative matches."""
    firsts = {each[:1] for each in alternatives}
    return len(alternatives) == 1 or len(firsts - {"", ".", _SOMETHING}) == len(alternatives)


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
