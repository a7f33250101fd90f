"""The command ``runbook``: the section that a message points to, where only the wheel is.

The text is docs/runbook.md; ``runbook.md`` beside this module links to it, and a build puts the
text in its place. It is printed as it stands there, for a terminal, a pipe or a screen reader.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from s3_xfer.cli.completion import runbook_sections
from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.output import print_line
from s3_xfer.cli.params import SectionedCommand
from s3_xfer.spelling import nearest

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
    cls=SectionedCommand,
    help=RUNBOOK_HELP,
    short_help="Print what to do about an error, or at any other time.",
)
@click.argument("section", required=False, shell_complete=runbook_sections)
@click.option("--all", "everything", is_flag=True, help="Print the whole runbook.")
def runbook(section: str | None, *, everything: bool) -> ExitCode:
    """Print a section, the list of sections, or everything."""
    text = _readable(_text())
    all_sections = sections(text)
    if everything:
        print_line(text)
    elif section:
        print_line(_section_named(all_sections, section).text)
    else:
        names = [f"{'  ' * (section.level - 1)}{section.name}" for section in all_sections]
        print_line("\n".join(["Sections, for s3-xfer runbook SECTION:", "", *names]))
    return ExitCode.OK


def section_names() -> list[str]:
    """Return what the sections are called."""
    return [section.name for section in sections(_text())]


def _text() -> str:
    return Path(__file__).with_name("runbook.md").read_text(encoding="utf-8")


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
    headings = [(number, len(mark), title) for number, mark, title in _headings(lines)]
    all_sections = []
    for number, level, title in headings:
        ends = (later for later, depth, _ in headings if later > number and depth <= level)
        body = "\n".join(lines[number : next(ends, len(lines))]).rstrip()
        all_sections.append(Section(level, title, body))
    return [section for section in all_sections if section.level > 1]


def _headings(lines: list[str]) -> list[tuple[int, str, str]]:
    """Return the line, level and text of each heading outside blocks of code."""
    headings, in_code = [], False
    for number, line in enumerate(lines):
        in_code ^= line.lstrip().startswith("```")
        heading = None if in_code else re.match(r"(#+) (.+)", line)
        if heading:
            headings.append((number, heading[1], heading[2]))
    return headings


def _section_named(all_sections: list[Section], wanted: str) -> Section:
    """Return the section called ``wanted``: its name, its heading, or the name of an error.

    Raises:
        UsageError: there is none.
    """
    by_name = {_normalized(section.name): section for section in reversed(all_sections)}
    name = _normalized(wanted.rpartition("#")[2])
    if name in by_name:
        return by_name[name]
    near = nearest(name, by_name)
    hint = f"Did you mean {by_name[near].name}?" if near else "s3-xfer runbook lists them."
    raise click.UsageError(f"The runbook has no section {wanted!r}. {hint}")


def _normalized(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
