"""The summary at the end of a run as plain data, for :mod:`~s3_xfer.render.tables` to lay out.

Every string in it is safe to print.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from s3_xfer.errors import ErrorClass
from s3_xfer.ledger.prices import Bill
from s3_xfer.model import AccountContext
from s3_xfer.text import printable
from s3_xfer.units import format_count

UNBROKEN = "\u00a0"  # keeps a name and its number on one line; the layout makes it a space


class Tone(enum.Enum):
    """How good the result is."""

    GOOD = "good"
    MIXED = "mixed"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a summary needs to know about the run besides its result."""

    source_url: str
    destination_url: str
    dry_run: bool = False
    verbose: bool = False
    rerun: str | None = None  # the command line that copies what is missing
    destination: AccountContext = field(default_factory=AccountContext)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The end of a run, ready to lay out. Commands must be printed on one line."""

    tone: Tone
    headline: str
    next_step: str
    route: str
    rows: tuple[Row, ...]
    failures: tuple[FailureGroup, ...]
    diagnosis: tuple[str, ...]
    abort_commands: tuple[str, ...]
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


def requests_row(label: str, requests: Mapping[str, int]) -> Row:
    """Return the row of requests by operation."""
    return Row(label, format_count(sum(requests.values())), "", by_count(requests))
