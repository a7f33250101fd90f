"""What a shell line calls, as far as the documents write shell: words, and who reads them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import botocore.session
import click
from botocore import xform_name

from s3_xfer.cli.main import cli
from s3_xfer.errors import ValidationError

ENDS = {"|", "||", "&&", ";", "&", ">", ">>", "<", "(", ")"}
# Options of the AWS CLI itself, which belong to no operation.
AWS_OPTIONS = {"profile", "region", "query", "output", "max-items", "no-cli-pager"}


def calls_of(program: str, text: str) -> Iterator[list[str]]:
    """Yield the arguments of every call of ``program`` in a shell text, wherever it stands."""
    for line in text.replace("\\\n", " ").splitlines():
        words = _words(line)
        for number, word in enumerate(words):
            if word == program and (not number or words[number - 1] not in ("exec", "which")):
                rest = words[number + 1 :]
                end = next((at for at, one in enumerate(rest) if one in ENDS), len(rest))
                yield rest[:end]


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        return list(lexer)
    except ValueError:  # a quotation over several lines: no call of ours begins in one
        return line.split()


def check_call(words: list[str]) -> None:
    """Read the arguments of ``s3-xfer`` with its own parser.

    Raises:
        click.UsageError, ValidationError: it would refuse them.
    """
    group = click.Context(cli, info_name="s3-xfer")
    if not words or words[0] in ("--version", "--help"):
        return
    name, command, rest = cli.resolve_command(group, words)
    if command is None or "--help" in rest:
        return
    if isinstance(command, click.Group):
        _, command, rest = command.resolve_command(group, rest)
        assert command
    try:
        command.make_context(name, rest, parent=group)
    except ValidationError as error:
        has_reader = ("does not exist", "there are no saved jobs", "the saved jobs ")
        if not any(text in error.problem for text in has_reader):  # files that the reader has
            raise


def check_aws_call(words: list[str]) -> None:
    """Hold the arguments of ``aws`` against botocore's model of the service.

    ``aws s3`` and ``aws configure`` have no model: only that they are these is checked.
    """
    service, operation = words[0], words[1]
    if service in ("s3", "configure", "sso"):
        return
    model = botocore.session.Session().get_service_model("s3" if service == "s3api" else service)
    known = {xform_name(name, "-"): name for name in model.operation_names}
    assert operation in known, f"aws {service} has no {operation}"
    shape = model.operation_model(known[operation]).input_shape
    members = {xform_name(name, "-"): name for name in shape.members} if shape else {}
    given = {re.sub(r"=.*", "", word[2:]) for word in words if word.startswith("--")}
    if "cli-input-json" in given:  # which has what is needed
        return
    assert given <= members.keys() | AWS_OPTIONS, f"{words}: {given - members.keys()}"
    needed = {xform_name(name, "-") for name in shape.required_members} if shape else set()
    assert needed <= given, f"{words}: lacks {needed - given}"
