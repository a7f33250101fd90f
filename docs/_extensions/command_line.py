"""Reference pages from declarations.

``command-line`` shows the program's commands and options as ``--help`` does, and ``option-table``
the fields of a class. Both make nodes, not text: the site and the man page have the same contents,
and nothing in a help text can be taken for markup.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click
from docutils import nodes
from option_table import HEADINGS, rows
from sphinx.util.docutils import SphinxDirective

from s3_xfer.cli.main import cli
from s3_xfer.cli.unknown_words import commands_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sphinx.application import Sphinx

PROGRAM = "s3-xfer"


class CommandLine(SphinxDirective):
    """All commands, each as a section."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        group = click.Context(cli, info_name=PROGRAM)
        return [_section(name, command, group) for name, command in commands_of(cli)]


class OptionTable(SphinxDirective):
    """The declared fields of the class that is the argument, each as a row."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        name = self.arguments[0]
        headings = HEADINGS[name]
        group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in headings), cols=len(headings))
        group += nodes.thead("", _row(headings, nodes.inline))
        group += nodes.tbody("", *(_row(cells, nodes.literal) for cells in rows(name)))
        return [nodes.table("", group)]


def _row(cells: Sequence[str], kind: type[nodes.TextElement]) -> nodes.row:
    """Return a row, the cells but the last as ``kind``, which is the meaning in words."""
    *names, meaning = cells
    entries = [nodes.entry("", nodes.paragraph("", "", kind("", name))) for name in names]
    return nodes.row("", *entries, nodes.entry("", nodes.paragraph("", meaning)))


def _section(name: str, command: click.Command, group: click.Context) -> nodes.section:
    context = click.Context(command, info_name=name, parent=group)
    title = f"{PROGRAM} {name}"
    section = nodes.section("", nodes.title("", title), ids=[nodes.make_id(title)], names=[title])
    section += nodes.literal_block("", command.get_usage(context).removeprefix("Usage: "))
    section += list(_prose(command.help or ""))
    for heading, options in _by_section(command, context).items():
        section += [nodes.paragraph("", "", nodes.strong("", heading)), _option_list(options)]
    section += list(_prose(command.epilog or ""))
    return section


def _prose(text: str) -> Iterator[nodes.Node]:
    """Yield paragraphs; text that click must not rewrap stays unchanged, below its first line."""
    for paragraph in re.split(r"\n\s*\n", _without_indent(text).strip()):
        if not paragraph.startswith("\b"):
            yield nodes.paragraph("", " ".join(paragraph.split()))
            continue
        first, _, rest = paragraph.lstrip("\b\n").partition("\n")
        yield nodes.paragraph("", first)
        if rest:
            yield nodes.literal_block("", _without_indent(rest))


def _without_indent(text: str) -> str:
    """Return ``text`` without what all its lines but the first begin with."""
    lines = text.split("\n")
    indents = [len(line) - len(line.lstrip(" ")) for line in lines if line.strip("\b ")]
    indent = min(indents[1:] or [0]) if indents and not indents[0] else min(indents or [0])
    return "\n".join(line.removeprefix(" " * indent) for line in lines)


def _by_section(command: click.Command, context: click.Context) -> dict[str, list[tuple[str, str]]]:
    sections: dict[str, list[tuple[str, str]]] = {}
    for param in command.get_params(context):
        record = param.get_help_record(context) if isinstance(param, click.Option) else None
        if record:
            sections.setdefault(getattr(param, "section", "Other"), []).append(record)
    return sections


def _option_list(records: list[tuple[str, str]]) -> nodes.option_list:
    option_list = nodes.option_list()
    for typed, text in records:
        name, _, value = typed.partition(" ")
        option = nodes.option("", nodes.option_string("", name))
        if value:
            option += nodes.option_argument("", value, delimiter=" ")
        description = nodes.description("", nodes.paragraph("", " ".join(text.split())))
        option_list += nodes.option_list_item("", nodes.option_group("", option), description)
    return option_list


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("command-line", CommandLine)
    app.add_directive("option-table", OptionTable)
    return {"parallel_read_safe": True}
