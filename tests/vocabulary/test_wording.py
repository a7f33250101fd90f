"""Messages name options and commands as data; each front end says them in its own words."""

from __future__ import annotations

import ast
import copy
import pickle
import re
from collections.abc import Iterator
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import pytest

import s3_xfer
from airflow_plugin.wording import OperatorWording, documentation_url
from s3_xfer import (
    ErrorClass,
    PreflightError,
    S3CopyOperation,
    ValidationError,
    declarations_of,
)
from s3_xfer.cli.main import cli
from s3_xfer.cli.wording import COMMAND_LINE
from s3_xfer.spec import CheckSpec
from s3_xfer.wording import LIBRARY, Message, Phrase, Wording, message, option

PACKAGE = Path(s3_xfer.__file__).parent
ROOT = PACKAGE.parent
# Where options and commands are spelled: front ends, and what their outputs are made of.
FRONT_ENDS = ("cli/", "render/", "testing/", "wording.py")
BUCKET_SUFFIXES = ("--x-s3", "--ol-s3")
VALUES = {"journal": "copy 1.db", "report": "r 1.jsonl", "profile": "a b", "section": "kms"}


@pytest.mark.parametrize(
    ("template", "library", "typed"),
    [
        ("{recursive=True}", "recursive=True", "--recursive"),
        ("{overwrite=False}", "overwrite=False", "--no-overwrite"),
        ("{preflight=skip}", 'preflight="skip"', "--no-preflight"),
        ("{identical=skip}", 'identical="skip"', "--skip-identical"),
        ("{sse=aws:kms:dsse}", 'sse="aws:kms:dsse"', "--sse aws:kms:dsse"),
        ("{concurrency}", "concurrency=", "--concurrency"),
        ("{listing_threads=1}", "listing_threads=1", "--listing-threads 1"),
        ("{report_path=...}", "report_path=...", "--report FILE"),
        ("{request_payer=True}", "request_payer=True", "--request-payer requester"),
        ("{compare=checksums}", 'compare="checksums"', "--checksums"),
        ("{source.region}", "source=AccountContext(region=...)", "--source-region"),
        (
            "{destination.profile=us}",
            'destination=AccountContext(profile="us")',
            "--dest-profile us",
        ),
        ("{RESUME}", "S3CopyOperation.resume('copy 1.db')", "s3-xfer resume 'copy 1.db'"),
    ],
)
def test_each_front_end_has_its_own_words(template: str, library: str, typed: str) -> None:
    """Options are arguments in the library and flags at the command line."""
    said = message(f"add {template} here", **VALUES)

    assert said == f"add {library} here"
    assert COMMAND_LINE.say(said) == f"add {typed} here"


def test_what_is_filled_in_is_no_template() -> None:
    """A key may hold anything; a message among the values stays one."""
    inner = message("{side.bucket_owner}", side="destination")

    said = message(
        "{key}: {inner}, {given}", key="{recursive=True}", inner=inner, given=option("acl")
    )

    assert COMMAND_LINE.say(said) == "{recursive=True}: --dest-bucket-owner, --acl"
    assert COMMAND_LINE.say("plain {recursive=True}") == "plain {recursive=True}"


@pytest.mark.parametrize("template", ["{no_such_option}", "{source.no_such}", "{stop_grace_s}"])
def test_an_option_that_cannot_be_typed_is_an_error(template: str) -> None:
    """It cannot be said, rather than be said wrongly."""
    with pytest.raises(LookupError):
        COMMAND_LINE.say(message(template))


def test_a_side_is_one_of_two() -> None:
    """Found where the message is made."""
    with pytest.raises(ValueError, match="names no side"):
        message("{left.region}")


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_a_message_travels_with_its_parts(again: object) -> None:
    """Between processes, and into copies of results."""
    said = message("add {recursive=True}; {RESUME}", **VALUES)

    travelled = again(said)  # type: ignore[operator]

    assert isinstance(travelled, Message)
    assert COMMAND_LINE.say(travelled) == "add --recursive; s3-xfer resume 'copy 1.db'"


def test_plain_values_are_said_to_any_depth() -> None:
    """As JSON has them."""
    said = message("{tags=skip}")

    assert COMMAND_LINE.say_all({"notes": (said, [said], 1, None, "x")}) == {
        "notes": ["--tags skip", ["--tags skip"], 1, None, "x"]
    }


def test_an_error_speaks_the_library_s_language() -> None:
    """And any other on request, with the same lines."""
    error = PreflightError("no", remedy=message("add {recursive=True}"), error_class=ErrorClass.KMS)

    assert str(error) == "no\nNext: add recursive=True.\nSee the section kms of the runbook"
    assert error.text(COMMAND_LINE) == (
        "no\nNext: add --recursive.\nSee docs/runbook.md#kms (s3-xfer runbook kms)"
    )


def test_a_refusal_names_the_argument() -> None:
    """Seen by a program that left it out."""
    with pytest.raises(ValidationError, match="add recursive=True for everything under it"):
        S3CopyOperation(
            source_bucket="src-bucket",
            source_key="in/",
            destination_bucket="dst-bucket",
            destination_key="",
        )


# ------------------------------------------------------------------- every message of the program


def templates() -> Iterator[tuple[str, ast.Call]]:
    """Yield every template in the source, with its call."""
    for module in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "message":
                continue
            template = node.args[0]
            if isinstance(template, ast.Constant) and isinstance(template.value, str):
                yield template.value, node


