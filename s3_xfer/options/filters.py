"""Which objects a run is about: an ordered list of rules, of which the first that matches decides.

A rule is written ``+ PATTERN`` (include) or ``- PATTERN`` (exclude), see
:mod:`s3_xfer.options.patterns`. What no rule matches is included, unless the list includes
anything: then it is left out.
"""

from __future__ import annotations

import enum
import functools
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from s3_xfer.errors import ValidationError
from s3_xfer.options.patterns import compile_pattern, literal_prefix
from s3_xfer.text import printable
from s3_xfer.wording import message, option

_COMMENTS = ("#", ";")
# Patterns that match every key; behind an exclude of them no other rule is ever asked.
_MATCH_ALL = frozenset({"*", "**", "/**", "{{.*}}"})


class RuleEffect(enum.Enum):
    """What happens to a key that a rule matches. The value is how a rule begins."""

    INCLUDE = "+"
    EXCLUDE = "-"


@dataclass(frozen=True, slots=True)
class FilterRule:
    """One rule. Rules of the same text are equal."""

    effect: RuleEffect
    pattern: str
    _expression: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_expression", compile_pattern(self.pattern))

    @classmethod
    def parse(cls, text: str) -> FilterRule:
        """Return the rule that ``+ PATTERN`` or ``- PATTERN`` is.

        Raises:
            ValidationError: it is neither, or the pattern is malformed.
        """
        try:
            effect = RuleEffect(text[:1])
        except ValueError:
            effect = None
        if effect is None or text[1:2] != " ":
            raise ValidationError(
                f"{text!r} is not a filter rule", remedy="write it as '+ PATTERN' or '- PATTERN'"
            )
        return cls(effect, text[2:])

    def matches(self, relative_key: str) -> bool:
        """Return whether the pattern matches a key below the source prefix."""
        return self._expression.search(relative_key) is not None

    def __str__(self) -> str:
        return f"{self.effect.value} {self.pattern}"


@dataclass(frozen=True, slots=True)
class FilterRules:
    """Rules in the order in which they are asked.

    Raises:
        ValidationError: an exclude of everything comes before an include, which is then never
            asked.
    """

    rules: tuple[FilterRule, ...] = ()

    def __post_init__(self) -> None:
        for number, rule in enumerate(self.rules):
            includes = [later for later in self.rules[number:] if _includes(later)]
            if not _includes(rule) and rule.pattern in _MATCH_ALL and includes:
                raise ValidationError(
                    f"'{rule}' leaves out everything, so the rules behind it are never asked",
                    remedy=message(
                        "the first rule that matches decides (in aws-cli the last); write {rules} "
                        "alone: what no rule includes is left out",
                        rules=option("filters", "\n".join(map(str, includes))),
                    ),
                )

    @property
    def needs_match(self) -> bool:
        """Whether a key that no rule matches is left out."""
        return any(map(_includes, self.rules))

    def deciding(self, relative_key: str) -> FilterRule | None:
        """Return the rule that decides about a key below the source prefix; None if none does."""
        return next((rule for rule in self.rules if rule.matches(relative_key)), None)

    def includes(self, relative_key: str) -> bool:
        """Return whether a key below the source prefix is not left out."""
        rule = self.deciding(relative_key)
        return not self.needs_match if rule is None else _includes(rule)

    @property
    def prefix(self) -> str:
        """What every key that can be included begins with, below the source prefix."""
        if not self.needs_match:
            return ""
        includes = (rule.pattern for rule in self.rules if _includes(rule))
        return _common_prefix([literal_prefix(pattern) for pattern in includes])


def read_rules(path: Path) -> Iterator[str]:
    """Yield the rules of a file in UTF-8, one a line, without comments (``#``, ``;``).

    Raises:
        ValidationError: it cannot be read, or a line is no rule; the message has its number.
    """
    name = printable(str(path))
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise ValidationError(
            f"the filter file {name} cannot be read: {error.strerror}", remedy="check its name"
        ) from error
    except UnicodeDecodeError as error:
        raise ValidationError(
            f"the filter file {name} is not UTF-8 (byte {error.start})", remedy="save it as UTF-8"
        ) from error
    yield from (str(rule) for rule in _rules_in(lines, name))


def _rules_in(lines: Iterable[str], name: str) -> Iterator[FilterRule]:
    for number, line in enumerate(lines, start=1):
        text = line.removesuffix("\r")
        if not text.strip() or text.startswith(_COMMENTS):
            continue
        try:
            yield FilterRule.parse(text)
        except ValidationError as error:
            raise ValidationError(
                f"{name}, line {number}: {error.problem}", remedy=error.remedy
            ) from error


@functools.lru_cache(maxsize=64)
def parse_rules(texts: tuple[str, ...]) -> FilterRules:
    """Return the list that rules written as text make.

    Raises:
        ValidationError: one of them is malformed, or they contradict each other.
    """
    return FilterRules(tuple(FilterRule.parse(text) for text in texts))


def _common_prefix(texts: Sequence[str]) -> str:
    """Return what all of ``texts`` begin with, character by character."""
    first, last = min(texts), max(texts)
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(character for character, _ in same)


def _includes(rule: FilterRule) -> bool:
    return rule.effect is RuleEffect.INCLUDE
