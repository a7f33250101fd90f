"""What of the documents cannot be run here is at least read: by our parser, and by models."""

from __future__ import annotations

import ast
import configparser
import json
import tomllib
from collections import Counter
from pathlib import Path

import click
import pytest
import yaml

from s3_xfer.cli.main import cli
from s3_xfer.cli.unknown_words import commands_of
from s3_xfer.errors import ValidationError
from tests.docs.pages import LANGUAGES, PAGES, blocks_of, name_of, steps_of
from tests.docs.words import calls_of, check_aws_call, check_call

# What may be missing here, and nothing else.
NEEDS = {
    "a checkout",
    "a cluster",
    "a container engine",
    "a release",
    "a terminal",
    "Airflow",
    "AWS",
    "root",
    "systemd",
    "tmux",
}
# How many blocks of each page are not run: whoever hides one has to say so here.
NOT_RUN = {
    "docs/how-to/batch-operations.md": 4,
    "README.md": 4,
    "docs/access.md": 2,
    "docs/how-to/airflow.md": 8,
    "docs/how-to/install.md": 2,
    "docs/how-to/kubernetes.md": 2,
    "docs/how-to/shards.md": 4,
    "docs/how-to/lists.md": 4,
    "docs/how-to/monitoring.md": 1,
    "docs/how-to/other-services.md": 1,
    "docs/how-to/resume.md": 2,
    "docs/how-to/several-sources.md": 2,
    "docs/how-to/sync.md": 3,
    "docs/how-to/testing.md": 3,
    "docs/how-to/uploads.md": 2,
    "docs/releasing.md": 3,
    "docs/runbook.md": 26,
    "docs/tutorial.md": 5,
}
ALL_BLOCKS = [block for page in PAGES for block in blocks_of(page)]
SHELL = [(block.place, block.text) for block in ALL_BLOCKS if block.language == "sh"] + [
    (step.place, step.command) for page in PAGES for step in steps_of(page)
]


def test_blocks_that_are_not_run_are_counted() -> None:
    """No page has more of them than it declares here."""
    assert Counter(block.page for block in ALL_BLOCKS if block.needs) == NOT_RUN


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_says_what_it_is(page: Path) -> None:
    """A known language; and whatever is not run says what it needs that is not here."""
    for block in blocks_of(page):
        assert block.language in LANGUAGES, f"{block.place}: {block.language}"
        assert block.language != "sh" or block.needs, f"{block.place}: begin with # needs …"
        assert block.needs is None or block.needs in NEEDS, f"{block.place}: {block.needs}"


@pytest.mark.parametrize(("place", "text"), SHELL, ids=[place for place, _ in SHELL])
def test_calls_in_shell_are_such_that_they_are_taken(place: str, text: str) -> None:
    """Ours as the program's own parser knows them, and those of ``aws`` by botocore's models."""
    assert place
    for words in calls_of("s3-xfer", text):
        check_call(words)
    for words in calls_of("aws", text):
        check_aws_call(words)


@pytest.mark.parametrize("name", ["", *dict(commands_of(cli))])
def test_examples_of_the_help_are_such_that_they_are_taken(name: str) -> None:
    """Whoever copies an example from ``--help`` is not told that it is wrong."""
    command = dict(commands_of(cli))[name] if name else cli
    calls = list(calls_of("s3-xfer", command.help or ""))

    assert calls
    for words in calls:
        if "..." not in words:  # which stands for the arguments of the example above it
            check_call(words)


def test_data_is_well_formed() -> None:
    """What the pages show of files can be pasted; every kind of file is shown somewhere."""
    assert {block.language for block in ALL_BLOCKS} >= {"json", "toml", "yaml", "ini", "python"}
    for block in ALL_BLOCKS:
        if block.language == "json":
            _ = [json.loads(text) for text in _values(block.text)]
        elif block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "ini":
            configparser.ConfigParser().read_string(block.text)
        elif block.language == "yaml":
            list(yaml.safe_load_all(block.text))
        elif block.language == "python":
            ast.parse(block.text)


def _values(text: str) -> list[str]:
    """Return the JSON values of a block: one, or one in each line."""
    lines = text.splitlines()
    return lines if all(line.startswith("{") and line.endswith("}") for line in lines) else [text]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("s3-xfer copy s3://a/b s3://c/d --retries 1000", "it must be between"),
        ("s3-xfer cpy s3://a/b s3://c/d", "Did you mean copy"),
        ("systemd-run --user s3-xfer copy s3://a/b", "destination"),
    ],
)
def test_a_line_that_the_program_would_refuse_is_found(line: str, words: str) -> None:
    """A command that would be refused fails the check of the documents."""
    with pytest.raises((click.UsageError, ValidationError), match=words):
        check_call(next(calls_of("s3-xfer", line)))


@pytest.mark.parametrize(
    "line",
    [
        "aws s3api head-objects --bucket b --key k",
        "aws s3api head-object --bucket b",
        "aws s3api head-object --bucket b --key k --tier Bulk",
    ],
)
def test_a_line_that_aws_would_refuse_is_found(line: str) -> None:
    """A command that would be refused fails the check of the documents."""
    with pytest.raises(AssertionError):
        check_aws_call(next(calls_of("aws", line)))
