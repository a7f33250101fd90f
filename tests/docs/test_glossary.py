"""Names are the field's terms, and the documents name only what exists.

``docs/glossary.md`` is the vocabulary. Private words for the same things are banned here, as whole
words of snake_case and CamelCase names: of modules, classes, functions, methods and constants.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, name_of

MODULES = sorted(
    path for package in ("s3_xfer", "airflow_plugin") for path in (ROOT / package).rglob("*.py")
)
# Banned words, each with the field's term. Words separated by spaces must follow each other.
BANNED = {
    "ahead": "prefetching",
    "air": "in-flight",
    "alarm": "deadline timer",
    "aspect": "compare field",
    "book": "registry",
    "books": "registry",
    "building": "factory",
    "case": "denial context",
    "ceiling": "rate limiter",
    "checkup": "doctor",
    "crew": "executor, ledger",
    "declaring": "decorators",
    "distrust": "mark unordered",
    "explaining": "diagnosis",
    "failing": "exceptions",
    "flight": "in-flight request",
    "flights": "dispatcher",
    "following": "monitor",
    "giving": "options",
    "ground": "blocking pool",
    "handle": "run",
    "hire": "spawn",
    "holding back": "limit options",
    "hungry": "starved",
    "intent": "pending create",
    "investigator": "diagnoser",
    "landing": "completion pool",
    "later": "timer",
    "left upload": "resumable upload",
    "lend": "acquire",
    "likeness": "compare status",
    "line up": "enqueue",
    "made of": "fingerprint",
    "obstacle": "unsupported reason",
    "paper": "policy output",
    "parties": "principals",
    "place": "location, storage, target",
    "places": "locations, storage, targets",
    "reaction": "retry action",
    "remarkable": "notable",
    "starving": "starved",
    "story": "progress log",
    "talking": "verbosity options",
    "tell": "notify",
    "telling": "reporting",
    "todo": "source",
    "told": "guarded, translated",
    "trail": "request context",
    "trials": "permission probes",
    "wordless": "without a body",
}
# Terms of the field that contain a banned word.
TERMS = ("in flight", "call later")
# Methods that the servers of the standard library call by these names.
PRESCRIBED = {"handle", "handle_error", "handle_expect_100", "handle_one_request"}
_DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
# Several capitals in a row are one word: ``HTTPServer`` is http, server.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|c|sh|md|yaml))`")


def words_of(name: str) -> list[str]:
    """Return the words of a name, in lower case."""
    return [word.lower() for word in _WORD.findall(name)]


def banned_in(name: str) -> list[str]:
    """Return the banned words that occur in a name."""
    text = f" {' '.join(words_of(name))} "
    for term in TERMS:
        text = text.replace(f" {term} ", " ; ")
    return [banned for banned in BANNED if f" {banned} " in text]


def names_of(module: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of a module, and of what it defines."""
    path = module.relative_to(ROOT)
    for part in (path.parent if path.name == "__init__.py" else path.with_suffix("")).parts[1:]:
        yield 1, part
    tree = ast.parse(module.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, _DEFINITIONS) and node.name not in PRESCRIBED:
            yield node.lineno, node.name
    for constant in tree.body:
        targets = constant.targets if isinstance(constant, ast.Assign) else []
        targets = [constant.target] if isinstance(constant, ast.AnnAssign) else targets
        for target in targets:
            if isinstance(target, ast.Name):
                yield target.lineno, target.id


@pytest.mark.parametrize(
    ("name", "banned"),
    [
        ("Flights", ["flights"]),
        ("_in_flight", []),
        ("InflightRequest", []),
        ("HTTPFlight2", ["flight"]),
        ("LeftUpload", ["left upload"]),
        ("left_uploads", []),
        ("_line_up_again", ["line up"]),
        ("repair", []),
        ("HOLDING_BACK", ["holding back"]),
        ("calendar", []),
    ],
)
def test_banned_words_are_found_as_whole_words(name: str, banned: list[str]) -> None:
    """Words of snake_case and CamelCase count, parts of words do not."""
    assert banned_in(name) == banned


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_names_of_modules_classes_and_functions_are_the_fields_terms(module: Path) -> None:
    """No name has a banned word; the message has the term that replaces it."""
    hits = [
        f"{name_of(module)}:{line}: {name} ({banned}: {BANNED[banned]})"
        for line, name in names_of(module)
        for banned in banned_in(name)
    ]

    assert hits == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_that_a_page_names_exist(page: Path) -> None:
    """Paths in backticks are files of the repository, of the package, or beside the page."""
    for path in _PATH.findall(page.read_text(encoding="utf-8")):
        beside = (ROOT, ROOT / "s3_xfer", page.parent)
        assert any((folder / path).exists() for folder in beside), f"{name_of(page)}: {path}"
