"""``s3-xfer runbook``: the section that a message names, from the installed package."""

from __future__ import annotations

import pytest

from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.errors import ErrorClass
from tests.cli.program import ROOT, real

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "asked", ["access-denied", "AccessDenied", "docs/runbook.md#access-denied"]
)
def test_a_section_is_printed_as_it_stands(asked: str) -> None:
    """The name in a message, the name of the error, and the anchor all lead to its section."""
    done = real("runbook", asked)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("## Access denied\n")
    assert done.stdout.strip() in RUNBOOK
    assert ErrorClass.ACCESS_DENIED.description in done.stdout
    assert ErrorClass.ARCHIVED.description not in done.stdout


def test_all_is_the_whole_file() -> None:
    """Nothing of the document is missing in the package."""
    assert real("runbook", "--all").stdout.strip() == RUNBOOK.strip()


def test_without_a_name_all_sections_are_listed() -> None:
    """The list names every section to which a message can point."""
    names = [line.strip() for line in real("runbook").stdout.splitlines()]

    assert {kind.section for kind in ErrorClass} <= set(names)
    assert "check" not in names, "comments in blocks of code are no headings"


def test_a_section_that_is_missing_is_a_usage_error_with_a_hint() -> None:
    """A typing mistake gets the name that was probably meant."""
    done = real("runbook", "acess-denid")

    assert done.returncode == ExitCode.USAGE
    assert "no section 'acess-denid'. Did you mean access-denied?" in done.stderr


def test_an_ascii_terminal_can_read_it() -> None:
    """Where a terminal lacks the ellipsis it gets dots, and nothing fails."""
    done = real("runbook", "--all", PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")

    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "\\u" not in done.stdout
