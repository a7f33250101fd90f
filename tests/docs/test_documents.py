"""What the documents say about the program is what the program says about itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.errors import ErrorClass

ROOT = Path(__file__).parent.parent.parent
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


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
    assert error_class.meaning in sections[anchor]
    assert f"Next: {error_class.remedy}." in sections[anchor]
    assert error_class.runbook in sections[anchor]


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
