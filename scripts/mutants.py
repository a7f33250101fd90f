"""Changes one room in small ways, and names the changes that no test of the room notices.

    python -m scripts.mutants pipeline
    python -m scripts.mutants accounting --limit 60 --seed 7

Every change is made in a copy of the checkout. A change that no test notices shows a test that is
missing, or a line that makes no difference; a person has to tell which.
"""

from __future__ import annotations

import argparse
import ast
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_TIMEOUT_S = 300
_OPERATORS: dict[type[ast.AST], str] = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.And: "or",
    ast.Or: "and",
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One expression of a file, and what takes its place."""

    path: str
    line: int
    start: int  # in bytes of the file
    end: int
    replacement: str

    def apply(self, source: bytes) -> bytes:
        """Return the file with the change."""
        return source[: self.start] + self.replacement.encode() + source[self.end :]

    def describe(self, source: bytes) -> str:
        """Return where it is, and what became of what."""
        before = " ".join(source[self.start : self.end].decode().split())
        return f"{self.path}:{self.line}: {before}  ->  {self.replacement}"


def main() -> int:
    """Try the changes; return 1 if one of them survived."""
    options = _arguments()
    mutants = [mutant for path in _files(options.room) for mutant in _mutants_of(path)]
    random.Random(options.seed).shuffle(mutants)  # noqa: S311 - a sample, no secret
    mutants = mutants[: options.limit]
    with tempfile.TemporaryDirectory(prefix="s3-xfer-mutants-") as name:
        tree = _copy_checkout(Path(name))
        tests = f"tests/{options.room}"
        if _fails(tree, tests):
            sys.exit(f"error: {tests} fail without any change")
        survivors = [mutant for mutant in mutants if _survives(mutant, tree, tests)]
    print(f"{len(mutants)} changes, {len(survivors)} of them not noticed by {tests}")
    return 1 if survivors else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Change one room, and see what no test notices.")
    parser.add_argument("room", help="a package of s3_xfer whose tests are in tests/ROOM")
    parser.add_argument("--limit", type=int, default=100, help="the most changes; default 100")
    parser.add_argument("--seed", type=int, default=0, help="which of all changes are tried")
    return parser.parse_args()


def _files(room: str) -> list[Path]:
    return sorted((ROOT / "s3_xfer" / room).rglob("*.py"))


def _mutants_of(path: Path) -> Iterator[Mutant]:
    source = path.read_bytes()
    offsets = [0]
    for line in source.splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    for node in ast.walk(ast.parse(source)):
        for replaced, text in _changes(node, source.decode()):
            start = offsets[replaced.lineno - 1] + replaced.col_offset
            end = offsets[(replaced.end_lineno or 0) - 1] + (replaced.end_col_offset or 0)
            yield Mutant(str(path.relative_to(ROOT)), replaced.lineno, start, end, text)


def _changes(node: ast.AST, source: str) -> Iterator[tuple[ast.expr, str]]:
    """Return expressions at or below ``node``, each with what may take its place."""

    def text(part: ast.AST) -> str:
        return f"({ast.get_source_segment(source, part)})"

    match node:
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            if type(operator) in _OPERATORS:
                yield node, f"{text(left)} {_OPERATORS[type(operator)]} {text(right)}"
        case ast.BinOp(left=left, op=operator, right=right):
            if type(operator) in _OPERATORS:
                yield node, f"{text(left)} {_OPERATORS[type(operator)]} {text(right)}"
        case ast.BoolOp(op=operator, values=values):
            yield node, f" {_OPERATORS[type(operator)]} ".join(map(text, values))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield node, text(operand)
        case ast.Constant(value=bool() as value):
            yield node, str(not value)
        case ast.Constant(value=int() | float() as value):
            yield node, str(value + 1)


def _copy_checkout(directory: Path) -> Path:
    names = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in names:
        if (ROOT / name).is_file():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, directory / name, follow_symlinks=False)
    return directory


def _survives(mutant: Mutant, tree: Path, tests: str) -> bool:
    file = tree / mutant.path
    source = file.read_bytes()
    file.write_bytes(mutant.apply(source))
    try:
        noticed = _fails(tree, tests)
    finally:
        file.write_bytes(source)
    if not noticed:
        print(f"not noticed: {mutant.describe(source)}", flush=True)
    return not noticed


def _fails(tree: Path, tests: str) -> bool:
    """Return whether a test of the room fails, or they never end, in the copy."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", tests]
    try:
        done = subprocess.run(  # noqa: S603
            command, cwd=tree, capture_output=True, check=False, timeout=_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


if __name__ == "__main__":
    sys.exit(main())
