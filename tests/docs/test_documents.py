"""What the documents say about the program is what the program says about itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

from airflow_plugin.arguments import OPTIONS
from benchmarks import bills, scale_costs
from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.main import cli
from s3_xfer.cli.unknown_words import commands_of
from s3_xfer.cli.wording import COMMAND_LINE
from s3_xfer.errors import ErrorClass
from s3_xfer.model import AccountContext
from s3_xfer.options import CopyOptions
from s3_xfer.render.summary import FailureGroup, group_lines
from s3_xfer.spec import CopySpec
from tests.docs.messages import messages_of_the_program
from tests.docs.option_table import option_rows
from tests.docs.pages import FENCED, PAGES, ROOT, name_of
from tests.render.samples import result as sample_result

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
DOCUMENTS = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
# Decisions tell of what was not done as well.
MANUAL = [page for page in PAGES if "decisions" not in page.parts]
# What the text says of other programs. (Calls of ours in blocks are read by our own parser.)
FOREIGN = {
    # in the table for people who come from the AWS CLI, s5cmd and rclone
    *("--backup-dir", "--checkers", "--checksum", "--copy-props"),
    *("--delete-before", "--delete-during", "--dryrun", "--exact-timestamps"),
    *(
        "--force-glacier-transfer",
        "--ignore-existing",
        "--ignore-glacier-warnings",
        "--max-duration",
    ),
    *("--metadata-directive", "--numworkers", "--only-show-errors", "--page-size"),
    *("--region", "--retry-count", "--tpslimit", "--track-renames"),
    *("--transfers", "--update"),
    *("--max-age", "--min-age"),  # rclone
    *("--bucket", "--key", "--profile", "--size-only"),  # the AWS CLI
    *("--copiers", "--full", "--objects", "--pairs"),  # benchmarks/run.py
    "--build-arg",  # docker
    "--collector",  # node exporter
    "--wheel",  # python -m build
    "--server-side-across-configs",  # rclone
    "--user",  # systemctl
    "--x-s3",  # how names of directory buckets end
}
# Killed by SIGKILL: the program cannot choose that code.
KILLED = 137
# These end a run before any object is tried, so no group of failed objects bears their name.
BEFORE_ANYTHING = {
    ErrorClass.INVALID_INPUT,
    ErrorClass.NOTHING_TO_COPY,
    ErrorClass.REPORT_UNUSABLE,
    ErrorClass.LIST_UNUSABLE,
    ErrorClass.JOURNAL_UNUSABLE,
    ErrorClass.PLAN_UNUSABLE,
    ErrorClass.JOURNAL_BUSY,
    ErrorClass.TOO_MANY_FAILURES,
    ErrorClass.TOO_MANY_DELETES,
    ErrorClass.UNORDERED_LISTING,
    ErrorClass.OUTAGE,
}


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document."""
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", document.read_text(), re.M)}


@pytest.mark.parametrize("error_class", list(ErrorClass), ids=lambda kind: kind.value)
def test_every_class_of_error_has_its_section(error_class: ErrorClass) -> None:
    """The section that a message points to exists and quotes that message."""
    anchor = error_class.runbook.partition("#")[2]
    sections = {slug(text.split("\n")[0]): text for text in RUNBOOK.split("\n## ")}

    assert anchor in sections
    if error_class in BEFORE_ANYTHING:
        said, remedy = map(COMMAND_LINE.say, (error_class.description, error_class.remedy))
        assert f"  {said}.\n  Next: {remedy}.\n" in sections[anchor]
        assert f"{COMMAND_LINE.say(error_class.see)}\n" in sections[anchor]
    else:
        group = FailureGroup(error_class, 1, examples=(), omitted=0, wording=COMMAND_LINE)
        said = "\n".join(line.text for line in group_lines(group, 200))
        assert f"```\n{said}\n```" in sections[anchor]


def test_no_section_explains_a_class_that_does_not_exist() -> None:
    """What the runbook quotes as a class of error is one."""
    quoted = set(re.findall(r"^(\w+): \d+ objects? failed$", RUNBOOK, re.M))
    named = set(re.findall(r"s3-xfer runbook ([a-z-]+)\)", RUNBOOK))

    assert quoted == {kind.value for kind in ErrorClass if kind not in BEFORE_ANYTHING}
    assert named == {kind.section for kind in ErrorClass}


