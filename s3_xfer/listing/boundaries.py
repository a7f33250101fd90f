"""Where to cut a stretch of keys whose contents nobody knows.

Any string is a correct boundary; a good one has about as many keys before it as behind it. All that
is known is where the stretch was entered, how far it was read and where it ends, so the cut is a
guess, which the next request proves or disproves: if nothing is behind it, the stretch ends there,
and the next guess is better. Two questions are bisected: at which *depth* the remaining keys stop
having the beginning of the last one (long common prefixes, dates, padded numbers), and then which
*character* lies in the middle, among those that keys of this listing have.

Refuses to do arithmetic on bytes: boundaries are whole characters that S3 and XML can hold.
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

    ``prefix`` begins every key, ``first`` is the first key seen of the stretch and ``after`` the
    last; ``alphabet`` are the characters of keys, sorted.
    """
    depth = len(prefix) if until is None else _shared(after, until)
    is_open = until is None
    if until is not None and until[depth:] == following(after[depth : depth + 1]):
        depth, is_open = depth + 1, True  # all keys left begin as ``after`` does
    if is_open:
        found = _in_open_group(first, after, depth, alphabet)
    else:
        found = _between(after, until or "", depth, alphabet)
    if found is None or found <= after or (until is not None and found >= until):
        return None
    return found if len(found.encode()) <= KEY_MAX_BYTES else None


def following(character: str) -> str | None:
    """Return the next character that a key may hold; None after the last one, or after none."""
    code = ord(character) + 1 if character else _LAST + 1
    while code in _NONCHARACTERS:
        code += 1
    code = max(code, 0x20)
    if _FIRST_SURROGATE <= code < _AFTER_SURROGATES:
        code = _AFTER_SURROGATES
    return chr(code) if code <= _LAST else None


def width(after: str, until: str | None, prefix: str) -> int:
    """Return how far apart two strings are: a number that means something beside another one."""
    high = _place(until, len(prefix)) if until is not None else 1 << (32 * _WIDTH_CHARACTERS)
    return high - _place(after, len(prefix))


def _place(text: str, skip: int) -> int:
    shown = text[skip : skip + _WIDTH_CHARACTERS].ljust(_WIDTH_CHARACTERS, "\0")
    return int.from_bytes(shown.encode("utf-32-be", "surrogatepass"), "big")


def _in_open_group(first: str, after: str, depth: int, alphabet: Sequence[str]) -> str | None:
    """Return a cut among keys that share ``depth`` characters and may end in anything."""
    shared = _shared(first, after)
    if shared > depth:  # at which character do the keys that are left differ from these?
        cut = (depth + shared + 1) // 2
        higher = following(after[cut - 1])
        return after[: cut - 1] + higher if higher else None
    low = after[depth : depth + 1]
    alike = [each for each in alphabet[bisect_right(alphabet, low) :] if _kind(each) == _kind(low)]
    middle = _middle(alike) or following(low)
    return after[:depth] + middle if middle else None


def _between(after: str, until: str, depth: int, alphabet: Sequence[str]) -> str | None:
    """Return a cut between two strings that differ from ``depth`` on."""
    low, high = after[depth : depth + 1], until[depth : depth + 1]
    candidates = alphabet[bisect_right(alphabet, low) : bisect_left(alphabet, high)]
    if len(until) > depth + 1:
        candidates = [*candidates, high]
    middle = _middle(candidates) or following(low)
    return after[:depth] + middle if middle else None


def _shared(one: str, other: str) -> int:
    """Return how many characters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _middle(candidates: Sequence[str]) -> str | None:
    return candidates[len(candidates) // 2] if candidates else None


def _kind(character: str) -> str:
    """Return one of four names: where keys have digits, other keys mostly have digits too."""
    if not character.isascii() or not character.isalnum():
        return "other"
    return "digit" if character.isdigit() else "upper" if character.isupper() else "lower"
