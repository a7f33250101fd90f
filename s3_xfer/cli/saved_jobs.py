"""Commands from SOURCE to DESTINATION that also take a saved job: ``s3-xfer copy @nightly``.

What the job says stands in for what was not typed: click's defaults, which the environment and the
command line come before. Each value is read as its option reads it on the command line, in the same
words; what is wrong with it is told with the file and the key.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from s3_xfer.cli.output import print_error
from s3_xfer.cli.params import (
    CheckedArgument,
    OrderedOption,
    SectionedCommand,
    SectionOption,
    keep_origins,
)
from s3_xfer.cli.unknown_words import commands_of
from s3_xfer.declarations import is_blank
from s3_xfer.errors import ValidationError
from s3_xfer.spelling import near_names
from s3_xfer.text import printable

if TYPE_CHECKING:
    from s3_xfer.cli.job_files import JobFile, SavedValue

_MARK = "@"
_CONFIG = "config"
_TRIAL = "\0"  # nobody can type it
_CREDENTIAL = re.compile(r"secret|password|token|access_?key|credential", re.IGNORECASE)
Parameter = CheckedArgument | SectionOption


class JobCommand(SectionedCommand):
    """A command that takes ``@NAME`` in place of SOURCE and DESTINATION."""

    implied: tuple[str, ...] = ()  # keys of what it always does, so that they are no surprise

    def _parsed(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, with the values of the job that the command line names."""
        is_named = any(word.startswith((_MARK, f"--{_CONFIG}")) for word in args)
        if not is_named or ctx.resilient_parsing:  # which is for completion
            return super()._parsed(ctx, args)
        from s3_xfer.cli.job_files import file_of_job, read_job_file  # noqa: PLC0415 - few lines name one

        given, rest, _ = self.make_parser(ctx).parse_args(args=list(args))
        words = [*self._arguments(given), *rest]
        name = next((word for word in words if word.startswith(_MARK)), None)
        config = given.get(_CONFIG)
        if isinstance(config, str) and is_blank(config):
            return super()._parsed(ctx, args)  # which refuses it
        path = Path(config) if isinstance(config, str) else None
        if name is not None:
            if len(words) > 1:
                raise click.UsageError(
                    f"{printable(name)} stands for SOURCE and DESTINATION: leave out "
                    f"{', '.join(printable(word) for word in words if word is not name)}.",
                    ctx,
                )
            file = file_of_job(name.removeprefix(_MARK), path, os.environ)
            args = self._without(name, args, ctx)
        elif path:
            file = read_job_file(path)
        else:
            return super()._parsed(ctx, args)
        return self._parsed_with(file, name, ctx, args)

    def _parsed_with(
        self, file: JobFile, name: str | None, ctx: click.Context, args: list[str]
    ) -> list[str]:
        from s3_xfer.cli.json_result import refusals_as_json  # noqa: PLC0415 - it imports params

        job = None if name is None else name.removeprefix(_MARK)
        saved = self._split_sources(
            _without_replaced_filters(file.values(job), file.jobs.get(job or "", {})), ctx
        )
        wants_json = "json" in saved and saved["json"].value is True
        with refusals_as_json(wanted=wants_json and "--json" not in args):
            ctx.default_map = self._defaults(saved, ctx)
            if job is not None:
                self._require_locations(ctx.default_map, file, job)
            rest = super()._parsed(ctx, args)
        if job is not None and not ctx.params.get("quiet"):
            print_error(f"job {printable(job)}: {printable(str(file.path))}")
            self._note_what_is_ignored(saved, file.jobs[job])
        return rest

    def _split_sources(
        self, saved: dict[str, SavedValue], _ctx: click.Context
    ) -> dict[str, SavedValue]:
        """Return the values with one source; a command that takes several keeps the others."""
        return saved

    def _defaults(self, saved: Mapping[str, SavedValue], ctx: click.Context) -> dict[str, Any]:
        """Return the values that are for this command, by its parameters' names, in order.

        Raises:
            ValidationError: no command has such an option, or it takes no such value.
        """
        own, everywhere = _by_key(self), list(_everywhere(ctx))
        values: dict[str, Any] = {}
        origins: dict[str, str] = {}
        for key, each in saved.items():
            _require_known(key, each, everywhere)
            param = own.get(key)
            others = [known[key] for known in everywhere if key in known]
            if param is None or (
                not _fits(param, each.value) and any(_fits(other, each.value) for other in others)
            ):
                continue
            parameter_name = str(param.name)
            origins[parameter_name] = f"{each.table} {key}"
            values[parameter_name] = _as_typed(param, key, each)
        keep_origins(ctx, origins)
        return values

    def _require_locations(self, values: Mapping[str, Any], file: JobFile, job: str) -> None:
        """Return if the job says everything that it stands for.

        Raises:
            ValidationError: it does not.
        """
        for param in self.params:
            if isinstance(param, click.Argument) and param.name not in values:
                where = printable(f"{file.path}, [jobs.{job}]")
                raise ValidationError(
                    f"{where} has no {param.name}", remedy="add it, as an s3:// URL"
                )

    def _note_what_is_ignored(
        self, saved: Mapping[str, SavedValue], job: Mapping[str, Any]
    ) -> None:
        """Say which keys of the job this command has no use for; defaults are for several jobs."""
        own = _by_key(self)
        ignored = [
            key
            for key in job
            if saved[key].value is not False
            and key not in self.implied
            and not (key in own and _fits(own[key], saved[key].value))
        ]
        if ignored:
            print_error(f"note: {self.name} has no use for these keys: {', '.join(ignored)}")

    def _arguments(self, given: Mapping[str, Any]) -> Iterator[str]:
        """Yield what was typed for the arguments."""
        for param in self.params:
            if isinstance(param, click.Argument):
                value = given.get(str(param.name))
                words = value if isinstance(value, tuple | list) else (value,)
                yield from (word for word in words if isinstance(word, str))

    def _without(self, word: str, args: list[str], ctx: click.Context) -> list[str]:
        """Return the command line without ``word``, where it is an argument and no option's."""
        for place, each in enumerate(args):
            if each == word:
                trial = [*args[:place], _TRIAL, *args[place + 1 :]]
                given, _, _ = self.make_parser(ctx).parse_args(args=trial)
                if _TRIAL in self._arguments(given):
                    return [*args[:place], *args[place + 1 :]]
        raise AssertionError("an argument is somewhere on the command line")


