"""Choose where to split a range of keys whose contents are unknown.

Any string is a correct boundary. A good one has about as many keys before it as behind it. It is a
guess, which the next request tests. Two questions are bisected: at which *depth* the remaining keys
stop sharing the beginning of the last one (long common prefixes, dates, padded numbers), and then
which *character* lies in the middle, among those that keys of this listing have.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from s3_xfer.model import KEY_MAX_BYTES

_LAST = 0x10FFFF
_FIRST_SURROGATE, _AFTER_SURROGATES = 0xD800, 0xE000
_NONCHARACTERS = (0xFFFE, 0xFFFF)  # XML cannot hold them
_WIDTH_CHARACTERS = 12


def boundary(
    *, prefix: str, first: str, after: str, until: str | None, alphabet: Sequence[str]
) -> str | None:
    """Return a string between ``after`` and ``until``; None if there is none worth trying.

    ``prefix`` begins every key, ``first`` is the first key that was read of the range and ``after``
    the last; ``alphabet`` are the characters of keys, sorted.
    """
    depth = len(prefix) if until is None else _common_length(after, until)
    if until is None:
        candidate = _in_open_group(first, after, depth, alphabet)
    elif until[depth:] == next_character(
        after[depth : depth + 1]
    ):  # all others begin as ``after`` does
        candidate = _in_open_group(first, after, depth + 1, alphabet)
    else:
        candidate = _between(after, until, depth, alphabet)
    if candidate is None or candidate <= after or (until is not None and candidate >= until):
        return None
    return candidate if len(candidate.encode()) <= KEY_MAX_BYTES else None


def next_character(character: str) -> str | None:
    """Return the next character that a key may hold; None after the last one, or after none."""
    code = ord(character) + 1 if character else _LAST + 1
    while code in _NONCHARACTERS:
        code += 1
    code = max(code, 0x20)
    if _FIRST_SURROGATE <= code < _AFTER_SURROGATES:
        code = _AFTER_SURROGATES
    return chr(code) if code <= _LAST else None


def width(after: str, until: str | None, prefix: str) -> int:
    """Return how far apart two strings are, as a number to compare widths by."""
    high = 1 << (32 * _WIDTH_CHARACTERS) if until is None else _as_number(until, len(prefix))
    return high - _as_number(after, len(prefix))


def _as_number(text: str, skip: int) -> int:
    """Return the first characters of ``text`` behind ``skip`` as a number that keeps the order."""
    characters = text[skip : skip + _WIDTH_CHARACTERS].ljust(_WIDTH_CHARACTERS, "\0")
    return int.from_bytes(characters.encode("utf-32-be", "surrogatepass"), "big")


def _in_open_group(first: str, after: str, depth: int, alphabet: Sequence[str]) -> str | None:
    """Return a boundary among keys that share ``depth`` characters and have no upper bound."""
    common = _common_length(first, after)
    if common > depth:  # at which character do the remaining keys differ from these?
        middle_depth = (depth + common + 1) // 2
        higher = next_character(after[middle_depth - 1])
        return after[: middle_depth - 1] + higher if higher else None
    low = after[depth : depth + 1]
    higher_characters = alphabet[bisect_right(alphabet, low) :]
    alike = [character for character in higher_characters if _kind(character) == _kind(low)]
    return _with_middle(after[:depth], low, alike)


def _between(after: str, until: str, depth: int, alphabet: Sequence[str]) -> str | None:
    """Return a boundary between two strings that differ from ``depth`` on."""
    low, high = after[depth : depth + 1], until[depth : depth + 1]
    candidates = alphabet[bisect_right(alphabet, low) : bisect_left(alphabet, high)]
    if len(until) > depth + 1:
        candidates = [*candidates, high]
    return _with_middle(after[:depth], low, candidates)


def _common_length(first: str, second: str) -> int:
    """Return the number of characters that both strings begin with."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(first), len(second)))


def _with_middle(start: str, low: str, candidates: Sequence[str]) -> str | None:
    middle = candidates[len(candidates) // 2] if candidates else next_character(low)
    return start + middle if middle else None


def _kind(character: str) -> str:
    """Return one of four names: where keys have digits, other keys mostly have digits too."""
    if not character.isascii() or not character.isalnum():
        return "other"
    return "digit" if character.isdigit() else "upper" if character.isupper() else "lower"
