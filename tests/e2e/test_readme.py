"""What README promises is what the program says. Its examples are run by tests/docs."""

from __future__ import annotations

import re

from s3_xfer.cli.exit_codes import ExitCode
from tests.e2e.program import ROOT
from tests.e2e.shop import Shop

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_exit_codes_are_those_of_the_help(shop: Shop) -> None:
    """README and --help list the same exit codes with the same words."""
    done = shop.program.run("copy", "--help")
    told = re.findall(r"^ +(\d+)  (\S.*)$", done.out.partition("Exit status:")[2], re.MULTILINE)

    assert told == re.findall(r"^\| (\d+) \| (.*) \|$", README, re.MULTILINE)
    assert len(told) == len(ExitCode)
