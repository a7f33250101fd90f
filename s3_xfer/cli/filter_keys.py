"""The command ``filter``: which rule decides about a key, without a request to S3."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click

from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.filter_options import FILTERS, filter_options, rules_of
from s3_xfer.cli.json_result import print_json
from s3_xfer.cli.output import print_line
from s3_xfer.cli.params import CheckedArgument, SectionedCommand
from s3_xfer.options.filters import FilterRules, RuleEffect, parse_rules
from s3_xfer.text import printable

FILTER_HELP = """Say which filter decides about each KEY, as it is below the source prefix.

    Nothing is asked of S3. A KEY of - reads keys from the standard input, one a line.

    \b
    Examples:
      s3-xfer filter --exclude '*.tmp' --include '/2026/**' 2026/a.csv
      s3-xfer filter --filter-from rules - <keys
    """


def _with_filter_options(function: Any) -> Any:
    for option in reversed(tuple(filter_options())):
        function = option(function)
    return function


@click.command("filter", cls=SectionedCommand, help=FILTER_HELP, short_help="Try filters on keys.")
@click.argument("keys", cls=CheckedArgument, metavar="KEY...", nargs=-1, required=True)
@_with_filter_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each key.")
def filter_keys(keys: Sequence[str], *, as_json: bool, **values: Any) -> ExitCode:
    """Print, for each key, whether it is copied, and the rule that decides."""
    rules = parse_rules(rules_of(values[FILTERS]))
    for key in _keys(keys):
        rule = rules.deciding(key)
        is_copied = rules.includes(key)
        if as_json:
            print_json({"key": key, "copied": is_copied, "rule": str(rule) if rule else None})
        else:
            verdict = "copied  " if is_copied else "left out"
            print_line(f"{verdict}  {printable(key)}  ({_reason(rules, str(rule or ''))})")
    return ExitCode.OK


def _keys(keys: Sequence[str]) -> Iterator[str]:
    for key in keys:
        if key == "-":
            yield from (line.removesuffix("\n") for line in sys.stdin)
        else:
            yield key


def _reason(rules: FilterRules, rule: str) -> str:
    if rule:
        return f"by {printable(rule)}"
    if rules.needs_match:
        return f"no rule matches it, and one begins with {RuleEffect.INCLUDE.value}"
    return "no rule matches it"
