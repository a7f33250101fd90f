"""Every command block of the documents is run, and prints what the page shows."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from s3_xfer.testing.two_accounts import TwoAccounts
from tests.docs.pages import PAGES, ROOT, Step, agrees, blocks_of, name_of, steps_of
from tests.docs.stage import SMALL, Done, Stage

TUTORIAL = ROOT / "docs" / "tutorial.md"
RUN = [page for page in PAGES if steps_of(page)]
NO_CRT = importlib.util.find_spec("awscrt") is None
JQ_IS_MISSING = shutil.which("jq") is None


@pytest.fixture(scope="module")
def accounts() -> Iterator[TwoAccounts]:
    """Two embedded accounts for all pages."""
    with TwoAccounts() as both:
        yield both


@pytest.mark.skipif(NO_CRT, reason="the pages show the CRT engine, which is not installed")
@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_commands_print_what_the_page_shows(
    page: Path, accounts: TwoAccounts, tmp_path: Path
) -> None:
    """In order, in one shell, between two accounts; failures only where their code is shown."""
    steps = steps_of(page)
    if JQ_IS_MISSING and any("jq " in step.command for step in steps):
        pytest.skip("the page uses jq, which is not installed; CI has it")
    check(steps, Stage(accounts, tmp_path).run(steps))


@pytest.mark.long
@pytest.mark.skipif(shutil.which("aws") is None or NO_CRT, reason="aws or awscrt is not installed")
def test_the_tutorial_leads_from_empty_buckets_to_a_copy(
    accounts: TwoAccounts, tmp_path: Path
) -> None:
    """With what it says to type for aws, as far as the embedded accounts have such services."""
    steps = [
        replace(step, command=step.command.replace("them-admin", "them"))
        for step in steps_of(TUTORIAL, also=lambda block: "aws s3" in block.text)
    ]

    check(steps, Stage(accounts, tmp_path, is_empty=True).run(steps))


def check(steps: list[Step], ended: list[Done]) -> None:
    """Assert that every step ended well, or with the exit code that is shown; and printed that."""
    assert len(ended) == len(steps), f"the shell ended after {ended[-1:]}"
    for number, done in enumerate(ended):
        step, told = done.step, f"{done.step.place}\n$ {done.step.command}\n{done.printed}"
        assert done.code == 0 or _asks_for_code(steps[number + 1 :]), f"exit {done.code}: {told}"
        if step.shown is not None:
            assert agrees(step.shown, done.printed), f"{told}\nbut the page shows\n{step.shown}"


def test_the_tutorial_makes_the_objects_that_it_copies() -> None:
    """Whoever begins with empty buckets has what the later steps show."""
    making = "".join(
        f"{block.text}\n" for block in blocks_of(TUTORIAL) if "aws s3 cp" in block.text
    )
    aws = 'aws() { cat > /dev/null; echo "$4 ${*/--profile them-admin/}"; }\n'
    made = subprocess.run(["bash", "-ec", aws + making], capture_output=True, text=True, check=True)
    keys = dict(line.split(" ", 1) for line in made.stdout.splitlines())

    shown = {key for key, _ in SMALL} | {"cold/new.bin", "cold/old.bin"}
    assert set(keys) == {f"s3://their-bucket/{key}" for key in shown}
    archived = [url for url, typed in keys.items() if "--storage-class GLACIER" in typed]
    assert archived == ["s3://their-bucket/cold/old.bin"]


def _asks_for_code(later: list[Step]) -> bool:
    return bool(later) and later[0].command == "echo $?"


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a", "a\n", True),
        ("a", "b\n", False),
        ("", "a\n", False),
        ("a …", "a 12 b\n", True),
        ("a\n…\nc", "a\nb\nb\nc\n", True),
        ("a\n…\nc", "a\nc\n", True),
        ("a\n…", "a\n", True),
        ("a\n…\nc", "a\nb\n", False),
        ("1 … 3 (…)", "1 2 3 (x)\n", True),
        ("a.b", "a-b\n", False),
    ],
)
def test_an_ellipsis_stands_for_anything_and_nothing_else_does(
    shown: str, printed: str, *, same: bool
) -> None:
    """What is compared is compared to the letter."""
    assert agrees(shown, printed) is same
