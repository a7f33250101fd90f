"""The messages that the program can print before anything is written, found in its source.

A message is the first argument of an error that ends a run, or of a helper that makes one. What is
filled in while the program runs is an ellipsis.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from s3_xfer.cli.wording import COMMAND_LINE
from s3_xfer.wording import message
from tests.docs.pages import ANYTHING, ROOT

MAKERS = {
    "ValidationError",
    "PreflightError",
    "ReportError",
    "JournalError",
    "ListError",
    "PlanError",
    "_damaged",
    "malformed",
    "unsupported",
    "refused",
    "refusing",
    "_unusable",
}
SHIPPED = sorted((ROOT / "s3_xfer").rglob("*.py"))


def messages_of_the_program() -> set[str]:
    """Return every message, with ellipses."""
    found: set[str] = set()
    for module in SHIPPED:
        if "testing" not in module.parts:
            for function in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
                if isinstance(function, ast.FunctionDef):
                    found |= set(_messages(function))
    return found


def _messages(function: ast.FunctionDef) -> Iterator[str]:
    words = {
        node.targets[0].id: node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in MAKERS and node.args:
            first = node.args[0]
            text = _text(words.get(first.id, first) if isinstance(first, ast.Name) else first)
            if text.strip(f"{ANYTHING}: "):
                yield " ".join(text.split())


def _text(node: ast.expr) -> str:
    """Return a literal as a person reads it; what is no literal is an ellipsis."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    if isinstance(node, ast.BinOp):
        return _text(node.left) + _text(node.right)
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "message":
        return _as_typed(node)
    return ANYTHING


def _as_typed(call: ast.Call) -> str:
    """Return a message as the command line says it."""
    template = ast.literal_eval(call.args[0]).replace("{side.bucket_owner}", ANYTHING)
    values = {keyword.arg or "": ANYTHING for keyword in call.keywords}
    return COMMAND_LINE.say(message(template, **values))
