"""Which known word was probably meant. Says nothing where none is near.

Wrong advice is worse than none: a word is near another one if a slip or two of a finger make one of
the other, or if it is its beginning.
"""

from __future__ import annotations

from collections.abc import Iterable

_LETTERS_PER_SLIP = 4
_SLIPS_MAX = 2
_BEGINNING_MIN = 3


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the one of ``known`` that ``word`` was probably meant to be, None if none is near.

    Case, dashes and underscores do not count. Of several equally near ones the first in order.
    """
    plain = _plain(word)
    candidates = sorted(known)
    slips = {each: _slips(plain, _plain(each)) for each in candidates}
    closest = min(candidates, key=slips.__getitem__, default=None)
    if closest is not None and slips[closest] <= _allowed(plain, _plain(closest)):
        return closest
    begun = [each for each in candidates if _plain(each).startswith(plain)]
    return begun[0] if len(plain) >= _BEGINNING_MIN and len(begun) == 1 else None


def _allowed(one: str, other: str) -> int:
    return min(_SLIPS_MAX, max(len(one), len(other)) // _LETTERS_PER_SLIP)


def _plain(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "")


def _slips(one: str, other: str) -> int:
    """Return how many slips lead from one to the other: a letter more, less, wrong, or two swapped.

    This is the optimal string alignment distance.
    """
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            best = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != wanted))
            is_swap = i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted
            row.append(min(best, rows[-2][j - 2] + 1) if is_swap else best)
        rows.append(row)
    return rows[-1][-1]