def messages() -> list[Message]:
    """Return every message that the program can make, with something filled in."""
    found = [one for each in ErrorClass for one in (each.description, each.remedy, each.see)]
    for template, call in templates():
        names = {keyword.arg or "" for keyword in call.keywords}
        values = VALUES | dict.fromkeys(names - VALUES.keys(), "x")
        found.append(message(template, **values | ({"side": "source"} if "side" in names else {})))
    return found


@pytest.mark.parametrize("wording", [LIBRARY, COMMAND_LINE], ids=["library", "command line"])
def test_every_message_can_be_said(wording: Wording) -> None:
    """Each option in it exists, and each phrase has its words."""
    said = [wording.say(each) for each in messages()]

    assert len(said) > 150
    assert not [text for text in said if "{" in text and "{recursive" not in text]


def test_every_phrase_is_said_somewhere() -> None:
    """None is left over."""
    used = "".join(template for template, _ in templates())
    table = (PACKAGE / "errors" / "error_class.py").read_text(encoding="utf-8")

    assert [phrase for phrase in Phrase if f"{{{phrase.name}}}" not in used + table] == []


def test_every_option_of_a_program_can_be_named() -> None:
    """Whether it has a flag or not."""
    assert LIBRARY.option("stop_grace_s", "5", side="") == "stop_grace_s=5"


_FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
_COMMAND = re.compile(
    rf"\bs3-xfer (?:{'|'.join(cli.commands)})\b|\baws (?:s3|s3api|sso|sts|configure)\b"
)


def literals(module: Path) -> Iterator[tuple[int, str]]:
    """Yield the texts of a module that are neither docstrings nor flags in declarations."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    apart = set()
    for node in ast.walk(tree):
        if (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) or (
            isinstance(node, ast.keyword) and node.arg == "flag"
        ):
            apart.add(id(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in apart:
            yield node.lineno, node.value


def test_no_message_outside_the_front_ends_spells_a_flag_or_a_command() -> None:
    """A message names the option; who speaks spells it."""
    hits = [
        f"{module.relative_to(ROOT)}:{line}: {text}"
        for package in (PACKAGE, ROOT / "airflow_plugin")
        for module in sorted(package.rglob("*.py"))
        if not str(module.relative_to(package)).startswith((*FRONT_ENDS, "example_dags/"))
        for line, text in literals(module)
        if (_FLAG.search(text) and text not in BUCKET_SUFFIXES) or _COMMAND.search(text)
    ]

    assert hits == []


# -------------------------------------------------------------------------------- the operator


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{recursive=True}", "recursive=True"),
        ("{retries=5}", "request_retries=5"),
        ("{destination.bucket_owner}", "dest_bucket_owner="),
        ("{source.region}", "source_region_name="),
        ("{source.endpoint_url}", "endpoint_url in the connection 'them'"),
        ("{destination.external_id}", "external_id in the worker's own AWS identity"),
        ("{RUN_AGAIN}", "clear this task"),
        ("{RUN_FROM_REPORT}", "clear this task: only what is missing is copied"),
        ("{READ_ON}", "See https://docs.example.org/runbook.html#kms"),
        ("{ACCESS_GUIDE}", "https://docs.example.org/access.html"),
    ],
)
def test_the_operator_names_arguments_and_connections(template: str, says: str) -> None:
    """Whoever reads the log of a task has no command line."""
    wording = OperatorWording(
        docs_url="https://docs.example.org/", connections={"source": "them", "destination": None}
    )

    assert wording.say(message(template, **VALUES)) == says


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "clear this task: only what is missing is copied"),
        ({"keeps_what_arrived": False}, 'give identical="skip" and clear this task'),
        (
            {"keeps_what_arrived": False, "report": "s3://to/{r}.jsonl"},
            'give from_report_path="s3://to/{r}.jsonl" and clear this task',
        ),
    ],
)
def test_the_operator_says_how_to_copy_the_rest(given: dict[str, Any], says: str) -> None:
    """As the arguments of the task make it true."""
    assert OperatorWording(**given).say(message("{RUN_WITHOUT_REPORT}")) == says


def test_the_operator_shows_urls_instead_of_the_worker_s_files() -> None:
    """Nobody can open a temporary file of a pod."""
    wording = OperatorWording(urls={"/tmp/s3-xfer-x/input.jsonl": "s3://to/r.jsonl"})

    assert wording.say("line 3 of /tmp/s3-xfer-x/input.jsonl") == "line 3 of s3://to/r.jsonl"


def test_every_message_can_be_said_by_the_operator() -> None:
    """But those of the check alone, which no operator runs; none names a flag or a command."""
    about_checks = set(declarations_of(CheckSpec)) - set(declarations_of(S3CopyOperation))
    for text in messages():
        if not {getattr(part, "name", "") for part in text.parts} & about_checks:
            said = OperatorWording().say(text)
            assert not _FLAG.search(said), said
            assert not _COMMAND.search(said), said
            assert "docs/" not in said, said


def test_the_documentation_s_address_is_the_package_s() -> None:
    """None where the package gives none."""
    addresses = metadata("s3-xfer").get_all("Project-URL") or []

    assert (documentation_url() is None) == (
        not any(address.startswith("Documentation, ") for address in addresses)
    )
