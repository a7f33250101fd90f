"""From the command line to an operation, and from an operation's options back to a command line.

Both directions use the declarations of the options, so that the command for a re-run means what
was typed. It never repeats an external id: the re-run reads it from the environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from s3_xfer.cli.filter_options import FILTERS, rules_of, typed_filters, typed_of
from s3_xfer.cli.params import SectionOption, member_name
from s3_xfer.declarations import Kind, Section, declarations_of
from s3_xfer.model import AccountContext, S3Location
from s3_xfer.options import CopyOptions, Identical, TagPolicy
from s3_xfer.spec import CopySpec
from s3_xfer.text import shell_word

if TYPE_CHECKING:
    from s3_xfer.operations import S3CopyOperation

Values = Mapping[str, Any]  # of click's parameters, by their names


def operation_from(
    source_url: str, destination_url: str, values: Values, *, is_sync: bool = False
) -> S3CopyOperation:
    """Return the operation that URLs and options describe: a copy, or a sync.

    Raises:
        ValidationError: they contradict each other or are wrong in themselves.
    """
    source, destination = locations_from(source_url, destination_url, values)
    from s3_xfer import operations  # noqa: PLC0415 - boto3 is slow to import

    kind = operations.S3SyncOperation if is_sync else operations.S3CopyOperation
    return kind.between(
        source, destination, options=options_from(values), **fields_from(CopySpec, values)
    )


def locations_from(
    source_url: str, destination_url: str, values: Values
) -> tuple[S3Location, S3Location]:
    """Return the first source and the destination, each with the account that reaches it."""
    return (
        S3Location.parse(source_url, account=account_from(values, "source")),
        S3Location.parse(destination_url, account=account_from(values, "dest")),
    )


def account_from(values: Values, side: str) -> AccountContext:
    """Return how ``side`` (``source`` or ``dest``) is reached."""
    fields = {
        name: values.get(name if option.section is Section.BOTH_SIDES else f"{side}_{name}")
        for name, option in declarations_of(AccountContext).items()
        if option.flag
    }
    fields["endpoint_url"] = fields["endpoint_url"] or values.get("endpoint_url")
    return AccountContext(**fields)


def options_from(values: Values) -> CopyOptions:
    """Return the options of the copy, those that a command does not take at their defaults."""
    fields = fields_from(CopyOptions, values)
    if FILTERS in fields:
        fields[FILTERS] = rules_of(fields[FILTERS])
    return CopyOptions(**fields)


def fields_from(cls: type, values: Values) -> dict[str, Any]:
    """Return the declared fields of ``cls`` that the command line has."""
    fields = {name: values[name] for name in declarations_of(cls) if name in values}
    for name, option in declarations_of(cls).items():
        if option.kind is Kind.MEMBERS:
            members = option.helps or ()
            fields[name] = frozenset(
                member for member in members if values[member_name(option, member)]
            )
    return fields


def values_of(operation: CopySpec) -> dict[str, Any]:
    """Return the values of click's parameters that describe ``operation``."""
    values: dict[str, Any] = {}
    for kind, part in ((CopySpec, operation), (CopyOptions, operation.options)):
        for name, option in declarations_of(kind).items():
            value = values[name] = getattr(part, name)
            if option.kind is Kind.MEMBERS:
                values |= {
                    member_name(option, member): member in value for member in option.helps or ()
                }
    for side, account in (("source", operation.source), ("dest", operation.destination)):
        for name, option in declarations_of(AccountContext).items():
            key = name if option.section is Section.BOTH_SIDES else f"{side}_{name}"
            values[key] = getattr(account, name)
    return values | {FILTERS: typed_of(operation.options.filters)}


def rerun_command(
    command: click.Command, source_url: str, destination_url: str, values: Values
) -> str:
    """Return the line that does this again with ``command``, only for what the report misses.

    Without a report it does everything again, and asks for one. A sync finds out by itself what
    is left.
    """
    urls = _typed_urls(source_url, destination_url, values)
    words = ["s3-xfer", str(command.name), *urls]
    words += typed_filters(values.get(FILTERS, ()))
    report: Path | None = values["report_path"]
    has_rest = report is not None and "recursive" in values
    given = (
        {**values, "recursive": values["recursive"] or _has_input(values)} if has_rest else values
    )
    for param in command.params:
        if isinstance(param, SectionOption) and not (has_rest and _is_input(param)):
            words += _typed(param, given.get(param.name or ""))
    if report and has_rest:
        words += ["--from-report", shell_word(str(report))]
    words += ["--report", shell_word(str(next_report(report)))]
    return " ".join(words)


def catch_up_command(
    command: click.Command, source_url: str, destination_url: str, values: Values
) -> str:
    """Return the ``s3-xfer copy`` line that copies what differs from what is there now."""
    words = ["s3-xfer", "copy", *_typed_urls(source_url, destination_url, values)]
    given = {**values, "recursive": True, "identical": Identical.SKIP}
    for param in command.params:
        if isinstance(param, SectionOption) and not _is_input(param):
            words += _typed(param, given.get(param.name or ""))
    return " ".join(words)


def check_command(
    params: Iterable[click.Parameter], source_url: str, destination_url: str, values: Values
) -> str:
    """Return the ``s3-xfer check`` line that compares all that a copy with ``values`` made."""
    words = ["s3-xfer", "check", *_typed_urls(source_url, destination_url, values)]
    words += typed_filters(values.get(FILTERS, ()))
    for param in params:
        if isinstance(param, SectionOption) and param.name in values:
            words += _typed(param, values[param.name])
    words += ["--metadata"] if "recursive" in values else ["--recursive", "--metadata"]  # a sync
    return " ".join(words if values["tags"] is TagPolicy.SKIP else [*words, "--tags"])


def _typed_urls(source_url: str, destination_url: str, values: Values) -> list[str]:
    return list(map(shell_word, (source_url, *values.get("more_sources", ()), destination_url)))


def _has_input(values: Values) -> bool:
    """Return whether an input makes SOURCE a prefix."""
    return bool(values.get("files_from") or values.get("inventory"))


def _is_input(param: SectionOption) -> bool:
    return param.declaration is not None and param.declaration.is_input


def _typed(param: SectionOption, value: Any) -> list[str]:
    """Return the words that give an option this value; none if a re-run needs none."""
    name, option = param.opts[0], param.declaration
    if option is None or not option.is_repeated or value in (None, option.default):
        return []
    if option.kind is Kind.TEXTS:
        return [word for text in value for word in (name, shell_word(text))]
    if option.is_secret:
        return [name, f'"${param.envvar}"']
    return [name] if param.is_flag else [name, shell_word(option.to_text(value))]


def next_report(report: Path | None) -> Path:
    """Return a name for the report of a re-run: ``report-2.jsonl`` after ``report.jsonl``."""
    if report is None:
        return Path("report.jsonl")
    numbered = re.search(r"-(\d+)$", report.stem)
    if not numbered:
        return report.with_stem(f"{report.stem}-2")
    return report.with_stem(f"{report.stem[: numbered.start()]}-{int(numbered[1]) + 1}")