def _key(param: Parameter) -> str:
    """Return what a parameter is called in a file: like on the command line, with underscores."""
    if isinstance(param, click.Argument):
        return str(param.name)
    long = next(flag for flag in param.opts if flag.startswith("--"))
    return long.removeprefix("--").replace("-", "_")


def _by_key(command: click.Command) -> dict[str, Parameter]:
    """Return the parameters of a command that a job can give, by their keys."""
    return {
        _key(param): param
        for param in command.params
        if isinstance(param, Parameter) and param.name != _CONFIG
    }


def _everywhere(ctx: click.Context) -> Iterator[dict[str, Parameter]]:
    """Yield what each command that takes a job has."""
    root = ctx.find_root().command
    known = commands_of(root) if isinstance(root, click.Group) else [("", root)]
    return (_by_key(command) for _, command in known if isinstance(command, JobCommand))


def _require_known(key: str, saved: SavedValue, everywhere: list[dict[str, Parameter]]) -> None:
    """Return if some command has this option, and a file may have it.

    Raises:
        ValidationError: none has; or it is a secret.
    """
    params = [known[key] for known in everywhere if key in known]
    where = f"{saved.table}: {printable(key)!r}"
    if not params:
        if _CREDENTIAL.search(key):
            raise ValidationError(
                f"{where} is no option; credentials do not belong in this file",
                remedy="name a profile or a role (source_profile, dest_role_arn, ...)",
            )
        names = {str(param.name): each for known in everywhere for each, param in known.items()}
        near = names.get(key) or " or ".join(near_names(key, names.values()))
        raise ValidationError(
            f"{where} is no option",
            remedy=f"write {near}" if near else "write options without dashes: part_size",
        )
    for param in params:
        if isinstance(param, SectionOption) and param.declaration and param.declaration.is_secret:
            raise ValidationError(
                f"{where} is a secret, and does not belong in a file",
                remedy=f"give it in the variable {param.envvar}",
            )


def _without_replaced_filters(
    saved: Mapping[str, SavedValue], job: Mapping[str, Any]
) -> dict[str, SavedValue]:
    """Return the values with the job's filter rules in place of the defaults', in their order."""
    rules = ("include", "exclude", "filter_from")
    if not any(key in job for key in rules):
        return dict(saved)
    kept = {key: each for key, each in saved.items() if key not in rules}
    return kept | {key: saved[key] for key in job if key in rules}


def _fits(param: Parameter, value: Any) -> bool:
    """Return whether an option takes values of this kind at all."""
    if isinstance(value, bool):
        return isinstance(param, SectionOption) and (param.is_flag or bool(_word(param)))
    if isinstance(value, list):
        return param.multiple or param.nargs != 1
    is_flag = isinstance(param, SectionOption) and param.is_flag
    return isinstance(value, str | int | float | date) and not is_flag


def _word(param: Parameter) -> str:
    """Return the word that stands for true where an option takes but one."""
    declaration = param.declaration if isinstance(param, SectionOption) else None
    return declaration.word if declaration else ""


def _as_typed(param: Parameter, key: str, saved: SavedValue) -> Any:
    """Return a value as it would come from the command line.

    Raises:
        ValidationError: it is of another kind than what the option takes.
    """
    value, takes_many = saved.value, param.multiple or param.nargs != 1
    if not _fits(param, value):
        raise ValidationError(
            f"{saved.table} {key} is {_kind(value)}; it must be {_expected(param)}"
        )
    if isinstance(value, bool):
        word = _word(param)
        return (word if value else None) if word else value
    if not takes_many:
        return _text(value)
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise ValidationError(
            f"{saved.table} {key} is a list of other things; it must be {_expected(param)}"
        )
    return tuple(texts)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _kind(value: Any) -> str:
    kinds = {bool: str(value).lower(), list: "a list", dict: "a table"}
    return kinds.get(type(value), repr(value))


def _expected(param: Parameter) -> str:
    if isinstance(param, OrderedOption) or param.multiple or param.nargs != 1:
        return "text, or a list of texts"
    if isinstance(param, SectionOption) and param.is_flag:
        return "true or false"
    return "one text" if isinstance(param, click.Argument) else "text or a number"
