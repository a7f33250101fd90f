"""The directive ``command-line``: the program's commands and options, from their declarations.

Makes nodes, not text, so that the page and the man page come from the same thing and nothing in a
help text can be taken for markup. Refuses to add a word: what is missing here is missing in
``--help``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from s3_xfer.cli.main import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

PROGRAM = "s3-xfer"


class CommandLine(SphinxDirective):
    """All commands, each as a section."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        group = click.Context(cli, info_name=PROGRAM)
        return [_section(name, command, group) for name, command in cli.commands.items()]


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
    found: dict[str, list[tuple[str, str]]] = {}
    for param in command.get_params(context):
        record = param.get_help_record(context) if isinstance(param, click.Option) else None
        if record:
            found.setdefault(getattr(param, "section", "Other"), []).append(record)
    return found


def _option_list(records: list[tuple[str, str]]) -> nodes.option_list:
    listed = nodes.option_list()
    for typed, text in records:
        name, _, value = typed.partition(" ")
        option = nodes.option("", nodes.option_string("", name))
        if value:
            option += nodes.option_argument("", value, delimiter=" ")
        description = nodes.description("", nodes.paragraph("", " ".join(text.split())))
        listed += nodes.option_list_item("", nodes.option_group("", option), description)
    return listed


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx about the directive."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True}
