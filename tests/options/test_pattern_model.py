"""Patterns against a slow matcher that was written from the rules alone, without expressions."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import TypeAlias

from hypothesis import assume, given
from hypothesis import strategies as st

from s3_xfer.options.patterns import compile_pattern, literal_prefix

ALPHABET = "ab/*.\n\\{"
KEYS = st.text(ALPHABET, max_size=8)
# A part of a pattern: how it is written, and what it is.
Part: TypeAlias = tuple[str, tuple[str, object]]


def _literal(character: str) -> Part:
    return ("\\" + character if character in "*\\{" else character, ("one of", character))


def _alternatives(texts: list[str]) -> Part:
    written = ["".join(_literal(each)[0] for each in text) for text in texts]
    return "{" + ",".join(written) + "}", ("texts", texts)


PARTS: st.SearchStrategy[Part] = st.one_of(
    st.sampled_from(ALPHABET).map(_literal),
    st.sampled_from(
        [
            ("*", ("many but", "/")),
            ("**", ("many but", "")),
            ("?", ("one but", "/")),
            ("[ab]", ("one of", "ab")),
            ("[!a]", ("one but", "a/")),
        ]
    ),
    st.lists(st.text("ab/*", max_size=2), min_size=1, max_size=3).map(_alternatives),
)


def _ends(part: Part, key: str, start: int) -> Iterable[int]:
    """Yield where a part can end that begins at ``start``."""
    kind, what = part[1]
    if kind == "texts":
        assert isinstance(what, list)
        yield from (start + len(text) for text in what if key.startswith(text, start))
        return
    assert isinstance(what, str)
    if kind == "many but":
        yield start
        for end in range(start, len(key)):
            if key[end] in what:
                return
            yield end + 1
    elif start < len(key) and (key[start] in what) == (kind == "one of"):
        yield start + 1


def _matches(parts: list[Part], key: str, *, is_anchored: bool) -> bool:
    starts = {0} if is_anchored else {0, *(i + 1 for i, each in enumerate(key) if each == "/")}
    for part in parts:
        starts = {end for start in starts for end in _ends(part, key, start)}
    return len(key) in starts


@given(st.lists(PARTS, min_size=1, max_size=7), st.booleans(), KEYS)
def test_a_pattern_matches_what_its_parts_do(
    parts: list[Part], is_anchored: bool, key: str
) -> None:
    """Anchored, or from any start behind a slash, to the very end; a last slash means all below."""
    stars = [part[0] in ("*", "**") for part in parts]
    assume(not any(left and right for left, right in pairwise(stars)))
    written = "".join(part[0] for part in parts)
    assume(written.strip("/"))
    assume(is_anchored or not written.startswith("/"))
    pattern = ("/" if is_anchored else "") + written
    assume(not (written.endswith("/") and parts[-1][1][0] != "one of"))
    below: list[Part] = [("**", ("many but", ""))] if written.endswith("/") else []

    found = compile_pattern(pattern).search(key)

    assert bool(found) == _matches([*parts, *below], key, is_anchored=is_anchored)
    assert not found or key.startswith(literal_prefix(pattern))
