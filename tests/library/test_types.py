"""What type checkers know of the library: everything public, in strict mode.

mypy reads ``typed_api.py`` with all other files (``make types``); here pyright does. It is the
build of it that brings its own Node.js (basedpyright), for the one on PyPI downloads one.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import s3_xfer
from tests.patience import PATIENCE_S

ROOT = Path(__file__).parents[2]
PYRIGHT = Path(sys.executable).with_name("basedpyright")


def pyright(*arguments: str, **env: str) -> dict[str, Any]:
    """Return what pyright says, as data."""
    done = subprocess.run(
        [str(PYRIGHT), "--pythonpath", sys.executable, "--outputjson", *arguments],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_programs_are_typed(tmp_path: Path) -> None:
    """Pyright finds nothing wrong with a program that uses everything."""
    project = tmp_path / "pyrightconfig.json"
    project.write_text(
        json.dumps(
            {
                "include": [str(ROOT / "tests" / "library" / "typed_api.py")],
                "typeCheckingMode": "strict",
                "extraPaths": [str(ROOT)],
            }
        )
    )
    said = pyright("--project", str(project))

    assert said["summary"]["filesAnalyzed"] == 1
    assert said["generalDiagnostics"] == []


def public_names() -> Iterator[str]:
    """Yield the names of the library's promise, and those under which its classes are defined."""
    for name in s3_xfer.__all__:
        yield f"s3_xfer.{name}"
        found = getattr(s3_xfer, name)
        for cls in found.__mro__ if inspect.isclass(found) else [found]:
            if getattr(cls, "__module__", "").startswith("s3_xfer"):
                yield f"{cls.__module__}.{cls.__qualname__}"


def test_every_public_name_has_a_known_type(tmp_path: Path) -> None:
    """With all that belongs to it, for every type checker alike (``--verifytypes``)."""
    (tmp_path / "s3_xfer").symlink_to(ROOT / "s3_xfer")
    said = pyright("--verifytypes", "s3_xfer", "--ignoreexternal", PYTHONPATH=str(tmp_path))
    names = set(public_names())
    symbols = {
        symbol["name"]: symbol["isTypeKnown"] and not symbol["isTypeAmbiguous"]
        for symbol in said["typeCompleteness"]["symbols"]
        if any(symbol["name"] == name or symbol["name"].startswith(f"{name}.") for name in names)
    }

    assert len(symbols) > len(names)
    assert [name for name, is_known in symbols.items() if not is_known] == []


def fields_without_text(cls: type) -> Iterator[str]:
    """Yield the fields of a class that an editor has nothing to say about.

    Options have their declaration, which the reference and ``--help`` are made from.
    """
    tree = ast.parse(inspect.getsource(sys.modules[cls.__module__]))
    (node,) = (each for each in ast.walk(tree) if getattr(each, "name", "") == cls.__name__)
    assert isinstance(node, ast.ClassDef)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for statement, following in pairwise([*node.body, ast.Pass()]):
        name = ast.unparse(statement.target) if isinstance(statement, ast.AnnAssign) else ""
        has_text = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
        if name in fields and not fields[name].metadata and not has_text:
            yield f"{cls.__qualname__}.{name}"


def test_every_field_of_a_public_class_says_what_it_is() -> None:
    """In a string below it, which editors show; also where the class inherits it."""
    public = (getattr(s3_xfer, name) for name in s3_xfer.__all__)
    classes = {
        base
        for cls in public
        if inspect.isclass(cls) and dataclasses.is_dataclass(cls)
        for base in cls.__mro__
        if dataclasses.is_dataclass(base)
    }
    assert len(classes) > 30
    assert [name for cls in classes for name in fields_without_text(cls)] == []
