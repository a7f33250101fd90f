"""The options --include, --exclude and --filter-from, which are one ordered list of rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from s3_xfer.cli.params import ORDERED, Decorator, OrderedOption, own
from s3_xfer.declarations import Section
from s3_xfer.options.filters import RuleEffect, read_rules
from s3_xfer.text import shell_word

FILTERS = ORDERED
_FLAGS = {RuleEffect.INCLUDE: "--include", RuleEffect.EXCLUDE: "--exclude"}
_FILTER_FROM = "--filter-from"
_HELPS = {
    "--include": "Copy keys like this, and no others but those of other rules; can be repeated.",
    "--exclude": "Leave out keys like this; of all these rules the first that matches decides.",
}


def filter_options(*, hidden: bool = False) -> Iterator[Decorator[Any]]:
    """Yield the three options."""
    section = Section.WHAT.value
    for flag, text in _HELPS.items():
        yield own(
            section, flag, text, metavar="PATTERN", multiple=True, cls=OrderedOption, hidden=hidden
        )
    yield own(
        section,
        _FILTER_FROM,
        "Read such rules from a file: '+ PATTERN' or '- PATTERN', one a line; can be repeated.",
        metavar="FILE",
        multiple=True,
        cls=OrderedOption,
        hidden=hidden,
        type=click.Path(path_type=Path),
    )


def rules_of(typed: Sequence[tuple[str, Any]]) -> tuple[str, ...]:
    """Return the rules that were typed, as texts.

    Raises:
        ValidationError: a file cannot be read, or has a line that is no rule.
    """
    effects = {flag: effect for effect, flag in _FLAGS.items()}
    rules: list[str] = []
    for flag, value in typed:
        if flag == _FILTER_FROM:
            rules += read_rules(Path(value))
        else:
            rules.append(f"{effects[flag].value} {value}")
    return tuple(rules)


def typed_of(rules: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return pairs of flag and value that give these rules."""
    return tuple((_FLAGS[RuleEffect(rule[0])], rule[2:]) for rule in rules)


def typed_filters(typed: Sequence[tuple[str, Any]]) -> list[str]:
    """Return the words of a command line that give the same rules."""
    return [word for flag, value in typed for word in (flag, shell_word(str(value)))]
