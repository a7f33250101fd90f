"""The result of a command as one JSON object: on stdout (--json), in a file (--json-file), or both.

The file is for whoever reads it when the process has ended, however it ended: a refusal, an
unexpected error and a stop have an object as well. It appears whole under its name or not at all;
what an earlier run has left there is removed first, so that it is never taken for the result of
this one. A second Ctrl-C and SIGKILL leave none.
"""

from __future__ import annotations

import functools
import json
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from s3_xfer.cli.end_of_run import END
from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.signals import SIGNALS
from s3_xfer.cli.wording import COMMAND_LINE
from s3_xfer.errors import (
    ErrorClass,
    PreflightError,
    ReportError,
    S3XferError,
    ValidationError,
    translate,
)
from s3_xfer.ledger.comparison import CheckResult
from s3_xfer.ledger.result import CopyResult, RunState
from s3_xfer.text import printable

_CommandT = TypeVar("_CommandT", bound=Callable[..., Any])
_FILE = f"{__name__}.file"  # where click keeps it for the command line


class ResultFile:
    """The file that gets the result of one command. Without a ``path``, nothing is written."""

    def __init__(self, path: Path | None) -> None:
        self._path = path.resolve() if path else None  # links stay, and lead to it
        self.has_result = False
        self.is_lost = False

    def prepare(self, values: Mapping[str, Any]) -> None:
        """Make sure that the file can be written, and remove an old one.

        Args:
            values: the other parameters of the command.

        Raises:
            ReportError: the folder is missing or not writable, or no file can be put there.
            ValidationError: another parameter names the same file.
        """
        path, self._path = self._path, None  # nothing is written where it is refused
        if not path:
            return
        _require_no_other_use(path, values)
        try:
            if path.exists() and not path.is_file():
                raise OSError("it is not a regular file")  # noqa: TRY301 - refused like the others
            trial = self._temporary(path)
            trial.touch()
            trial.unlink()
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _cannot_write(path, error) from error
        self._path = path

    def write(self, result: Mapping[str, Any]) -> None:
        """Write ``result``. If the disk refuses, say so on stderr: the copy has ended."""
        self.has_result = True
        END.result = result
        if not self._path:
            return
        temporary = self._temporary(self._path)
        try:
            try:
                temporary.write_text(_text(result) + "\n", encoding="ascii")
                temporary.replace(self._path)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            self.is_lost = True
            text = _cannot_write(self._path, error).text(COMMAND_LINE)
            click.echo(f"error: {text}", file=sys.stderr)

    @staticmethod
    def _temporary(path: Path) -> Path:
        return path.with_name(f".{uuid.uuid4().hex}")


def _require_no_other_use(path: Path, values: Mapping[str, Any]) -> None:
    for value in values.values():
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, str | Path) and Path(each).resolve() == path:
                raise ValidationError(
                    f"{printable(str(each))} would be both the result and another file",
                    remedy="give --json-file a file of its own",
                )


def with_result_file(command: _CommandT) -> _CommandT:
    """Return ``command`` with the parameter ``json_file``: what it gives is written there.

    So is whatever else ends it. If it succeeded and the file could not be written, it ends as
    aborted.
    """

    @functools.wraps(command)
    def run(*, json_file: Path | None, **values: Any) -> ExitCode:
        file = ResultFile(json_file)
        click.get_current_context().meta[_FILE] = file
        try:
            file.prepare(values)
            code: ExitCode = command(**values)
        except (Exception, KeyboardInterrupt) as error:
            if not file.has_result:
                is_refusal = isinstance(error, S3XferError)
                give_json(_end(error), on_stdout=is_refusal and values["json"])
            raise
        return ExitCode.ABORTED if file.is_lost and code is ExitCode.OK else code

    return run  # type: ignore[return-value]


def save_json(result: Mapping[str, Any]) -> None:
    """Write the result of the command into its file, if it has one."""
    file: ResultFile = click.get_current_context().meta[_FILE]
    file.write(result)


def save_result(result: CopyResult | CheckResult) -> None:
    """Write the result of a run into the file of the command, if it has one."""
    save_json(COMMAND_LINE.say_all(result.to_dict()))


def give_json(result: Mapping[str, Any], *, on_stdout: bool) -> None:
    """Write the result of the command into its file; print it if that was asked for as well."""
    save_json(result)
    if on_stdout:
        print_json(result)


@contextmanager
def refusals_as_json(*, wanted: bool) -> Iterator[None]:
    """Print what is refused inside the block as JSON, if that is wanted; raise it again."""
    try:
        yield
    except S3XferError as refusal:
        if wanted:
            print_json(refusal_json(refusal))
        raise


def print_json(value: Mapping[str, Any]) -> None:
    """Print ``value`` on stdout as one line, in ASCII, which every encoding has."""
    click.echo(_text(value), file=sys.stdout)


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=True)


def _end(error: BaseException) -> dict[str, Any]:
    """Return what ended a command that has no result, as plain values."""
    if isinstance(error, S3XferError):
        return refusal_json(error)
    if isinstance(error, click.ClickException):
        return _described(
            RunState.VALIDATION_FAILED, error.format_message(), ErrorClass.INVALID_INPUT
        )
    if isinstance(error, KeyboardInterrupt | click.Abort):
        reason = f"stopped by {SIGNALS.reason}" if SIGNALS.reason else "stopped"
        return _described(RunState.COPY_FAILED, reason, ErrorClass.INTERRUPTED)
    info = translate(error)
    return _described(RunState.COPY_FAILED, info.message, info.error_class)


def refusal_json(refusal: S3XferError) -> dict[str, Any]:
    """Return a refused run as plain values."""
    problem, remedy = (
        printable(COMMAND_LINE.say(text)) for text in (refusal.problem, refusal.remedy)
    )
    diagnosis = refusal.diagnosis if isinstance(refusal, PreflightError) else None
    return _described(RunState.VALIDATION_FAILED, problem, refusal.error_class) | {
        "remedy": remedy,
        "diagnosis": COMMAND_LINE.say_all(diagnosis.to_dict()) if diagnosis else None,
    }


def _described(state: RunState, problem: str, error_class: ErrorClass | None) -> dict[str, Any]:
    return {
        "state": state.value,
        "errors": [problem],
        "error_class": error_class.value if error_class else None,
        "permanent": bool(error_class and not error_class.is_transient),
        "runbook": error_class.runbook if error_class else None,
    }


def _cannot_write(path: Path, error: OSError) -> ReportError:
    return ReportError(
        f"the result cannot be written to {printable(str(path))}: {error.strerror or error}",
        remedy="give --json-file a file on a disk with room, in a folder that you may write",
    )
