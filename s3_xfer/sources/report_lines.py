"""The lines of a report, one after the other, each proven to be one; nothing is held in memory.

The last line counts the others: a report that was cut off would forget objects.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from s3_xfer.errors import ReportError
from s3_xfer.ledger.report import COUNTS, END
from s3_xfer.text import printable, reason_of
from s3_xfer.wording import message

_RUN_IT_AGAIN = message("run the copy itself again; {overwrite=False} keeps what has arrived")


def report_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield number and fields of each line but those that count; joined reports have several.

    Raises:
        ReportError: the file cannot be read, is no report, or was cut off; the last is known at
            the end only.
    """
    name = printable(str(path))
    if path.suffix == ".partial":
        raise ReportError(
            f"{name} belongs to a run that was killed: it does not say what was left to do",
            remedy=_RUN_IT_AGAIN,
        )
    counts: Counter[str] = Counter()
    number, is_ended = 0, False
    for number, line in _lines(path):
        is_ended = line["status"] == END
        if is_ended:
            if line.get(COUNTS) != counts:
                what = "counts other lines than come before it"
                raise wrong_line(path, number, what, remedy=_RUN_IT_AGAIN)
            counts.clear()
        else:
            yield number, line
            counts[line["status"]] += 1
    if not number:
        raise ReportError(f"the report {name} is empty", remedy=_RUN_IT_AGAIN)
    if not is_ended:
        raise ReportError(
            f"the report {name} lacks its last line, with counts: it was cut off, or an older "
            "s3-xfer has written it",
            remedy=_RUN_IT_AGAIN,
        )


def wrong_line(path: Path, number: int, what: str, *, remedy: str) -> ReportError:
    """Return the refusal of a report because of one line."""
    return ReportError(f"line {number} of {printable(str(path))} {what}", remedy=remedy)


def is_text(value: Any) -> bool:
    """Return whether ``value`` is a text that S3 can be sent: JSON may hold half of a character."""
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, text in enumerate(file, start=1):
                if text.strip():
                    yield number, _parse(path, number, text)
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError(
            f"the report {printable(str(path))} cannot be read: {reason_of(error)}",
            remedy=message("give the file that {report_path} wrote"),
        ) from error


def _parse(path: Path, number: int, text: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        line = None
    if not isinstance(line, dict) or not isinstance(line.get("status"), str):
        remedy = "give the report of a copy between the same two places"
        raise wrong_line(path, number, "is not a line of a report", remedy=remedy)
    return line