def test_every_message_before_a_run_is_quoted_and_no_other() -> None:
    """The tables of messages are those of the source, word for word."""
    section = RUNBOOK.split("## Messages before anything is written")[1].split("\n## ")[0]
    quoted = re.findall(r"^\| `(.+?)` \|", section, re.M)

    assert sorted(quoted) == sorted(messages_of_the_program())


def options_of_the_program() -> set[str]:
    """Return every option of every command."""
    params = [param for _, command in commands_of(cli) for param in command.params]
    return {
        name
        for param in [*params, *cli.params]
        if isinstance(param, click.Option)
        for name in param.opts
        if name.startswith("--")
    } | {"--help"}


def test_every_option_is_documented_and_no_other() -> None:
    """Each option of each command occurs in the documents, and they name none besides."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in MANUAL)
    tables = " ".join(row[0] for table in TABLES for row in option_rows(table))
    everywhere, in_text = _options_in(f"{text} {tables}"), _options_in(FENCED.sub("", text))

    assert options_of_the_program() - everywhere == set()
    assert in_text - options_of_the_program() == FOREIGN


def _options_in(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+(?![\w…-])", text))


def test_exit_codes_in_the_text_exist() -> None:
    """Whatever a page calls an exit code is one."""
    codes = {code.value for code in ExitCode}
    for page in MANUAL:
        for number in re.findall(r"exit codes? (\d+)", page.read_text(encoding="utf-8")):
            assert int(number) in codes | {KILLED}, f"{name_of(page)}: {number}"


@pytest.mark.parametrize("document", ["README.md", "docs/runbook.md"])
def test_every_exit_code_is_explained(document: str) -> None:
    """The tables of exit codes have the program's own words, and no code more."""
    text = (ROOT / document).read_text()
    table = text.split("## Exit codes")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| (\d+) \| ([^|]+?) \|", table, re.M))

    assert rows == {str(code.value): code.meaning for code in ExitCode}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_inside_the_repository_lead_somewhere(document: Path) -> None:
    """Every relative link has its file, and its heading."""
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        linked = (document.parent / name) if name else document
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked), target


CONFIGURATION = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
TABLES = re.findall(r"```{option-table} (\w+)\n", CONFIGURATION)


@pytest.mark.parametrize("table", ["CopyOptions", "S3CopyOperation"])
def test_every_field_of_the_options_has_its_names_everywhere(table: str) -> None:
    """The table has each field once, with an option and an argument of the operator that exist."""
    rows = option_rows(table)
    operator = ast.parse((ROOT / "airflow_plugin" / "operator.py").read_text(encoding="utf-8"))
    arguments = set(OPTIONS) | {
        argument.arg
        for function in ast.walk(operator)
        if isinstance(function, ast.FunctionDef) and function.name == "__init__"
        for argument in function.args.kwonlyargs
    }
    cls = {"CopyOptions": CopyOptions, "S3CopyOperation": CopySpec}[table]
    from_a_program = {"objects", "where", "rename", "confirmed_deletes"}
    of_a_shard = {"key_ranges", "identical_since"}
    nested = {"source", "destination", "options"} | from_a_program | of_a_shard

    assert table in TABLES
    assert [row[1] for row in rows] == [
        field.name for field in fields(cls) if cls is CopyOptions or field.name not in nested
    ]
    assert {row[0] for row in rows} - {"none", "SOURCE", "DESTINATION"} <= options_of_the_program()
    assert {row[2] for row in rows} <= arguments


def test_every_field_of_an_account_is_in_the_table() -> None:
    """Each field of an account has its options beside it."""
    rows = option_rows("AccountContext")

    assert "AccountContext" in TABLES
    assert {row[1] for row in rows} == {field.name for field in fields(AccountContext)}
    assert {option for row in rows for option in row[0].split(", ")} - {
        "none"
    } <= options_of_the_program()


def test_every_field_of_the_json_object_is_described() -> None:
    """Each key of ``--json`` has its row, and no row is about one that does not exist."""
    semantics = (ROOT / "docs" / "semantics.md").read_text(encoding="utf-8")
    section = semantics.split("\n## The JSON object")[1].split("\n## ")[0]
    rows = "".join(re.findall(r"^\| (`.+?`) \|", section, re.M))

    assert set(re.findall(r"`(\w+)`", rows)) == set(sample_result().to_dict())


@pytest.mark.parametrize(("page", "rows"), [("compare", bills.rows), ("scale", scale_costs.rows)])
def test_tables_of_costs_are_what_their_command_prints(
    page: str, rows: Callable[[], Iterator[str]]
) -> None:
    """A change of a price changes the pages."""
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")

    assert [row for row in rows() if row not in text] == []
