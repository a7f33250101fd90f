"""What a command leaves at its end besides its result: a page for people (--html).

What can be known before the run refuses it. What goes wrong at the end is told on stderr; neither
the result nor the exit code change.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.wording import COMMAND_LINE
from s3_xfer.errors import ReportError, S3XferError, ValidationError
from s3_xfer.files import check_replaceable, replace_file
from s3_xfer.text import printable, reason_of

_CommandT = TypeVar("_CommandT", bound=Callable[..., Any])
_PAGE = f"{__name__}.page"  # where click keeps it for the command line


def with_end_of_run(command: _CommandT) -> _CommandT:
    """Return ``command`` with the parameter ``html_path``: what it gives is written there.

    So is a refusal.
    """

    @functools.wraps(command)
    def run(*, html_path: Path | None, **values: Any) -> ExitCode:
        context = click.get_current_context()
        if html_path:
            _require_page(html_path, context.params)
        context.meta[_PAGE] = html_path
        try:
            code: ExitCode = command(**values)
        except S3XferError as error:
            write_refusal(error)
            raise
        return code

    return run  # type: ignore[return-value]


def write_page(page: Callable[[], str]) -> None:
    """Write the page of the command, if it has one."""
    path: Path | None = click.get_current_context().meta[_PAGE]
    if not path:
        return
    try:
        replace_file(path, page())
    except OSError as error:
        warn(f"the page {printable(str(path))} could not be written: {reason_of(error)}")


def write_refusal(refusal: S3XferError) -> None:
    """Write the page of a command that was refused, if it has one."""

    def page() -> str:
        from s3_xfer.render.html.copies import refusal_page  # noqa: PLC0415 - slow to import

        context = click.get_current_context()
        given = (context.params.get(name) for name in ("source", "destination", "journal", "plan"))
        route = " -> ".join(printable(str(each)) for each in given if each)
        kind = str(context.command.name).capitalize()
        return refusal_page(refusal, kind=kind, route=route, wording=COMMAND_LINE)

    write_page(page)


def warn(text: str) -> None:
    """Say on stderr what went wrong without a consequence for the result."""
    click.echo(f"warning: {text}", file=sys.stderr)


def _require_page(path: Path, params: Mapping[str, Any]) -> None:
    """Return if the page can be written, as far as can be told before.

    Raises:
        ReportError: the folder is missing or not writable, or no file can be put there.
        ValidationError: another parameter names the same file.
    """
    files = [os.path.realpath(file) for file in _files(params)]
    if files.count(os.path.realpath(path)) > 1:
        raise ValidationError(
            f"{printable(str(path))} is named twice, for different things",
            remedy="give each file of the run a name of its own",
        )
    try:
        check_replaceable(path)
    except OSError as error:
        raise ReportError(
            f"the page {printable(str(path))} cannot be written: {reason_of(error)}",
            remedy="name a file in a folder with room that you may write to",
        ) from error


def _files(params: Mapping[str, Any]) -> Iterator[str]:
    """Yield every file that the command line names."""
    for value in params.values():
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, Path | str):
                yield str(each)
