"""The generated tables of options, as the documents' extension makes them."""

from __future__ import annotations

import importlib.util

from tests.docs.pages import ROOT

_PATH = ROOT / "docs" / "_extensions" / "option_table.py"


def option_rows(table: str) -> list[tuple[str, ...]]:
    """Return the rows of one table, as text."""
    spec = importlib.util.spec_from_file_location("option_table", _PATH)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rows: list[tuple[str, ...]] = list(module.rows(table))
    return rows
