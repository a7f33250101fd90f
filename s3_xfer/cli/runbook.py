"""The command ``runbook``: the section that a message points to, where only the wheel is.

The text is docs/runbook.md; ``runbook.md`` beside this module links to it, and a build puts the
text in its place. Prints it as it stands there: plain words for a terminal, a pipe or a screen
reader. Refuses to hold a word of advice of its own.
"""

from __future__ import annotations

import difflib
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.streams import say

RUNBOOK_HELP = """Print what to do: a section of the runbook, or their list.

    SECTION is what a message names at its end, or the name of an error.

    \b
    Examples:
      s3-xfer runbook
      s3-xfer runbook access-denied
      s3-xfer runbook AccessDenied
      s3-xfer runbook --all | less
    """


@dataclass(frozen=True, slots=True)
class Section:
    """One heading of the runbook, with everything below it."""

    level: int
    title: str
    text: str

    @property
    def name(self) -> str:
        """The heading as an anchor, the way every renderer of Markdown makes one."""
        return re.sub(r"[^\w\- ]", "", self.title.strip().lower()).replace(" ", "-")


@click.command(
    help=RUNBOOK_HELP, short_help="Print what to do about an error, or at any other time."
)
@click.argument("section", required=False)
@click.option("--all", "everything", is_flag=True, help="Print the whole runbook.")
def runbook(section: str | None, *, everything: bool) -> ExitCode:
    """Print a section, the list of sections, or everything."""
    text = _readable(Path(__file__).with_name("runbook.md").read_text(encoding="utf-8"))
    found = sections(text)
    if everything:
        say(text)
    elif section:
        say(_chosen(found, section).text)
    else:
        say("\n".join(_contents(found)))
    return ExitCode.OK


def _readable(text: str) -> str:
    """Return ``text`` with dots for the ellipsis where the terminal has none."""
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return text.replace("\N{HORIZONTAL ELLIPSIS}", "...")
    return text


def sections(text: str) -> list[Section]:
    """Return every section below the title, each with its subsections."""
    lines = text.splitlines()
    heads = [(number, len(mark), title) for number, mark, title in _headings(lines)]
    found = []
    for number, level, title in heads:
        ends = (other for other, deep, _ in heads if other > number and deep <= level)
        body = "\n".join(lines[number : next(ends, len(lines))]).rstrip()
        found.append(Section(level, title, body))
    return [one for one in found if one.level > 1]


def _headings(lines: list[str]) -> list[tuple[int, str, str]]:
    """Return where headings stand, outside blocks of code."""
    found, in_code = [], False
    for number, line in enumerate(lines):
        in_code ^= line.lstrip().startswith("```")
        heading = None if in_code else re.match(r"(#+) (.+)", line)
        if heading:
            found.append((number, heading[1], heading[2]))
    return found


def _contents(found: list[Section]) -> list[str]:
    listed = ["Sections, for s3-xfer runbook SECTION:", ""]
    return listed + [f"{'  ' * (one.level - 1)}{one.name}" for one in found]


def _chosen(found: list[Section], wanted: str) -> Section:
    """Return the section called ``wanted``: its name, its heading, or the name of an error.

    Raises:
        UsageError: there is none.
    """
    by_word = {_word(one.name): one for one in reversed(found)}
    word = _word(wanted.rpartition("#")[2])
    if word in by_word:
        return by_word[word]
    close = difflib.get_close_matches(word, by_word, n=1, cutoff=0.5)
    hint = f"Did you mean {by_word[close[0]].name}?" if close else "s3-xfer runbook lists them."
    raise click.UsageError(f"The runbook has no section {wanted!r}. {hint}")


def _word(name: str) -> str:
    """Return ``name`` without what people write differently."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
