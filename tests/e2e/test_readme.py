"""What README promises works as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.e2e.program import PATIENCE_S, ROOT, Done, lines_of
from tests.e2e.shop import Shop

README = (ROOT / "README.md").read_text(encoding="utf-8")

SHOWN = (  # by README, of the output of its example
    "\n  s3://their-bucket/data/ -> s3://our-bucket/from-them/\n",
    "\nArchived: 1 object failed\n"
    "  the source object is archived (Glacier or an archive tier) and cannot be read.\n",
    "\n  See docs/runbook.md#archived (s3-xfer runbook archived)\n",
)


def block(language: str, containing: str) -> str:
    """Return the first code block of README in ``language`` that holds ``containing``."""
    blocks = re.finditer(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return next(found[1] for found in blocks if containing in found[1])


@pytest.fixture
def readme_shop(shop: Shop) -> Shop:
    """Two accounts with the buckets that README's examples name, and three objects."""
    shop.source.create_bucket(Bucket="their-bucket")
    shop.destination.create_bucket(Bucket="our-bucket")
    shop.accounts.store("their-bucket", [("data/a", b"1"), ("data/b/c", b"2"), ("database/d", b"")])
    return shop


def run(shop: Shop, *command: str) -> Done:
    """Run something that README shows, in the environment of the program."""
    done = subprocess.run(
        command,
        env={**shop.program.env, "PROGRAM": sys.executable},
        cwd=shop.directory,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def test_the_library_example_copies(readme_shop: Shop) -> None:
    """The Python code of README, unchanged, copies between two accounts."""
    done = run(readme_shop, sys.executable, "-c", block("python", "S3CopyOperation"))

    assert (done.code, done.err) == (0, "")
    assert readme_shop.arrived("our-bucket") == {"from-them/a": b"1", "from-them/b/c": b"2"}


def test_the_command_line_examples_copy_and_then_complete(readme_shop: Shop) -> None:
    """Both commands of README, unchanged: the first leaves out an archived object, reports it."""
    shop = readme_shop
    shop.source.put_object(
        Bucket="their-bucket", Key="data/cold", Body=b"3", StorageClass="GLACIER"
    )
    first, second = (
        'function s3-xfer { "$PROGRAM" -m s3_xfer.cli "$@"; }\n' + block("sh", option)
        for option in ("--report report.jsonl", "--from-report report.jsonl")
    )

    done = run(shop, "bash", "-c", first)
    assert done.code == 1, done.said
    for line in SHOWN:
        assert line in README
        assert line in done.out
    assert done.out.startswith("Copied 2 of 3 objects, 1 failed\n")
    shop.source.put_object(Bucket="their-bucket", Key="data/cold", Body=b"3")
    done = run(shop, "bash", "-c", second)

    assert done.code == 0, done.said
    assert done.out.startswith("Copied 1 object\n")
    assert shop.arrived("our-bucket") == {
        "from-them/a": b"1",
        "from-them/b/c": b"2",
        "from-them/cold": b"3",
    }
    assert lines_of(shop.directory / "report-2.jsonl") == []


def test_the_exit_codes_are_those_of_the_help(readme_shop: Shop) -> None:
    """README and --help list the same exit codes with the same words."""
    done = readme_shop.program.run("copy", "--help")
    told = re.findall(r"^ +(\d+)  (\S.*)$", done.out.partition("Exit status:")[2], re.MULTILINE)

    assert told == re.findall(r"^\| (\d+) \| (.*) \|$", README, re.MULTILINE)
    assert len(told) == 9
