"""What a command leaves at its end besides its result, and whom it tells of it.

A page for people (--html), numbers for Prometheus (--metrics-file), a command or an address that
gets the result (--on-end). What can be known before the run refuses it. What goes wrong at the end
is told on stderr; neither the result nor the exit code change.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.wording import COMMAND_LINE
from s3_xfer.errors import ReportError, S3XferError, ValidationError
from s3_xfer.files import check_replaceable, replace_file
from s3_xfer.options import RunMode
from s3_xfer.render.progress import ProgressView
from s3_xfer.text import printable, reason_of

if TYPE_CHECKING:
    from s3_xfer.cli.metrics_file import MetricsFile

_CommandT = TypeVar("_CommandT", bound=Callable[..., Any])


class EndOfRun:
    """What the command of this process leaves; nothing, until :meth:`begin` says what."""

    def __init__(self) -> None:
        self.result: Mapping[str, Any] | None = None  # of the command, as JSON has it
        self._params: Mapping[str, Any] = {}
        self._command = ""
        self._page: Path | None = None
        self._metrics: MetricsFile | None = None
        self._target: str | None = None
        self._limit_s = 0.0

    def begin(self, command: str, params: Mapping[str, Any]) -> None:
        """Take what the command line asks for.

        Raises:
            ReportError: a file cannot be written, as far as can be told before.
            ValidationError: it is named twice, or the address cannot be used.
        """
        self.result = self._page = self._metrics = self._target = None
        target: str | None = params.get("on_end")
        if target:
            from s3_xfer.cli.on_end import require_target  # noqa: PLC0415 - slow to import

            require_target(target)
            self._target, self._limit_s = target, params["on_end_limit"]
        self._command, self._params = command, params
        page: Path | None = params.get("html_path")
        metrics: Path | None = params.get("metrics_path")
        for path, what in ((page, "page"), (metrics, "metrics file")):
            if path:
                _require_writable(path, what, params)
        self._page = page
        if metrics:
            from s3_xfer.cli.metrics_file import MetricsFile  # noqa: PLC0415 - few commands keep one

            self._metrics = MetricsFile(metrics, command=command)

    def measured(self, view: ProgressView) -> ProgressView:
        """Return a view whose snapshots go into the metrics file as well, if there is one."""
        if not self._metrics:
            return view
        from s3_xfer.cli.metrics_file import MeasuredView  # noqa: PLC0415 - see above

        return MeasuredView(view, self._metrics)

    def write_page(self, page: Callable[[], str]) -> None:
        """Write the page, if there is one."""
        path = self._page
        if not path:
            return
        try:
            replace_file(path, page())
        except OSError as error:
            _warn(f"the page {printable(str(path))} could not be written: {reason_of(error)}")

    def write_refusal(self, refusal: S3XferError) -> None:
        """Write the page of a command that was refused, if there is one."""

        def page() -> str:
            from s3_xfer.render.html.copies import refusal_page  # noqa: PLC0415 - slow to import

            names = ("source", "destination", "journal", "plan")
            given = (self._params.get(name) for name in names)
            route = " -> ".join(printable(str(each)) for each in given if each)
            kind = self._command.capitalize()
            return refusal_page(refusal, kind=kind, route=route, wording=COMMAND_LINE)

        self.write_page(page)

    def finish(self, code: int) -> None:
        """Write the last numbers, and tell who wants to know; ``code`` is the exit code."""
        if self._metrics:
            is_dry_run = self._params.get("mode") is RunMode.DRY_RUN
            self._metrics.finish(code, _warn, is_dry_run=is_dry_run)
        if self._target:
            from s3_xfer.cli.on_end import notify  # noqa: PLC0415 - slow to import

            result = {**(self.result or {}), "command": self._command, "exit_code": code}
            problem = notify(self._target, result, limit_s=self._limit_s)
            if problem:
                _warn(problem)


END = EndOfRun()  # a process runs one command line


def with_end_of_run(command: _CommandT) -> _CommandT:
    """Return ``command`` without the parameters that say what it leaves at its end."""

    @functools.wraps(command)
    def run(**values: Any) -> ExitCode:
        context = click.get_current_context()
        END.begin(str(context.command.name), context.params)
        for name in ("html_path", "metrics_path", "on_end", "on_end_limit"):
            values.pop(name, None)
        try:
            code: ExitCode = command(**values)
        except S3XferError as error:
            END.write_refusal(error)
            raise
        return code

    return run  # type: ignore[return-value]


def _warn(text: str) -> None:
    click.echo(f"warning: {text}", file=sys.stderr)


def _require_writable(path: Path, what: str, params: Mapping[str, Any]) -> None:
    """Return if a file can be written, as far as can be told before.

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
            f"the {what} {printable(str(path))} cannot be written: {reason_of(error)}",
            remedy="name a file in a folder with room that you may write to",
        ) from error


def _files(params: Mapping[str, Any]) -> Iterator[str]:
    """Yield every file that the command line names."""
    for value in params.values():
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, Path | str):
                yield str(each)
