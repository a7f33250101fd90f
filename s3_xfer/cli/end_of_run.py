"""What a run leaves besides what is printed: a page for people.

Everything is written after the result is known, and none of it changes the result or the exit code:
what goes wrong then is told on stderr. What can be known before the run refuses it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3_xfer.errors import ReportError, S3XferError, ValidationError
from s3_xfer.files import check_replaceable, replace_file
from s3_xfer.text import printable, reason_of
from s3_xfer.wording import Wording


@dataclass(frozen=True, slots=True, kw_only=True)
class EndOfRun:
    """What is to be written at the end of a run of ``command``, whose parameters are ``params``."""

    command: str = ""
    params: Mapping[str, Any]
    html_path: Path | None = None

    def check(self) -> None:
        """Return if everything can be written, as far as can be told before.

        Raises:
            ReportError: a file cannot be written.
            ValidationError: it is also another file of the run.
        """
        if not self.html_path:
            return
        files = [os.path.realpath(file) for file in self._files()]
        if files.count(os.path.realpath(self.html_path)) > 1:
            raise ValidationError(
                f"{printable(str(self.html_path))} is named twice, for different things",
                remedy="give each file of the run a name of its own",
            )
        try:
            check_replaceable(self.html_path)
        except OSError as error:
            raise ReportError(
                f"the page {printable(str(self.html_path))} cannot be written: {reason_of(error)}",
                remedy="name a file in a folder with room that you may write to",
            ) from error

    def _files(self) -> Iterator[str]:
        """Yield every file that the run was told of."""
        journal = self.params.get("journal")
        named = [*self.params.values(), *([Path(journal)] if isinstance(journal, str) else [])]
        yield from (str(value) for value in named if isinstance(value, Path))

    def problems(self, page: Callable[[], str]) -> Iterator[str]:
        """Write everything; yield what could not be written, and why."""
        if not self.html_path:
            return
        try:
            replace_file(self.html_path, page())
        except OSError as error:
            name = printable(str(self.html_path))
            yield f"the page {name} could not be written: {reason_of(error)}"

    def refused_page(self, error: S3XferError, wording: Wording) -> str:
        """Return the page of a run that was refused."""
        from s3_xfer.render.html.copies import refusal_page  # noqa: PLC0415 - slow to import

        given = (self.params.get(name) for name in ("source", "destination", "journal", "plan"))
        route = " -> ".join(printable(str(each)) for each in given if each)
        return refusal_page(error, kind=self.command.capitalize(), route=route, wording=wording)
