"""Commands from one SOURCE or several to DESTINATION.

What takes one only (a doctor, a sync that deletes) answers several with one line for each. Nothing
is run then. The lines have the places that one run would have, so that no line deletes what another
has copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from s3_xfer.cli.params import SectionOption
from s3_xfer.cli.saved_jobs import JobCommand
from s3_xfer.errors import ValidationError
from s3_xfer.model import S3Location
from s3_xfer.options import Delete
from s3_xfer.planning.mapping import as_directory, plan_several
from s3_xfer.text import printable, shell_word

if TYPE_CHECKING:
    from s3_xfer.cli.job_files import SavedValue

_OUTPUTS = ("report_path", "journal", "out")  # each line needs its own
_INPUTS = ("from_report_path", "files_from", "inventory")  # each is about one source
MORE_SOURCES = "more_sources"
_SCHEME = "s3://"


class LocationsCommand(JobCommand):
    """A command whose arguments are SOURCE, or several, and DESTINATION.

    Its callback gets the first source, and the others as ``more_sources``.
    """

    allow_extra_args = True
    takes_several = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; the last of all arguments is the destination."""
        typed = list(args)
        rest = super().parse_args(ctx, args)
        ctx.params[MORE_SOURCES] = self._saved_sources(ctx)
        if rest and not ctx.resilient_parsing:
            urls = [ctx.params["source"], ctx.params["destination"], *rest]
            self._require_urls(ctx, urls)
            deletes = ctx.params.get("delete") is Delete.EXTRA
            if deletes or not self.takes_several:
                what = f"s3-xfer {self.name}{' --delete' if deletes else ''}"
                raise click.UsageError(self._answer(ctx, what, typed, urls), ctx)
            ctx.params |= {MORE_SOURCES: tuple(urls[1:-1]), "destination": urls[-1]}
        return []

    def _split_sources(
        self, saved: dict[str, SavedValue], ctx: click.Context
    ) -> dict[str, SavedValue]:
        """Return the values with the first of the sources of a job."""
        value = saved["source"].value if "source" in saved else None
        is_list = isinstance(value, list) and all(isinstance(each, str) for each in value)
        if not self.takes_several or not value or not is_list:
            return saved
        ctx.meta[MORE_SOURCES] = tuple(value[1:])
        return saved | {"source": replace(saved["source"], value=value[0])}

    def _saved_sources(self, ctx: click.Context) -> tuple[str, ...]:
        """Return the further sources of a job.

        Raises:
            ValidationError: it deletes, for which there has to be one source.
        """
        is_saved = ctx.get_parameter_source("source") is ParameterSource.DEFAULT_MAP
        more: tuple[str, ...] = ctx.meta.get(MORE_SOURCES, ()) if is_saved else ()
        if more and ctx.params.get("delete") is Delete.EXTRA:
            raise ValidationError(
                f"the job has {1 + len(more)} sources, and a sync that deletes takes one",
                remedy="make a job of each source",
            )
        return more

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return the words of the usage line, which say whether there may be several sources."""
        named = "SOURCE..." if self.takes_several else "SOURCE"
        return [piece.replace("SOURCE", named) for piece in super().collect_usage_pieces(ctx)]

    def _require_urls(self, ctx: click.Context, urls: Sequence[str]) -> None:
        strange = [url for url in urls if not url.startswith(_SCHEME)]
        if strange:
            shown = printable(strange[0].partition("?")[0])  # a signature may follow
            text = (
                f"There are {len(urls)} arguments, and {shown!r} is not an S3 URL. "
                "A key with spaces has to be quoted."
            )
            raise click.UsageError(text, ctx)

    def _answer(
        self, ctx: click.Context, what: str, args: Sequence[str], urls: Sequence[str]
    ) -> str:
        """Return the lines to run in place of ``what``, which takes one source."""
        given, _, order = self.make_parser(ctx).parse_args(args=list(args))
        is_recursive = "recursive" in given or all(each.name != "recursive" for each in self.params)
        inputs = [param.opts[0] for param in order if param.name in _INPUTS]
        problem = f"{inputs[0]} is about the objects of one" if inputs else ""
        try:
            *sources, destination = map(S3Location.parse, urls)
            places = map(as_directory, sources) if is_recursive else sources
            maps = plan_several([*places], destination, recursive=is_recursive)
        except ValidationError as error:
            problem = error.problem
        if problem:
            return (
                f"{what} takes one source, and these are {len(urls) - 1}; {printable(problem)}. "
                "Run one command for each, with destinations of your choice."
            )
        targets = [each.destination for each in maps]
        lines = [
            " ".join([f"s3-xfer {self.name}", *words, *_typed(given, order, number)])
            for number, words in enumerate(zip(_words(sources), _words(targets), strict=True), 1)
        ]
        return "\n  ".join(
            [
                f"These are {len(sources)} sources, and {what} takes one. Run one for each:",
                *lines,
            ]
        )


class OneSourceCommand(LocationsCommand):
    """A command with one SOURCE."""

    takes_several = False


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
