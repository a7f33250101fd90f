"""Commands from SOURCE to DESTINATION, and their answer to several sources: one line for each.

Nothing is run. The copies of each source get a place of their own under DESTINATION, so that no
line overwrites, compares or deletes what another one has copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from pathlib import PurePosixPath
from typing import Any

import click

from s3_xfer.cli.params import SectionOption
from s3_xfer.cli.saved_jobs import JobCommand
from s3_xfer.errors import ValidationError
from s3_xfer.model import S3Location
from s3_xfer.text import printable, shell_word

_OUTPUTS = ("report_path", "journal")  # each line needs its own
_INPUTS = ("from_report_path", "files_from", "inventory")  # each is about one source
_SCHEME = "s3://"


class LocationsCommand(JobCommand):
    """A command whose arguments are SOURCE and DESTINATION."""

    allow_extra_args = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; more than two arguments are a usage error that says what to run instead."""
        typed = list(args)
        rest = super().parse_args(ctx, args)
        if rest and not ctx.resilient_parsing:
            urls = [ctx.params["source"], ctx.params["destination"], *rest]
            raise click.UsageError(self._answer(ctx, typed, urls), ctx)
        return rest

    def _answer(self, ctx: click.Context, args: Sequence[str], urls: Sequence[str]) -> str:
        strange = [url for url in urls if not url.startswith(_SCHEME)]
        if strange:
            shown = printable(strange[0].partition("?")[0])  # a signature may follow
            return (
                f"There are {len(urls)} arguments, and {shown!r} is not an S3 URL. "
                "A key with spaces has to be quoted."
            )
        try:
            *sources, destination = map(S3Location.parse, urls)
        except ValidationError as error:
            return f"{printable(error.problem)}; {printable(error.remedy)}."
        given, _, order = self.make_parser(ctx).parse_args(args=list(args))
        is_recursive = "recursive" in given or all(
            param.name != "recursive" for param in self.params
        )
        targets = [_target(source, destination, is_prefix=is_recursive) for source in sources]
        problem = _problem(sources, targets, is_recursive=is_recursive)
        inputs = [param.opts[0] for param in order if param.name in _INPUTS]
        if inputs:
            problem = f"{inputs[0]} is about the objects of one"
        if problem:
            return (
                f"These are {len(sources)} sources, and a command takes one; {problem}. "
                "Run one command for each, with destinations of your choice."
            )
        lines = [
            " ".join([f"s3-xfer {self.name}", *words, *_typed(given, order, number)])
            for number, words in enumerate(zip(_words(sources), _words(targets), strict=True), 1)
        ]
        return "\n  ".join(
            [
                f"These are {len(sources)} sources, and a command takes one. Run one for each:",
                *lines,
            ]
        )


def _target(source: S3Location, destination: S3Location, *, is_prefix: bool) -> S3Location:
    """Return where the copies of one source go: named like it, under ``destination``."""
    key = destination.key
    folder = key if not key or key.endswith("/") else f"{key}/"
    name = source.key.removesuffix("/").rpartition("/")[2] if source.key else source.bucket
    end = "/" if is_prefix or not source.key or source.key.endswith("/") else ""
    return S3Location(bucket=destination.bucket, key=folder + name + end)


def _problem(
    sources: Sequence[S3Location], targets: Sequence[S3Location], *, is_recursive: bool
) -> str:
    """Return why one line for each would not do what is meant; empty if it would."""
    for (one, target), (other, same) in combinations(zip(sources, targets, strict=True), 2):
        if target == same:
            return f"{one.url} and {other.url} would both be copied to {target.url}"
    for source, target in product(sources, targets):
        if _overlap(source, target, is_recursive=is_recursive):
            return f"copies would be written to {target.url}, where {source.url} is copied from"
    return ""


def _overlap(source: S3Location, target: S3Location, *, is_recursive: bool) -> bool:
    if source.bucket != target.bucket:
        return False
    if not is_recursive:
        return source.key == target.key
    prefix = f"{source.key.removesuffix('/')}/" if source.key else ""
    return prefix.startswith(target.key) or target.key.startswith(prefix)


def _words(locations: Sequence[S3Location]) -> Iterator[str]:
    return (shell_word(f"{_SCHEME}{one.bucket}/{one.key}") for one in locations)


def _typed(given: dict[str, Any], order: Sequence[click.Parameter], number: int) -> list[str]:
    """Return the options as they were typed, for the line ``number``."""
    words: list[str] = []
    repeated = {name: iter(value) for name, value in given.items() if isinstance(value, list)}
    once = set[str]()
    for param in order:
        name = param.name or ""
        if not isinstance(param, SectionOption) or name in once:
            continue
        words.append(param.opts[0])
        if name in repeated:
            words.append(shell_word(next(repeated[name])))
            continue
        once.add(name)
        if param.declaration and param.declaration.is_secret:
            words.append(f'"${param.envvar}"')
        elif not param.is_flag:
            is_another = name in _OUTPUTS and number > 1
            words.append(shell_word(_numbered(given[name], number) if is_another else given[name]))
    return words


def _numbered(name: str, number: int) -> str:
    """Return a file's name, or URL, with a number at its end: ``report-2.jsonl``."""
    folder, slash, last = name.rpartition("/")
    path = PurePosixPath(last)
    return f"{folder}{slash}{path.stem}-{number}{path.suffix}"
