"""Which known word was probably meant. Says nothing where none is near.

Wrong advice is worse than none: a word is near another one if a slip or two of a finger make one of
the other, or if it is its beginning. A name of several words is near another one also if they have
the same words in another order, or if some are missing or one is too many.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_LETTERS_PER_SLIP = 4
_SLIPS_MAX = 2
_BEGINNING_MIN = 3
_SLIP_IN_WORD_MIN = 5  # letters: of a shorter word in a name each letter counts
_NAMES_MAX = 4  # more are no answer
_NEGATION = "no"  # what it is missing from means the opposite
# What a name says of its value, and others may leave out.
_DESCRIBING = frozenset({"file", "path", "pattern", "glob", "name", "number", "count", "mode"})
_SAME = {"src": "source", "dst": "dest", "destination": "dest", "target": "dest"}


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


def near_names(name: str, known: Iterable[str]) -> list[str]:
    """Return those of ``known`` that ``name``, of one or several words, was probably meant to be.

    They are in order, at most four; none if more are equally near.
    """
    typed = _words(name)
    candidates = sorted(each for each in known if not _are_opposite(typed, _words(each)))
    if one := nearest(name, candidates):
        return [one]
    distances = {each: _distance(typed, _words(each)) for each in candidates}
    shortest = min((each for each in distances.values() if each is not None), default=None)
    near = [each for each in candidates if shortest is not None and distances[each] == shortest]
    return near if len(near) <= _NAMES_MAX else []


def _words(name: str) -> list[str]:
    words = re.split(r"[-_\s]+", name.lower())
    return [_SAME.get(word, word) for word in words if word]


def _are_opposite(typed: list[str], known: list[str]) -> bool:
    return [_NEGATION, *typed] == known or typed == [_NEGATION, *known]


def _distance(typed: list[str], known: list[str]) -> int | None:
    """Return how many words are missing or too many; None if another name is meant."""
    missing = list(known)
    added = 0
    for word in typed:
        meant = next((each for each in missing if _is_meant(word, each)), None)
        if meant:
            missing.remove(meant)
        elif word not in _DESCRIBING:
            added += 1
    found = len(known) - len(missing)
    may_be_added = 1 if found > 1 and not missing else 0
    is_another = _NEGATION in missing or found < max(1, len(missing)) or added > may_be_added
    return None if is_another else len(missing) + added


def _is_meant(word: str, known: str) -> bool:
    """Return whether a word in a name is ``known``, but for its end or for a slip."""
    shorter, longer = sorted((word, known), key=len)
    is_beginning = len(shorter) >= _BEGINNING_MIN and longer.startswith(shorter)
    is_slip = len(shorter) >= _SLIP_IN_WORD_MIN and _slips(word, known) == 1
    return word == known or is_beginning or is_slip


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
