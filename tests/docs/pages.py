"""The documents as the tests see them: blocks of code, and commands with what they print.

The convention, which CONTRIBUTING explains to writers:

- ``console``: commands after ``$``, run in order, page by page, and compared with what is shown
  below them. ``…`` stands for anything: in a line for its rest or middle, alone for any lines. A
  command that fails is followed by ``$ echo $?`` and its exit code.
- ``python``: run as a file of its own.
- ``sh``: cannot be run here. The first line says why, ``# needs AWS``, and the same word may open a
  ``python`` block. What calls this program is still read by its own parser.
- ``ini``, ``json``, ``toml``, ``yaml``: must be well-formed. No language: quoted output.
- ``{directive}``: Sphinx's business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import s3_xfer

ROOT = Path(s3_xfer.__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LANGUAGES = {"console", "python", "sh", "ini", "json", "toml", "yaml", "sql", ""}
NEEDS = re.compile(r"# needs (.+)")
FENCED = re.compile(r"^( *)```(\{?[\w-]*)[^\n]*\n(.*?)^\1```$", re.M | re.S)
ANYTHING = "…"


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page."""

    page: str
    line: int  # of its fence, for messages
    language: str
    text: str

    @property
    def needs(self) -> str | None:
        """What is missing here to run it, as it says itself."""
        first = self.text.partition("\n")[0]
        said = NEEDS.fullmatch(first)
        return said[1] if said else None

    @property
    def place(self) -> str:
        """Where it stands, as editors open it."""
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, slots=True)
class Step:
    """One command, and what a page says it prints; None if the page leaves that open."""

    place: str
    command: str
    shown: str | None


def name_of(page: Path) -> str:
    """Return how tests call a page: its path in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks_of(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in order, indented ones (in lists) included."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in FENCED.finditer(text):
        indent, language, body = match.groups()
        if language.startswith("{"):
            continue
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(name_of(page), line, language, re.sub(rf"(?m)^{indent}", "", body)))
    return found


def steps_of(page: Path, *, also: Callable[[Block], bool] | None = None) -> list[Step]:
    """Return what is to be run of a page, in order; ``also`` says what else."""
    steps: list[Step] = []
    for block in blocks_of(page):
        if block.language == "console":
            steps += _console(block)
        elif block.language == "python" and not block.needs:
            code = f"python - <<'END_OF_BLOCK'\n{block.text}END_OF_BLOCK"
            steps.append(Step(block.place, code, None))
        elif also and also(block):
            steps.append(Step(block.place, block.text, None))
    return steps


def _console(block: Block) -> Iterator[Step]:
    lines = block.text.splitlines()
    assert lines, f"{block.place}: is empty"
    assert lines[0].startswith("$ "), f"{block.place}: does not begin with a command"
    at = 0
    while at < len(lines):
        start, end = at, _end_of_command(lines, at)
        at = end
        while at < len(lines) and not lines[at].startswith("$ "):
            at += 1
        command = "\n".join([lines[start][2:], *lines[start + 1 : end]])
        yield Step(f"{block.page}:{block.line + start + 1}", command, "\n".join(lines[end:at]))


def _end_of_command(lines: list[str], start: int) -> int:
    """Return the line after a command that goes on over several, or has its input below it."""
    end = start
    while lines[end].endswith("\\"):
        end += 1
    document = re.search(r"<<'?(\w+)'?", lines[end])
    while document and lines[end] != document[1]:
        end += 1
    return end + 1


# What a run says where the machine is so busy that credentials take seconds; folded in a summary.
_SLOW = re.compile(r"^note: waiting for credentials .*\n|^Note: waiting for.*\n( +.*\n)*\n?", re.M)


def agrees(shown: str, printed: str) -> bool:
    """Return whether ``printed`` is what a page shows."""
    pattern = ""
    for line in shown.splitlines():
        if line.strip() == ANYTHING:
            pattern += r"(?:.*\n)*?"
        else:
            parts = [re.escape(part) for part in line.rstrip().split(ANYTHING)]
            pattern += r".*?".join(parts) + r"\n"
    cleaned = "".join(f"{line.rstrip()}\n" for line in _SLOW.sub("", printed).splitlines())
    return re.fullmatch(pattern, cleaned) is not None
