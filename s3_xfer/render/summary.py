"""The summary at the end of a run: plain data, and its layout for pipes and for terminals.

Plain text and rich's styles come from the same lines. Prose is wrapped to the width; commands and
object names stay on one line, so that they can be copied. Every string is safe to print.
"""

from __future__ import annotations

import enum
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from s3_xfer.errors import ErrorClass
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.prices import Bill
from s3_xfer.text import printable, shortened
from s3_xfer.units import format_count, format_size, plural
from s3_xfer.wording import LIBRARY, Wording

if TYPE_CHECKING:
    from rich.text import Text

_WIDTH = 100
_DETAIL_MIN = 20  # columns beside a number
_DIM, _BOLD, _ERROR = "bright_black", "bold", "bold red"
MARKS = ("error:", "failed:", "Diagnosis:")
_JSON_BEGINNINGS = ('"', "{", "}", "[", "]")
_WORD = r"""(?:\$?'(?:\\.|[^'])*'|"[^"]*"|[^\s'"])+"""
_SHELL_WORD = re.compile(rf"--[\w-]+ (?!-){_WORD}|{_WORD}")  # an option stays with its value
UNBROKEN = "\u00a0"  # keeps a name and its number on one line; the layout makes it a space


class Tone(enum.Enum):
    """How good the result is."""

    GOOD = "good"
    MIXED = "mixed"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of numbers: ``label  value  size  detail``."""

    label: str
    value: str
    size: str = ""
    detail: str = ""
    tone: Tone | None = None


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Everything about the failures of one class."""

    error_class: ErrorClass
    count: int
    examples: tuple[tuple[str, ...], ...]  # lines of each example; the first names the object
    omitted: int
    wording: Wording = LIBRARY


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The end of a run, ready to lay out. Commands must be printed on one line."""

    tone: Tone
    headline: str
    next_step: str
    route: str
    details: tuple[str, ...] = ()
    rows: tuple[Row, ...]
    failures: tuple[FailureGroup, ...] = ()
    diagnosis: tuple[str, ...]
    abort_commands: tuple[str, ...] = ()
    rerun_title: str
    rerun: str | None
    notes: tuple[str, ...]


def by_count(counts: Mapping[str, int]) -> str:
    """Return ``name count`` pairs, most frequent first; a lone name needs no count."""
    if len(counts) == 1:
        return printable(next(iter(counts)))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{printable(name)}{UNBROKEN}{format_count(count)}" for name, count in ranked)


def bill_basis(bill: Bill) -> str:
    """Return what an estimated bill is made from."""
    return f"requests only, at {printable(bill.price_list)}"


def count_row(
    label: str, count: int, size: str = "", detail: str = "", tone: Tone | None = None
) -> Row:
    """Return the row of a number of objects; none of them has no tone."""
    return Row(label, format_count(count), size, detail, tone if count else None)


def requests_row(label: str, requests: Mapping[str, int]) -> Row:
    """Return the row of requests by operation."""
    return count_row(label, sum(requests.values()), detail=by_count(requests))


def request_rows(metrics: TransferMetrics) -> Iterator[Row]:
    """Yield the rows of what was sent: by the run, and by the checks before it."""
    yield requests_row("requests", metrics.requests_of_copying)
    if metrics.requests_of_checks:
        yield requests_row("checks", metrics.requests_of_checks)


def left_out_rows(metrics: TransferMetrics) -> Iterator[Row]:
    """Yield the row of what filters left out, if they left out anything."""
    if metrics.files_left_out:
        size = format_size(metrics.bytes_left_out)
        yield count_row(
            "left out", metrics.files_left_out, size, by_count(metrics.left_out_by_rule)
        )


_STYLES = {None: "", Tone.GOOD: "green", Tone.MIXED: "yellow", Tone.BAD: "red"}


class Line(NamedTuple):
    """One line, with the style that a terminal shows it in.

    A command is broken between its words where it is wider than a terminal, so that it can be
    copied; other names are shortened.
    """

    text: str = ""
    style: str = ""
    is_command: bool = False


def as_text(summary: Summary, *, width: int = _WIDTH) -> str:
    """Return the whole summary as plain lines: no control characters."""
    return "\n".join(line.text for line in summary_lines(summary, width=width))


def failure_text(summary: Summary, *, width: int = _WIDTH) -> str:
    """Return only failures, leftovers and the next command; empty if there are none."""
    return "\n".join(line.text for line in _spaced(_attention(summary, width)))


def print_styled(lines: Iterable[Line]) -> None:
    """Print lines on stdout, with their styles."""
    from rich.console import Console  # noqa: PLC0415 - slow to import, and pipes never need it

    console = Console()
    console.print(styled(lines, console.width), crop=False, soft_wrap=True)


def styled(lines: Iterable[Line], width: int = _WIDTH) -> Text:
    """Return lines as one rich text, none of them wider than ``width``."""
    from rich.text import Text  # noqa: PLC0415

    texts = [
        marked(part, line.style)
        for line in lines
        for part in (
            command_lines(line.text, width) if line.is_command else fitted(line.text, width)
        )
    ]
    text = Text("\n").join(texts)
    text.no_wrap, text.overflow = True, "ignore"
    return text


def marked(text: str, style: str = "") -> Text:
    """Return ``text``; a word at its beginning that must not be overlooked is red."""
    from rich.text import Text  # noqa: PLC0415

    mark = next((each for each in MARKS if text.startswith(each)), "")
    return Text.assemble((mark, _ERROR), (text[len(mark) :], style))


def fitted(text: str, width: int) -> list[str]:
    """Return ``text`` in lines that are not wider than ``width``, broken between words only.

    A word that is wider by itself, mostly a key, is shortened in its middle. Lines of JSON, which
    people paste, stay as they are.
    """
    if len(text) <= width or text.lstrip().startswith(_JSON_BEGINNINGS):
        return [text]
    indent = text[: len(text) - len(text.lstrip())]
    words = [shortened(word, max(1, width - len(indent) - 2)) for word in text.split(" ")]
    wrapped = textwrap.wrap(
        " ".join(words).strip(),
        width,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapped or [""]


def command_lines(command: str, width: int) -> list[str]:
    """Return a command of a shell in lines that can be copied together."""
    if len(command) <= width:
        return [command]
    indent = command[: len(command) - len(command.lstrip())]
    lines = [indent]
    for word in _SHELL_WORD.findall(command):
        if lines[-1].strip() and len(lines[-1]) + len(word) + 3 > width:
            lines[-1] += " \\"
            lines.append(f"{indent}    ")
        lines[-1] += f" {word}" if lines[-1].strip() else word
    return lines


def summary_lines(summary: Summary, *, width: int = _WIDTH) -> list[Line]:
    """Return the lines of the whole summary, already wrapped to ``width``."""
    next_step = f"Next: {summary.next_step}." if summary.next_step else ""
    colour = f"bold {_STYLES[summary.tone]}"
    head = [
        *(Line(text, colour) for text in _wrapped(summary.headline, width)),
        *(Line(text) for text in _wrapped(next_step, width)),
        *(Line(f"  {text}", _DIM) for text in (summary.route, *summary.details)),
    ]
    notes = [Line(text, _DIM) for note in summary.notes for text in _hanging("Note: ", note, width)]
    table = table_lines(summary.rows, width=width) if summary.rows else []
    return list(_spaced([head, table, *_attention(summary, width), notes]))


def _spaced(blocks: Iterable[Sequence[Line]]) -> Iterator[Line]:
    """Yield the lines of all blocks with an empty one between blocks."""
    for number, block in enumerate(block for block in blocks if block):
        if number:
            yield Line()
        yield from block


def _attention(summary: Summary, width: int) -> Iterator[list[Line]]:
    for group in summary.failures:
        yield list(group_lines(group, width))
    if summary.diagnosis:
        yield [Line(text) for text in summary.diagnosis]
    if summary.abort_commands:
        title = Line("Uploads left behind; they cost money until they are aborted:", "yellow")
        commands = summary.abort_commands
        yield [title, *(Line(f"  {each}", _BOLD, is_command=True) for each in commands)]
    if summary.rerun:
        command = Line(f"  {summary.rerun}", _BOLD, is_command=True)
        yield [*(Line(text) for text in _wrapped(summary.rerun_title, width)), command]


def group_lines(group: FailureGroup, width: int) -> Iterator[Line]:
    """Yield the explanation of one class of failures, and examples."""
    error_class, say = group.error_class, group.wording.say
    yield Line(f"{error_class.value}: {plural(group.count, 'object')} failed", _ERROR)
    for text in (f"{say(error_class.description)}.", f"Next: {say(error_class.remedy)}."):
        yield from (Line(part) for part in _wrapped(text, width, "  "))
    yield Line(f"  {say(error_class.see)}", _DIM)
    for name, *details in group.examples:
        yield Line(f"    {name}")
        for text in details:
            parts = [f"      {text}"] if text.startswith(" ") else _wrapped(text, width, "      ")
            yield from (Line(part, _DIM) for part in parts)
    if group.omitted and group.examples:
        yield Line(f"    and {format_count(group.omitted)} more", _DIM)


def table_lines(rows: Sequence[Row], *, width: int = _WIDTH) -> list[Line]:
    """Return rows with labels left, numbers right and details below each other."""
    label, value, size = _column_widths(rows)
    lines = []
    for row in rows:
        start = f"  {row.label:<{label}}  {row.value:>{value}}"
        if size and (row.size or row.detail):
            start += f"  {row.size:>{size}}"
        texts = _with_detail(start, row.detail, width) if row.detail else [start]
        lines += [Line(text.rstrip(), _STYLES[row.tone]) for text in texts]
    return lines


def _column_widths(rows: Sequence[Row]) -> tuple[int, int, int]:
    """Return the widths of the first three columns; a lone word (a file name) does not count."""
    return (
        max(len(row.label) for row in rows),
        max((len(row.value) for row in rows if _is_number(row)), default=0),
        max(len(row.size) for row in rows),
    )


def _is_number(row: Row) -> bool:
    return bool(row.size or row.detail or row.value[:1].isdigit())


def _with_detail(start: str, detail: str, width: int) -> list[str]:
    """Return the columns with the detail beside them; below them in a narrow terminal."""
    if width - len(start) - 2 >= _DETAIL_MIN:
        return _hanging(f"{start}  ", detail, width)
    below = _wrapped(detail, width, "      ")
    return [start, *(line.replace(UNBROKEN, " ") for line in below)]


def _hanging(start: str, text: str, width: int) -> list[str]:
    room = max(20, width - len(start))
    first, *rest = textwrap.wrap(text, room, break_long_words=False) or [""]
    lines = [start + first, *(" " * len(start) + line for line in rest)]
    return [line.replace(UNBROKEN, " ") for line in lines]


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
